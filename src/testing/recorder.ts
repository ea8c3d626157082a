import type { Batch } from "../../generated/schema.ts";
import { show } from "../rules/show.ts";
import { parseExact } from "../transport/json.ts";
import type { Validate } from "../delivery/checks.ts";

/** One request as it arrived, and what became of it. */
export interface RecordedRequest {
  /** 0 for the first; in order of arrival. */
  readonly index: number;
  /** The HTTP method, such as `POST`. */
  readonly method: string;
  /** All of it, such as `http://127.0.0.1:40123/v2/events`. */
  readonly url: string;
  /** Its path and query, such as `/v2/bulkevents`. */
  readonly path: string;
  /** Names in lower case. The credentials are in here. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact text of the body, as far as it was read. */
  readonly body: string;
  /**
   * The batches of the body: one for `/events`, all of them for the bulk paths, none when it is not their JSON. Nothing
   * vouches for their form. Integers that a number would round, such as an `mpid`, are strings of digits.
   */
  readonly batches: readonly Batch[];
  /** How many batches its body held. */
  readonly batchCount: number;
  /** How many events these held. */
  readonly eventCount: number;
  /** Unix time in milliseconds at which its head was in. */
  readonly receivedAtMs: number;
  /** Which connection it came on, 1 for the first; 0 where there are no connections. */
  readonly socketId: number;
  /**
   * What was decided: 2xx means taken, also where the answer was lost on its way (see {@link answered}). `undefined`
   * until then, and for good where no status was decided.
   */
  readonly status: number | undefined;
  /** Whether all of the answer was sent. */
  readonly answered: boolean;
}

/** Totals, kept whatever is recorded. */
export interface RecordedCounts {
  /** All requests, whatever was answered. */
  readonly requests: number;
  /** All batches of them. */
  readonly batches: number;
  /** All events of those. */
  readonly events: number;
  /** In requests decided 2xx, repeats included. */
  readonly acceptedBatches: number;
  /** The events of these batches. */
  readonly acceptedEvents: number;
  /** The same, each `source_request_id` once. */
  readonly acceptedBatchesOnce: number;
  /** The events of these. */
  readonly acceptedEventsOnce: number;
  /** Requests by status decided; those without one are missing. */
  readonly byStatus: Readonly<Record<number, number>>;
}

/** What came in, and what of it was accepted: the books to check a sender against. */
export interface Recording {
  /** Every request in order of arrival; empty with `record: "counts"`. */
  readonly requests: readonly RecordedRequest[];
  /** All batches of all requests, whatever was answered. */
  batches(): readonly Batch[];
  /** The batches of requests decided 2xx, repeats included. */
  accepted(): readonly Batch[];
  /** The same, each `source_request_id` once, as the service keeps them. */
  acceptedOnce(): readonly Batch[];
  /** How often each `source_request_id` was accepted. */
  acceptedIds(): ReadonlyMap<string, number>;
  /** Those accepted more than once: sent again because an answer was lost, dropped by the service as repeats. */
  duplicates(): ReadonlyMap<string, number>;
  /**
   * In how many accepted batches with different ids each event (by `source_message_id`) was. More than 1 is an event
   * counted twice, which no service can notice.
   */
  acceptedEventIds(): ReadonlyMap<string, number>;
  /** Numbers instead of contents; they are kept with `record: "counts"` as well. */
  counts(): RecordedCounts;
  /** Forgets everything recorded so far; `index` starts at 0 again. */
  clear(): void;
}

/** How much is kept, and what is checked. */
export interface RecordOptions {
  /**
   * `"counts"` keeps the books only, for runs too long to keep: no bodies, about 100 bytes for each id of a batch or
   * event. `@default "all"`
   */
  readonly record?: "all" | "counts" | undefined;
  /**
   * Checks each batch of a request that would be answered 2xx, such as `checkBatch` of `mparticle-events/validate`, or
   * several as one by `checkAll`; any error among the findings turns the answer into a 400 that lists them in the service's
   * envelope, each with its `code`, `path`, `message` and `hint`.
   */
  readonly check?: Validate | undefined;
  /**
   * A data plan that batches are held against as well: what `readPlan` of `mparticle-events/plan` gave, or parsed JSON. A
   * batch with an event that is not planned is answered 400, unless the plan allows it.
   */
  readonly plan?: object | undefined;
}

/** What is known when the head of a request is in. */
export type RequestHead = Pick<RecordedRequest, "method" | "url" | "path" | "headers" | "receivedAtMs" | "socketId">;

/** A request being recorded. */
export class RequestRecord implements RecordedRequest {
  readonly index: number;
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAtMs: number;
  readonly socketId: number;
  body = "";
  batches: readonly Batch[] = [];
  batchCount = 0;
  eventCount = 0;
  status: number | undefined = undefined;
  answered = false;

  constructor(index: number, head: RequestHead) {
    this.index = index;
    this.method = head.method;
    this.url = head.url;
    this.path = head.path;
    this.headers = head.headers;
    this.receivedAtMs = head.receivedAtMs;
    this.socketId = head.socketId;
  }
}

