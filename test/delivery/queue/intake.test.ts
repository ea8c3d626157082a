import { describe, expect, it, vi } from "vitest";
import {
  MParticleError,
  type BeforeSend,
  type Event,
  type EventQueueOptions,
  type Outcome,
  type UserContext,
} from "mparticle-events";
import type { RunInContext } from "../../../src/delivery/attempt-start.ts";
import { stepsOf } from "../../../src/delivery/before-send.ts";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import { Admission } from "../../../src/delivery/queue/admission.ts";
import type { FlushTimer } from "../../../src/delivery/queue/flush-timer.ts";
import { Intake } from "../../../src/delivery/queue/intake.ts";
import { LastWord } from "../../../src/delivery/queue/last-word.ts";
import type { OutboxLink } from "../../../src/delivery/queue/outbox-link.ts";
import { OutcomeReports } from "../../../src/delivery/queue/outcome-reports.ts";
import { PendingBatches, type BatchParts } from "../../../src/delivery/queue/pending-batches.ts";
import { closedError } from "../../../src/delivery/queue/queue-errors.ts";
import { resolveQueueOptions } from "../../../src/delivery/queue/queue-options.ts";
import type { QueuedBatch } from "../../../src/delivery/queue/queued-batch.ts";
import { contextOf } from "../../../src/delivery/queue/user-context.ts";
import type { Telemetry } from "../../../src/delivery/telemetry.ts";
import { Turns, YIELD_AFTER_BYTES } from "../../../src/delivery/turns.ts";
import { countTurns, turns, user } from "./a-queue.ts";

/** What is put into batches of a long list in one turn of the event loop. */
const PER_TURN = 5_000;
/** So many batches are dropped in one turn. */
const DROPS_PER_TURN = 500;

const short = (name: string | number, size = 0): Event => ({
  event_type: "screen_view",
  data: { screen_name: String(name) + "x".repeat(size), source_message_id: "m", timestamp_unixtime_ms: 1 },
});
const listOf = (count: number): Event[] => Array.from({ length: count }, (_, n) => short(n));
/** What the user of nobody's batch may be: JavaScript passes it. */
const NOBODY = {} as UserContext;

/** An outbox that notes what it is to store; all of that is stored in the next turn. */
class NotedLink {
  readonly held: number[] = [];
  readonly stored: number[] = [];
  failure: MParticleError | undefined;
  opened = 0;

  open(): void {
    this.opened++;
  }

  hold(parts: BatchParts): void {
    this.held.push(parts.reduce((sum, { items }) => sum + items.length, 0));
  }

  async store(parts: BatchParts, turn?: Promise<void>): Promise<void> {
    this.stored.push(parts.reduce((sum, { items }) => sum + items.length, 0));
    await turn;
  }
}

interface Made {
  readonly queue?: EventQueueOptions;
  readonly steps?: BeforeSend;
  readonly link?: NotedLink;
  /** Whether it is being read what an earlier process left. */
  readonly isTakingIn?: boolean;
}

