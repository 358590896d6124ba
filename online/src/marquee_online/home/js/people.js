// Who is watching: the people of the demo, guests of this browser, a new visitor, anybody by id.

import { icon, make } from "./element.js";
import { count } from "./words.js";
import { nameOf, paintFace, PEOPLE } from "./visitor.js";

const ID = /^[A-Za-z0-9_.:-]{1,128}$/; // as the API has it

export class People {
  constructor(root, visitor, { choose, pick }) {
    Object.assign(this, { root, visitor, choose, pick });
    root.addEventListener("beforetoggle", (event) => event.newState === "open" && this.#fill());
    this.paint();
  }

  paint() {
    document.getElementById("who-name").textContent = nameOf(this.visitor.user);
    document.getElementById("who").setAttribute("aria-label", `Watching: ${nameOf(this.visitor.user)}. Change`);
    paintFace(document.getElementById("who-face"), this.visitor.user);
  }

  #fill() {
    const guests = this.visitor.guests().map(({ id, picks }) => ({ id, says: `${count(picks.length, "title")} picked in this browser` }));
    const fresh = make("li", {}, make("button", { class: "fresh", type: "button", onclick: () => this.#leave(this.pick) },
      make("span", { class: "face" }, icon("add")), make("span", {}, make("b", {}, "A new visitor"), make("small", {}, "pick three titles, have a page"))));
    this.root.replaceChildren(
      make("h2", {}, "Who is watching?"),
      make("ul", { role: "list" }, [...PEOPLE, ...guests].map((one) => this.#person(one)), fresh),
      this.#anybody(),
    );
  }

  #person({ id, says }) {
    const face = make("span", { class: "face", "aria-hidden": "true" });
    paintFace(face, id);
    return make("li", {}, make("button", { type: "button", "data-user": id, "aria-current": id === this.visitor.user ? "true" : null, onclick: () => this.#leave(() => this.choose(id)) },
      face, make("span", {}, make("b", {}, nameOf(id)), make("small", {}, says))));
  }

  #anybody() {
    const input = make("input", { name: "user", "aria-label": "Another user id", placeholder: "another user id", autocomplete: "off", spellcheck: "false", maxlength: "128" });
    const form = make("form", {}, input, make("button", { class: "button", type: "submit" }, "Watch"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const id = input.value.trim();
      input.setCustomValidity(ID.test(id) ? "" : "Letters, digits and . _ : -");
      if (form.reportValidity()) this.#leave(() => this.choose(id));
    });
    input.addEventListener("input", () => input.setCustomValidity(""));
    return form;
  }

  #leave(then) {
    this.root.hidePopover();
    then();
  }
}
