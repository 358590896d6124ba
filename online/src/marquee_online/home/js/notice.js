// What a person is told when something is missing, and that it is back.

import { icon, make } from "./element.js";
import { RUNGS } from "./words.js";

const WELL_MS = 6000;

export class Notice {
  constructor(root, rows) {
    this.root = root;
    this.rows = rows;
    this.now = "";
  }

  // The rungs of a page; when the last one is gone, that is said too, for a while.
  rungs(degraded) {
    const key = degraded.join();
    if (key === this.now) return;
    const recovered = this.now !== "" && key === "";
    this.now = key;
    clearTimeout(this.timer);
    if (recovered) {
      this.#show("check", "Everything is back.", "This page knows your history again.", "notice notice-well");
      this.timer = setTimeout(() => this.root.replaceChildren(), WELL_MS);
    } else if (key) {
      const [what, then] = RUNGS[degraded[0]] ?? [`The service had to do without: ${key}.`, ""];
      this.#show("alert", what, then);
      this.root.firstElementChild.dataset.rung = degraded[0];
    } else {
      this.root.replaceChildren();
    }
  }

  say(what, then, button) {
    this.now = what;
    clearTimeout(this.timer);
    this.#show("alert", what, then, "notice", button);
  }

  // Nothing to show at all: the rows give way to a sentence.
  empty(title, says, button) {
    this.rows.replaceChildren(make("div", { class: "empty" }, icon("alert"), make("h2", {}, title), make("p", {}, says), button));
  }

  #show(name, what, then, className = "notice", button = null) {
    this.root.replaceChildren(make("div", { class: className }, icon(name), make("div", {}, make("b", {}, what), make("span", {}, then)), button));
  }
}
