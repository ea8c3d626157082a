import { validateHeaderName, validateHeaderValue } from "node:http";
import { inspect } from "node:util";
import { nearest } from "../rules/nearest-name.ts";
import { isObject, type Members } from "../rules/objects.ts";
import { requireOptionNames } from "../rules/option-names.ts";
import { show } from "../rules/show.ts";
import { readableError } from "../rules/readable-error.ts";

/** The members that a step may have, by the one that says which kind of step it is. */
const NAMES = {
  fault: ["fault", "delayMs"],
  raw: ["raw", "delayMs"],
  redirect: ["redirect", "status", "delayMs"],
  status: ["status", "headers", "body", "delayMs", "dripBytesPerMs", "reset", "close"],
  reset: ["reset", "delayMs"],
} as const;

/** What says which kind of step it is. */
export type StepKind = keyof typeof NAMES;

/** A timer that is told to wait longer does not wait at all. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const REDIRECTS = [301, 302, 303, 307, 308];
/** Statuses with which HTTP sends no body. */
const BODILESS = [204, 205, 304];
const MOMENTS = {
  status: ["before-answer", "within-head", "within-body"],
  reset: ["before-request", "within-request", "before-answer"],
  close: ["after-answer", "at-next-request"],
} as const;

/**
 * Finds out which kind of step an object is, and refuses one that would not do what it says: a test would pass without the
 * fault that it is about.
 *
 * @param where - the step is, for the message.
 * @param kinds - there are.
 * @throws TypeError, RangeError - naming the step, what is wrong with it, and what was expected.
 */
export function kindOfStep(step: unknown, where: string, kinds: readonly StepKind[]): StepKind {
  const kind = isObject(step) ? kinds.find((name) => Object.hasOwn(step, name) && step[name] !== undefined) : undefined;
  if (!isObject(step) || kind === undefined) throw notAStep(step, where, kinds);
  const names: readonly string[] = NAMES[kind];
  try {
    requireOptionNames(step, names);
  } catch (error) {
    throw new TypeError(`${where}: ${error instanceof Error ? error.message : ""}`);
  }
  checkDelays(step, where);
  if (kind === "status" || kind === "redirect") checkAnswer(step, where, kind);
  if (kind === "reset") oneOf("reset", step["reset"], MOMENTS.reset, `${where}: `);
  if ((kind === "raw" || kind === "fault") && (typeof step[kind] !== "string" || step[kind] === "")) {
    const expected = kind === "raw" ? "text, which is sent as it is" : 'the code of an error, such as "ECONNREFUSED"';
    throw new TypeError(`${where}: \`${kind}\` is ${show(step[kind])}; expected ${expected}.`);
  }
  return kind;
}

function checkDelays({ delayMs, dripBytesPerMs, body }: Members, where: string): void {
  number(
    "delayMs",
    delayMs,
    where,
    [0, MAX_TIMER_MS],
    'milliseconds from 0 to 2147483647; the step "hang" never answers',
  );
  number("dripBytesPerMs", dripBytesPerMs, where, [1e-6, Infinity], "bytes per millisecond, from 0.000001");
  if (dripBytesPerMs !== undefined && (body === undefined || body === "")) {
    throw new TypeError(`${where}: \`dripBytesPerMs\` is of no use without a \`body\`; expected one.`);
  }
}

function checkAnswer(
  { status, redirect, headers, dripBytesPerMs, reset, close }: Members,
  where: string,
  kind: StepKind,
): void {
  if (kind === "redirect") {
    const isPlace = (typeof redirect === "string" && redirect !== "") || redirect instanceof URL;
    if (!isPlace) throw new TypeError(`${where}: \`redirect\` is ${show(redirect)}; expected a URL.`);
    if (status !== undefined && !REDIRECTS.includes(status as number)) {
      throw new RangeError(`${where}: \`status\` of a redirect is ${show(status)}; expected ${listed(REDIRECTS)}.`);
    }
  } else if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    throw new RangeError(`${where}: \`status\` is ${show(status)}; expected a whole number from 200 to 599.`);
  }
  const ofBody = reset === "within-body" ? "reset" : dripBytesPerMs === undefined ? undefined : "dripBytesPerMs";
  if (ofBody !== undefined && BODILESS.includes(status as number)) {
    const given = `\`${ofBody}\` is about the body, and an answer ${String(status)} has none`;
    throw new TypeError(`${where}: ${given}; expected another status.`);
  }
  checkHeaders(headers, where);
  oneOf("reset", reset, MOMENTS.status, `${where}: `);
  oneOf("close", close, MOMENTS.close, `${where}: `);
}

