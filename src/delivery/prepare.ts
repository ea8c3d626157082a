import type { Batch } from "../../generated/schema.ts";
import { readableError } from "../rules/readable-error.ts";
import { utf8Length } from "#platform";
import { InvalidBatchError, MParticleError, type ErrorFacts, type Finding } from "../errors.ts";
import { stampBatch } from "../model/stamp.ts";
import { environmentProblem } from "../rules/environment.ts";
import { isObject, readMember } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import { serializeTogether } from "../transport/json-list.ts";
import { serializeBatch, serializeExactBatch } from "../transport/json.ts";
import { runSteps, type BeforeSend } from "./before-send.ts";
import { refuseFor, type OwnCheck } from "./checks.ts";
import { findHistoricalProblems } from "./historical.ts";
import type { Verdict } from "./outcome.ts";
import { isReadyBatch } from "./ready-batch.ts";
import { splitBatch } from "./split.ts";

export interface PrepareOptions {
  readonly path: EndpointPath;
  /** The application's last word. */
  readonly beforeSend?: readonly BeforeSend[] | undefined;
  /** The application's own. */
  readonly check?: OwnCheck | undefined;
  /** A batch must stay below it. */
  readonly maxBatchBytes: number;
}

/** What travels as one batch: a batch, or the part of one that was too large. */
export interface BatchPart {
  readonly texts: readonly [string];
  readonly bytes: number;
  readonly requestId: string;
}

/** A batch that is ready to be sent, in one part or several. */
export interface Prepared {
  /** With all ids and times it is sent with. */
  readonly batch: Batch;
  /** All of it as JSON. */
  readonly text: string;
  readonly parts: readonly BatchPart[];
}

/**
 * Stamps, checks and serialises a batch, once; every attempt sends these very strings.
 *
 * @throws InvalidBatchError - when it would be refused, altered or lost as it is, or `beforeSend` dropped it.
 * @throws MParticleError - `HELD`, when a step of `beforeSend` held it back.
 */
export function prepareBatch(batch: Batch, options: PrepareOptions): Prepared {
  const { path, beforeSend, check, maxBatchBytes } = options;
  const historical = path === "/bulkevents/historical";
  // The batch as far as it got: an error names its ids. No closures, because every batch comes through here.
  let stamped = batch;
  try {
    const hasSteps = beforeSend !== undefined && beforeSend.length > 0;
    const isReady = !hasSteps && check === undefined && isReadyBatch(batch, !historical);
    if (!isReady) {
      requireObject(batch, "a batch", "For several there is `uploadBulk`.");
      stamped = stampAndRequire(batch, !historical);
      if (hasSteps) stamped = stampAndRequire(lastWordOn(stamped, beforeSend), !historical);
    }
    if (historical || check !== undefined) requireNoErrors(stamped, path, check);
    const text = isReady ? serializeExactBatch(stamped) : serializeBatch(stamped);
    const bytes = utf8Length(text);
    return bytes < maxBatchBytes
      ? wholeBatch(stamped, text, bytes)
      : { batch: stamped, text, parts: split(stamped, bytes, maxBatchBytes) };
  } catch (cause) {
    throw asBatchError(stamped, cause);
  }
}

function wholeBatch(batch: Batch, text: string, bytes: number): Prepared {
  return { batch, text, parts: [{ texts: [text], bytes, requestId: requestIdOf(batch) }] };
}

/** What it took to prepare a batch, in characters of JSON: one that is split is measured, and written again in parts. */
export function workOf({ text, parts }: Prepared): number {
  return parts.length === 1 ? text.length : 4 * text.length;
}

/** What was made of several batches in one go. */
export interface PreparedTogether {
  /** One for each batch, in their order; `undefined` for those that {@link prepareBatch} has to look at. */
  readonly prepared: (Prepared | undefined)[];
  /** How much was written as JSON, in characters, with what was too large to be sent so. */
  readonly written: number;
}

