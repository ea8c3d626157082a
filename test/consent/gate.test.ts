import fc from "fast-check";
import {
  ccpaOptOut,
  createBatch,
  customEvent,
  EventQueue,
  EventsClient,
  gdprConsent,
  mergeConsent,
  type Batch,
  type ConsentState,
  type EventQueueOptions,
  type Outcome,
} from "mparticle-events";
import { consentGate, type ConsentGateOptions } from "mparticle-events/consent";
import { recordingFetch } from "mparticle-events/testing";
import { describe, expect, it } from "vitest";
import { runSteps, type StepResult } from "../../src/delivery/before-send.ts";
import { MemoryOutbox } from "../faults/memory-outbox.ts";

const AT = 1_767_225_600_000;
const analytics = { require: { gdpr: ["analytics"] } } as const;
const at = (timestamp_unixtime_ms: number): { timestamp_unixtime_ms: number } => ({ timestamp_unixtime_ms });
const agreed = gdprConsent("analytics", true, at(AT));
const refused = gdprConsent("analytics", false, at(AT + 1));

function batchOf(consent_state?: ConsentState, customer_id = "1"): Batch {
  return createBatch({ environment: "development", user_identities: { customer_id }, consent_state }, [
    customEvent("watched", "media"),
  ]);
}

const judge = (options: ConsentGateOptions, batch: Batch): StepResult => runSteps([consentGate(options)], batch);

