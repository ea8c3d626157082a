import { LIMITS } from "../../generated/contract.ts";
import { BLANK } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import type { TransportOptions } from "../transport/attempt.ts";
import { atLeastZero, checkOptions, positive, wholeNumber, type Kinds } from "../transport/option-checks.ts";
import { stepsOf, type BeforeSend } from "./before-send.ts";
import { makeCheck, warnOfChecksMissing, type Validate } from "./checks.ts";
import type { PrepareOptions } from "./prepare.ts";
import type { RetryOptions } from "./retry.ts";
import { requireLogger, type Logger } from "./logger.ts";
import type { Observers, Telemetry } from "./telemetry.ts";

/** Everything an {@link EventsClient} can be told. Only the credentials are required. */
export interface EventsClientOptions extends TransportOptions, Observers {
  /**
   * How long, and how patiently, an upload is tried again; `false` for a single attempt, and one more where an idle
   * connection turns out to be closed.
   */
  readonly retry?: RetryOptions | false | undefined;
  /** Batches per second at most; `"auto"` has no ceiling of its own and learns from the answers. `@default "auto"` */
  readonly rate?: "auto" | number | undefined;
  /** Requests in flight at most, and so sockets. `@default 64` */
  readonly concurrency?: number | undefined;
  /** Lets single uploads that happen at the same time travel as bulk requests. `@default false` */
  readonly coalesce?: boolean | undefined;
  /**
   * The last word on each batch: a step, or several that run one after the other, such as `consentGate` of
   * `mparticle-events/consent`. Each gets a copy of the batch with its ids, and gives what is to be sent, or `undefined`
   * to drop it.
   */
  readonly beforeSend?: BeforeSend | readonly BeforeSend[] | undefined;
  /**
   * Checks each batch before it is sent, such as `checkBatch` of `mparticle-events/validate`; several as one with
   * `checkAll`. Its errors refuse the batch; its warnings go to `onFinding` and, once for each code and path, to `logger`.
   */
  readonly validate?: Validate | undefined;
  /** Codes of warnings that refuse a batch as errors do, such as `["seconds-not-milliseconds"]`; `true` for all. `@default false` */
  readonly strict?: boolean | readonly string[] | undefined;
  /** A batch must stay below it, in bytes of UTF-8; a larger one is split by its events. `@default 128_000` */
  readonly maxBatchBytes?: number | undefined;
  /**
   * Told what goes on, in words; `console` fits. Without one only losses that nobody else is told of, and observers that
   * throw, go to the console.
   */
  readonly logger?: Logger | undefined;
}

/** What can be said about one call. */
export interface UploadOptions {
  /** Ends waits and requests at once; whether the service took what was in flight is unknown then. */
  readonly signal?: AbortSignal | undefined;
}

/** What can be said about a delivery of many batches. */
export interface BulkOptions extends UploadOptions {
  /** Requests of this call in flight at most. `@default 4` */
  readonly concurrency?: number | undefined;
  /**
   * Keeps the order of each user's batches: at most one of them is in flight, and what was undelivered holds back what
   * follows of that user, as undelivered too. A user is identified by `customer_id`; without one by `mpid`; without both
   * by all identities together. `@default false`
   */
  readonly ordered?: boolean | undefined;
}

/** What can be said about {@link EventsClient.deliver}. */
export interface DeliverOptions extends BulkOptions {
  /** Where the batches go; `"historical"` is for data older than 30 days, at least 72 hours. `@default "bulk"` */
  readonly endpoint?: "bulk" | "historical" | undefined;
  /** How long gathered batches wait for a source that yields no more, in milliseconds. `@default 20` */
  readonly lingerMs?: number | undefined;
  /** Ends the reading of the source, and lets what was read be settled; `signal` ends that as well. */
  readonly stop?: AbortSignal | undefined;
}

/** With its brackets, and staying below the limit as every batch does, it is the largest request there may be. */
const LARGEST_BATCH_BYTES = LIMITS.requestMaxBytes - 2;

/** What is done with each batch before it is sent, as far as it is the same for all endpoints. */
export function resolvePreparation(options: EventsClientOptions, telemetry: Telemetry): Omit<PrepareOptions, "path"> {
  const { validate, strict = false } = options;
  const maxBatchBytes = positive("maxBatchBytes", options.maxBatchBytes ?? LIMITS.batchMaxBytes);
  if (maxBatchBytes > LARGEST_BATCH_BYTES) {
    throw new RangeError(
      `\`maxBatchBytes\` is ${show(maxBatchBytes)}; expected at most ${String(LARGEST_BATCH_BYTES)}, which fills a request.`,
    );
  }
  warnOfChecksMissing(options, telemetry);
  return {
    beforeSend: stepsOf(options.beforeSend),
    check: makeCheck(validate, strict, telemetry),
    maxBatchBytes,
  };
}