function make({ queue = {}, steps, link, isTakingIn = false }: Made = {}) {
  const settings = resolveQueueOptions({ flushIntervalMs: 1_000, ...queue });
  const state = { isTakingIn, origin: undefined as RunInContext | undefined, takenIn: (): void => undefined };
  /** Resolves who waits, and is made anew by who waits next. */
  let whenTakenIn: Promise<void> | undefined;
  let endWait = (): void => undefined;
  const waitUntilTakenIn = vi.fn(() => (whenTakenIn ??= new Promise<void>((resolve) => (endWait = resolve))));
  const wakeWhoWaits = (): void => {
    endWait();
    whenTakenIn = undefined;
  };
  state.takenIn = () => {
    state.isTakingIn = false;
    wakeWhoWaits();
  };
  const outcomes: Outcome[] = [];
  const told: string[] = [];
  const telemetry = {
    origin: () => state.origin,
    hasOutcomeListener: () => true,
    outcome: (outcome: Outcome) => outcomes.push(outcome),
    outcomeOfQueue: (outcome: Outcome) => outcomes.push(outcome),
  } as unknown as Telemetry; // as far as it is used
  const pending = new PendingBatches({
    maxEventsPerBatch: settings.maxEventsPerBatch,
    maxBatchBytes: 128_000,
    growsWhenDue: true,
    now: () => 0,
    onReady: () => told.push("ready"),
  });
  const admission = new Admission({ ...settings, held: pending, isOpen: () => !state.isTakingIn });
  const reports = new OutcomeReports(telemetry, undefined);
  const lastWord =
    steps &&
    new LastWord({
      steps: stepsOf(steps),
      limits: { maxBytes: 1e9, maxPerUser: 1_000 },
      release: () => undefined,
      releaseUnstored: () => undefined,
      refuse: (...given) => {
        intake.refuse(...given);
      },
      settle: () => undefined,
      keep: () => Promise.resolve(),
      forget: () => undefined,
    });
  const shared = new Turns();
  const intake: Intake = new Intake({
    settings,
    lastWord,
    reading: {
      preparation: { path: "/bulkevents", maxBatchBytes: 128_000 },
      contextOf: (one) => contextOf(pending.lanes, one),
    },
    pending,
    admission,
    outbox: link as unknown as OutboxLink | undefined, // as far as it is used
    isTakingIn: () => state.isTakingIn,
    whenTakenIn: waitUntilTakenIn,
    onRoom: () => told.push("room"),
    reports,
    telemetry,
    flushTimer: { start: () => told.push("timer") } as unknown as FlushTimer, // as far as it is used
    turns: shared,
    settle: (batch, verdict) => {
      pending.settle(batch, verdict.kind);
      reports.settled(batch, verdict);
    },
    onBusy: () => told.push("busy"),
  });
  /** How many events are in batches. */
  const taken = (): number => pending.events.ledger.pending;
  /** Ends a batch, as the service does. */
  const accept = (batch = pending.list()[0]): void => {
    if (batch === undefined) throw new Error("nothing is pending");
    pending.settle(batch, "accepted");
    intake.admitWaiting();
  };
  const namesOf = (batches: readonly QueuedBatch[]): readonly string[] =>
    batches.flatMap(({ events }) => events.map((text) => /"screen_name":"([^"x]*)/.exec(text)?.[1] ?? "none"));
  return {
    waitUntilTakenIn,
    wakeWhoWaits,
    intake,
    state,
    pending,
    admission,
    outcomes,
    told,
    shared,
    taken,
    accept,
    names: () => namesOf(pending.list()),
  };
}

const codeOf = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => "taken",
    (error: unknown) => (error as MParticleError).code,
  );

