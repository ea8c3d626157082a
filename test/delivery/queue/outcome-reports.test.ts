import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { MParticleError, screenView, type Outcome, type StoredBatch } from "mparticle-events";
import { OutcomeReports } from "../../../src/delivery/queue/outcome-reports.ts";
import type { QueuedBatch } from "../../../src/delivery/queue/queued-batch.ts";
import type { Telemetry } from "../../../src/delivery/telemetry.ts";
import type { Verdict } from "../../../src/delivery/outcome.ts";
import type { RunInContext } from "../../../src/delivery/attempt-start.ts";
import { turns } from "./a-queue.ts";

const USER = { environment: "development" } as const;
const ACCEPTED = { kind: "accepted" } as Verdict;
const UNDELIVERED: Verdict = { kind: "undelivered", error: new MParticleError("OVERFLOW", "full") };
const REJECTED = { ...UNDELIVERED, kind: "rejected" } as Verdict;
const storedOf = (requestId: string): StoredBatch => ({ requestId, context: JSON.stringify(USER), events: ["{}"] });

/** @param onTold - called for each outcome that is told. */
function make(onTold: (outcome: Outcome) => void = () => undefined, hasListener = true) {
  const storage = new AsyncLocalStorage<string>();
  const told: { readonly outcome: Outcome; readonly how: string; readonly context: unknown; readonly to: unknown }[] =
    [];
  const onOutcome = (): void => undefined;
  const tell =
    (how: string) =>
    (outcome: Outcome, to: unknown): void => {
      told.push({ outcome, how, context: storage.getStore(), to });
      onTold(outcome);
    };
  const telemetry = {
    outcome: tell("outcome"),
    outcomeOfQueue: tell("of a queue"),
    hasOutcomeListener: (also: unknown) => hasListener && also === onOutcome,
  } as unknown as Telemetry; // as far as it is used
  const reports = new OutcomeReports(telemetry, onOutcome);
  const indexes = (): readonly number[] => told.map(({ outcome }) => outcome.index);
  return { reports, told, indexes, storage, onOutcome };
}

describe("an outcome", () => {
  it("has the verdict, the place, and the batch, which is read once and when somebody asks", () => {
    const { reports, told, onOutcome } = make();
    reports.unsent(storedOf("r"), 3, UNDELIVERED);
    expect(told).toHaveLength(1);
    const { outcome, how, to } = told[0]!;
    expect([how, to]).toEqual(["of a queue", onOutcome]);
    expect({ ...outcome }).toEqual({
      ...UNDELIVERED,
      index: 3,
      batch: { ...USER, source_request_id: "r", events: [{}] },
    });
    expect(outcome.batch).toBe(outcome.batch);

    reports.unsent({ ...storedOf("r"), context: "damaged" }, 4, UNDELIVERED);
    expect(told).toHaveLength(2);
    expect(() => told[1]?.outcome.batch).toThrow(SyntaxError);
  });

  it("of a batch is told in the context of who added to it first, and else in nobody's", () => {
    const { reports, told, storage } = make();
    const origins = ["first", "second"].map(
      (name): RunInContext =>
        (task) =>
          storage.run(name, task),
    );
    const batch = { requestId: "r", context: { text: "{}" }, events: [], index: 1 } as unknown as QueuedBatch;
    storage.run("who caused it", () => {
      reports.settled({ ...batch, origins }, UNDELIVERED);
      reports.settled({ ...batch, origins: undefined }, UNDELIVERED);
      reports.unsent(storedOf("r"), 1, UNDELIVERED);
    });
    expect(told.map(({ context }) => context)).toEqual(["first", undefined, undefined]);
  });

  it("that a batch was accepted is made when somebody listens; all others are", () => {
    const batch = { requestId: "r", context: { text: "{}" }, events: [], index: 1 } as unknown as QueuedBatch;
    const verdicts = [ACCEPTED, REJECTED, UNDELIVERED];
    for (const hasListener of [true, false]) {
      const { reports, told } = make(undefined, hasListener);
      for (const verdict of verdicts) reports.settled(batch, verdict);
      const kinds = told.map(({ outcome }) => outcome.kind);
      expect(kinds).toEqual(hasListener ? ["accepted", "rejected", "undelivered"] : ["rejected", "undelivered"]);
    }
  });

  it("of what was never taken in has what was given, and is told in the context of its caller", () => {
    const { reports, told, storage } = make();
    const given = [screenView("a"), screenView("b")];
    storage.run("its caller", () => {
      reports.refused(USER, given, 5, REJECTED);
      reports.refused(USER, given, 6, UNDELIVERED);
    });
    given.length = 0;
    expect(told.map(({ how, context }) => [how, context])).toEqual([
      ["outcome", "its caller"], // who adds is told of a rejection
      ["of a queue", "its caller"],
    ]);
    for (const [at, { outcome }] of told.entries()) {
      expect(outcome).toMatchObject({ kind: at === 0 ? "rejected" : "undelivered", index: 5 + at });
      expect(outcome.batch).toMatchObject({ ...USER, events: [{ data: { screen_name: "a" } }, {}] });
    }
  });
});