const CLIENT_OPTIONS: Kinds<EventsClientOptions> = {
  apiKey: "any",
  apiSecret: "any",
  pod: "any",
  baseUrl: "any",
  timeoutMs: "any",
  fetch: "function",
  userAgent: "string",
  retry: "any",
  rate: "any",
  concurrency: "any",
  coalesce: "boolean",
  beforeSend: "any",
  validate: "any",
  strict: "any",
  maxBatchBytes: "any",
  logger: "any",
  onAttempt: "function",
  onRetry: "function",
  onPause: "function",
  onOutcome: "function",
  onFinding: "function",
};

const UPLOAD_OPTIONS: Kinds<UploadOptions> = { signal: "any" };

const BULK_OPTIONS: Kinds<BulkOptions> = { ...UPLOAD_OPTIONS, concurrency: "any", ordered: "boolean" };

const DELIVER_OPTIONS: Kinds<DeliverOptions> = { ...BULK_OPTIONS, endpoint: "any", lingerMs: "any", stop: "any" };

/** What the types promise, JavaScript may break: named here, and not by whatever stumbles over it later. */
export function requireClientOptions(options: EventsClientOptions): void {
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options are ${show(given)}; expected an object with \`apiKey\` and \`apiSecret\`.`);
  }
  checkOptions(options, CLIENT_OPTIONS);
  requireLogger(options.logger);
}

/** @throws TypeError - for events beside their user, as other clients take them, and for options that there are not. */
export function requireUploadOptions(options: UploadOptions): void {
  if (Array.isArray(options)) {
    throw new TypeError("The options are a list; events belong in the batch: `upload(createBatch(user, events))`.");
  }
  checkOptions(options, UPLOAD_OPTIONS);
  requireSignal("signal", options.signal);
}

/** The options of a call with many batches, none of them left open. */
export function resolveBulkOptions(options: BulkOptions): {
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly signal: AbortSignal | undefined;
} {
  checkOptions(options, BULK_OPTIONS);
  return resolveBulk(options);
}

/** As {@link resolveBulkOptions}, for a delivery from a source. */
export function resolveDeliverOptions(options: DeliverOptions): ReturnType<typeof resolveBulkOptions> & {
  readonly path: (typeof BULK_PATHS)["bulk" | "historical"];
  readonly lingerMs: number;
  readonly stop: AbortSignal | undefined;
} {
  checkOptions(options, DELIVER_OPTIONS);
  const { endpoint = "bulk", lingerMs = 20, stop } = options;
  if (!Object.hasOwn(BULK_PATHS, endpoint)) {
    throw new TypeError(`\`endpoint\` is ${show(endpoint)}; expected "bulk" or "historical".`);
  }
  requireSignal("stop", stop);
  return {
    ...BLANK,
    ...resolveBulk(options),
    path: BULK_PATHS[endpoint],
    lingerMs: atLeastZero("lingerMs", lingerMs),
    stop,
  };
}

const BULK_PATHS = { bulk: "/bulkevents", historical: "/bulkevents/historical" } as const;

function resolveBulk({ concurrency = 4, ordered = false, signal }: BulkOptions): ReturnType<typeof resolveBulkOptions> {
  requireSignal("signal", signal);
  return { concurrency: wholeNumber("concurrency", concurrency), ordered, signal };
}

function requireSignal(name: string, signal: unknown): void {
  if (signal === undefined || (typeof signal === "object" && signal !== null && "addEventListener" in signal)) return;
  throw new TypeError(
    `\`${name}\` is ${show(signal)}; expected an AbortSignal, such as \`signal\` of an AbortController.`,
  );
}

/** @param kind - whether one is needed whose batches are all there. */
export function requireSource(source: unknown, kind: "any" | "sync" = "any"): void {
  const isObject = typeof source === "object" && source !== null;
  const isAsync = isObject && Symbol.asyncIterator in source;
  if (kind === "sync" && isAsync && !(Symbol.iterator in source)) {
    throw new TypeError("The batches are an async iterable; expected a list. `deliver` takes them as they come.");
  }
  const isSource = isAsync || (isObject && Symbol.iterator in source);
  if (!isSource) {
    throw new TypeError(
      `The batches are ${show(source)}; expected a list or another iterable. A single one is for \`upload\`.`,
    );
  }
}
