// The why-this drawer: the logged decision of a title, in words, bars and facts.

import { getDecision } from "./api.js";
import { art } from "./art.js";
import { actions, metaOf, percent, rank } from "./card.js";
import { icon, make } from "./element.js";
import { rowTitle, sourceWords, titleOf, whenWhere } from "./words.js";

const MOST_PAGES = 100;
const PARTS = [
  ["ials", "Taste", "part-ials"],
  ["item_item", "Nearby titles", "part-item"],
  ["context", "Here and now", "part-context"],
];

export class Drawer {
  constructor(dialog, act) {
    this.dialog = dialog;
    this.act = act;
    this.pages = new Map(); // of this visitor: decision id -> page, whose credit opens its decision
    // A press on the backdrop lands on the dialog itself.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  // Pages are remembered, for an image that stays names the decision that drew it.
  remember(page) {
    this.pages.set(page.decision_id, page);
    if (this.pages.size > MOST_PAGES) this.pages.delete(this.pages.keys().next().value);
  }

  // The choice that drew the image which this one kept, if its decision can still be asked for.
  async #first(choice, item) {
    const page = this.pages.get(choice.repeat_of);
    const decision = page && (await getDecision(page).catch(() => null));
    return decision?.rows.flatMap((row) => row.items).find((one) => one.item_id === item.item_id);
  }

