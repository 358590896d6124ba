// Elements from values. No markup is ever parsed: titles come from a catalogue that others write.

export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const PATHS = {
  play: ["M7 4.5v15l12.500-7.500z"],
  add: ["M12 5v14", "M5 12h14"],
  check: ["M5 12.500l4.500 4.500L19 7.500"],
  up: ["M7 11v9H4v-9z", "M7 11l4-8c1.700 0 2.800 1.200 2.500 3L13 10h5.500c1.400 0 2.300 1.200 2 2.500l-1.500 6c-.3 1-1 1.500-2 1.500H7"],
  down: ["M17 13V4h3v9z", "M17 13l-4 8c-1.700 0-2.800-1.200-2.500-3L11 14H5.500c-1.400 0-2.300-1.200-2-2.500l1.500-6C5.300 4.500 6 4 7 4h10"],
  why: ["M9.200 9a3 3 0 1 1 4.300 2.700c-1 .5-1.500 1.100-1.500 2.300", "M12 17.500v.01", "M12 2.500a9.500 9.500 0 1 0 0 19a9.500 9.500 0 1 0 0-19"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  tv: ["M3 5h18v12H3z", "M8 21h8"],
  phone: ["M7.500 2.500h9v19h-9z", "M11 18.500h2"],
  tablet: ["M5 3h14v18H5z", "M11 18h2"],
  web: ["M4 5h16v11H4z", "M2 20h20"],
  morning: ["M3 18h18", "M7 18a5 5 0 0 1 10 0", "M12 4v4", "M4.500 10.500l2 1.500", "M19.500 10.500l-2 1.500"],
  day: ["M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8", "M12 2v2", "M12 20v2", "M2 12h2", "M20 12h2", "M5 5l1.400 1.400", "M17.600 17.600L19 19", "M19 5l-1.400 1.400", "M6.400 17.600L5 19"],
  evening: ["M3 18h18", "M7 18a5 5 0 0 1 10 0", "M12 4v6", "M9.500 7.500L12 10l2.500-2.500"],
  night: ["M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z"],
  alert: ["M12 3.500L22 20.500H2z", "M12 10v4.500", "M12 17.500v.01"],
  back: ["M14.500 5L8 12l6.500 7"],
  on: ["M9.500 5L16 12l-6.500 7"],
  stop: ["M7 7h10v10H7z"],
};
const FULL = new Set(["play", "stop"]);

export function icon(name) {
  return draw(
    "svg",
    { viewBox: "0 0 24 24", class: FULL.has(name) ? "icon icon-full" : "icon", "aria-hidden": "true" },
    ...PATHS[name].map((d) => draw("path", { d })),
  );
}
