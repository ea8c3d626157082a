import { describe, expect, it, vi } from "vitest";
import type { BeforeSend, Event, StoredBatch } from "mparticle-events";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import type { LastWord } from "../../../src/delivery/queue/last-word.ts";
import { lastWordOf } from "../../../src/delivery/queue/held-release.ts";
import type { OutboxLink } from "../../../src/delivery/queue/outbox-link.ts";
import type { OutcomeReports } from "../../../src/delivery/queue/outcome-reports.ts";
import { PendingBatches, type BatchParts } from "../../../src/delivery/queue/pending-batches.ts";
import { resolveQueueOptions } from "../../../src/delivery/queue/queue-options.ts";
import { FRAME_BYTES } from "../../../src/delivery/queue/queued-batch.ts";
import type { Telemetry } from "../../../src/delivery/telemetry.ts";
import { turns, user } from "./a-queue.ts";

const USER_BYTES = JSON.stringify(user(1)).length;

/** An event that is so long as JSON. */
function eventOf(bytes: number): Event {
  const of = (text: string): Event => ({
    event_type: "screen_view",
    data: { screen_name: text, source_message_id: "m", timestamp_unixtime_ms: 1 },
  });
  return of("x".repeat(bytes - JSON.stringify(of("")).length));
}

/** A step that holds all, until it is told to let all go. */
function gate() {
  const state = { isOpen: false };
  const step: BeforeSend = (batch, { hold, release }) => {
    if (!state.isOpen) return hold("not yet");
    release();
    return batch;
  };
  return { state, step };
}

interface Given {
  readonly own?: readonly BeforeSend[];
  readonly client?: readonly BeforeSend[] | undefined;
  readonly maxBatchBytes?: number;
  readonly outbox?: Partial<OutboxLink>;
}

function make({ own = [], client, maxBatchBytes = 128_000, outbox }: Given) {
  const pending = new PendingBatches({
    maxEventsPerBatch: 1,
    maxBatchBytes,
    growsWhenDue: true,
    now: () => 0,
    onReady: () => undefined,
  });
  const told: (readonly [StoredBatch, number, Verdict])[] = [];
  const reports = {
    unsent: (...given: readonly [StoredBatch, number, Verdict]) => told.push(given),
  } as unknown as OutcomeReports; // as far as it is used
  const reportError = vi.fn();
  const lastWord = lastWordOf({
    settings: resolveQueueOptions({ beforeSend: own }),
    preparation: { path: "/bulkevents", maxBatchBytes, beforeSend: client },
    pending,
    reports,
    telemetry: { reportError } as unknown as Telemetry, // as far as it is used
    outbox: () => outbox as OutboxLink | undefined, // as far as it is used
    refuse: () => undefined,
  });
  return { pending, told, reportError, lastWord };
}

async function add(lastWord: LastWord | undefined, events: readonly Event[]): Promise<void> {
  const said = lastWord?.on(user(1), events);
  if (said?.kind === "done") await said.taken;
}

/** Lets go what was held, and tells the batches that it became. */
async function letGo({ lastWord, pending }: ReturnType<typeof make>, of: ReturnType<typeof gate>) {
  of.state.isOpen = true;
  await add(lastWord, []);
  return pending.list();
}

describe("the steps of a queue", () => {
  it("are its own and then those of its client; there is no last word without any", async () => {
    const seen: string[] = [];
    const named =
      (name: string): BeforeSend =>
      (batch) => {
        seen.push(name);
        return batch;
      };
    expect(make({}).lastWord).toBeUndefined();
    expect(make({ client: [] }).lastWord).toBeUndefined();
    await add(make({ own: [named("a"), named("b")], client: [named("c")] }).lastWord, []);
    await add(make({ client: [named("d")] }).lastWord, []);
    await add(make({ own: [named("e")] }).lastWord, []);
    expect(seen).toEqual(["a", "b", "c", "d", "e"]);
  });
});

