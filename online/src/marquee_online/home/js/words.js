// What the API's short words are called on the page.

const ARTICLE = /^(.*), (The|A|An|Le|La|Les|L'|Der|Die|Das|El|Il)$/;

// Catalogues file "The Matrix" under M; people do not. A second title in brackets is left out.
export function titleOf(title) {
  const first = title.replace(/ \((?:a\.k\.a\.|[A-Z]).*\)$/u, "").trim() || title;
  const found = ARTICLE.exec(first);
  if (!found) return first;
  return found[2].endsWith("'") ? found[2] + found[1] : `${found[2]} ${found[1]}`;
}

export const DEVICES = { tv: "TV", phone: "Phone", tablet: "Tablet", web: "Computer" };
export const DAYPARTS = { morning: "Morning", day: "Day", evening: "Evening", night: "Night" };
const ON = { tv: "on TV", phone: "on a phone", tablet: "on a tablet", web: "on a computer" };
const IN = { morning: "in the morning", day: "by day", evening: "in the evening", night: "at night" };
const PARTS_OF_DAY = { morning: "morning", day: "daytime", evening: "evening", night: "night" };
const WEEKDAYS = {
  mon: "Monday", tue: "Tuesday", wed: "Wednesday", thu: "Thursday", fri: "Friday", sat: "Saturday", sun: "Sunday",
};

export function whenWhere(context) {
  const when = [WEEKDAYS[context.weekday], PARTS_OF_DAY[context.daypart]].filter(Boolean).join(" ");
  return [when, ON[context.device]].filter(Boolean).join(", ");
}

export function rowTitle(row) {
  if (row.name === "because_you_watched") return ["Because you watched ", titleOf(row.title.replace(/^Because you watched /, ""))];
  if (row.name === "popular") {
    const where = row.title.replace(/^Popular:? ?/, "");
    return [`Popular ${ON[where] ?? IN[where] ?? "with everybody"}`, ""];
  }
  return [row.title, ""];
}

export function rowNote(row, page) {
  if (row.name === "top_picks") return page.basis === "request_items" ? "from what you picked" : "the model's best for you, here and now";
  if (row.name === "because_you_watched") return "the same people like these";
  return "what everybody watches";
}

// The share of the catalogue that ranks below an item, as a place among the best: rounded up, with a
// digit below 1 where a whole row would say the same, and never "top 0 %".
export function topShare(percentile) {
  const share = 100 - percentile;
  return share < 1 ? Math.max(0.1, Math.ceil(share * 10 - 1e-6) / 10) : Math.ceil(share);
}

export const DID = {
  play: "Play", complete: "Watched to the end", stop: "Stopped early", thumbs_up: "Thumbs up",
  thumbs_down: "Thumbs down", list_add: "On the list", list_remove: "Off the list", click: "Looked at", rating: "Rated",
};

export const DONE = {
  play: "played", complete: "watched", stop: "stopped early", thumbs_up: "liked", thumbs_down: "not liked",
  list_add: "on the list", list_remove: "off the list", rating: "rated",
};

const SOURCES = {
  "ials+item-item": "your taste, and titles near those that you liked",
  similar: "close to a title that you liked",
};

export function sourceWords(source) {
  if (source.startsWith("popular:")) {
    const where = source.split("=")[1];
    return `popular ${ON[where] ?? IN[where] ?? "with everybody"}`;
  }
  return SOURCES[source] ?? source;
}

export const RUNGS = {
  state_unavailable: ["Redis does not answer: these are popular titles.", "Your history is safe on the log and comes back by itself."],
  state_from_memory: ["Redis does not answer: this page is from what the service last knew of you.", "What you do now is safe on the log and counts when Redis is back."],
  state_unreadable: ["Your history could not be read: these are popular titles.", "It is safe on the log; a rebuild brings it back."],
};

export function ago(at, now = Date.now()) {
  const minutes = (now - at) / 60000;
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${Math.floor(minutes)} min ago`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ago`;
  const long = minutes > 1440 * 365;
  return new Date(at).toLocaleDateString(undefined, long ? { year: "numeric" } : { day: "numeric", month: "short" });
}

export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}
