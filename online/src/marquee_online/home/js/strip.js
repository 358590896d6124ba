// The live strip: the way of the last event, in milliseconds, each named with its clock.

import { icon, make } from "./element.js";
import { DID, titleOf } from "./words.js";

const HOPS = ["accept", "Kafka", "nearline", "Redis", "page"];
const CLOCKS = [
  ["accept", "From your press to the 202. Measured by this browser; the broker's acknowledgement is in it."],
  ["Kafka", "From the service's check to nearline's taking it: accepted_at to consumed_at, on the clocks of those two processes. It overlaps the first hop: the log is read while the answer is still on its way back."],
  ["nearline", "consumed_at to folded_at, on nearline's own clock."],
  ["Redis", "From folded_at, nearline's clock, to the moment when this browser asked for the first page that had it, its clock: writing, and waiting for the browser's next look. Where the two clocks differ, so does this figure."],
  ["page", "Asking for that page, ranking, answering, placing it in the document and painting it. Measured by this browser."],
];

// What each hop took. `folded_at` is absent from a state that something else has folded since.
export function hopsOf({ pressed, acceptedIn, acceptedAt, arrived, placed, shown, origin = performance.timeOrigin }) {
  const state = arrived.page.state;
  const whole = state.accepted_at === acceptedAt;
  return {
    ms: [
      acceptedIn - pressed,
      state.consumed_at - state.accepted_at,
      state.folded_at - state.consumed_at,
      Math.max(0, origin + arrived.asked - state.folded_at),
      shown - arrived.asked,
    ],
    total: shown - pressed,
    page: { answered: arrived.answered - arrived.asked, placed: placed - arrived.asked, painted: shown - arrived.asked },
    whole,
  };
}

export class Strip {
  constructor(root) {
    this.what = make("b", {}, "Press play on a title");
    this.note = make("span", {}, "and watch its way to the next page");
    this.hops = HOPS.map((name) => {
      const label = make("b");
      return { name, label, element: make("li", { class: "hop" }, make("span", { class: "wire" }, label), make("span", { class: "node" }, make("i"), name)) };
    });
    this.sum = make("b", {}, "");
    const clocks = make("div", { class: "clocks", id: "clocks", popover: "auto" },
      make("h2", {}, "What is measured, and by which clock"),
      (this.last = make("p")),
      make("dl", {}, CLOCKS.flatMap(([name, says]) => [make("dt", {}, name), make("dd", {}, says)])),
    );
    const ask = make("button", { class: "round", type: "button", popovertarget: "clocks", "aria-label": "What is measured, and by which clock" }, icon("why"));
    root.append(
      make("div", { class: "strip-what" }, this.what, this.note),
      make("ol", { class: "hops", role: "list" }, this.hops.map((hop) => hop.element)),
      make("div", { class: "strip-sum" }, this.sum, ask),
      clocks,
    );
    this.#light(-1);
  }

  sent(kind, item) {
    this.what.textContent = `${DID[kind]}: ${titleOf(item.title)}`;
    this.note.textContent = "on its way";
    this.sum.replaceChildren();
    this.hops.forEach((hop) => hop.label.replaceChildren());
    this.#light(0);
  }

  // What the 202 says: the event is on the log. How far it has come since, only the next page tells.
  accepted(took, answer) {
    this.#say(0, took);
    this.note.textContent = `on the log: partition ${answer.partition}, offset ${answer.offset}`;
    this.#light(1);
  }

  arrived(hops, changed) {
    hops.ms.forEach((value, n) => this.#say(n, value));
    this.sum.replaceChildren(`${Math.round(hops.total)} ms`, make("small", {}, "from your press to the new page"));
    const { answered, placed, painted } = hops.page;
    this.last.textContent = `Of the last page: answered after ${ms(answered)}, in the document after ${ms(placed)}, painted after ${ms(painted)}.`;
    this.note.textContent = hops.whole ? changed : `${changed}; a later event is in these hops`;
    this.#light(HOPS.length);
  }

  late() {
    this.note.textContent = "safe on the log; the page does not have it yet";
    this.#light(1);
  }

  refused(why) {
    this.note.textContent = why;
    this.hops.forEach((hop) => hop.label.replaceChildren());
    this.#light(-1);
  }

  #say(n, value) {
    this.hops[n].label.textContent = ms(value);
    this.hops[n].element.dataset.ms = value.toFixed(1);
  }

  #light(until) {
    this.hops.forEach((hop, n) => {
      hop.element.toggleAttribute("data-lit", n < until);
      hop.element.toggleAttribute("data-next", n === until);
    });
  }
}

const ms = (value) => (value < 1 ? "<1 ms" : `${Math.round(value)} ms`);
