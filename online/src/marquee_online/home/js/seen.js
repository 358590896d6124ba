// Impressions: what was really in the viewport, told once per decision and position.

const SHARE = 0.5; // of a card that must be visible
const DWELL_MS = 300; // what only scrolls by was not seen
const BATCH_MS = 1000;

export class Seen {
  constructor(send) {
    this.send = send;
    this.visible = new Map(); // card element -> timer
    this.waiting = new Map(); // item id -> place
    this.told = new Set();
    this.observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#look(entry)), { threshold: [SHARE] });
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.flush());
  }

  // A new page: what was seen of the one before is told first, under its own decision.
  watch(page, cards) {
    this.flush();
    this.observer.disconnect();
    this.visible.forEach((timer) => clearTimeout(timer));
    this.visible.clear();
    this.told = new Set();
    this.page = page;
    this.cards = new Map(cards.map((card) => [card.element, card]));
    cards.forEach((card) => this.observer.observe(card.element));
  }

  // The first pick stands large above its row, and counts as the place that it has there.
  note(item, place) {
    this.#keep(item, place);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting.size === 0) return Promise.resolve();
    const seen = [...this.waiting.values()];
    this.waiting.clear();
    return this.send(this.page, seen);
  }

  #look(entry) {
    const card = this.cards.get(entry.target);
    if (!card || !entry.isIntersecting) {
      clearTimeout(this.visible.get(entry.target));
      this.visible.delete(entry.target);
      return;
    }
    if (this.visible.has(entry.target)) return;
    this.visible.set(entry.target, setTimeout(() => this.#keep(card.item, card.place), DWELL_MS));
  }

  #keep(item, place) {
    if (this.told.has(item.item_id)) return;
    this.told.add(item.item_id);
    const artwork = item.artwork ? { artwork_id: item.artwork.artwork_id } : {};
    this.waiting.set(item.item_id, { item_id: item.item_id, ...place, ...artwork });
    this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }
}
