// The rows: cards are kept by title from page to page, so that they can move to their new places.

import { Card } from "./card.js";
import { icon, make } from "./element.js";
import { placesOf, playMoves } from "./flip.js";
import { rowNote, rowTitle } from "./words.js";

const SETTLE_MS = 250; // after so long the browser knows again what lies under the pointer

export class Rows {
  constructor(root, act) {
    this.root = root;
    this.act = act;
    this.cards = new Map();
    this.sections = new Map();
    this.places = new Map(); // item -> [row name, position]
    this.root.addEventListener("keydown", (event) => this.#walk(event));
  }

  // Shows the page; tells how many titles are new and how many moved. `anew` compares with nothing.
  show(page, onList, anew = false) {
    const focus = this.#focused();
    const before = placesOf(this.root.querySelectorAll(".card"));
    const was = anew ? new Map() : this.places;
    const names = this.#names(page.rows);
    this.places = new Map();
    const shown = page.rows.map((row, index) => this.#showRow(row, names[index], index, page, onList));
    this.root.replaceChildren(...shown.map((section) => section.element));
    this.#forgetGone();
    const told = this.#tell(was);
    shown.forEach((section) => this.#ready(section));
    playMoves(before, this.root.querySelectorAll(".card"), (card) => was.get(card.dataset.item)?.[0] === this.places.get(card.dataset.item)?.[0]);
    this.#refocus(focus);
    setTimeout(() => this.cards.forEach((card) => card.settle()), SETTLE_MS);
    return told;
  }

  // A popular page has two rows of one name: the second keeps its own section.
  #names(rows) {
    const seen = {};
    return rows.map((row) => `${row.name}-${(seen[row.name] = (seen[row.name] ?? 0) + 1)}`);
  }

  #showRow(row, name, index, page, onList) {
    const section = this.sections.get(name) ?? this.#section(name);
    const [title, of] = rowTitle(row);
    section.title.replaceChildren(title, ...(of ? [make("em", {}, of)] : []));
    section.note.textContent = rowNote(row, page);
    section.track.replaceChildren(...row.items.map((item, position) => {
      const card = this.cards.get(item.item_id) ?? new Card(item, this.act);
      this.cards.set(item.item_id, card);
      this.places.set(item.item_id, [name, position]);
      card.update(item, { row: index, position }, onList.has(item.item_id));
      return card.element;
    }));
    return section;
  }

  #section(name) {
    const title = make("h2", { id: `row-${name}` });
    const note = make("p");
    const track = make("ul", { class: "track", role: "list" });
    // Arrow keys do the same for a keyboard, so these are the mouse's alone.
    const by = (step, kind) => make("button", { class: `page-by page-by-${kind}`, type: "button", tabindex: "-1", "aria-hidden": "true",
      onclick: () => track.scrollBy({ left: step * track.clientWidth * 0.82, behavior: "smooth" }) }, icon(kind));
    const back = by(-1, "back");
    const on = by(1, "on");
    const element = make("section", { class: "row", "aria-labelledby": `row-${name}` }, make("div", { class: "row-head" }, title, note), track, back, on);
    element.dataset.row = name.replace(/-\d+$/, "");
    const section = { element, title, note, track, back, on };
    track.addEventListener("scroll", () => this.#edges(section), { passive: true });
    this.sections.set(name, section);
    return section;
  }

  #ready(section) {
    const faces = section.track.querySelectorAll(".card-face");
    faces.forEach((face, place) => face.setAttribute("tabindex", place === 0 ? "0" : "-1"));
    this.#edges(section);
  }

  #edges({ track, back, on }) {
    back.disabled = track.scrollLeft < 4;
    on.disabled = track.scrollLeft > track.scrollWidth - track.clientWidth - 4;
  }

  #forgetGone() {
    for (const id of this.cards.keys()) if (!this.places.has(id)) this.cards.delete(id);
  }

  #tell(was) {
    let fresh = 0;
    let moved = 0;
    for (const [id, [name, position]] of this.places) {
      const old = was.get(id);
      const step = was.size === 0 ? 0 : old?.[0] === name ? old[1] - position : "new";
      if (step === "new") fresh += 1;
      else if (step) moved += 1;
      this.cards.get(id).tell(step);
    }
    return { fresh, moved };
  }

  // Roving tabindex: one stop per row; arrows walk within and between rows.
  #walk(event) {
    const card = event.target.closest?.(".card");
    if (!card || event.altKey || event.ctrlKey || event.metaKey) return;
    const track = card.parentElement;
    const place = [...track.children].indexOf(card);
    const sections = [...this.root.querySelectorAll(".track")];
    const row = sections.indexOf(track);
    const to = {
      ArrowRight: () => track.children[place + 1],
      ArrowLeft: () => track.children[place - 1],
      Home: () => track.firstElementChild,
      End: () => track.lastElementChild,
      ArrowDown: () => this.#below(sections[row + 1], card),
      ArrowUp: () => this.#below(sections[row - 1], card),
    }[event.key];
    if (!to) return;
    event.preventDefault();
    const next = to();
    if (next) this.focus(next);
  }

  // The card of another row that lies where this one does, as the eye expects.
  #below(track, card) {
    if (!track) return undefined;
    const x = card.getBoundingClientRect().left;
    return [...track.children].reduce((best, one) =>
      Math.abs(one.getBoundingClientRect().left - x) < Math.abs(best.getBoundingClientRect().left - x) ? one : best);
  }

  focus(card) {
    for (const face of card.parentElement.querySelectorAll(".card-face")) face.setAttribute("tabindex", "-1");
    const face = card.querySelector(".card-face");
    face.setAttribute("tabindex", "0");
    face.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "auto" });
  }

  #focused() {
    const card = document.activeElement?.closest?.(".card");
    if (!card || !this.root.contains(card)) return null;
    return { id: card.dataset.item, act: document.activeElement.dataset.act, at: this.places.get(card.dataset.item) };
  }

  // Moving an element in the document takes its focus away; a title that left gives it to its heir.
  #refocus(focus) {
    if (!focus) return;
    const card = this.cards.get(focus.id)?.element;
    if (card) {
      this.focus(card);
      if (focus.act) card.querySelector(`[data-act="${focus.act}"]`)?.focus({ preventScroll: true });
      return;
    }
    const track = this.sections.get(focus.at[0])?.track;
    const heir = track?.isConnected && (track.children[focus.at[1]] ?? track.lastElementChild);
    if (heir) this.focus(heir);
  }
}
