import type { Batch, Event } from "../../../generated/schema.ts";
import type { UserContext } from "../../model/types.ts";
import { stepsOf } from "../before-send.ts";
import type { Verdict } from "../outcome.ts";
import type { PrepareOptions } from "../prepare.ts";
import type { Telemetry } from "../telemetry.ts";
import { readAdd } from "./event-texts.ts";
import { LastWord } from "./last-word.ts";
import type { OutboxLink } from "./outbox-link.ts";
import type { OutcomeReports } from "./outcome-reports.ts";
import type { BatchParts, PendingBatches } from "./pending-batches.ts";
import { FRAME_BYTES, type EventText } from "./queued-batch.ts";
import type { Settings } from "./queue-options.ts";
import { contextOf } from "./user-context.ts";
import { toHeldStored, type HeldAdd } from "./held-adds.ts";

export interface HeldReleaseOptions {
  readonly settings: Settings;
  readonly preparation: PrepareOptions;
  readonly pending: PendingBatches;
  readonly reports: OutcomeReports;
  readonly telemetry: Telemetry;
  readonly outbox: () => OutboxLink | undefined;
  readonly refuse: (user: UserContext, events: readonly Event[], verdict: Verdict) => void;
}

/** The steps of a queue and its client, and the ways of what they hold back; none where there are no steps. */
export function lastWordOf(options: HeldReleaseOptions): LastWord | undefined {
  const { settings, preparation, pending, reports, telemetry, outbox, refuse } = options;
  const steps = [...stepsOf(settings.beforeSend), ...(preparation.beforeSend ?? [])];
  if (steps.length === 0) return undefined;
  const forget = (requestId: string): void => outbox()?.forget(requestId);
  /** Under the id that it was held by, or that and the range of its events: what is let go once more is known by it. */
  const takeIn = (held: HeldAdd, { events, source_request_id: _, ...user }: Batch): BatchParts => {
    const { context, items } = readAdd(user, events ?? [], {
      preparation,
      contextOf: (one) => contextOf(pending.lanes, one),
    });
    return rangesOf(items, context.bytes + FRAME_BYTES, preparation.maxBatchBytes).map(
      ([from, to], _index, { length }) => {
        const id = length === 1 ? held.requestId : `${held.requestId}/${String(from)}-${String(to - 1)}`;
        const part = items.slice(from, to);
        return { batch: pending.restore(id, context, part, false), items: part };
      },
    );
  };
  return new LastWord({
    steps,
    limits: { maxBytes: settings.maxHeldBytes, maxPerUser: settings.maxHeldPerUser },
    refuse,
    forget,
    keep: async (stored) => outbox()?.keep(stored),
    settle: (stored, verdict) => {
      pending.events.refuse(verdict.kind, stored.events.length);
      pending.batches.refuse(verdict.kind, 1);
      reports.unsent(stored, pending.takeIndex(), verdict);
    },
    release: (held, batch) => {
      const parts = takeIn(held, batch);
      // It is stored to be sent before it is forgotten as held: a crash in between leaves it twice, under one id.
      return outbox()
        ?.store(parts)
        .then(() => {
          forget(toHeldStored(held).requestId);
        });
    },
    releaseUnstored: (held, batch, error) => {
      telemetry.reportError(
        "Events that `beforeSend` let go could not be stored as such. They are sent all the same, and once more after the next start, under the same id.",
        error,
      );
      takeIn(held, batch);
    },
  });
}

/** Which events, in their order, fit into a batch together; one range for a batch without any. */
function rangesOf(
  items: readonly EventText[],
  emptyBytes: number,
  maxBatchBytes: number,
): readonly (readonly [from: number, to: number])[] {
  const ranges: [number, number][] = [];
  let [from, bytes] = [0, emptyBytes];
  for (const [index, item] of items.entries()) {
    if (index > from && bytes + item.bytes + 1 >= maxBatchBytes) {
      ranges.push([from, index]);
      [from, bytes] = [index, emptyBytes];
    }
    bytes += item.bytes + 1;
  }
  return [...ranges, [from, items.length]];
}