/** Prepares those of a list that can be sent as they are, as most can, with one `JSON.stringify` for all of them. */
export function prepareTogether(
  batches: readonly Batch[],
  { path, beforeSend = [], check, maxBatchBytes }: PrepareOptions,
): PreparedTogether {
  const prepared = new Array<Prepared | undefined>(batches.length).fill(undefined);
  if (path === "/bulkevents/historical" || beforeSend.length > 0 || check !== undefined)
    return { prepared, written: 0 };
  const ready: Batch[] = [];
  const indexes: number[] = [];
  try {
    for (let index = 0; index < batches.length; index++) {
      const batch = batches[index];
      if (!isReadyBatch(batch, true)) continue;
      ready.push(batch);
      indexes.push(index);
    }
  } catch {
    return { prepared, written: 0 }; // its own getter; it throws again where its batch has an outcome for it
  }
  const textsOfAll = ready.length < 2 ? undefined : serializeTogether(ready);
  if (textsOfAll === undefined) return { prepared, written: 0 };
  let written = 0;
  for (let n = 0; n < textsOfAll.length; n++) {
    const batch = ready[n];
    const text = textsOfAll[n];
    const index = indexes[n];
    if (batch === undefined || text === undefined || index === undefined) break;
    written += text.length;
    const bytes = utf8Length(text);
    if (bytes >= maxBatchBytes) continue;
    // As `wholeBatch` does: a function that is called so often would be compiled, which takes longer than all of it. One
    // literal for each object, because V8 makes nested ones by a call of its runtime.
    const texts: readonly [string] = [text];
    const part: BatchPart = { texts, bytes, requestId: requestIdOf(batch) };
    const parts = [part];
    prepared[index] = { batch, text, parts };
  }
  return { prepared, written };
}

/** @throws InvalidBatchError - for what the service would drop, and for what the application's own check refuses. */
function requireNoErrors(batch: Batch, path: EndpointPath, check: OwnCheck | undefined): void {
  const errors = path === "/bulkevents/historical" ? findHistoricalProblems(batch, Date.now()) : [];
  refuseFor(check === undefined ? errors : [...errors, ...check.errorsOf(batch, path)], idsOf(batch));
}

function stampAndRequire(batch: Batch, dateEvents: boolean): Batch {
  const stamped = stampBatch(batch, dateEvents);
  requireEnvironment(stamped);
  requireEvents(stamped);
  return stamped;
}

/** What the steps of `beforeSend` make of a batch, where nothing can hold it back until it is let go. */
function lastWordOn(batch: Batch, beforeSend: readonly BeforeSend[]): Batch {
  const result = runSteps(beforeSend, batch);
  if (result.kind === "send") return result.batch;
  const facts = { requestIds: idsOf(batch) };
  if (result.kind === "drop") throw droppedError(result.reason, facts);
  throw new MParticleError("HELD", `Held back before it was sent: ${result.reason}. Hand it over again later.`, facts);
}

/** Of a batch that a step of `beforeSend` dropped. */
export function droppedError(reason: string, facts: ErrorFacts): InvalidBatchError {
  const finding = {
    severity: "error",
    code: "dropped",
    path: "",
    message: `dropped before it was sent: ${reason}.`,
  } as const;
  return new InvalidBatchError([finding], facts, "DROPPED");
}

/** The verdict on a batch that could not be prepared; `undefined` for an error that is about no batch. */
export function verdictOfUnprepared(error: unknown): Exclude<Verdict, { kind: "accepted" }> | undefined {
  if (error instanceof InvalidBatchError) return { kind: "rejected", error };
  return error instanceof MParticleError ? { kind: "undelivered", error } : undefined;
}

function split(batch: Batch, bytes: number, maxBytes: number): BatchPart[] {
  const result = splitBatch(batch, { maxBytes, measure: (part) => utf8Length(serializeBatch(part)) });
  if (result.kind === "split") {
    return result.parts.map((part) => {
      const text = serializeBatch(part);
      return { texts: [text], bytes: utf8Length(text), requestId: requestIdOf(part) };
    });
  }
  const { largest, contextBytes } = result;
  const culprit =
    contextBytes >= maxBytes
      ? `Without its events it is ${String(contextBytes)} bytes, and every part of it would be: ${largestMemberOf(batch)}.`
      : largest === undefined
        ? "It has no events to split it by."
        : `Its largest event is /events/${String(largest.index)} (${largest.name ?? largest.type}) with ${String(largest.bytes)} bytes.`;
  throw refuse(batch, {
    code: "batch-too-large",
    path: "",
    message: `it is ${String(bytes)} bytes; expected less than ${String(maxBytes)}.`,
    hint: culprit,
  });
}