function checkHeaders(headers: unknown, where: string): void {
  if (headers === undefined) return;
  // A Headers or a Map has its entries elsewhere: none of them would be sent.
  if (!isObject(headers) || Object.prototype.toString.call(headers) !== "[object Object]") {
    const given = isObject(headers) ? inspect(headers, { depth: 0 }) : show(headers);
    throw new TypeError(`${where}: \`headers\` is ${given}; expected an object such as { "retry-after": "2" }.`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (typeof value !== "string" && !(typeof value === "number" && Number.isFinite(value))) {
      throw new TypeError(`${where}: the header \`${name}\` is ${show(value)}; expected text or a number.`);
    }
    try {
      validateHeaderName(name);
      validateHeaderValue(name, String(value));
    } catch (error) {
      throw new TypeError(`${where}: ${error instanceof Error ? error.message : ""}; expected a header of HTTP.`);
    }
  }
}

function number(
  name: string,
  value: unknown,
  where: string,
  [min, max]: readonly [number, number],
  expected: string,
): void {
  if (value === undefined || (typeof value === "number" && value >= min && value <= max)) return;
  const message = `${where}: \`${name}\` is ${show(value)}; expected ${expected}.`;
  throw typeof value === "number" ? new RangeError(message) : new TypeError(message);
}

/**
 * @param prefix - of the message.
 * @throws TypeError - unless the value is one of them, or not given.
 */
export function oneOf(name: string, value: unknown, choices: readonly string[], prefix = ""): void {
  if (value === undefined || choices.some((choice) => choice === value)) return;
  const meant = typeof value === "string" ? nearest(value, choices) : undefined;
  const expected = meant === undefined ? listed(choices) : JSON.stringify(meant);
  throw new TypeError(`${prefix}\`${name}\` is ${show(value)}; expected ${expected}.`);
}

function listed(choices: readonly (string | number)[]): string {
  const texts = choices.map((choice) => JSON.stringify(choice));
  return `${texts.slice(0, -1).join(", ")} or ${texts.at(-1) ?? ""}`;
}

/** The JSON of a body that is no text. */
export function jsonOf(body: unknown, where: string): string {
  let problem = "it has no JSON";
  try {
    const text = JSON.stringify(body) as string | undefined; // such as of a function
    if (text !== undefined) return text;
  } catch (error) {
    const told = readableError(error);
    if (told instanceof Error) problem = told.message;
  }
  throw new TypeError(`${where}: \`body\` is ${show(body)}; expected text or JSON (${problem}).`);
}

const SHORT_STEPS = ["reset", "hang", "garbage"];

function notAStep(step: unknown, where: string, kinds: readonly StepKind[]): TypeError {
  const names = new Set<string>(kinds.flatMap((kind) => NAMES[kind]));
  for (const name of isObject(step) ? Object.keys(step) : []) {
    const meant = names.has(name) ? undefined : nearest(name, names);
    if (meant !== undefined) return new TypeError(`${where}: There is no option \`${name}\`; expected \`${meant}\`.`);
  }
  const meant = typeof step === "string" ? nearest(step, SHORT_STEPS) : undefined;
  const expected =
    meant === undefined
      ? 'a status, "reset", "hang", "garbage" or a step such as { status: 503 }'
      : JSON.stringify(meant);
  return new TypeError(`${where}: ${inspect(step, { depth: 1 })} is no step; expected ${expected}.`);
}
