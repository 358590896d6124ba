// The home page: its parts are wired here by hand. A page comes in, parts show it; a press goes out as
// an event, and the next page that has counted it is shown in place.

import { getHome, getReady, getUser, newId, postEvent, Refused, Unreachable } from "./api.js";
import { arrival } from "./arrive.js";
import { Billboard } from "./billboard.js";
import { Drawer } from "./drawer.js";
import { make } from "./element.js";
import { Notice } from "./notice.js";
import { People } from "./people.js";
import { Picker } from "./picker.js";
import { Player } from "./player.js";
import { Rows } from "./rows.js";
import { Seen } from "./seen.js";
import { hopsOf, Strip } from "./strip.js";
import { addSwitches } from "./switches.js";
import { Taste } from "./taste.js";
import { addTheme } from "./theme.js";
import { count, DID, titleOf, whenWhere } from "./words.js";
import { nameOf, Visitor } from "./visitor.js";

const RETRY_MS = 1500; // while something is missing
const LOOK_MS = 3000; // how often a quiet page asks whether all is well

const byId = (id) => document.getElementById(id);
const visitor = new Visitor();
const rows = new Rows(byId("rows"), act);
const billboard = new Billboard(byId("hero"), act);
const drawer = new Drawer(byId("drawer"), act);
const player = new Player(byId("player"), act);
const strip = new Strip(byId("strip"));
const taste = new Taste(byId("taste-plot"), byId("taste-lately"));
const notice = new Notice(byId("notice"), byId("rows"));
const seen = new Seen(tellSeen);
const people = new People(byId("users"), visitor, { choose, pick: () => picker.open() });
const picker = new Picker(byId("picker"), begin);

let page = null;
let onList = new Set();
let turn = 0; // of asking: an answer to an earlier question than the last is not shown
let retry; // the next look of a page that something is missing from
let overdue = null; // the last event, while no page has counted it

const say = (words) => (byId("said").textContent = words);
const fetchHome = () => getHome(visitor.ask);

// Asks for the page and shows it; `anew` when it is another person's.
async function load(anew = false) {
  const mine = (turn += 1);
  clearTimeout(retry);
  const asked = performance.now();
  try {
    const fresh = await fetchHome();
    if (mine !== turn) return;
    if (!anew && sameWithout(fresh)) return void askAgain();
    const answered = performance.now();
    const changed = show(fresh, anew);
    if (overdue && fresh.state?.accepted_at >= overdue.acceptedAt) await hasArrived({ page: fresh, asked, answered }, changed);
  } catch (error) {
    if (mine === turn) failed(error);
  }
}

// While something is missing, each look draws the images anew: a page that says the same is not shown.
function sameWithout(fresh) {
  const said = (one) => JSON.stringify([one.degraded, one.context, one.rows.map((row) => row.items.map((item) => item.item_id))]);
  return page !== null && fresh.degraded.length > 0 && said(fresh) === said(page);
}

const askAgain = () => (retry = setTimeout(load, RETRY_MS));

function show(fresh, anew = false) {
  page = fresh;
  drawer.remember(page);
  notice.rungs(page.degraded);
  if (page.rows.length === 0) {
    notice.empty("Nothing is left to show", "Every title that the model knows has been watched or judged.", null);
    return { fresh: 0, moved: 0 };
  }
  byId("main").removeAttribute("aria-busy");
  document.body.dataset.basis = page.basis;
  document.body.dataset.decision = page.decision_id;
  billboard.show(page, visitor.user, onList);
  const changed = rows.show(page, onList, anew);
  seen.watch(page, [...rows.cards.values()]);
  seen.note(billboard.item, billboard.place);
  learn();
  clearTimeout(retry);
  if (page.degraded.length > 0) askAgain();
  return changed;
}

// Taste and list: asked for after the page, for the page does not wait for them.
async function learn() {
  const of = page;
  if (of.degraded.length > 0) return void (taste.of === visitor.user || taste.show(null, true));
  let known = null;
  try {
    known = of.state && (await getUser(visitor.user));
  } catch {
    return void (of !== page || taste.of === visitor.user || taste.show(null, true)); // not known now is not nothing known
  }
  if (of !== page) return;
  onList = new Set((known?.interactions ?? []).filter((one) => one.kind === "list_add").map((one) => one.item_id));
  for (const card of rows.cards.values()) if (onList.has(card.item.item_id) !== card.onList) card.update(card.item, card.place, !card.onList);
  taste.show(known);
  taste.of = visitor.user; // a shape stays while Redis is away, for the person whose it is
}

function failed(error) {
  const [title, says] = error instanceof Unreachable
    ? ["The service does not answer", "It may be starting. This page asks again by itself; what you did is safe."]
    : error instanceof Refused && error.status === 503
      ? ["There is no model yet", `${error.message} The first training run publishes one; this page asks again by itself.`]
      : ["The page was refused", error.message];
  if (page === null) {
    byId("hero").hidden = true;
    byId("taste").hidden = true;
    notice.empty(title, says, make("button", { class: "button button-main", type: "button", onclick: () => location.reload() }, "Try again"));
  } else {
    notice.say(title, says);
  }
  retry = setTimeout(async () => {
    byId("hero").hidden = false;
    byId("taste").hidden = false;
    await load(page === null);
  }, RETRY_MS);
}

