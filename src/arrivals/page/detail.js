// @ts-check
import { jsonLines, lineOf } from "./json-lines.js";
import { profileOf } from "./profile.js";
import { codeOf, curlOf } from "./snippets.js";

/** Lines of JSON in the document at once: a batch may have a hundred thousand. */
const MAX_LINES = 2000;
const MAX_FINDINGS = 200;

/**
 * An element; what is given as text stays text.
 *
 * @param {string} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Everything about a row: its JSON with findings on their lines, how to make it again, and its user.
 *
 * @param {HTMLElement} pane @param {{ entry: any, index: number | undefined }} row @param {any[]} entries - oldest first
 * @param {() => void} back
 */
export function showDetail(pane, { entry, index }, entries, back) {
  const { batch, findings, path, receivedAt, status, verdict } = entry;
  const base = index === undefined ? "" : `/events/${String(index)}`;
  const shown = index === undefined ? batch : batch.events[index];
  const own = findings.filter((/** @type {any} */ { path: at }) => at === base || at.startsWith(`${base}/`));
  const snippet = element("pre", { class: "snippet", id: "snippet", hidden: "", tabindex: "0" });
  const said = element("span", { role: "status", id: "copied" });
  /** @param {string} label @param {() => string} make */
  const copy = (label, make) => {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => {
      const text = make();
      snippet.textContent = text;
      snippet.hidden = false;
      navigator.clipboard.writeText(text).then(
        () => (said.textContent = "Copied."),
        () => (said.textContent = "The browser does not let it be copied: it is below."),
      );
    });
    return button;
  };
  const backButton = element("button", { type: "button", id: "back" }, "← Back");
  backButton.addEventListener("click", back);
  pane.replaceChildren(
    element(
      "div",
      { class: "actions" },
      backButton,
      copy("Copy as curl", () => curlOf(entry, location.origin)),
      ...(index === undefined ? [] : [copy("Copy as code", () => codeOf(shown))]),
      copy("Copy JSON", () => JSON.stringify(shown, undefined, 2)),
      said,
    ),
    snippet,
    element(
      "p",
      {},
      element("strong", { class: verdict }, verdict),
      ` ${String(status)} · ${path} · ${receivedAt} · ${index === undefined ? "batch" : `event ${String(index + 1)} of`} № ${String(entry.position)}`,
    ),
    ...(entry.forwarded === undefined ? [] : forwardedSection(entry.forwarded)),
    ...findingsOf(own, "What is wrong", (code) => !isOfPlan(code)),
    ...findingsOf(own, "What the data plan says", isOfPlan),
    ...(index !== undefined && own.length < findings.length
      ? [element("p", { class: "hint" }, "The batch has findings elsewhere too: see its row.")]
      : []),
    element("h2", {}, index === undefined ? "Batch" : "Event"),
    jsonOf(shown, base, own),
    ...profileSection(profileOf(entries, batch)),
  );
  pane.scrollTop = 0;
}

/** What the real service said of the request. @param {any} forwarded */
function forwardedSection({ to, status, durationMs, headers = {}, body, error }) {
  const said = error === undefined ? `${String(status)} after ${String(durationMs)} ms` : `no answer: ${error}`;
  const isGood = status >= 200 && status < 300;
  return [
    element("h2", {}, "What the service answered"),
    element(
      "div",
      { id: "forwarded" },
      element("p", {}, element("strong", { class: isGood ? "accepted" : "refused" }, said), ` · passed on to ${to}`),
      ...tableOf("Headers", new Map(Object.entries(headers))),
      ...(body === undefined ? [] : [element("pre", { class: "snippet", tabindex: "0" }, body)]),
    ),
  ];
}

/** @param {string} code */
function isOfPlan(code) {
  return code.startsWith("plan-");
}

/** @param {any[]} findings @param {string} title @param {(code: string) => boolean} isHere */
function findingsOf(findings, title, isHere) {
  const here = findings.filter(({ code }) => isHere(code));
  if (here.length === 0) return [];
  const items = here.slice(0, MAX_FINDINGS).map(({ severity, code, path, message, hint }) => {
    const where = element("code", {}, path === "" ? "/" : path);
    return element(
      "li",
      { class: "finding" },
      element("span", { class: severity }, severity),
      ` ${code} `,
      where,
      ` ${message}`,
      ...(hint === undefined ? [] : [element("span", { class: "hint" }, ` ${hint}`)]),
    );
  });
  const left = here.length - items.length;
  if (left > 0) items.push(element("li", {}, `… and ${String(left)} more`));
  return [element("h2", {}, title), element("ul", { class: "findings" }, ...items)];
}

/** @param {unknown} value @param {string} base @param {any[]} findings */
function jsonOf(value, base, findings) {
  const lines = jsonLines(value, base);
  /** @type {Map<number, any[]>} */
  const notes = new Map();
  for (const finding of findings.slice(0, MAX_FINDINGS)) {
    const line = lineOf(lines, finding.path);
    notes.set(line, [...(notes.get(line) ?? []), finding]);
  }
  const view = element("div", { class: "json", tabindex: "0", role: "group", "aria-label": "JSON" });
  lines.slice(0, MAX_LINES).forEach(({ text }, number) => {
    const here = notes.get(number) ?? [];
    const worst = here.some(({ severity }) => severity === "error") ? "error" : here.length > 0 ? "warning" : "";
    view.append(element("span", { class: `json-line ${worst}`, "data-line": String(number + 1) }, text));
    for (const { severity, message, hint } of here) {
      view.append(element("span", { class: `finding-note ${severity}` }, `↑ ${message}${hint ? ` ${hint}` : ""}`));
    }
  });
  if (lines.length > MAX_LINES) {
    view.append(
      element("span", { class: "json-line" }, `… ${String(lines.length - MAX_LINES)} more lines: copy the JSON`),
    );
  }
  return view;
}

/** @param {ReturnType<typeof profileOf>} profile */
function profileSection({ batches, identities, attributes, consent }) {
  const count = `${String(batches)} accepted ${batches === 1 ? "batch" : "batches"} that share an identity with this one`;
  return [
    element("h2", {}, "Profile of the user"),
    element("p", { class: "hint" }, `After ${count}, of those that are kept.`),
    element(
      "div",
      { id: "profile" },
      ...tableOf("Identities", identities),
      ...tableOf("Attributes", attributes),
      ...tableOf("Consent", new Map(Array.from(consent, ([purpose, state]) => [purpose, consentText(state)]))),
    ),
  ];
}

/** @param {any} state */
function consentText(state) {
  const said = state?.consented === true ? "consented" : state?.consented === false ? "not consented" : "unknown";
  const at = Number(state?.timestamp_unixtime_ms);
  return at > 0 && at < 8.64e15 ? `${said}, ${new Date(at).toISOString()}` : said;
}

/** @param {string} title @param {Map<string, unknown>} members */
function tableOf(title, members) {
  if (members.size === 0) return [];
  const rows = Array.from(members)
    .slice(0, 500)
    .map(([name, value]) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, name),
        element("td", {}, typeof value === "string" ? value : JSON.stringify(value)),
      ),
    );
  return [element("h3", {}, title), element("table", {}, element("tbody", {}, ...rows))];
}
