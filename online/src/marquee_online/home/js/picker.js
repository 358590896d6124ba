// A new visitor picks three titles and has a page at once.

import { getTitles, newId } from "./api.js";
import { art } from "./art.js";
import { icon, make } from "./element.js";
import { titleOf } from "./words.js";

const WANTED = 3;
const OFFERED = 36;

export class Picker {
  constructor(dialog, done) {
    this.dialog = dialog;
    this.done = done;
  }

  async open() {
    this.picked = new Map();
    this.go = make("button", { class: "button button-main", type: "button", disabled: true, onclick: () => this.#finish() }, "Show my page");
    this.count = make("p", { role: "status" });
    this.bulbs = Array.from({ length: WANTED }, () => make("i"));
    const grid = make("ul", { class: "picks", role: "list", "aria-busy": "true" });
    this.dialog.replaceChildren(
      make("div", { class: "picker-head" },
        make("h2", { id: "picker-title" }, "Pick three that you like"),
        make("p", {}, "That is all the page needs. Nothing else is known of you."),
        make("button", { class: "round close", type: "button", "aria-label": "Close", onclick: () => this.dialog.close() }, icon("close"))),
      grid,
      make("div", { class: "picker-foot" }, make("span", { class: "bulbs", "aria-hidden": "true" }, this.bulbs), this.count, this.go),
    );
    this.#paint();
    this.dialog.showModal();
    try {
      const { items } = await getTitles(OFFERED);
      grid.replaceChildren(...items.map((item) => this.#pick(item)));
      grid.querySelector("button")?.focus();
    } catch (error) {
      grid.replaceChildren(make("li", {}, error.message));
    }
    grid.removeAttribute("aria-busy");
  }

  #pick(item) {
    const button = make("button", { class: "pick", type: "button", "aria-pressed": "false", "data-item": item.item_id },
      make("span", { class: "art" }, art(item)), make("span", { class: "tick" }, icon("check")),
      make("span", { class: "card-title" }, titleOf(item.title)),
      make("span", { class: "meta" }, [item.year, (item.genres ?? []).slice(0, 2).join(", ")].filter(Boolean).map((word) => make("span", {}, String(word)))));
    button.addEventListener("click", () => {
      if (this.picked.has(item.item_id)) this.picked.delete(item.item_id);
      else if (this.picked.size < WANTED) this.picked.set(item.item_id, item);
      button.setAttribute("aria-pressed", String(this.picked.has(item.item_id)));
      this.#paint();
    });
    return make("li", {}, button);
  }

  #paint() {
    const left = WANTED - this.picked.size;
    this.bulbs.forEach((bulb, n) => bulb.toggleAttribute("data-on", n < this.picked.size));
    this.go.disabled = left > 0;
    this.count.textContent = left > 0 ? `${left} more` : "That will do";
  }

  #finish() {
    this.dialog.close();
    this.done(newId("guest-"), [...this.picked.values()]);
  }
}
