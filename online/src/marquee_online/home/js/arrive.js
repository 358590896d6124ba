// From the 202 of an event to the first page that has counted it.

const PAUSES = [0, 12, 20, 30, 45, 70, 110, 170, 260, 400, 600]; // ms between looks, the last for ever
const DEADLINE_MS = 8000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Calls `look()` for a page until its state has counted the event; undefined: that look came too late. Gives the page and when it was asked
// for and answered (performance.now), or null when the deadline passed or the page cannot know.
export async function arrival(look, acceptedAt, eventsBefore) {
  const end = performance.now() + DEADLINE_MS;
  for (let n = 0; performance.now() < end; n += 1) {
    await pause(PAUSES[Math.min(n, PAUSES.length - 1)]);
    const asked = performance.now();
    const page = await look();
    const answered = performance.now();
    if (page === null) return null;
    if (page === undefined) continue;
    if (has(page.state, acceptedAt, eventsBefore)) return { page, asked, answered };
    if (page.degraded.length > 0) return null;
  }
  return null;
}

// Another event of the same user may be counted first: the count alone would take its page for ours.
function has(state, acceptedAt, eventsBefore) {
  return state !== null && state.events > eventsBefore && state.accepted_at >= acceptedAt;
}