// One press on a title, wherever it was shown. `of` is the page that showed it.
function act(kind, shown, more = {}) {
  const of = shown.page ?? page;
  const shownHere = { item: shown.item, place: shown.place, page: of };
  if (kind === "why" || kind === "click") {
    send("click", shownHere).catch(() => undefined);
    return drawer.open(of, shownHere, onList);
  }
  if (kind === "play") player.play(shownHere);
  return tell(kind, shownHere, more);
}

async function send(kind, { item, place, page: of }, more = {}) {
  await seen.flush(); // what was seen comes before what was done
  const artwork = item.artwork ? { artwork_id: item.artwork.artwork_id } : {};
  return postEvent({
    event_id: newId("e-"), user_id: visitor.user, type: kind, item_id: item.item_id, at: Date.now(), context: of.context,
    session_id: visitor.session, decision_id: of.decision_id, credit: of.credit, ...place, ...artwork, ...more,
  });
}

// A look for a page that has counted an event of this session. Undefined: something else was asked for
// meanwhile, and its answer is newer. Null: another visitor is here, or nobody answers.
async function look(session) {
  if (session !== visitor.session) return null;
  const mine = turn;
  const fresh = await fetchHome().catch(() => null);
  if (session !== visitor.session) return null;
  return fresh && mine !== turn ? undefined : fresh;
}

// An event, from the press to the page that has counted it.
async function tell(kind, shown, more) {
  const session = visitor.session;
  const before = page.state?.events ?? 0;
  const pressed = performance.now();
  strip.sent(kind, shown.item);
  let answer;
  try {
    answer = await send(kind, shown, more);
  } catch (error) {
    const why = error instanceof Unreachable ? "The service does not answer: nothing was counted." : "The event log did not take it: nothing was counted.";
    if (session === visitor.session) strip.refused(why);
    return say(why);
  }
  const acceptedIn = performance.now();
  strip.accepted(acceptedIn - pressed, answer);
  const arrived = await arrival(() => look(session), answer.accepted_at, before);
  if (session !== visitor.session) return undefined;
  overdue = { kind, title: titleOf(shown.item.title), pressed, acceptedIn, acceptedAt: answer.accepted_at };
  if (arrived === null) {
    strip.late();
    return load();
  }
  return hasArrived(arrived, show(arrived.page));
}

// The event is on the page: the strip shows its way, also where Redis had to come back first.
async function hasArrived(arrived, changed) {
  const { kind, title, ...sent } = overdue;
  const placed = performance.now();
  overdue = null;
  await painted();
  const hops = hopsOf({ ...sent, arrived, placed, shown: performance.now() });
  const words = `${count(changed.fresh, "new title")}, ${changed.moved} moved`;
  strip.arrived(hops, words);
  say(`${DID[kind]}: ${title}. The page has it after ${Math.round(hops.total)} milliseconds: ${words}.`);
}

// The frame after the change: a task queued in a frame runs once that frame has been handed over.
const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

function tellSeen(of, places) {
  const event = { event_id: newId("e-"), user_id: visitor.user, type: "impressions", at: Date.now(), context: of.context,
    session_id: visitor.session, decision_id: of.decision_id, credit: of.credit, seen: places };
  return postEvent(event).catch(() => undefined); // lost impressions teach nothing and harm nobody
}

async function choose(user, picks = null) {
  await seen.flush();
  visitor.become(user, picks);
  player.hide();
  overdue = null;
  taste.of = null;
  taste.show(null);
  onList = new Set();
  people.paint();
  await load(true);
  if (page) say(`${nameOf(user)}: ${page.rows[0]?.items.length ?? 0} titles. First is ${titleOf(page.rows[0]?.items[0]?.title ?? "nothing")}.`);
  scrollTo({ top: 0 });
}

// A new visitor: the page comes at once from what was picked; the picks become a history behind it.
async function begin(user, items) {
  await choose(user, items.map((item) => item.item_id));
  const session = visitor.session;
  const liked = items.map((item) => postEvent({ event_id: newId("e-"), user_id: user, type: "thumbs_up", item_id: item.item_id, at: Date.now(), context: page.context, session_id: visitor.session }));
  const answers = await Promise.all(liked).catch(() => null);
  if (!answers) return;
  const last = Math.max(...answers.map((answer) => answer.accepted_at));
  const arrived = await arrival(() => look(session), last, items.length - 1);
  if (arrived) show(arrived.page);
}

async function changeContext(word) {
  visitor.remember();
  await load();
  if (page) say(`Ranked for ${word}: first is ${titleOf(page.rows[0]?.items[0]?.title ?? "nothing")}, ${whenWhere(page.context)}.`);
}

// A page that nobody touches notices too that Redis went away or came back.
async function lookAround() {
  if (document.visibilityState === "visible" && page && page.degraded.length === 0) {
    const ready = await getReady().catch(() => null);
    if (ready && ready.redis === false) await load();
  }
  setTimeout(lookAround, LOOK_MS);
}

addTheme(byId("theme"));
addSwitches(visitor, changeContext);
load(true);
setTimeout(lookAround, LOOK_MS);