  async open(page, shown, onList) {
    const { item, place } = shown;
    const row = page.rows[place.row];
    const body = make("div", { class: "why-all" }, make("p", { class: "why", role: "status" }, "Asking for the decision …"));
    const done = (kind) => {
      this.dialog.close();
      this.act(kind, { item, place, page });
    };
    this.dialog.replaceChildren(
      make("div", { class: "drawer-art" }, art(item, true),
        make("button", { class: "round close", type: "button", "aria-label": "Close", autofocus: true, onclick: () => this.dialog.close() }, icon("close"))),
      make("div", { class: "drawer-body" },
        make("h2", { id: "drawer-title" }, titleOf(item.title)),
        make("p", { class: "meta" }, metaOf(item)),
        make("div", { class: "actions" }, actions(item, onList.has(item.item_id), done, { why: false })),
        body),
    );
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    try {
      const decision = await getDecision(page);
      const choice = decision.rows[place.row].items[place.position];
      body.replaceChildren(whyTitle(decision, row, item, place, choice), whyContext(decision, place, choice), whyImage(item, choice, choice.repeat_of && (await this.#first(choice, item))), facts(page, decision, item, choice));
    } catch (error) {
      body.replaceChildren(make("div", { class: "why" }, make("h3", {}, "The decision is not to be had"), make("p", {}, error.message)), facts(page, {}, item, {}));
    }
  }
}

function section(title, ...children) {
  return make("section", { class: "why" }, make("h3", {}, title), ...children);
}

function whyTitle(decision, row, item, place, choice) {
  const words = make("p", {}, "Place ", make("strong", {}, String(place.position + 1)), ` of “${rowTitle(row).join("")}”: `, make("strong", {}, sourceWords(item.source)), ".");
  const known = rank(item);
  const parts = PARTS.filter(([name]) => name in (choice.parts ?? {}));
  if (parts.length === 0) {
    const counted = item.source.startsWith("popular") ? `The score, ${item.score.toFixed(1)}, counts what was watched, newer plays for more.` : "";
    return section("Why this title", words, known, counted ? make("p", {}, counted) : null);
  }
  const all = decision.rows[place.row].items.flatMap((one) => Object.values(one.parts));
  const low = Math.min(0, ...all);
  const high = Math.max(...all, 0.01);
  const bars = parts.map(([name, says, className]) => partBar(says, choice.parts[name], low, high, className));
  const sum = make("div", { class: "part part-sum" }, make("span", {}, "Score"), make("span"), make("b", {}, item.score.toFixed(2)));
  return section("Why this title", words, known, make("div", { class: "parts" }, bars, sum),
    make("p", { class: "hidden" }, "The score is the sum of these parts."));
}

function partBar(says, value, low, high, className) {
  const at = (x) => ((x - low) / (high - low)) * 100;
  const bar = make("i", { style: { left: `${at(Math.min(0, value))}%`, width: `${Math.abs(at(value) - at(0))}%` } });
  return make("div", { class: `part ${className}` }, make("span", {}, says),
    make("span", { class: "part-bar", "aria-hidden": "true", style: { "--zero": `${at(0)}%` } }, bar),
    make("b", {}, signed(value)));
}

// Without its context every score of the row loses one known part: where would the title stand then?
function whyContext(decision, place, choice) {
  const where = whenWhere(decision.context) || "an unknown place and time";
  const effect = choice.parts?.context;
  const title = "What the context did";
  if (effect === undefined) {
    const segment = choice.source.startsWith("popular:") && choice.source.includes("=");
    return section(title, make("p", {}, segment ? `This row counts what is watched ${sourceWords(choice.source).replace("popular ", "")}.` : `Nothing: this row is the same everywhere. You watch ${where}.`));
  }
  const items = decision.rows[place.row].items;
  const bare = items.filter((one) => one.score - (one.parts.context ?? 0) > choice.score - effect).length;
  const moved = bare - place.position;
  const says = moved === 0 ? "It stands where it would stand anyway" : `Without it, it would be ${Math.abs(moved)} ${Math.abs(moved) === 1 ? "place" : "places"} ${moved > 0 ? "lower" : "higher"}`;
  return section(title, make("p", {}, "You watch ", make("strong", {}, where), ": ", make("strong", {}, signed(effect)), " on the score. ", says, ", among the titles of this row."));
}

function whyImage(item, shown, first) {
  const title = "Why this image";
  if (!item.artwork) return section(title, make("p", {}, "This title has no image."));
  const choice = first ?? shown;
  if (choice.repeat_of) return section(title, make("p", {}, "You have seen it with this image in this session, so it stays: ", make("code", {}, choice.artwork_id ?? item.artwork.artwork_id), "."));
  const drawn = (choice.candidates ?? []).map((id, n) => [id, choice.distribution[n]]).sort((a, b) => b[1] - a[1]);
  const chosen = drawn.find(([id]) => id === choice.artwork_id)?.[1] ?? 0;
  return section(title,
    first ? make("p", {}, "You have seen it with this image in this session, so it stays. This is how it was drawn.") : null,
    make("p", {}, "Drawn by chance from ", make("strong", {}, String(drawn.length)), " images, this one with ", make("strong", {}, percent(chosen)),
      ". The chances lean to images that people of your taste played and liked; they are logged, so that other ways to choose can be judged later."),
    make("ul", { class: "gallery", role: "list" }, drawn.map(([id, share]) => candidate(item, id, share, id === choice.artwork_id))));
}

function candidate(item, id, share, chosen) {
  // Only drawn images have an address that follows from their id.
  const url = item.artwork.url.startsWith("/v1/artworks/") ? `/v1/artworks/${encodeURIComponent(id)}.svg` : id === item.artwork.artwork_id ? item.artwork.url : null;
  const picture = url ? make("img", { src: url, alt: "", loading: "lazy", width: 640, height: 360 }) : make("span", { class: "candidate-none" });
  const name = id.startsWith(`${item.item_id}.`) ? id.slice(item.item_id.length + 1) : id;
  return make("li", { class: "candidate", "data-chosen": chosen, "data-artwork": id }, picture,
    make("span", {}, make("div", {}, make("b", {}, chosen ? `${name} — shown` : name), make("span", {}, percent(share))),
      make("span", { class: "bar-of", "aria-hidden": "true" }, make("i", { style: { width: `${share * 100}%` } }))));
}

function facts(page, decision, item, choice) {
  const arms = Object.entries(decision.arms ?? {}).map(([name, arm]) => `${name}: ${arm}`).join(", ");
  const pairs = [
    ["Model", page.model_id],
    ["Page built on", { history: "the history", request_items: "the picked titles", popular: "what is popular" }[page.basis]],
    ["Done without", page.degraded.join(", ") || "nothing"],
    ["Page policy", decision.policies?.page],
    ["Image policy", decision.policies?.artwork && `${decision.policies.artwork}, for ${decision.policies.artwork_reward}`],
    ["Experiments", arms || "none"],
    ["Seed", decision.seed],
    ["Image", choice.artwork_id ?? item.artwork?.artwork_id],
    ["Title", item.item_id],
    ["Decision", page.decision_id],
  ];
  const known = pairs.filter(([, value]) => value !== undefined && value !== null);
  return section("For the record", make("dl", { class: "facts" }, known.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, make("code", {}, String(value)))])));
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
