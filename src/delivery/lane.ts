import { utf8Length } from "#platform";
import type { UserContext } from "../model/types.ts";
import { serializeBatch } from "../transport/json.ts";
import type { Generation } from "./barrier.ts";
import { Fifo } from "./fifo.ts";
import { BATCH_END, batchHead, type StoredBatch } from "./outbox.ts";
import type { Verdict } from "./outcome.ts";
import { userKeyOf } from "./user-key.ts";

/** The context of a batch (all of it but the events) as text, and the lane of its user. */
export interface Context {
  readonly text: string;
  readonly bytes: number;
  readonly laneKey: string;
}

/** A batch in a queue, from its first event to its outcome. */
export interface QueuedBatch {
  readonly requestId: string;
  readonly context: Context;
  readonly lane: Lane;
  readonly index: number;
  readonly generation: Generation;
  /** Its events as JSON, oldest first. */
  readonly events: string[];
  /** Of the whole batch as it will travel, at most. */
  bytes: number;
  readonly openedAtMs: number;
  state: "open" | "due" | "travelling" | "settled";
  /** The last write to the outbox; the batch waits for it. */
  stored: Promise<unknown> | undefined;
  /** The outbox has its context. */
  contextStored: boolean;
  /** Told of its verdict, before everybody else is. */
  onSettled: ((verdict: Verdict) => void) | undefined;
}

/** All batches of one user ({@link userKeyOf}): they travel in order, the next ones when those before are settled. */
export interface Lane {
  readonly key: string;
  /** The latest: most users change seldom. */
  context: Context;
  /** Takes the user's next events; it may be due already. */
  open: QueuedBatch | undefined;
  /** To be sent, in order. */
  readonly due: Fifo<QueuedBatch>;
  /** Those that travelled in vain, in order: before all that is due. Made when there is one. */
  returned: Fifo<QueuedBatch> | undefined;
  travelling: number;
}

/** What {@link textsOf} puts around the id, the context and the events, with room for a longer id than a UUID. */
export const FRAME_BYTES = 128;

/** The users of whom something is pending. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  /**
   * The context of a user, for the batches that are made of it.
   *
   * @param text - the user as JSON, where it is known.
   * @throws InvalidBatchError - when it cannot be serialised.
   */
  contextOf(user: UserContext, text = serializeUser(user)): Context {
    const laneKey = userKeyOf(user) ?? text;
    const latest = this.#lanes.get(laneKey)?.context;
    return latest?.text === text ? latest : { text, bytes: utf8Length(text), laneKey };
  }

  /** The lane of a context, made when nothing of its user is pending. */
  laneOf(context: Context): Lane {
    const { laneKey: key } = context;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, context, open: undefined, due: new Fifo(), returned: undefined, travelling: 0 };
      this.#lanes.set(key, lane);
    }
    lane.context = context;
    return lane;
  }

  /** Forgets a user of whom nothing is pending any more; tells whether that is so. */
  removeIfIdle(lane: Lane): boolean {
    if (lane.travelling > 0 || lane.open !== undefined || nextDue(lane) !== undefined) return false;
    this.#lanes.delete(lane.key);
    return true;
  }
}

/** The id belongs to a batch, and one user has many. A copy without it costs as much as the text, so only where it is. */
function serializeUser(user: UserContext): string {
  const hasMore = "source_request_id" in user || "events" in user;
  return serializeBatch(hasMore ? { ...user, source_request_id: undefined, events: undefined } : user);
}

/** The oldest batch that is due and still has to travel. */
export function nextDue({ returned, due }: Lane): QueuedBatch | undefined {
  return (returned && firstUnsettled(returned)) ?? firstUnsettled(due);
}

/** Takes what {@link nextDue} has just found. */
export function takeNextDue({ returned, due }: Lane): void {
  if (returned !== undefined && returned.size > 0) returned.shift();
  else due.shift();
}

function firstUnsettled(line: Fifo<QueuedBatch>): QueuedBatch | undefined {
  while (line.peek()?.state === "settled") line.shift();
  return line.peek();
}

/** A batch in the form in which it is kept. */
export function toStored({ requestId, context, events }: QueuedBatch): StoredBatch {
  return { requestId, context: context.text, events };
}

/** A batch as it travels: its texts, one after the other, and their bytes. */
export function textsOf({ requestId, context, events, bytes }: QueuedBatch): {
  readonly texts: string[];
  readonly bytes: number;
} {
  const [common, own] = batchHead(requestId, context.text);
  const texts = [common, own];
  for (const event of events) {
    if (texts.length > 2) texts.push(",");
    texts.push(event);
  }
  texts.push(BATCH_END);
  // Of each event with a comma, which the last one does not have.
  const eventBytes = Math.max(0, bytes - context.bytes - FRAME_BYTES - 1);
  return { texts, bytes: context.bytes - 1 + utf8Length(own) + eventBytes + BATCH_END.length };
}
