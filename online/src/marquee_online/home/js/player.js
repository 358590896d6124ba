// What stands for watching: no film is shipped, so how far one watched is said by a button.

import { art } from "./art.js";
import { icon, make } from "./element.js";
import { titleOf } from "./words.js";

const RUNTIME_S = 5400; // a title's length is not in the catalogue: an hour and a half for each
const SOON_S = 300; // "stopped early" is after five minutes

export class Player {
  constructor(root, act) {
    this.root = root;
    this.act = act;
  }

  // Remembers the page and place that it was played from: that is where credit is due.
  play(shown) {
    const end = (kind, more) => () => {
      this.hide();
      this.act(kind, shown, more);
    };
    this.root.hidden = false;
    this.root.replaceChildren(
      art(shown.item, true),
      make("p", {}, make("b", {}, titleOf(shown.item.title)), make("span", {}, "is playing. No film is shipped: say how it went.")),
      make("button", { class: "button button-main", type: "button", "data-act": "complete", onclick: end("complete") }, icon("check"), "Watched it all"),
      make("button", { class: "button", type: "button", "data-act": "stop", onclick: end("stop", { watched_s: SOON_S, runtime_s: RUNTIME_S }) }, icon("stop"), "Stop early"),
    );
  }

  hide() {
    this.root.hidden = true;
    this.root.replaceChildren();
  }
}