describe("what is let go", () => {
  it("is due at once under the id that it was held by, however many events a batch should have", async () => {
    const consent = gate();
    const made = make({ own: [consent.step] });
    await add(made.lastWord, [eventOf(110), eventOf(120)]);
    const [held] = made.lastWord?.held.list() ?? [];
    const batches = await letGo(made, consent);
    expect(batches).toMatchObject([{ requestId: held?.requestId, state: "due", contextStored: false }]);
    expect(batches[0]?.events.map(({ length }) => length)).toEqual([110, 120]);
    expect(batches[0]?.context.text).toBe(JSON.stringify(user(1)));
  });

  it("may be a user alone, or one whose events are null", async () => {
    for (const events of [[], null]) {
      const consent = gate();
      const made = make({ own: [consent.step, (batch) => ({ ...batch, events })] });
      await add(made.lastWord, []);
      expect((await letGo(made, consent)).map(({ events: sent }) => sent)).toEqual([[]]);
    }
  });

  it("is as few batches as it fits into, under ids made of that one and the places of its events", async () => {
    const empty = USER_BYTES + FRAME_BYTES;
    for (const [maxBatchBytes, expected] of [
      [empty + 2 * 121 + 1, ["0-1", "2-3", "4-4"]],
      [empty + 2 * 121, ["0-0", "1-1", "2-2", "3-3", "4-4"]],
      // One event alone may be as large as it can be sent.
      [empty + 121, ["0-0", "1-1", "2-2", "3-3", "4-4"]],
      [empty + 5 * 121 + 1, [undefined]],
    ] as const) {
      const consent = gate();
      const made = make({ own: [consent.step], maxBatchBytes });
      await add(
        made.lastWord,
        Array.from({ length: 5 }, () => eventOf(120)),
      );
      const [held] = made.lastWord?.held.list() ?? [];
      const batches = await letGo(made, consent);
      const ids = expected.map((range) => `${held?.requestId ?? ""}${range === undefined ? "" : `/${range}`}`);
      expect(batches.map(({ requestId }) => requestId)).toEqual(ids);
      expect(batches.flatMap(({ events }) => events)).toHaveLength(5);
    }
  });

  it("is stored to be sent before it is forgotten as held", async () => {
    const consent = gate();
    const calls: unknown[] = [];
    let store: () => void = () => undefined;
    const outbox: Partial<OutboxLink> = {
      keep: ({ requestId }) => {
        calls.push(["keep", requestId]);
        return Promise.resolve();
      },
      store: (parts: BatchParts) => {
        calls.push(["store", ...parts.map(({ batch, items }) => [batch.requestId, items.length])]);
        return new Promise((resolve) => (store = resolve));
      },
      forget: (requestId) => {
        calls.push(["forget", requestId]);
      },
    };
    const made = make({ own: [consent.step], outbox });
    await add(made.lastWord, [eventOf(110), eventOf(110)]);
    const [held] = made.lastWord?.held.list() ?? [];
    const id = held?.requestId ?? "";
    await letGo(made, consent);
    expect(calls).toEqual([
      ["keep", `held:0:${id}`],
      ["store", [id, 2]],
    ]);
    store();
    await turns(1);
    expect(calls.slice(2)).toEqual([["forget", `held:0:${id}`]]);
  });

  it("is sent all the same where it cannot be stored, and that is told", async () => {
    const consent = gate();
    const outbox: Partial<OutboxLink> = {
      keep: () => Promise.resolve(),
      store: () => Promise.reject(new Error("full")),
      forget: vi.fn(),
    };
    const made = make({ own: [consent.step], outbox });
    await add(made.lastWord, [eventOf(110)]);
    const [held] = made.lastWord?.held.list() ?? [];
    await letGo(made, consent);
    await turns(1);
    expect(made.reportError.mock.calls).toEqual([[expect.stringContaining("could not be stored"), new Error("full")]]);
    // The store would have taken the first one out again.
    expect(made.pending.list().map(({ requestId }) => requestId)).toEqual([held?.requestId, held?.requestId]);
    expect(outbox.forget).not.toHaveBeenCalled();
  });
});

it("what is held and ends is counted, and told under its id", async () => {
  const { lastWord, pending, told } = make({ own: [gate().step] });
  await add(lastWord, [eventOf(110), eventOf(110)]);
  const [stored] = lastWord?.handBack() ?? [];
  expect(told).toMatchObject([[stored, 0, { kind: "undelivered", error: { code: "HELD" } }]]);
  expect(pending.events.ledger).toMatchObject({ added: 2, undelivered: 2 });
  expect(pending.batches.ledger).toMatchObject({ added: 1, undelivered: 1 });
  expect(pending.takeIndex()).toBe(1);
});

it("what is held and discarded ends as well where there is no outbox to forget it", async () => {
  let isOver = false;
  const step: BeforeSend = (batch, { hold, discard }) => {
    if (!isOver) return hold("not yet");
    discard("nobody agrees");
    return batch;
  };
  const { lastWord, told } = make({ own: [step] });
  await add(lastWord, [eventOf(110)]);
  isOver = true;
  await add(lastWord, []);
  expect(told).toMatchObject([[{}, 0, { kind: "rejected", error: { code: "DROPPED" } }]]);
});