describe("outcomes that come of something", () => {
  it("are told after it, each in its turn, also when it throws", () => {
    const { reports, indexes } = make();
    const result = reports.holdDuring(() => {
      reports.unsent(storedOf("r"), 1, UNDELIVERED);
      // Within it, nothing else begins.
      reports.holdDuring(() => {
        reports.unsent(storedOf("r"), 2, UNDELIVERED);
      });
      expect(indexes()).toEqual([]);
      return "done";
    });
    expect([result, indexes()]).toEqual(["done", [1, 2]]);
    expect(() =>
      reports.holdDuring(() => {
        reports.unsent(storedOf("r"), 3, UNDELIVERED);
        throw new Error("on purpose");
      }),
    ).toThrow("on purpose");
    expect(indexes()).toEqual([1, 2, 3]);
    reports.unsent(storedOf("r"), 4, UNDELIVERED);
    expect(indexes()).toEqual([1, 2, 3, 4]);
    expect(reports.told).toBeUndefined();
  });

  it("and come while somebody is told wait for another turn, and are waited for", async () => {
    const { reports, indexes } = make(({ index }) => {
      if (index >= 10) return;
      reports.unsent(storedOf("r"), index * 10, UNDELIVERED);
      reports.unsent(storedOf("r"), index * 10 + 1, UNDELIVERED);
    });
    reports.holdDuring(() => {
      for (const index of [1, 2]) reports.unsent(storedOf("r"), index, UNDELIVERED);
    });
    expect(indexes()).toEqual([1, 2]);
    const { told } = reports;
    expect(told).toBeInstanceOf(Promise);
    await told;
    expect(indexes()).toEqual([1, 2, 10, 11, 20, 21]);
    expect(reports.told).toBeUndefined();
    await turns(1);
    expect(indexes()).toHaveLength(6);
  });

  it("wait no longer than until something else is to be told, which comes after them", () => {
    const { reports, indexes } = make(({ index }) => {
      if (index === 1) reports.unsent(storedOf("r"), 10, UNDELIVERED);
    });
    reports.unsent(storedOf("r"), 1, UNDELIVERED);
    reports.unsent(storedOf("r"), 2, UNDELIVERED);
    expect(indexes()).toEqual([1, 10, 2]);
  });

  it("go on in turns for as long as there are more", async () => {
    const { reports, indexes } = make(({ index }) => {
      if (index < 5) reports.unsent(storedOf("r"), index + 1, UNDELIVERED);
    });
    reports.unsent(storedOf("r"), 1, UNDELIVERED);
    for (let turn = 1; turn <= 5; turn++) {
      expect(indexes()).toHaveLength(turn);
      await reports.told;
    }
    expect(reports.told).toBeUndefined();
  });

  it("are told though an observer throws", () => {
    const { reports, indexes } = make(({ index }) => {
      if (index === 1) throw new Error("on purpose");
    });
    expect(() => {
      reports.unsent(storedOf("r"), 1, UNDELIVERED);
    }).toThrow("on purpose");
    reports.unsent(storedOf("r"), 2, UNDELIVERED);
    expect(indexes()).toEqual([1, 2]);
  });
});