describe("an add", () => {
  it("is taken in where there is room, and the flush timer runs from then on", async () => {
    const { intake, told, names } = make();
    await intake.add(user(1), [short("a"), short("b")]);
    await intake.add(user(1), [short("c")]);
    expect(names()).toEqual(["a", "b", "c"]);
    // Somebody is told that there is something to do when there was nothing.
    expect(told).toEqual(["timer", "busy", "timer"]);
  });

  it("is refused once the queue is closed, and counts nowhere", async () => {
    const { intake, pending, outcomes } = make();
    intake.close();
    expect(await codeOf(intake.add(user(1), [short("a")]))).toBe("CLOSED");
    expect(await codeOf(intake.add(NOBODY, [short("a")]))).toBe("CLOSED");
    expect([pending.events.ledger.added, outcomes]).toEqual([0, []]);
  });

  it("is refused where the outbox has failed, and opens one that is closed", async () => {
    const link = new NotedLink();
    const { intake, pending, outcomes } = make({ link });
    await intake.add(user(1), [short("a")]);
    expect([link.opened, link.stored]).toEqual([1, [1]]);
    link.failure = new MParticleError("OUTBOX", "damaged");
    expect(await codeOf(intake.add(user(1), [short("b")]))).toBe("OUTBOX");
    expect([pending.events.ledger.added, outcomes]).toEqual([1, []]);
  });

  it("that can never be sent is rejected, counted, and reported with the reason", async () => {
    const { intake, pending, outcomes } = make();
    expect(await codeOf(intake.add(NOBODY, [short("a"), short("b")]))).toBe("INVALID_BATCH");
    expect(outcomes).toMatchObject([{ kind: "rejected", index: 0, error: { code: "INVALID_BATCH" } }]);
    expect(pending.events.ledger).toMatchObject({ added: 2, rejected: 2 });
    expect(pending.batches.ledger).toMatchObject({ added: 1, rejected: 1 });
  });

  it("has its own context with it, where somebody wants to know", async () => {
    const { intake, state, pending } = make();
    await intake.add(user(1), [short("a")]);
    state.origin = (task) => task();
    await intake.add(user(2), [short("b")]);
    await intake.add(user(3), listOf(600));
    expect(pending.list().map(({ origins }) => origins?.length)).toEqual([undefined, 1, ...Array<number>(6).fill(1)]);
  });

  it("ends in another turn once this one has had its share, also one that is refused", async () => {
    for (const [name, add, expected] of [
      ["taken in", (intake: Intake) => intake.add(user(1), [short("a")]), "taken"],
      ["refused", (intake: Intake) => intake.add(NOBODY, []), "INVALID_BATCH"],
    ] as const) {
      const { intake, shared } = make();
      let end = "";
      void codeOf(add(intake)).then((code) => (end = code));
      await Promise.resolve().then(() => undefined);
      await vi.waitFor(() => {
        expect(end).toBe(expected);
      });
      shared.note(YIELD_AFTER_BYTES);
      end = "";
      const stop = countTurns();
      await codeOf(add(intake)).then((code) => (end = code));
      expect([name, end, stop()]).toEqual([name, expected, 1]);
    }
  });

  it("counts for its turn with its user and its events", async () => {
    const text = "x".repeat(YIELD_AFTER_BYTES / 2);
    for (const link of [undefined, new NotedLink()]) {
      const { intake, shared } = make({ ...(link && { link }) });
      await intake.add({ ...user(1), user_attributes: { text } }, []);
      expect(shared.isSpent).toBe(false);
      void intake.add(user(1), [short("a", YIELD_AFTER_BYTES / 2)]);
      expect(shared.isSpent).toBe(true);
    }
  });
});