/** Of those that are not its events. */
function largestMemberOf({ events: _, ...members }: Batch): string {
  let [largest, most] = ["", 0];
  for (const [name, value] of Object.entries(members)) {
    // Ids may be bigints, which JSON does not know.
    const text: unknown = JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));
    const bytes = typeof text === "string" ? utf8Length(text) : 0;
    if (bytes > most) [largest, most] = [name, bytes];
  }
  return `its \`${largest}\` has ${String(most)}`;
}

/** One verdict for a batch that travelled in parts: the worst of theirs. */
export function combineVerdicts(requestId: string, verdicts: readonly Verdict[]): Verdict {
  const failed =
    verdicts.find(({ kind }) => kind === "rejected") ?? verdicts.find(({ kind }) => kind === "undelivered");
  if (failed !== undefined) return failed;
  const receipts = verdicts.flatMap((verdict) => (verdict.kind === "accepted" ? [verdict.receipt] : []));
  const [first] = receipts;
  if (first === undefined) throw new Error("a batch travels in at least one part");
  return {
    kind: "accepted",
    receipt: {
      ...first,
      requestId,
      attempts: Math.max(...receipts.map((receipt) => receipt.attempts)),
      durationMs: Math.max(...receipts.map((receipt) => receipt.durationMs)),
    },
  };
}

/** @throws InvalidBatchError - for what JavaScript passes instead. */
export function requireObject(value: unknown, what: string, hintForArray?: string): void {
  if (isObject(value)) return;
  const hint = Array.isArray(value) ? hintForArray : undefined;
  throw refuse(undefined, { code: "not-an-object", path: "", message: `expected ${what}, got ${show(value)}.`, hint });
}

/**
 * A batch without its environment counts as production.
 *
 * @throws InvalidBatchError - when it is missing, or no environment, as it can be where the caller is JavaScript.
 */
export function requireEnvironment(batch: Omit<Batch, "events">): void {
  const problem = environmentProblem(batch.environment);
  if (problem !== undefined) throw refuse(batch, { ...problem, path: "/environment" });
}

/** What is no event would be answered 202, and lost. */
function requireEvents(batch: Batch): void {
  const events: unknown = batch.events;
  if (events === undefined || events === null) return;
  if (!Array.isArray(events)) {
    const message = `expected an array of events, got ${show(events)}.`;
    throw refuse(batch, { code: "not-an-array", path: "/events", message });
  }
  for (let index = 0; index < events.length; index++) {
    const event: unknown = events[index];
    if (isObject(event)) continue;
    const message = `expected an event, got ${show(event)}.`;
    throw refuse(batch, { code: "not-an-object", path: `/events/${String(index)}`, message });
  }
}

/** `validate` and `toJSON` are the caller's own; what they throw concerns this batch alone. */
export function callUserCode<Result>(batch: Omit<Batch, "events">, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    throw asBatchError(batch, cause);
  }
}

/** What was thrown while a batch was read. The id tells a reader which one it was; the caller may not know it. */
export function asBatchError(batch: Omit<Batch, "events">, thrown: unknown): MParticleError {
  const cause = readableError(thrown);
  if (cause instanceof InvalidBatchError) {
    if (cause.requestIds.length > 0) return cause;
    return new InvalidBatchError(cause.findings, { requestIds: idsOf(batch), cause: cause.cause });
  }
  if (cause instanceof MParticleError) return cause;
  const message = `checking or serialising it threw: ${cause instanceof Error ? cause.message : show(cause)}`;
  const finding = { severity: "error", code: "not-serializable", path: "", message } as const;
  return new InvalidBatchError([finding], { requestIds: idsOf(batch), cause });
}

/** The id a stamped batch has. */
export function requestIdOf(batch: Batch): string {
  const id = readMember(batch, "source_request_id");
  return typeof id === "string" ? id : "";
}

export function idsOf(batch: Omit<Batch, "events"> | undefined): readonly string[] {
  try {
    return batch?.source_request_id == null ? [] : [batch.source_request_id];
  } catch {
    return []; // its own getter may be what threw
  }
}

function refuse(batch: Omit<Batch, "events"> | undefined, finding: Omit<Finding, "severity">): InvalidBatchError {
  return new InvalidBatchError([{ severity: "error", ...finding }], { requestIds: idsOf(batch) });
}
