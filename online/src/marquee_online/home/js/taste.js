// The taste as a plot: outside the dashed ring a genre is liked, inside it is not; the shape moves.

import { draw, make } from "./element.js";
import { calm } from "./flip.js";
import { ago, DONE, titleOf } from "./words.js";

const AXES = 9; // strongest genres, in the order of the alphabet so that they keep their places
const LATELY = 3;
const R = 74;
const ZERO = 0.34; // share of R at which a weight of 0 lies
const MOVE_MS = 700;

export class Taste {
  constructor(plot, lately) {
    this.plot = plot;
    this.lately = lately;
    this.weights = new Map();
    this.of = null;
  }

  // `away`: nobody can say now, for the part that knows does not answer.
  show(user, away = false) {
    const taste = user?.taste ?? [];
    this.lately.replaceChildren(...this.#lately(user));
    if (taste.length < 3) {
      this.weights = new Map();
      this.plot.replaceChildren(make("p", { class: "none" }, away ? "Not known while Redis does not answer." : "Not known yet. Play or like some titles, and a shape appears here."));
      return;
    }
    const axes = taste.slice(0, AXES).map(({ tag }) => tag).sort();
    const to = new Map(taste.map(({ tag, weight }) => [tag, weight]));
    const from = this.weights;
    this.weights = to;
    this.#frame(axes, to);
    this.#move(axes, from, to);
  }

  #frame(axes, to) {
    const point = (n, share) => pointAt(n, axes.length, share);
    const ring = (share, name) => draw("circle", { cx: 0, cy: 0, r: R * share, class: name });
    this.shape = draw("polygon", { class: "shape" });
    this.dots = axes.map(() => draw("circle", { r: 3, class: "dot" }));
    const labels = axes.map((tag, n) => {
      const [x, y] = point(n, 1.16);
      const anchor = Math.abs(x) < 12 ? "middle" : x > 0 ? "start" : "end";
      const label = draw("text", { x, y: y + 4, "text-anchor": anchor, class: to.get(tag) > 0 ? "axis axis-liked" : "axis" });
      label.textContent = tag;
      return label;
    });
    const spokes = axes.map((_, n) => {
      const [x, y] = point(n, 1);
      return draw("line", { x1: 0, y1: 0, x2: x, y2: y, class: "spoke" });
    });
    const said = [...to].slice(0, AXES).map(([tag, weight]) => `${tag} ${weight.toFixed(2)}`).join(", ");
    const svg = draw("svg", { viewBox: "-152 -104 304 208", class: "radar", role: "img", "aria-label": `Taste by genre, from minus one to one: ${said}` },
      ring(1, "ring"), ring((1 + ZERO) / 2, "ring"), ring(ZERO, "ring ring-zero"), ...spokes, this.shape, ...this.dots, ...labels);
    this.plot.replaceChildren(svg);
  }

  #move(axes, from, to) {
    const scale = Math.max(...axes.map((tag) => Math.abs(to.get(tag) ?? 0)), 0.01);
    const share = (weight) => Math.max(0.04, weight >= 0 ? ZERO + (1 - ZERO) * (weight / scale) : ZERO * (1 + weight / scale));
    const paint = (t) => {
      const points = axes.map((tag, n) => {
        const old = from.get(tag) ?? 0;
        return pointAt(n, axes.length, Math.min(1.1, share(old + ((to.get(tag) ?? 0) - old) * t)));
      });
      this.shape.setAttribute("points", points.map((p) => p.join(",")).join(" "));
      points.forEach(([x, y], n) => {
        this.dots[n].setAttribute("cx", x);
        this.dots[n].setAttribute("cy", y);
      });
    };
    cancelAnimationFrame(this.moving);
    if (calm()) return paint(1);
    const start = performance.now();
    const step = (now) => {
      const t = Math.min(1, Math.max(0, (now - start) / MOVE_MS));
      paint(1 - (1 - t) ** 3);
      if (t < 1) this.moving = requestAnimationFrame(step);
    };
    paint(0);
    this.moving = requestAnimationFrame(step);
    return undefined;
  }

  #lately(user) {
    const done = (user?.interactions ?? []).slice(0, LATELY);
    if (done.length === 0) return [];
    return [make("h3", { class: "hidden" }, "Lately"), make("ul", { class: "lately", role: "list" }, done.map((one) =>
      make("li", {}, make("b", {}, titleOf(one.title)), make("span", {}, `${DONE[one.kind] ?? one.kind}, ${ago(one.at)}`))))];
  }
}

function pointAt(n, of, share) {
  const angle = (2 * Math.PI * n) / of - Math.PI / 2;
  return [round(Math.cos(angle) * R * share), round(Math.sin(angle) * R * share)];
}

const round = (value) => Math.round(value * 10) / 10;