describe("an add without room", () => {
  const bound = { maxBufferedBytes: 3_000 };

  it("waits, while what is there is sent, and is let in as soon as there is room", async () => {
    const { intake, admission, told, names, accept, pending } = make({ queue: bound });
    await intake.add(user(1), [short("a", 2_000)]);
    told.length = 0;
    const ends: string[] = [];
    for (const name of ["b", "c", "d"]) void intake.add(user(2), [short(name, 1_000)]).then(() => ends.push(name));
    expect([admission.waitingAdds, names()]).toEqual([3, ["a"]]);
    expect(told).toEqual(["ready", "timer", "timer", "timer"]);
    told.length = 0;
    accept();
    await turns(1);
    expect(ends).toEqual(["b", "c"]);
    // One waits still: what came in must go out for it.
    expect(pending.list().map(({ state }) => state)).toEqual(["due"]);
    expect(told).toEqual(["room", "timer", "busy", "timer", "ready", "timer"]);
    told.length = 0;
    accept();
    await turns(1);
    expect([ends, names()]).toEqual([["b", "c", "d"], ["d"]]);
    // Nobody waits any more.
    expect(pending.list().map(({ state }) => state)).toEqual(["open"]);
    told.length = 0;
    intake.admitWaiting();
    expect(told).toEqual(["room"]);
  });

  it("that still waits sends nothing that was there before", async () => {
    const { intake, pending, told } = make({ queue: bound });
    await intake.add(user(1), [short("a", 2_000)]);
    void intake.add(user(2), [short("b", 2_000)]);
    told.length = 0;
    intake.admitWaiting();
    expect(told).toEqual(["room"]);
    expect(pending.list()).toHaveLength(1);
  });

  it("is refused for all in order, with an outcome for none but what somebody makes of it", async () => {
    for (const how of ["at once", "in turns"] as const) {
      const { intake, admission, outcomes } = make({ queue: bound });
      await intake.add(user(1), [short("a", 2_000)]);
      const said: number[] = [];
      const added = [1_000, 2_000].map((size) => codeOf(intake.add(user(2), [short("b", size)])));
      if (how === "at once") intake.refuseWaiting(closedError());
      else await intake.refuseWaitingInTurns(closedError(), ({ bytes }) => said.push(Math.floor(bytes / 1_000)));
      expect(said).toEqual(how === "at once" ? [] : [1, 2]);
      expect(await Promise.all(added)).toEqual(["CLOSED", "CLOSED"]);
      expect([admission.waitingAdds, outcomes]).toEqual([0, []]);
    }
  });

  it("is refused five hundred in a turn, and the others wait as before until then", async () => {
    const { intake, admission } = make({ queue: bound });
    await intake.add(user(1), [short("a", 2_000)]);
    for (let n = 0; n < 1_001; n++) void intake.add(user(2), [short("b", 2_000)]);
    const waiting: number[] = [];
    const refused = intake.refuseWaitingInTurns(closedError(), () => undefined);
    for (let turn = 0; turn < 3; turn++) {
      waiting.push(admission.waitingAdds);
      await turns(1);
    }
    expect(waiting).toEqual([501, 1, 0]);
    await refused;
  });

  it("is rejected, and counts nowhere, with reject", async () => {
    const { intake, pending, outcomes } = make({ queue: { ...bound, overflow: "reject" } });
    await intake.add(user(1), [short("a", 2_000)]);
    expect(await codeOf(intake.add(user(2), [short("b", 2_000)]))).toBe("OVERFLOW");
    expect([pending.events.ledger.added, outcomes]).toEqual([1, []]);
  });

  it("is reported as undelivered with drop-newest", async () => {
    const { intake, pending, outcomes } = make({ queue: { ...bound, overflow: "drop-newest" } });
    await intake.add(user(1), [short("a", 2_000)]);
    await intake.add(user(2), [short("b", 2_000)]);
    expect(outcomes).toMatchObject([{ kind: "undelivered", error: { code: "OVERFLOW", requestIds: [] } }]);
    expect(pending.events.ledger).toMatchObject({ added: 2, undelivered: 1 });
  });

  it("drops the oldest with drop-oldest, as few as it needs, and is there when that is told", async () => {
    const { intake, outcomes, names, pending } = make({ queue: { ...bound, overflow: "drop-oldest" } });
    for (const name of ["a", "b", "c"]) await intake.add(user(name), [short(name, 600)]);
    const [oldest] = pending.list();
    const added = intake.add(user("d"), [short("d", 600)]);
    expect(names()).toEqual(["b", "c", "d"]);
    await added;
    expect(outcomes).toMatchObject([
      { kind: "undelivered", index: 0, error: { code: "OVERFLOW", requestIds: [oldest?.requestId] } },
    ]);
  });

  it("drops nothing in vain with drop-oldest", async () => {
    const { intake, outcomes, names, pending } = make({ queue: { ...bound, overflow: "drop-oldest" } });
    await intake.add(user("a"), [short("a", 1_500)]);
    const [sent] = pending.list();
    if (sent !== undefined) pending.start(sent);
    await intake.add(user("b"), [short("b", 100)]);
    await intake.add(user("c"), [short("c", 2_500)]);
    expect(names()).toEqual(["a", "b"]);
    expect(outcomes).toMatchObject([{ kind: "undelivered", batch: { events: [{}] } }]);
  });

  it("drops many in turns with drop-oldest, all before it is taken in itself", async () => {
    const queue = { overflow: "drop-oldest", maxBufferedBytes: 500_000 } as const;
    const { intake, outcomes, pending, taken } = make({ queue });
    const count = Math.floor(500_000 / 330);
    for (let n = 0; n < count; n++) await intake.add(user(n), [short(n)]);
    expect(outcomes).toEqual([]);
    const sizes: number[] = [];
    const added = intake.add(
      user("large"),
      Array.from({ length: 4 }, (_, n) => short(n, 110_000)),
    );
    for (
      let before = 0;
      pending.lanes.get(JSON.stringify(["customer_id", "large"])) === undefined && sizes.length < 20;
    ) {
      sizes.push(outcomes.length - before);
      before = outcomes.length;
      if (pending.list().at(-1)?.context.text.includes("large")) break;
      await turns(1);
    }
    await added;
    expect(Math.max(...sizes)).toBe(DROPS_PER_TURN);
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(2);
    expect(taken()).toBe(count - outcomes.length + 4);
  });
});

