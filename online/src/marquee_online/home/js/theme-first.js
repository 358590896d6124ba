// Runs before the first paint; the rest of the theme is in theme.js.
try {
  const chosen = localStorage.getItem("marquee.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be closed to the page; then the system's theme holds.
}
