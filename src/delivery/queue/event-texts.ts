import { utf8Length } from "#platform";
import type { Batch, Event } from "../../../generated/schema.ts";
import { InvalidBatchError } from "../../errors.ts";
import { show } from "../../rules/show.ts";
import { stampEvent } from "../../model/stamp.ts";
import type { UserContext } from "../../model/types.ts";
import { serializeEvent } from "../../transport/json.ts";
import { refuseFor } from "../checks.ts";
import { asBatchError, requireEnvironment, requireObject, type PrepareOptions } from "../prepare.ts";
import type { Addition } from "./admission.ts";
import { FRAME_BYTES, type Context, type EventText } from "./queued-batch.ts";
import { YIELD_AFTER_BYTES } from "../turns.ts";

export interface ReadOptions {
  readonly preparation: PrepareOptions;
  readonly contextOf: (user: UserContext) => Context;
}

/** So many events are read, and checked, at a time; a batch has no more by default. */
const EVENTS_PER_PIECE = 100;
/** A check may take ten times as long as the reading of what it checks. */
const PIECES_PER_TURN = 5;
/** So many events one turn of the event loop has time for, at most. */
export const EVENTS_PER_TURN = EVENTS_PER_PIECE * PIECES_PER_TURN;

/** Reads what was added, a turn's worth at a time. */
export interface TurnReader {
  /** Whether all of it is read, or has ended. */
  readonly isDone: boolean;
  /** When what is not to be sent has ended. */
  readonly ended?: Promise<void> | undefined;
  /** What is read so far. */
  readonly addition: Addition;
  /** @throws InvalidBatchError - when an event would be refused, altered or lost as it is. */
  readTurn(): void;
  /** Reads all that is left, when there is no other turn; throws as {@link readTurn}. */
  readRest(): void;
  /** It will not be read further. */
  giveUp?(): void;
}

/**
 * Reads what was added: stamped, checked, and as text. All of it at once where that takes no more than a few
 * milliseconds; otherwise the rest later, a turn's worth at a time.
 */
export class AddReader implements TurnReader {
  readonly #events: readonly Event[];
  readonly #user: UserContext;
  readonly #options: ReadOptions;
  readonly #context: Context;
  readonly #emptyBytes: number;
  #eventsPerPiece = EVENTS_PER_PIECE;
  #items: EventText[] = NONE;
  #bytes = 0;

  /** @throws InvalidBatchError - when no event of this user could be sent. */
  constructor(user: UserContext, events: readonly Event[], options: ReadOptions) {
    this.#user = user;
    // A list that its owner changes meanwhile is the same to us; what is missing in it is named.
    this.#events = [...events];
    this.#options = options;
    try {
      requireObject(user, "a user");
      requireEnvironment(user);
      requireNoBatch(user);
      this.#context = options.contextOf(user);
    } catch (cause) {
      throw asBatchError(user, cause);
    }
    this.#emptyBytes = this.#context.bytes + FRAME_BYTES;
    this.readTurn();
  }

  /** Whether all of it is read. */
  get isDone(): boolean {
    return this.#items.length === this.#events.length;
  }

  /** What is read so far. */
  get addition(): Addition {
    return { context: this.#context, items: this.#items, bytes: this.#bytes };
  }

  /**
   * Reads as much as one turn of the event loop has time for.
   *
   * @throws InvalidBatchError - when an event would be refused, altered or lost as it is.
   */
  readTurn(): void {
    const untilBytes = this.#bytes + YIELD_AFTER_BYTES;
    let pieces = 0;
    do this.#readPiece();
    while (!this.isDone && ++pieces < PIECES_PER_TURN && this.#bytes < untilBytes);
  }

  /** Reads all that is left, when there is no other turn. */
  readRest(): void {
    while (!this.isDone) this.#readPiece();
  }

  #readPiece(): void {
    // Without closures, and lists as long as what is in them, because every event comes through here.
    try {
      this.#readNext();
    } catch (cause) {
      throw asBatchError(this.#user, cause);
    }
  }

  #readNext(): void {
    const { check, path, maxBatchBytes } = this.#options.preparation;
    const first = this.#items.length;
    const most = this.#eventsPerPiece;
    // So much of it is not read in parts.
    const piece = this.#events.length <= most ? this.#events : this.#events.slice(first, first + most);
    const stamped = new Array<Event>(piece.length);
    let at = 0;
    // What is missing in the list is named further below.
    for (const event of piece) stamped[at++] = stampEvent(event);
    if (check !== undefined) refuseFor(check.errorsOf({ ...this.#user, events: stamped }, path, first), []);
    const emptyBytes = this.#emptyBytes;
    if (emptyBytes >= maxBatchBytes) {
      const message = `it is ${String(emptyBytes)} bytes without any event; expected less than ${String(maxBatchBytes)}.`;
      throw new InvalidBatchError([{ severity: "error", code: "batch-too-large", path: "", message }]);
    }
    const items = new Array<EventText>(stamped.length);
    let bytes = 0;
    let index = 0;
    for (const event of stamped) {
      const item = toText(event, first + index, emptyBytes, maxBatchBytes);
      items[index++] = item;
      bytes += item.bytes + 1;
      if (bytes < YIELD_AFTER_BYTES) continue;
      // They are large: fewer of them are as much work.
      items.length = index;
      this.#eventsPerPiece = index;
      break;
    }
    if (first === 0) this.#items = items;
    else this.#items.push(...items);
    this.#bytes += bytes;
  }
}

/** What has been read at first. Nothing is put into it. */
const NONE: EventText[] = [];

/**
 * Reads what was added as it is at this moment: stamped, checked, and as text.
 *
 * @throws InvalidBatchError - when it would be refused, altered or lost as it is.
 */
export function readAdd(user: UserContext, events: readonly Event[], options: ReadOptions): Addition {
  const reader = new AddReader(user, events, options);
  reader.readRest();
  return reader.addition;
}

function toText(event: Event, index: number, emptyBytes: number, maxBatchBytes: number): EventText {
  let text: string;
  try {
    text = serializeEvent(event);
  } catch (error) {
    if (!(error instanceof InvalidBatchError)) throw error;
    const findings = error.findings.map((finding) => ({ ...finding, path: pathOf(index) + finding.path }));
    throw new InvalidBatchError(findings, { cause: error.cause });
  }
  const bytes = utf8Length(text);
  if (emptyBytes + bytes < maxBatchBytes) return { text, bytes };
  const message = `with its user it makes a batch of ${String(emptyBytes + bytes)} bytes; expected less than ${String(maxBatchBytes)}.`;
  throw new InvalidBatchError([{ severity: "error", code: "event-too-large", path: pathOf(index), message }]);
}

function pathOf(index: number): string {
  return `/events/${String(index)}`;
}

/**
 * A whole batch fits where a user is expected; its events would be lost.
 *
 * @throws InvalidBatchError - for one that has any.
 */
export function requireNoBatch(user: UserContext): void {
  const { events }: Readonly<Partial<Record<keyof Batch, unknown>>> = user;
  if (events === undefined || events === null) return;
  const message = `it is ${show(events)}; expected none in a user.`;
  const hint = "Pass events after the user. A whole batch goes to `upload` or `uploadBulk`, which keep its id.";
  throw new InvalidBatchError([{ severity: "error", code: "batch-for-user", path: "/events", message, hint }]);
}
