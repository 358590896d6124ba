// A title's image, or its name where it has none.

import { make } from "./element.js";
import { titleOf } from "./words.js";

export function art(item, eager = false) {
  if (!item.artwork) return make("span", { class: "art-none" }, titleOf(item.title));
  const image = make("img", { alt: "", width: 640, height: 360, decoding: "async", loading: eager ? "eager" : "lazy", src: item.artwork.url });
  image.addEventListener("error", () => image.replaceWith(make("span", { class: "art-none" }, titleOf(item.title))), { once: true });
  return image;
}

// An image that changes in sight is decoded before it is shown: no flash of nothing. One that was never
// in sight goes on waiting until it is.
export async function swapArt(frame, item) {
  const old = frame.querySelector("img, .art-none");
  const url = item.artwork?.url ?? null;
  if (old.getAttribute("src") === url) return;
  if (old.src && url && !old.naturalWidth) {
    old.src = url;
    return;
  }
  const fresh = art(item, true);
  if (fresh.decode) await fresh.decode().catch(() => undefined);
  if (old.isConnected) old.replaceWith(fresh);
}
