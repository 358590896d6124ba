// The public API, and its refusals as errors with a sentence.

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The service answered ${status}.`);
    this.status = status;
  }
}

export class Unreachable extends Error {}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("The service does not answer.");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value));

export const getHome = (values, signal) => ask(`/v1/home?${query(values)}`, { signal });
export const getUser = (user) => ask(`/v1/users/${encodeURIComponent(user)}`);
export const getTitles = (k) => ask(`/v1/items?${query({ k })}`);
export const getReady = () => ask("/readyz");

// The page's own token opens its decision: whoever holds the page may ask why.
export const getDecision = (page) =>
  ask(`/v1/decisions/${encodeURIComponent(page.decision_id)}`, { headers: { "X-Marquee-Credit": page.credit } });

// `keepalive` lets the last impressions leave with a tab that is closing.
export const postEvent = (event) =>
  ask("/v1/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(event),
    keepalive: event.type === "impressions",
  });

// crypto.randomUUID exists on https and localhost alone; a demo may be looked at over plain http.
export function newId(prefix = "") {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
