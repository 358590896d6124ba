// Who looks, where and when: kept in the address, so that a page can be shared and loaded again.

import { newId } from "./api.js";
import { DAYPARTS, DEVICES } from "./words.js";

// People of the shipped data and simulated visitors; anybody else is typed in.
export const PEOPLE = [
  { id: "ml-1", says: "action, comedy and adventure" },
  { id: "ml-610", says: "horror, drama and thrillers" },
  { id: "ml-500", says: "comedy, and little else" },
  { id: "ml-132", says: "drama and romance" },
  { id: "sim-8-20", says: "simulated: action and adventure" },
  { id: "sim-8-38", says: "simulated: cartoons and fantasy" },
];

const HOURS = { morning: "08:00", day: "14:00", evening: "20:00", night: "23:00" };
const KEY = "marquee.guests";
const MOST_GUESTS = 4;

const stored = (key, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
};
const store = (key, value) => {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Without storage a guest lasts as long as the address is kept.
  }
};

function sessionOf(user) {
  const key = `marquee.session.${user}`;
  try {
    const session = sessionStorage.getItem(key) ?? newId("s-");
    sessionStorage.setItem(key, session);
    return session;
  } catch {
    return newId("s-");
  }
}

function daypartNow(hour = new Date().getHours()) {
  if (hour >= 5 && hour < 11) return "morning";
  if (hour >= 11 && hour < 17) return "day";
  return hour >= 17 && hour < 22 ? "evening" : "night";
}

function deviceHere() {
  if (matchMedia("(max-width: 700px)").matches) return "phone";
  return matchMedia("(max-width: 1120px) and (hover: none)").matches ? "tablet" : "web";
}

export class Visitor {
  constructor(address = new URL(location.href)) {
    const asked = address.searchParams;
    const device = asked.get("device");
    const daypart = asked.get("time");
    this.device = device in DEVICES ? device : deviceHere();
    this.daypart = daypart in DAYPARTS ? daypart : daypartNow();
    this.become(asked.get("user") || PEOPLE[0].id);
  }

  // A session is one person in one tab, also when the page is loaded again: what was seen in it keeps
  // its image.
  become(user, picks = null) {
    this.user = user;
    if (picks) {
      store(KEY, [{ id: user, picks }, ...this.guests()].slice(0, MOST_GUESTS));
    }
    this.session = sessionOf(user);
    this.remember();
  }

  guests() {
    return stored(KEY, []);
  }

  // What a guest picked stands in for a history until there is one.
  get picks() {
    return this.guests().find((guest) => guest.id === this.user)?.picks ?? [];
  }

  remember() {
    const address = new URL(location.href);
    address.search = new URLSearchParams({ user: this.user, device: this.device, time: this.daypart });
    history.replaceState(null, "", address);
  }

  get ask() {
    const now = new Date();
    const date = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
    return {
      user_id: this.user,
      session_id: this.session,
      device: this.device,
      local_time: `${date}T${HOURS[this.daypart]}`,
      items: this.picks.join(","),
    };
  }
}

export function paintFace(element, user) {
  let hash = 7;
  for (const letter of user) hash = (hash * 33 + letter.charCodeAt(0) * 59) % 3600;
  element.style.setProperty("--hue", (hash * 137) % 360);
  element.textContent = user.startsWith("guest") ? "G" : user.replace(/^[a-z]+-(\d+-)?/, "").slice(0, 2).toUpperCase();
}

export const nameOf = (user) => (user.startsWith("guest-") ? `Guest ${user.slice(6, 10)}` : user);