describe("an add while what an earlier process left is taken in", () => {
  it("waits, and is let in after it, or when there is no time", async () => {
    for (const whether of ["room", "room or not"] as const) {
      const { intake, state, admission, taken } = make({ isTakingIn: true });
      const added = codeOf(intake.add(user(1), [short("a")]));
      intake.admitWaiting();
      expect([admission.waitingAdds, taken()]).toEqual([1, 0]);
      if (whether === "room") state.takenIn();
      intake.admitWaiting(whether);
      expect([admission.waitingAdds, taken()]).toEqual([0, 1]);
      expect(await added).toBe("taken");
    }
  });
});

describe("a long list", () => {
  it("that was read is put into batches in turns, and nothing that waits behind it comes before its end", async () => {
    const link = new NotedLink();
    const { intake, state, admission, names, taken } = make({ link, isTakingIn: true });
    const added = [intake.add(user(1), listOf(2 * PER_TURN + 1)), intake.add(user(1), [short("after")])];
    await intake.whenRead;
    expect(taken()).toBe(0);
    state.takenIn();
    intake.admitWaiting();
    const sizes = [taken()];
    intake.admitWaiting();
    while (admission.waitingAdds > 0) {
      await turns(1);
      sizes.push(taken());
    }
    expect(sizes).toEqual([PER_TURN, 2 * PER_TURN, 2 * PER_TURN + 2]);
    await Promise.all(added);
    expect(names()).toEqual([...listOf(2 * PER_TURN + 1).map((_, n) => String(n)), "after"]);
    // None of it is sent before all of it is stored, in one go.
    expect(link.held).toEqual([PER_TURN, 2 * PER_TURN]);
    expect(link.stored).toEqual([2 * PER_TURN + 1, 1]);
    // Nothing is left of what waited.
    expect([admission.hasRoom(0), admission.waitingAdds]).toEqual([true, 0]);
  });

  it("counts as what waits for what is not in a batch yet, to the byte", async () => {
    const { intake, state, admission, pending, taken } = make({
      isTakingIn: true,
      queue: { maxBufferedBytes: 10_000_000 },
    });
    /** Bytes there is room for. */
    const room = (): number => {
      let [least, most] = [0, 20_000_000];
      while (least < most) {
        const middle = Math.ceil((least + most) / 2);
        if (admission.hasRoom(middle)) least = middle;
        else most = middle - 1;
      }
      return least;
    };
    void intake.add(user(1), listOf(PER_TURN + 10));
    await intake.whenRead;
    const [before, batches] = [room(), pending.bufferedBytes];
    state.takenIn();
    intake.admitWaiting();
    expect(taken()).toBe(PER_TURN);
    // What was put into batches counts there, with what surrounds each batch.
    const frames = pending.list().length * (pending.list()[0]!.context.bytes + 128);
    expect(room()).toBe(before - batches - frames);
    await turns(2);
    expect(taken()).toBe(PER_TURN + 10);
    expect(room()).toBe(10_000_000 - pending.bufferedBytes);
  });

  it("that is no longer than that is put into batches in one go, and so is any when there is no time", async () => {
    for (const [count, whether] of [
      [PER_TURN, "room"],
      [PER_TURN + 1, "room or not"],
    ] as const) {
      const { intake, state, admission, taken } = make({ isTakingIn: true });
      void intake.add(user(1), listOf(count));
      await intake.whenRead;
      state.takenIn();
      intake.admitWaiting(whether);
      expect([taken(), admission.waitingAdds]).toEqual([count, 0]);
    }
  });

  it("is read a turn's worth at a time, and the rest at once when there is no time", async () => {
    const { intake, taken, admission } = make();
    const added = codeOf(intake.add(user(1), listOf(2_000)));
    await turns(1);
    expect([taken(), admission.waitingAdds]).toEqual([0, 1]);
    intake.admitWaiting("room or not");
    expect(taken()).toBe(2_000);
    expect(await added).toBe("taken");
    await intake.whenRead;
    expect(taken()).toBe(2_000);
  });

  it.each<[string, unknown, string]>([
    ["holds what is no event", null, "INVALID_BATCH"],
    ["throws what ends more than itself", { event_type: "first_run", data: { toJSON: throwClosed } }, "CLOSED"],
  ])("of which the end %s is refused in its turn, or when there is no time", async (_, last, code) => {
    for (const isInHurry of [true, false]) {
      const { intake, pending, outcomes } = make();
      const added = codeOf(intake.add(user(1), [...listOf(1_000), last as Event]));
      const after = codeOf(intake.add(user(1), [short("after")]));
      if (isInHurry) intake.admitWaiting("room or not");
      expect([await added, await after]).toEqual([code, "taken"]);
      const isReported = code === "INVALID_BATCH";
      expect(outcomes.map(({ kind }) => kind)).toEqual(isReported ? ["rejected"] : []);
      if (isReported) expect(outcomes).toMatchObject([{ error: { code } }]);
      expect(pending.events.ledger).toMatchObject({ rejected: isReported ? 1_001 : 0, pending: 1 });
    }
  });

  it.each(["reject", "drop-newest"] as const)("without room is refused in its turn, with %s", async (overflow) => {
    const { intake, outcomes, taken } = make({ queue: { overflow, maxBufferedBytes: 50_000 } });
    await intake.add(user(1), [short("before")]);
    const code = await codeOf(intake.add(user(1), listOf(1_000)));
    expect(code).toBe(overflow === "reject" ? "OVERFLOW" : "taken");
    expect(taken()).toBe(1);
    expect(outcomes.map(({ kind }) => kind)).toEqual(overflow === "reject" ? [] : ["undelivered"]);
  });

  it("without room waits until there is some, with wait", async () => {
    const { intake, admission, accept, names } = make({ queue: { maxBufferedBytes: 50_000 } });
    await intake.add(user(1), [short("before", 40_000)]);
    const added = codeOf(intake.add(user(1), listOf(600)));
    await intake.whenRead;
    expect([admission.waitingAdds, names()]).toEqual([1, ["before"]]);
    accept();
    expect([admission.waitingAdds, names().length]).toEqual([0, 600]);
    expect(await added).toBe("taken");
  });

  it("that cannot be sent is rejected for that, also where all that waits is refused", async () => {
    const { intake, outcomes } = make({ isTakingIn: true });
    const before = codeOf(intake.add(user(1), [short("before")]));
    const added = codeOf(intake.add(user(1), [...listOf(600), null as unknown as Event]));
    await intake.whenRead;
    intake.refuseWaiting(closedError());
    expect([await before, await added]).toEqual(["CLOSED", "INVALID_BATCH"]);
    expect(outcomes).toMatchObject([{ kind: "rejected", error: { code: "INVALID_BATCH" } }]);
  });

  it("for which others are dropped in turns leaves nothing behind when it is refused meanwhile", async () => {
    const { intake, outcomes, admission, pending } = make({
      queue: { overflow: "drop-oldest", maxBufferedBytes: 400_000 },
    });
    for (let n = 0; n < 1_100; n++) await intake.add(user(n), [short(n)]);
    const added = codeOf(intake.add(user("long"), listOf(3_000)));
    for (let turn = 0; outcomes.length === 0 && turn < 100; turn++) await turns(1);
    expect(outcomes).toHaveLength(DROPS_PER_TURN);
    intake.refuseWaiting(closedError());
    expect(await added).toBe("CLOSED");
    await intake.whenRead;
    expect(admission.hasRoom(400_000 - pending.bufferedBytes)).toBe(true);
  });

  it("that is refused by a close while it is read is read no further", async () => {
    const { intake, outcomes, taken, admission } = make({ queue: { overflow: "drop-oldest" } });
    let reads = 0;
    const noted = listOf(3_000).map((event) =>
      Object.defineProperty({ event_type: "screen_view" }, "data", {
        enumerable: true,
        get: () => {
          reads++;
          return event.data;
        },
      }),
    ) as Event[];
    const added = codeOf(intake.add(user(1), noted));
    const before = reads;
    intake.refuseWaiting(closedError());
    await intake.whenRead;
    expect(await added).toBe("CLOSED");
    expect([reads, taken(), admission.waitingAdds, outcomes]).toEqual([before, 0, 0, []]);
  });
});

