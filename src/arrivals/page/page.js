// @ts-check
import { element, showDetail } from "./detail.js";
import { identitiesOf } from "./profile.js";

/** As many as the server keeps, so that the page shows no batch that it would not show after a reload. */
const MAX_BATCHES = 1000;
const MAX_CHARACTERS = 64_000_000;
/** Rows in the document at once. */
const MAX_ROWS = 300;

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const [rowsBox, detail, more, counts, connection] = ["rows", "detail", "more", "counts", "connection"].map(byId);
const [search, type, name, user, verdict, kind] = ["search", "type", "name", "user", "verdict", "kind"].map(byId);
const [pauseButton, clearButton] = ["pause", "clear"].map(byId);

/** @type {any[]} oldest first; each has its `text`, and `rows` made of it */
let entries = [];
let characters = 0;
let isPaused = false;
let arrivedWhilePaused = 0;
/** @type {string | undefined} key of the chosen row */
let chosen;
/** @type {any[]} the rows in the document, newest first */
let shown = [];
/** @type {Map<string, HTMLElement>} */
let elements = new Map();
let isDue = false;

/** @param {string} text */
function add(text) {
  const entry = JSON.parse(text);
  entry.text = text;
  entry.who = whoOf(entry.batch);
  entry.rows = rowsOf(entry);
  entries.push(entry);
  characters += text.length;
  while (entries.length > 1 && (entries.length > MAX_BATCHES || characters > MAX_CHARACTERS)) {
    characters -= entries.shift().text.length;
  }
  for (const row of entry.rows) if (row.type !== "" && row.index !== undefined) offerType(row.type);
  if (isPaused) arrivedWhilePaused += 1;
  schedule();
}

/** @param {any} batch */
function whoOf(batch) {
  const [first = ""] = identitiesOf(batch);
  return first.slice(first.indexOf(" ") + 1);
}

const NAMES = ["event_name", "screen_name", "application_transition_type", "custom_event_type", "message_type"];

/** @param {any} entry */
function rowsOf(entry) {
  const events = Array.isArray(entry.batch?.events) ? entry.batch.events : [];
  const key = String(entry.position);
  return [
    {
      key,
      entry,
      index: undefined,
      type: "batch",
      name: `${countOf(events.length)} · ${entry.path}${passedOn(entry)}`,
    },
    ...events.map((/** @type {any} */ event, /** @type {number} */ index) => {
      const data = event?.data ?? {};
      const action = data.product_action?.action ?? data.promotion_action?.action;
      const title = [...NAMES.map((member) => data[member]), action].find((value) => typeof value === "string");
      return { key: `${key}.${String(index)}`, entry, index, type: String(event?.event_type ?? ""), name: title ?? "" };
    }),
  ];
}

/** @param {any} entry */
function passedOn({ forwarded }) {
  if (forwarded === undefined) return "";
  return ` → ${forwarded.error === undefined ? String(forwarded.status) : "no answer"}`;
}

/** @param {number} events */
function countOf(events) {
  return events === 1 ? "1 event" : `${String(events)} events`;
}

/** @param {string} value */
function offerType(value) {
  const options = Array.from(type.options);
  if (options.length < 100 && !options.some((/** @type {any} */ option) => option.value === value)) {
    type.append(element("option", { value }, value));
  }
}

/** One text in another, whatever the case. @param {string} text @returns {(inside: string) => boolean} */
function finder(text) {
  if (text === "") return () => true;
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
  return (inside) => pattern.test(inside);
}

/** The newest rows that fit the filters, and how many there are in all. */
function fitting() {
  const hasText = finder(search.value);
  const hasName = finder(name.value);
  const hasUser = finder(user.value);
  const needsEvent = type.value !== "" || name.value !== "";
  /** @type {any[]} */
  const rows = [];
  let total = 0;
  for (const entry of entries.toReversed()) {
    if (verdict.value !== "" && entry.verdict !== verdict.value) continue;
    if (user.value !== "" && !identitiesOf(entry.batch).some((identity) => hasUser(identity))) continue;
    if (search.value !== "" && !hasText(entry.text)) continue;
    const doesTextMatterToEvents = search.value !== "" && !hasText(entry.who);
    for (const row of entry.rows) {
      const isBatch = row.index === undefined;
      if (kind.value !== "" && (kind.value === "batch") !== isBatch) continue;
      if (isBatch && needsEvent) continue;
      if (!isBatch && type.value !== "" && row.type !== type.value) continue;
      if (!isBatch && !hasName(row.name)) continue;
      if (!isBatch && doesTextMatterToEvents && !hasText(JSON.stringify(entry.batch.events[row.index]))) continue;
      total += 1;
      if (rows.length < MAX_ROWS) rows.push(row);
    }
  }
  return { rows, total };
}

