// A card: the poster and its words, and the panel that opens below it.

import { art, swapArt } from "./art.js";
import { icon, make } from "./element.js";
import { sourceWords, titleOf, topShare } from "./words.js";

const HOVER_MS = 220; // a pointer that only passes opens nothing
const TOLD_MS = 7000; // so long a card says how it moved

export function rank(item) {
  if (item.percentile === undefined) return null;
  return make("span", { class: "rank" }, `top ${topShare(item.percentile)} % for you`);
}

export function metaOf(item) {
  const year = item.year ? [make("span", {}, String(item.year))] : [];
  return [...year, ...(item.genres ?? []).slice(0, 3).map((genre) => make("span", {}, genre))];
}

// The buttons that every title has: on its card, in the billboard and in the drawer.
export function actions(item, onList, act, { why = true, play = true } = {}) {
  const title = titleOf(item.title);
  const round = (kind, name, label, extra = {}) =>
    make("button", { class: `round ${extra.class ?? ""}`, type: "button", "data-act": kind, "aria-label": `${label}: ${title}`, title: label,
      "data-on": extra.on, onclick: () => act(kind) }, icon(name));
  return [
    play && round("play", "play", "Play", { class: "go" }),
    round(onList ? "list_remove" : "list_add", onList ? "check" : "add", onList ? "Take off my list" : "Put on my list", { on: onList }),
    round("thumbs_up", "up", "I like it"),
    round("thumbs_down", "down", "Not for me"),
    why && round("why", "why", "Why this title"),
  ];
}

export class Card {
  constructor(item, act) {
    this.item = item;
    this.act = act;
    this.frame = make("span", { class: "art" }, art(item));
    this.moved = make("span", { class: "moved", "aria-hidden": "true" });
    this.title = make("span", { class: "card-title" });
    this.meta = make("span", { class: "meta" });
    this.face = make("button", { class: "card-face", type: "button", tabindex: "-1", onclick: () => this.act("click", this) },
      this.frame, make("span", { class: "card-words" }, this.title, this.meta));
    this.panel = make("div", { class: "panel" });
    this.element = make("li", { class: "card" }, this.face, this.panel);
    this.frame.append(this.moved);
    this.element.dataset.item = item.item_id;
    this.#opensOnHoverAndFocus();
  }

  update(item, place, onList) {
    if (this.place !== undefined || this.item !== item) swapArt(this.frame, item);
    this.item = item;
    this.place = place;
    this.title.textContent = titleOf(item.title);
    this.meta.replaceChildren(...metaOf(item));
    const known = rank(item);
    this.face.setAttribute("aria-label", [titleOf(item.title), item.year || "", (item.genres ?? []).join(", "), known?.textContent ?? ""].filter(Boolean).join(", "));
    this.frame.querySelector(".onlist")?.remove();
    if (onList) this.frame.append(make("span", { class: "onlist", "aria-hidden": "true" }, icon("check")));
    this.element.dataset.artwork = item.artwork?.artwork_id ?? "";
    this.element.dataset.probability = item.artwork?.probability ?? "";
    this.onList = onList;
    if (this.open) this.#fill();
  }

  // How the card came to its place, said for some seconds: +3 places, or new to the row.
  tell(step) {
    clearTimeout(this.telling);
    if (!step) return this.moved.removeAttribute("data-on");
    const kind = step === "new" ? "new" : step > 0 ? "up" : "down";
    this.moved.className = `moved moved-${kind}`;
    this.moved.textContent = kind === "new" ? "New" : `${step > 0 ? "▲" : "▼"} ${Math.abs(step)}`;
    this.moved.setAttribute("data-on", "");
    this.telling = setTimeout(() => this.moved.removeAttribute("data-on"), TOLD_MS);
    return undefined;
  }

  get open() {
    return this.element.classList.contains("card-open");
  }

  // A card that was moved away from under the pointer is told of no leaving.
  settle() {
    if (this.open && !this.element.matches(":hover, :focus-within")) this.element.classList.remove("card-open");
  }

  // Filled when it opens: sixty closed panels need no three hundred buttons.
  #fill() {
    const item = this.item;
    const chance = item.artwork?.probability;
    const focused = document.activeElement?.dataset?.act;
    const held = this.panel.contains(document.activeElement);
    this.panel.replaceChildren(
      make("div", { class: "actions" }, actions(item, this.onList, (kind) => this.act(kind, this))),
      make("p", { class: "card-title" }, titleOf(item.title)),
      make("p", { class: "meta" }, metaOf(item)),
      ...[rank(item)].filter(Boolean),
      make("p", { class: "source" }, [sourceWords(item.source), item.artwork && imageWords(chance)].filter(Boolean).join(" · ")),
    );
    if (held) this.panel.querySelector(`[data-act="${focused}"]`)?.focus();
  }

  #opensOnHoverAndFocus() {
    let waiting;
    const open = () => {
      if (this.open) return;
      this.element.classList.add("card-open");
      this.#fill();
    };
    const close = () => {
      clearTimeout(waiting);
      if (this.element.matches(":focus-within") && this.element.querySelector(":focus-visible")) return;
      this.element.classList.remove("card-open");
    };
    this.element.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") waiting = setTimeout(open, HOVER_MS);
    });
    this.element.addEventListener("pointerleave", close);
    this.element.addEventListener("focusin", () => {
      if (this.element.querySelector(":focus-visible")) open();
    });
    this.element.addEventListener("focusout", () => setTimeout(() => this.element.matches(":hover, :focus-within") || close()));
  }
}

// A page that draws no image anew for a title keeps the one that was seen in this session.
const imageWords = (chance) => (chance === undefined ? "image as you saw it before" : `image drawn with ${percent(chance)}`);

export function percent(share) {
  if (share > 0 && share < 0.001) return "under 0.1 %";
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
