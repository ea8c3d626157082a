import type { Event } from "../../../generated/schema.ts";
import type { UserContext } from "../../model/types.ts";
import { stepsOf } from "../before-send.ts";
import type { Verdict } from "../outcome.ts";
import type { PrepareOptions } from "../prepare.ts";
import { readAdd } from "./event-texts.ts";
import { LastWord } from "./last-word.ts";
import type { OutboxLink } from "./outbox-link.ts";
import type { OutcomeReports } from "./outcome-reports.ts";
import type { BatchParts, PendingBatches } from "./pending-batches.ts";
import { FRAME_BYTES } from "./queued-batch.ts";
import type { Settings } from "./queue-options.ts";
import { contextOf } from "./user-context.ts";
import { toHeldStored } from "./held-adds.ts";

export interface HeldReleaseOptions {
  readonly settings: Settings;
  readonly preparation: PrepareOptions;
  readonly pending: PendingBatches;
  readonly reports: OutcomeReports;
  readonly outbox: () => OutboxLink | undefined;
  readonly refuse: (user: UserContext, events: readonly Event[], verdict: Verdict) => void;
  /** Called when something was let go. */
  readonly onRelease: () => void;
}

/** The steps of a queue and its client, and the ways of what they hold back; none where there are no steps. */
export function lastWordOf(options: HeldReleaseOptions): LastWord | undefined {
  const { settings, preparation, pending, reports, outbox, refuse, onRelease } = options;
  const steps = [...stepsOf(settings.beforeSend), ...(preparation.beforeSend ?? [])];
  if (steps.length === 0) return undefined;
  const forget = (requestId: string): void => outbox()?.forget(requestId);
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
    release: (held, { events = [], source_request_id: _, ...user }) => {
      const { context, items, bytes } = readAdd(user, events ?? [], {
        preparation,
        contextOf: (one) => contextOf(pending.lanes, one),
      });
      const parts: BatchParts = [];
      if (context.bytes + FRAME_BYTES + bytes < preparation.maxBatchBytes) {
        parts.push({ batch: pending.restore(held.requestId, context, items, false), items: [...items] });
      } else {
        pending.put(context, items, parts);
      }
      // It is stored to be sent before it is forgotten as held: a crash in between leaves it twice, under one id.
      void outbox()
        ?.store(parts)
        .then(() => {
          forget(toHeldStored(held).requestId);
        })
        .catch(() => undefined); // the store has told why, and the next start finds it as it was held
      onRelease();
    },
  });
}