/** Once for all that comes within a frame. */
function schedule() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    tell();
    if (!isPaused) render();
  });
}

function tell() {
  const bad = entries.filter((entry) => entry.verdict !== "accepted").length;
  const waiting = isPaused && arrivedWhilePaused > 0 ? `, ${String(arrivedWhilePaused)} since the pause` : "";
  counts.textContent = `${String(entries.length)} batches kept, ${String(entries.length - bad)} good, ${String(bad)} bad${waiting}`;
}

function render() {
  const { rows, total } = fitting();
  /** @type {Map<string, HTMLElement>} */
  const next = new Map();
  for (const row of rows) next.set(row.key, elements.get(row.key) ?? rowElement(row));
  elements = next;
  shown = rows;
  rowsBox.replaceChildren(...next.values());
  more.textContent =
    total > rows.length ? `The newest ${String(rows.length)} of ${String(total)} rows: filter to see others.` : "";
  mark();
}

/** @param {any} row */
function rowElement(row) {
  const { entry, index } = row;
  const isBad = entry.findings.some(
    (/** @type {any} */ { path, severity }) =>
      severity === "error" && (index === undefined || `${path}/`.startsWith(`/events/${String(index)}/`)),
  );
  const made = element(
    "div",
    {
      class: "row",
      role: "option",
      id: `row-${row.key}`,
      "data-kind": index === undefined ? "batch" : "event",
      "aria-selected": "false",
    },
    element("span", { class: "time" }, new Date(entry.receivedAt).toTimeString().slice(0, 8)),
    element("span", {}, row.type),
    element("span", { title: row.name }, row.name),
    element("span", { title: entry.who }, entry.who),
    element("span", { class: entry.verdict }, `${entry.verdict}${isBad && entry.verdict === "refused" ? " ✗" : ""}`),
  );
  made.addEventListener("click", () => {
    choose(row.key);
    open();
  });
  return made;
}

function mark() {
  for (const [key, made] of elements) made.setAttribute("aria-selected", String(key === chosen));
  if (chosen !== undefined && elements.has(chosen)) rowsBox.setAttribute("aria-activedescendant", `row-${chosen}`);
  else rowsBox.removeAttribute("aria-activedescendant");
}

/** @param {string} key */
function choose(key) {
  chosen = key;
  mark();
  elements.get(key)?.scrollIntoView({ block: "nearest" });
  const row = shown.find((one) => one.key === key);
  if (row !== undefined) showDetail(detail, row, entries, back);
}

function open() {
  document.body.classList.add("shows-detail");
}

function back() {
  document.body.classList.remove("shows-detail");
  rowsBox.focus();
}

/** @param {(at: number) => number} to */
function move(to) {
  const at = shown.findIndex((row) => row.key === chosen);
  const row = shown[Math.min(shown.length - 1, Math.max(0, to(at)))];
  if (row !== undefined) choose(row.key);
}

function pause() {
  isPaused = !isPaused;
  arrivedWhilePaused = 0;
  pauseButton.setAttribute("aria-pressed", String(isPaused));
  pauseButton.textContent = isPaused ? "Go on" : "Pause";
  schedule();
}

function forget() {
  entries = [];
  characters = 0;
  arrivedWhilePaused = 0;
  chosen = undefined;
  detail.replaceChildren();
  document.body.classList.remove("shows-detail");
  tell();
  render();
}

pauseButton.addEventListener("click", pause);
clearButton.addEventListener("click", () => {
  void fetch("reset", { method: "POST" });
});
byId("filters").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
});
byId("filters").addEventListener("input", render);

/** @type {Record<string, () => void>} */
const KEYS = {
  "/": () => search.focus(),
  p: pause,
  j: () => move((at) => at + 1),
  k: () => move((at) => at - 1),
  ArrowDown: () => move((at) => at + 1),
  ArrowUp: () => move((at) => at - 1),
  Home: () => move(() => 0),
  End: () => move(() => shown.length - 1),
  Enter: () => {
    open();
    detail.focus();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    back();
    return;
  }
  const target = /** @type {HTMLElement} */ (event.target);
  // Keys belong to what is typed into, and in the JSON and the buttons they do what they always do.
  if (target.closest("input, select, textarea, button") !== null) return;
  if (target.closest("#detail") !== null && event.key !== "/" && event.key !== "p") return;
  const action = KEYS[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
});

const stream = new EventSource("stream?since=0");
stream.addEventListener("open", () => (connection.textContent = "Connected"));
stream.addEventListener("error", () => (connection.textContent = "Not connected: is the mock running?"));
stream.addEventListener("reset", forget);
stream.addEventListener("batch", ({ data }) => add(data));