describe("a consent gate lets events of a user", () => {
  it.each<[situation: string, options: ConsentGateOptions, state: ConsentState | undefined, kind: StepResult["kind"]]>([
    ["pass who has consented", analytics, agreed, "send"],
    ["not pass who has refused", analytics, refused, "drop"],
    ["not pass who took consent back", analytics, mergeConsent(agreed, refused), "drop"],
    ["not pass who has not decided", analytics, undefined, "drop"],
    ["pass who has not decided, when told so", { ...analytics, whenUnknown: "send" }, undefined, "send"],
    ["wait who has not decided, when told so", { ...analytics, whenUnknown: "hold" }, undefined, "hold"],
    [
      "not pass who has refused, whatever is done when nothing is known",
      { ...analytics, whenUnknown: "send" },
      refused,
      "drop",
    ],
    ["not pass who has consented to one of two purposes", { require: { gdpr: ["analytics", "ads"] } }, agreed, "drop"],
    [
      "pass who has opted out of sale, because nothing was said of sale",
      analytics,
      mergeConsent(agreed, ccpaOptOut(true)),
      "send",
    ],
    ["not pass who has opted out of sale", { optedOutOfSale: "drop" }, ccpaOptOut(true), "drop"],
    ["pass who has not opted out of sale", { optedOutOfSale: "drop" }, ccpaOptOut(false), "send"],
    [
      "pass of whom nothing is known about sale, because silence is no opt-out",
      { optedOutOfSale: "drop" },
      undefined,
      "send",
    ],
  ])("%s", (_, options, state, kind) => {
    expect(judge(options, batchOf(state)).kind).toBe(kind);
  });

  it("by what earlier batches of the same user said, until a newer decision comes", () => {
    const steps = [consentGate(analytics)];
    const kinds = [
      batchOf(agreed),
      batchOf(),
      batchOf(undefined, "2"),
      batchOf(refused),
      batchOf(),
      batchOf(agreed),
    ].map((batch) => runSteps(steps, batch).kind);
    // The last one brings an older consent: the refusal is the newer decision.
    expect(kinds).toEqual(["send", "send", "drop", "drop", "drop", "drop"]);
  });

  it("by what the service itself has stored", () => {
    const consentOf = ({ user_identities }: Batch): ConsentState | undefined =>
      user_identities?.customer_id === "1" ? agreed : undefined;
    expect(judge({ ...analytics, consentOf }, batchOf()).kind).toBe("send");
    expect(judge({ ...analytics, consentOf }, batchOf(undefined, "2")).kind).toBe("drop");
    expect(judge({ ...analytics, consentOf }, batchOf(refused)).kind).toBe("drop");
  });

  it("forgets the decisions of those who were not seen for longest", () => {
    const steps = [consentGate({ ...analytics, maxUsers: 2 })];
    for (const user of ["1", "2"]) runSteps(steps, batchOf(agreed, user));
    runSteps(steps, batchOf(undefined, "1"));
    runSteps(steps, batchOf(agreed, "3"));
    expect(["1", "2", "3"].map((user) => runSteps(steps, batchOf(undefined, user)).kind)).toEqual([
      "send",
      "drop",
      "send",
    ]);
  });

  it("tell the service of a refusal by a batch without events, and of nothing else about the user", () => {
    const batch = createBatch({
      environment: "development",
      user_identities: { customer_id: "1" },
      user_attributes: { plan: "free" },
      consent_state: refused,
    });
    const result = judge(analytics, batch);
    expect(result).toMatchObject({ kind: "send", batch: { consent_state: refused } });
    expect(result.kind === "send" && result.batch.user_attributes).toBeUndefined();
  });

  it("pass only if the newest known decisions allow it, whatever comes before", () => {
    const decision = fc.record({
      user: fc.constantFrom("1", "2"),
      consented: fc.option(fc.boolean(), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(decision, { maxLength: 12 }), fc.constantFrom("hold", "drop"), (decisions, whenUnknown) => {
        const steps = [consentGate({ ...analytics, whenUnknown })];
        const last = new Map<string, boolean>();
        decisions.forEach(({ user, consented }, index) => {
          if (consented !== undefined) last.set(user, consented);
          const state = consented === undefined ? undefined : gdprConsent("analytics", consented, at(AT + index));
          const { kind } = runSteps(steps, batchOf(state, user));
          expect(kind).toBe(last.get(user) === true ? "send" : last.get(user) === false ? "drop" : whenUnknown);
        });
      }),
    );
  });

  it.each([
    [{}, /The gate lets everything through/],
    [{ require: { gdpr: "analytics" } }, /`require.gdpr` is "analytics"; expected a list of purposes/],
    [{ require: { ccpa: [] } }, /There is no option `ccpa`; expected/],
    [{ ...analytics, whenUnknown: "wait" }, /`whenUnknown` is "wait"; expected "hold", "drop", "send"/],
    [{ optedOutOfSale: true }, /`optedOutOfSale` is true; expected "drop", "keep"/],
    [{ ...analytics, maxUsers: 0 }, /`maxUsers` is 0/],
  ])("or says what is wrong with its options: %j", (options, message) => {
    expect(() => consentGate(options as never)).toThrow(message);
  });
});

describe("a queue with a gate that holds", () => {
  const user = (consent_state?: ConsentState, customer_id = "1") =>
    ({
      environment: "development",
      user_identities: { customer_id },
      ...(consent_state && { consent_state }),
    }) as const;
  const event = (name: string) => customEvent(name, "other");

  function setUp(options: EventQueueOptions = {}) {
    const fetch = recordingFetch();
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", fetch });
    const outcomes: Outcome[] = [];
    const queue = new EventQueue(client, {
      beforeSend: consentGate({ ...analytics, whenUnknown: "hold" }),
      onOutcome: (outcome) => {
        outcomes.push(outcome);
      },
      ...options,
    });
    const sent = (): readonly string[] =>
      fetch
        .accepted()
        .flatMap(({ events }) => (events ?? []).map(({ data }) => (data as { event_name: string }).event_name));
    return { queue, outcomes, sent, fetch };
  }

  it("sends what was held, in order and first, once the user agrees; the ledger counts it all the time", async () => {
    const { queue, sent } = setUp();
    await queue.add(user(), event("one"));
    await queue.add(user(), event("two"));
    await queue.add(user(undefined, "2"), event("other"));
    await queue.flush();
    expect(sent()).toEqual([]);
    expect(queue.stats()).toMatchObject({ events: { added: 3, pending: 3 }, batches: { added: 3, pending: 3 } });
    await queue.add(user(agreed), event("three"));
    await queue.flush();
    expect(sent()).toEqual(["one", "two", "three"]);
    expect(queue.stats()).toMatchObject({ events: { added: 4, accepted: 3, pending: 1 } });
    await queue.close();
  });

  it("drops what was held, each with its outcome, when the user refuses", async () => {
    const { queue, outcomes, sent } = setUp();
    await queue.add(user(), event("one"));
    await queue.add(user(refused), event("two"));
    await queue.flush();
    expect(sent()).toEqual([]);
    expect(outcomes).toMatchObject([
      { kind: "rejected", error: { code: "DROPPED" }, batch: { events: [{ data: { event_name: "one" } }] } },
      { kind: "rejected", error: { code: "DROPPED" }, batch: { events: [{ data: { event_name: "two" } }] } },
    ]);
    expect(queue.stats().events).toEqual({ added: 2, accepted: 0, rejected: 2, undelivered: 0, pending: 0 });
    await queue.close();
  });

  it("drops the oldest of a user who has too many, and the oldest of all when there is too much", async () => {
    const few = setUp({ maxHeldPerUser: 2 });
    for (const name of ["one", "two", "three"]) await few.queue.add(user(), event(name));
    await few.queue.add(user(agreed), event("four"));
    await few.queue.flush();
    expect(few.sent()).toEqual(["two", "three", "four"]);
    await few.queue.close();
    const small = setUp({ maxHeldBytes: 600 });
    for (const [index, name] of ["one", "two", "three", "four"].entries()) {
      await small.queue.add(user(undefined, String(index)), event(name));
    }
    expect(small.outcomes.length).toBeGreaterThan(0);
    expect(small.queue.stats().bufferedBytes).toBeLessThanOrEqual(600);
    expect(small.queue.stats().events.added).toBe(4);
    await small.queue.close();
  });

  it("hands back what is still held when it is closed", async () => {
    const { queue, outcomes } = setUp();
    await queue.add(user(), event("one"));
    const report = await queue.close();
    expect(report).toMatchObject({
      accepted: 0,
      undelivered: 1,
      unsent: [{ events: [{ data: { event_name: "one" } }] }],
    });
    expect(outcomes).toMatchObject([{ kind: "undelivered", error: { code: "HELD" } }]);
    expect(queue.stats().events).toEqual({ added: 1, accepted: 0, rejected: 0, undelivered: 1, pending: 0 });
    expect(report.unsent[0]?.source_request_id).toBe(outcomes[0]?.batch.source_request_id);
  });

  it("keeps what is held in the outbox, where the next process holds it on, and never sends it without consent", async () => {
    const store = new MemoryOutbox();
    const first = setUp({ outbox: store });
    await first.queue.add(user(), event("one"));
    await first.queue.close();
    const second = setUp({ outbox: store });
    await second.queue.add(user(undefined, "2"), event("other"));
    await second.queue.flush();
    expect(second.sent()).toEqual([]);
    expect(second.queue.stats().events.pending).toBe(2);
    await second.queue.add(user(agreed), event("two"));
    await second.queue.flush();
    expect(second.sent()).toEqual(["one", "two"]);
    await second.queue.close();
    const third = setUp({ outbox: store });
    await third.queue.add(user(agreed), event("three"));
    await third.queue.flush();
    expect(third.sent()).toEqual(["three"]);
    await third.queue.close();
  });

  it("deletes what is held from the outbox when consent is refused", async () => {
    const store = new MemoryOutbox();
    const first = setUp({ outbox: store });
    await first.queue.add(user(), event("one"));
    await first.queue.add(user(refused), event("two"));
    await first.queue.close();
    const second = setUp({ outbox: store, beforeSend: consentGate({ ...analytics, whenUnknown: "send" }) });
    await second.queue.flush();
    expect(second.queue.stats().events.added).toBe(0);
    await second.queue.close();
  });
});

describe("a queue with other steps", () => {
  it("sends what they make of what is added, those of the queue before those of the client", async () => {
    const fetch = recordingFetch();
    const add =
      (word: string) =>
      (batch: Batch): Batch => ({
        ...batch,
        user_attributes: { said: `${String(batch.user_attributes?.["said"] ?? "")}${word}` },
      });
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", fetch, beforeSend: add("two") });
    await using queue = new EventQueue(client, { beforeSend: [add("one ")] });
    await queue.add({ environment: "development", user_identities: { customer_id: "1" } }, customEvent("x", "other"));
    await queue.flush();
    expect(fetch.accepted()).toMatchObject([{ user_attributes: { said: "one two" } }]);
  });

  it("rejects the add alone for which one throws", async () => {
    const fetch = recordingFetch();
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", fetch });
    await using queue = new EventQueue(client, {
      beforeSend: (batch) => {
        if (batch.user_identities?.customer_id === "2") throw new Error("no such customer");
        return batch;
      },
    });
    const add = (customer_id: string): Promise<void> =>
      queue.add({ environment: "development", user_identities: { customer_id } }, customEvent("x", "other"));
    await add("1");
    await expect(add("2")).rejects.toThrow("no such customer");
    await add("3");
    await queue.flush();
    expect(queue.stats().events).toEqual({ added: 3, accepted: 2, rejected: 1, undelivered: 0, pending: 0 });
  });
});
