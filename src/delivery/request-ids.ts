import { InvalidBatchError, MParticleError } from "../errors.ts";
import { comparable } from "../rules/comparable.ts";
import { onAbort, type AnySignal } from "../transport/abort.ts";
import { parseJsonExact } from "../transport/json.ts";
import type { Verdict } from "./outcome.ts";

/** Whoever handed over a batch that is on its way already. */
export interface Joined {
  /** Ends this one's wait; the delivery goes on for the other. */
  readonly signal: AnySignal | undefined;
  settle(verdict: Verdict): void;
  /** Its delivery was aborted for the other: this one begins anew. */
  again(): void;
}

/** What an id stands for. */
interface Content {
  readonly text: string;
  /** The object that was handed over, while it is on its way. */
  given: object | undefined;
  /** Deliveries of it that are on their way: equal objects have one each. */
  inFlight: number;
  joined: Set<Joined> | undefined;
}

/**
 * What is remembered of batches that are no longer on their way, in characters of their texts: two bulk requests, or a
 * thousand single uploads. What lives longer is moved to the memory of what stays, which cost a single upload a tenth of
 * its time when this was twice as much.
 */
const MAX_REMEMBERED = 500_000;

/**
 * Which content each `source_request_id` stands for. The service keeps one batch of each id and drops all others as its
 * repetitions, so that a batch that was used as a template would be lost and answered 202.
 *
 * Knows all that is on its way and what was sent last, as much as {@link MAX_REMEMBERED} allows.
 */
export class RequestIds {
  /** Two generations: forgetting one of them costs nothing for each id. */
  #recent = new Map<string, Content>();
  #older = new Map<string, Content>();
  #remembered = 0;

  /**
   * Takes an id for a content, until {@link leave}.
   *
   * @param given - the object that was handed over.
   * @returns whether it is to be sent; when this very object is on its way already, {@link join} it.
   * @throws InvalidBatchError - when the id stands for another content.
   */
  enter(id: string, text: string, given: object): boolean {
    const known = this.#recent.get(id) ?? this.#older.get(id);
    if (known === undefined) {
      this.#remember(id, text, given);
      return true;
    }
    if (known.text !== text && !saysTheSame(known.text, text)) throw reusedError(id);
    if (known.given === given) return false;
    known.inFlight++;
    known.given = given;
    return true;
  }

  /** Shares the verdict of what is on its way under this id. */
  join(id: string, joined: Joined): void {
    const content = this.#recent.get(id) ?? this.#older.get(id);
    if (content === undefined) return;
    const others = (content.joined ??= new Set());
    let ignoreAbort = (): void => undefined;
    const waiting: Joined = {
      signal: joined.signal,
      settle: (verdict) => {
        ignoreAbort();
        joined.settle(verdict);
      },
      again: () => {
        ignoreAbort();
        joined.again();
      },
    };
    others.add(waiting);
    if (joined.signal === undefined) return;
    const { signal } = joined;
    ignoreAbort = onAbort(signal, () => {
      others.delete(waiting);
      const facts = { requestIds: [id], attempts: 1, cause: signal.reason as unknown };
      joined.settle({ kind: "undelivered", error: new MParticleError("ABORTED", "Aborted by its signal.", facts) });
    });
  }

  /** What was entered has its verdict, or is in hands that have its verdict later. */
  leave(id: string, verdict?: Verdict): void {
    const content = this.#recent.get(id) ?? this.#older.get(id);
    if (content === undefined) return;
    if (--content.inFlight === 0) content.given = undefined;
    // The service has not got it: mended, it may come again under its id.
    const isFree = verdict?.kind === "rejected" || (verdict?.kind === "undelivered" && verdict.error.attempts === 0);
    if (isFree && content.inFlight === 0) {
      this.#recent.delete(id);
      this.#older.delete(id);
    }
    if (content.joined === undefined || verdict === undefined) return;
    const isAborted = verdict.kind === "undelivered" && verdict.error.code === "ABORTED";
    const waiting = content.joined;
    content.joined = undefined;
    // Whoever is told may abort the wait of another one, which leaves the set then.
    for (const joined of waiting) {
      if (isAborted) joined.again();
      else joined.settle(verdict);
    }
  }

  #remember(id: string, text: string, given: object): void {
    this.#recent.set(id, { text, given, inFlight: 1, joined: undefined });
    this.#remembered += text.length;
    if (this.#remembered < MAX_REMEMBERED / 2) return;
    const forgotten = this.#older;
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#remembered = 0;
    for (const [oldId, content] of forgotten) {
      // Of what is on its way nothing is forgotten; it counts when it is forgotten again.
      if (content.inFlight > 0 && !this.#older.has(oldId)) this.#recent.set(oldId, content);
    }
  }
}

/** A batch that was kept elsewhere meanwhile, such as in `jsonb`, may come back with its keys in another order. */
function saysTheSame(one: string, other: string): boolean {
  // Both are written by us: in another order they are as long.
  return one.length === other.length && comparableText(one) === comparableText(other);
}

function comparableText(text: string): string {
  return JSON.stringify(parseJsonExact(text), comparable);
}

function reusedError(id: string): InvalidBatchError {
  const finding = {
    severity: "error",
    code: "request-id-reused",
    path: "/source_request_id",
    message: "another batch was sent under this id, and the service would drop this one as its repetition.",
    hint: "Leave `source_request_id` out of a copy: `createBatch` gives each batch its own.",
  } as const;
  return new InvalidBatchError([finding], { requestIds: [id] });
}