function throwClosed(): never {
  throw closedError();
}

describe("what goes through the steps of beforeSend", () => {
  /** Steps that note what they get, and keep what is named so. */
  function noted() {
    const seen: string[] = [];
    const steps: BeforeSend = ({ events, ...rest }, { drop, hold }) => {
      const names = (events ?? []).map((event) => (event.event_type === "screen_view" ? event.data.screen_name : ""));
      seen.push(`${String(names[0])}+${String(names.length - 1)}`);
      if (names.includes("drop")) return drop("so it is named");
      if (names.includes("hold")) return hold("so it is named");
      return { ...rest, events: events ?? [] };
    };
    return { seen, steps };
  }

  it("is seen by them at once where it is short, and in the order of the calls behind what is long", async () => {
    const { seen, steps } = noted();
    const { intake, names } = make({ steps });
    await intake.add(user(1), [short("a")]);
    expect(seen).toEqual(["a+0"]);
    void intake.add(user(1), listOf(500));
    expect(seen).toEqual(["a+0", "0+499"]);
    const added = [intake.add(user(1), listOf(501)), intake.add(user(1), [short("b")]), intake.add(user(1), [])];
    expect(seen).toHaveLength(2);
    await Promise.all(added);
    expect(seen.slice(2)).toEqual(["0+500", "b+0", "undefined+-1"]);
    expect(names().slice(-2)).toEqual(["500", "b"]);
    // All that was long is over.
    void intake.add(user(1), [short("c")]);
    expect(seen.at(-1)).toBe("c+0");
  });

  it("and is kept back by them is not taken in, whatever there is room for", async () => {
    const queue = { maxBufferedBytes: 3_000, overflow: "drop-oldest" } as const;
    const { steps } = noted();
    const { intake, pending, outcomes, names } = make({ steps, queue });
    await intake.add(user(1), [short("a", 1_000)]);
    await intake.add(user(1), [short("drop"), ...listOf(600)]);
    await intake.add(user(1), [short("hold"), ...listOf(600)]);
    await intake.add(user(1), [short("drop")]);
    expect(names()).toEqual(["a"]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected", "rejected"]);
    expect(pending.events.ledger).toMatchObject({ rejected: 602, undelivered: 0 });
  });

  it("waits for what an earlier process left, unless there is no time", async () => {
    for (const how of ["taken in", "hurry"] as const) {
      const { seen, steps } = noted();
      const { intake, state, taken, admission } = make({ steps, isTakingIn: true });
      const added = [intake.add(user(1), [short("a")]), intake.add(user(1), listOf(600))];
      await turns(5);
      expect([seen, taken()]).toEqual([[], 0]);
      if (how === "hurry") intake.hurry();
      else state.takenIn();
      await intake.whenRead;
      expect(seen).toEqual(["a+0", "0+599"]);
      expect(admission.waitingAdds).toBe(how === "hurry" ? 2 : 0);
      if (how === "hurry") intake.admitWaiting("room or not");
      await Promise.all(added);
      expect(taken()).toBe(601);
    }
  });

  it("waits for as long as something is taken in, and asks once for each", async () => {
    const { seen, steps } = noted();
    const { intake, state, waitUntilTakenIn, wakeWhoWaits } = make({ steps, isTakingIn: true });
    const added = intake.add(user(1), [short("a")]);
    await turns(5);
    expect(waitUntilTakenIn).toHaveBeenCalledTimes(1);
    // Something else is taken in by then.
    wakeWhoWaits();
    await turns(5);
    expect([seen, waitUntilTakenIn.mock.calls.length]).toEqual([[], 2]);
    state.takenIn();
    await intake.whenRead;
    expect(seen).toEqual(["a+0"]);
    intake.admitWaiting();
    await added;
  });

  it("ends as they say where there is no room, and drops nothing for that", async () => {
    for (const overflow of ["reject", "drop-newest", "drop-oldest"] as const) {
      const { steps } = noted();
      const { intake, outcomes, names, pending } = make({ steps, queue: { overflow, maxBufferedBytes: 1_000 } });
      // One that is larger than the whole buffer is taken in alone.
      await intake.add(user(1), [short("a", 2_000)]);
      expect(await codeOf(intake.add(user(1), [short("drop"), ...listOf(600)]))).toBe("taken");
      expect(await codeOf(intake.add(user(1), [short("hold"), ...listOf(600)]))).toBe("taken");
      expect(names()).toEqual(["a"]);
      expect(pending.batches.ledger).toMatchObject({ pending: 1, added: 2 });
      expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected"]);
    }
  });

  it("and is given up while it is read keeps nothing waiting that is added after it", async () => {
    const { seen, steps } = noted();
    const { intake } = make({ steps });
    const added = codeOf(intake.add(user(1), listOf(600)));
    intake.refuseWaiting(closedError());
    expect(await added).toBe("CLOSED");
    await intake.whenRead;
    await intake.add(user(1), [short("a")]);
    expect(seen).toEqual(["a+0"]);
  });

  it("ends with what they say where there is no time, though the rest of the list is unread", async () => {
    const { seen, steps } = noted();
    const { intake, taken } = make({ steps });
    const added = [intake.add(user(1), listOf(2_000)), intake.add(user(1), [short("hold")])];
    intake.admitWaiting("room or not");
    expect([seen, taken()]).toEqual([["0+1999", "hold+0"], 2_000]);
    await Promise.all(added);
    await intake.whenRead;
    expect(seen).toHaveLength(2);
  });
});

it("whoever refuses what was added counts it, and has it told", () => {
  const { intake, pending, outcomes } = make();
  const verdict: Verdict = { kind: "undelivered", error: closedError() };
  intake.refuse(user(1), [short("a"), short("b")], verdict);
  expect(pending.events.ledger).toMatchObject({ added: 2, undelivered: 2 });
  expect(pending.batches.ledger).toMatchObject({ added: 1, undelivered: 1 });
  expect(outcomes).toMatchObject([{ ...verdict, index: 0 }]);
  expect(pending.takeIndex()).toBe(1);
});
