import { show } from "../../rules/show.ts";
import { atLeastZero, checkOptions, positive, wholeNumber } from "../../transport/option-checks.ts";
import type { BeforeSend } from "../before-send.ts";
import type { Outbox } from "../outbox.ts";
import type { Outcome } from "../outcome.ts";

/** What happens to events for which there is no room. */
export type Overflow = "wait" | "drop-newest" | "drop-oldest" | "reject";

/** How a queue gathers and sends events, and what it does when there are too many. */
export interface EventQueueOptions {
  /** A batch is due at the latest this long after its first event, in milliseconds. `@default 1_000` */
  readonly flushIntervalMs?: number | undefined;
  /** A batch is full with this many events. `@default 100` */
  readonly maxEventsPerBatch?: number | undefined;
  /** Held in memory at most, in bytes of JSON. `@default 16_777_216` */
  readonly maxBufferedBytes?: number | undefined;
  /** Requests of this queue in flight at most. `@default 4` */
  readonly concurrency?: number | undefined;
  /**
   * What happens when `maxBufferedBytes` is reached: `add` waits, drops what is new or what is oldest (each drop is an
   * outcome), or rejects. `@default "wait"`
   */
  readonly overflow?: Overflow | undefined;
  /**
   * The last word on what is added, before it is stored: a step, or several; those of the client follow. What a step
   * holds back waits here until the step lets it go, and counts as pending; `flush` does not wait for it.
   */
  readonly beforeSend?: BeforeSend | readonly BeforeSend[] | undefined;
  /** Held back by `beforeSend` at most, in bytes of JSON; beyond it the oldest is dropped. `@default 4_194_304` */
  readonly maxHeldBytes?: number | undefined;
  /** Calls of `add` held back for one user at most; beyond it the oldest is dropped. `@default 100` */
  readonly maxHeldPerUser?: number | undefined;
  /** Called once for each batch. What it throws goes to the client's logger. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /** Keeps events on disk until the service has accepted them: `add` resolves once they are there. */
  readonly outbox?: Outbox | undefined;
  /** Of a serverless platform: told of each promise that the platform should wait for. */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
}

/** What can be said about a wait for the queue. */
export interface WaitOptions {
  /** How long to wait at most, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

type DefaultedOption =
  | "flushIntervalMs"
  | "maxEventsPerBatch"
  | "maxBufferedBytes"
  | "concurrency"
  | "overflow"
  | "maxHeldBytes"
  | "maxHeldPerUser";

/** The options with their defaults. */
export type Settings = EventQueueOptions & {
  readonly [Option in DefaultedOption]: NonNullable<EventQueueOptions[Option]>;
};

const OVERFLOWS: readonly Overflow[] = ["wait", "drop-newest", "drop-oldest", "reject"];

const OUTBOX_METHODS = ["open", "recover", "append", "remove", "setAside", "close"] as const;

/** @throws TypeError, RangeError - naming the option, its value and what was expected. */
export function resolveQueueOptions(options: EventQueueOptions): Settings {
  checkOptions(options, {
    flushIntervalMs: "any",
    maxEventsPerBatch: "any",
    maxBufferedBytes: "any",
    concurrency: "any",
    overflow: "any",
    beforeSend: "any",
    maxHeldBytes: "any",
    maxHeldPerUser: "any",
    onOutcome: "function",
    outbox: "any",
    waitUntil: "function",
  });
  const overflow = options.overflow ?? "wait";
  if (!OVERFLOWS.includes(overflow)) {
    throw new TypeError(
      `\`overflow\` is ${show(overflow)}; expected "wait", "drop-newest", "drop-oldest" or "reject".`,
    );
  }
  requireOutbox(options.outbox);
  return {
    ...options,
    flushIntervalMs: positive("flushIntervalMs", options.flushIntervalMs ?? 1_000),
    maxEventsPerBatch: wholeNumber("maxEventsPerBatch", options.maxEventsPerBatch ?? 100),
    maxBufferedBytes: positive("maxBufferedBytes", options.maxBufferedBytes ?? 16 * 1024 * 1024),
    concurrency: wholeNumber("concurrency", options.concurrency ?? 4),
    overflow,
    maxHeldBytes: positive("maxHeldBytes", options.maxHeldBytes ?? 4 * 1024 * 1024),
    maxHeldPerUser: wholeNumber("maxHeldPerUser", options.maxHeldPerUser ?? 100),
  };
}

/** @throws TypeError, RangeError - naming the option, its value and what was expected. */
export function readTimeout(options: WaitOptions): number | undefined {
  checkOptions(options, { timeoutMs: "any" });
  const { timeoutMs } = options;
  return timeoutMs === undefined ? undefined : atLeastZero("timeoutMs", timeoutMs);
}

/** @throws TypeError - for what JavaScript passes instead. */
function requireOutbox(outbox: unknown): void {
  if (outbox === undefined) return;
  const given: object = typeof outbox === "object" && outbox !== null ? outbox : {};
  const missing = OUTBOX_METHODS.filter((name) => typeof Reflect.get(given, name) !== "function");
  if (missing.length === 0) return;
  throw new TypeError(
    `\`outbox\` is ${show(outbox)} without \`${missing.join("`, `")}\`; expected an Outbox such as sqliteOutbox("events.db").`,
  );
}
