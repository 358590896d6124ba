// FLIP: where cards were, where they are now, and the way between drawn by the compositor.
// https://aerotwist.com/blog/flip-your-animations/

const MOVE = { duration: 620, easing: "cubic-bezier(.2, .85, .25, 1)" };
const COME = { duration: 420, easing: "ease-out", fill: "backwards" };
const LONGEST = 1200; // px; from further away a card comes in from this side instead

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function placesOf(elements) {
  return new Map(Array.from(elements, (element) => [element, element.getBoundingClientRect()]));
}

// `rowOf` tells whether a card stayed in its scroller: across scrollers a move would be cut off.
export function playMoves(before, elements, stayed) {
  if (calm()) return;
  let late = 0;
  for (const element of elements) {
    const now = element.getBoundingClientRect();
    if (now.right < -200 || now.left > innerWidth + 200 || now.bottom < -400 || now.top > innerHeight + 400) continue;
    const was = before.get(element);
    if (was && stayed(element)) {
      const dx = Math.max(-LONGEST, Math.min(LONGEST, was.left - now.left));
      if (Math.abs(dx) > 1) element.animate([{ transform: `translateX(${dx}px)` }, { transform: "none" }], MOVE);
    } else {
      const delay = Math.min(late++ * 28, 280);
      element.animate([{ opacity: 0, transform: "scale(.86)" }, { opacity: 1, transform: "none" }], { ...COME, delay });
    }
  }
}