/** Keeps the books of {@link Recording}. */
export class Recorder {
  readonly requests: RequestRecord[] = [];
  readonly #keepsAll: boolean;
  readonly #acceptedIds = new Map<string, number>();
  readonly #acceptedEventIds = new Map<string, number>();
  #counts = emptyCounts();

  constructor(record: "all" | "counts") {
    if (!["all", "counts"].includes(record)) {
      throw new TypeError(`\`record\` is ${show(record)}; expected "all" or "counts".`);
    }
    this.#keepsAll = record === "all";
  }

  open(head: RequestHead): RequestRecord {
    const request = new RequestRecord(this.#counts.requests++, head);
    if (this.#keepsAll) this.requests.push(request);
    return request;
  }

  /** The body is in. */
  read(request: RequestRecord, body: string): void {
    request.body = body;
    request.batches = readBatches(body);
    request.batchCount = request.batches.length;
    request.eventCount = request.batches.reduce((sum, batch) => sum + eventsOf(batch).length, 0);
    this.#counts.batches += request.batchCount;
    this.#counts.events += request.eventCount;
  }

  /** A status is decided. */
  decide(request: RequestRecord, status: number): void {
    request.status = status;
    const counts = this.#counts;
    counts.byStatus[status] = (counts.byStatus[status] ?? 0) + 1;
    if (!isSuccess(status)) return;
    counts.acceptedBatches += request.batchCount;
    counts.acceptedEvents += request.eventCount;
    for (const batch of request.batches) {
      const id = idOf(batch);
      const times = id === undefined ? 0 : (this.#acceptedIds.get(id) ?? 0);
      if (id !== undefined) this.#acceptedIds.set(id, times + 1);
      if (times > 0) continue;
      const events = eventsOf(batch);
      counts.acceptedBatchesOnce++;
      counts.acceptedEventsOnce += events.length;
      for (const eventId of events.map(eventIdOf)) {
        if (eventId === undefined) continue;
        this.#acceptedEventIds.set(eventId, (this.#acceptedEventIds.get(eventId) ?? 0) + 1);
      }
    }
  }

  /** The books, without the pen. */
  recording(): Recording {
    return {
      requests: this.requests,
      batches: () => this.#kept("batches").flatMap((request) => request.batches),
      accepted: () => this.#accepted("accepted"),
      acceptedOnce: () => once(this.#accepted("acceptedOnce")),
      acceptedIds: () => new Map(this.#acceptedIds),
      duplicates: () => new Map([...this.#acceptedIds].filter(([, times]) => times > 1)),
      acceptedEventIds: () => new Map(this.#acceptedEventIds),
      counts: () => ({ ...this.#counts, byStatus: { ...this.#counts.byStatus } }),
      clear: () => {
        this.requests.length = 0;
        this.#acceptedIds.clear();
        this.#acceptedEventIds.clear();
        this.#counts = emptyCounts();
      },
    };
  }

  #accepted(method: string): readonly Batch[] {
    return this.#kept(method).flatMap(({ status, batches }) => (isSuccess(status) ? batches : []));
  }

  #kept(method: string): readonly RequestRecord[] {
    if (this.#keepsAll) return this.requests;
    throw new Error(
      `${method}() needs record: "all"; with "counts" ask counts(), acceptedIds() or acceptedEventIds().`,
    );
  }
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status <= 299;
}

function once(batches: readonly Batch[]): readonly Batch[] {
  const seen = new Set<string>();
  return batches.filter((batch) => {
    const id = idOf(batch);
    if (id === undefined) return true;
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}

function emptyCounts() {
  const byStatus: Record<number, number> = {};
  return {
    requests: 0,
    batches: 0,
    events: 0,
    acceptedBatches: 0,
    acceptedEvents: 0,
    acceptedBatchesOnce: 0,
    acceptedEventsOnce: 0,
    byStatus,
  };
}

/** Integers of 16 digits and more are rare, and the exact reader is slower than the native one. */
const LONG_INTEGER = /\d{16}/;

function readBatches(body: string): readonly Batch[] {
  let value: unknown;
  try {
    value = LONG_INTEGER.test(body) ? parseExact(body) : JSON.parse(body);
  } catch {
    return [];
  }
  const batches: readonly unknown[] = Array.isArray(value) ? value : [value];
  // Typed for the reader's convenience: what a sender under test sent is what a test is about to find out.
  return batches.filter(isRecord) as unknown as readonly Batch[];
}

function eventsOf(batch: unknown): readonly unknown[] {
  return isRecord(batch) && Array.isArray(batch["events"]) ? batch["events"] : [];
}

function idOf(batch: unknown): string | undefined {
  return isRecord(batch) && typeof batch["source_request_id"] === "string" ? batch["source_request_id"] : undefined;
}

function eventIdOf(event: unknown): string | undefined {
  const data = isRecord(event) ? event["data"] : undefined;
  return isRecord(data) && typeof data["source_message_id"] === "string" ? data["source_message_id"] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
