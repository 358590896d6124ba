// Dark or light: the system's, until the visitor says otherwise.

import { icon } from "./element.js";

const KEY = "marquee.theme";
const root = document.documentElement;

const theme = () => root.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");

export function addTheme(button) {
  const paint = () => {
    const other = theme() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Use the ${other} theme`);
    button.title = `Use the ${other} theme`;
    button.replaceChildren(icon(other === "light" ? "day" : "night"));
  };
  button.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // Then it lasts until the page is loaded again.
    }
    paint();
  });
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", paint);
  paint();
}
