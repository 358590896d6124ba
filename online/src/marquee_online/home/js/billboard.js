// The first pick, large, and the light that its poster throws on the room.

import { art } from "./art.js";
import { actions, metaOf, percent, rank } from "./card.js";
import { icon, make } from "./element.js";
import { calm } from "./flip.js";
import { titleOf, whenWhere } from "./words.js";
import { nameOf } from "./visitor.js";

export class Billboard {
  constructor(root, act) {
    this.root = root;
    this.act = act;
    this.shown = "";
  }

  show(page, user, onList) {
    const item = page.rows[0]?.items[0];
    this.root.hidden = !item;
    if (!item) return;
    this.item = item;
    this.place = { row: 0, position: 0 };
    const held = this.root.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const key = `${item.item_id} ${item.artwork?.artwork_id}`;
    const changed = key !== this.shown;
    this.shown = key;
    const image = changed ? make("div", { class: "hero-art" }, art(item, true)) : this.root.querySelector(".hero-art");
    this.root.replaceChildren(this.#words(page, user, item, onList.has(item.item_id)), image);
    this.root.removeAttribute("data-waiting");
    if (changed) this.#light(item);
    if (changed && !calm()) image.animate([{ opacity: 0, transform: "scale(.98)" }, { opacity: 1, transform: "none" }], { duration: 420, easing: "ease-out" });
    if (held) this.root.querySelector(`[data-act="${held}"]`)?.focus({ preventScroll: true });
  }

  #words(page, user, item, onList) {
    const chance = item.artwork?.probability;
    const personal = page.basis === "popular" ? "Popular" : page.basis === "request_items" ? "From your picks" : `First pick for ${nameOf(user)}`;
    const play = make("button", { class: "button button-main", type: "button", "data-act": "play", onclick: () => this.act("play", this) }, icon("play"), "Play");
    return make("div", { class: "hero-words" },
      make("p", { class: "eyebrow" }, [personal, whenWhere(page.context)].filter(Boolean).join(" · ")),
      make("h1", {}, titleOf(item.title)),
      make("p", { class: "meta" }, metaOf(item)),
      make("p", {}, rank(item)),
      make("div", { class: "hero-actions" }, play, actions(item, onList, (kind) => this.act(kind, this), { play: false })),
      chance === undefined ? null : make("p", { class: "hidden" }, `This image was drawn with a probability of ${percent(chance)}.`),
    );
  }

  #light(item) {
    const stage = this.root.closest(".stage");
    const glow = make("div", { class: "glow", "aria-hidden": "true" }, item.artwork ? outOfFocus(item.artwork.url) : null);
    const old = stage.querySelector(".glow");
    stage.prepend(glow);
    if (!old) return;
    if (calm()) return void old.remove();
    glow.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 700 });
    old.animate([{ opacity: 1 }, { opacity: 0 }], { duration: 700, fill: "forwards" }).finished.finally(() => old.remove());
  }
}

// A poster on a few pixels, stretched over the stage: as soft as a wide blur, which costs a frame each
// time that something moves above it.
function outOfFocus(url) {
  const canvas = make("canvas", { width: 24, height: 14 });
  const image = new Image();
  image.addEventListener("load", () => {
    const pen = canvas.getContext("2d");
    pen.filter = "blur(2px) saturate(1.5)";
    pen.drawImage(image, -3, -3, 30, 20);
  });
  image.src = url;
  return canvas;
}
