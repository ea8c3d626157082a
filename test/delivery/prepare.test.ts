import { describe, expect, it } from "vitest";
import {
  ApiError,
  EventsClient,
  InvalidBatchError,
  MParticleError,
  type Batch,
  type EventsClientOptions,
  type Outcome,
  type Receipt,
} from "mparticle-events";
import type { Verdict } from "../../src/delivery/outcome.ts";
import {
  asBatchError,
  callUserCode,
  combineVerdicts,
  prepareBatch,
  prepareTogether,
  workOf,
} from "../../src/delivery/prepare.ts";
import { recordingFetch, type RecordingFetch } from "../../src/testing/testing.ts";
import { virtualTime } from "./virtual-time.ts";

const OPTIONS = { path: "/bulkevents", maxBatchBytes: 128_000 } as const;

function setUp(options: Partial<EventsClientOptions> = {}): {
  readonly client: EventsClient;
  readonly fetch: RecordingFetch;
  readonly reported: readonly Outcome[];
} {
  const fetch = recordingFetch(202);
  const reported: Outcome[] = [];
  const onOutcome = (outcome: Outcome): void => void reported.push(outcome);
  const client = new EventsClient(
    { apiKey: "us1-key", apiSecret: "s3cr3t", fetch, onOutcome, ...options },
    virtualTime(),
  );
  return { client, fetch, reported };
}

/** A batch whose text has so many bytes, most of them in two-byte characters and in its last event. */
function batchOfBytes(bytes: number, events: number): Batch {
  const of = (text: string): Batch => ({
    environment: "development",
    source_request_id: "exact",
    events: Array.from({ length: events }, (_, index) => ({
      event_type: "custom_event" as const,
      data: {
        event_name: index === events - 1 ? text : "small",
        custom_event_type: "other" as const,
        source_message_id: `m${String(index)}`,
        timestamp_unixtime_ms: 1_700_000_000_000,
      },
    })),
  });
  const room = bytes - Buffer.byteLength(JSON.stringify(of("")));
  const batch = of("ü".repeat(Math.floor(room / 2)) + "x".repeat(room % 2));
  expect(Buffer.byteLength(JSON.stringify(batch))).toBe(bytes);
  return batch;
}

describe("the size of a batch", () => {
  it("of 127,999 bytes is the largest that travels as it is", async () => {
    const { client, fetch } = setUp();
    const batch = batchOfBytes(127_999, 2);
    expect(prepareBatch(batch, OPTIONS).parts).toEqual([
      { texts: [JSON.stringify(batch)], bytes: 127_999, requestId: "exact" },
    ]);
    await expect(client.upload(batch)).resolves.toMatchObject({ requestId: "exact" });
    expect(fetch.requests.map(({ body }) => Buffer.byteLength(body))).toEqual([127_999]);
  });

  it("of 128,000 bytes is too much for one: it is split by its events", async () => {
    const { client, fetch } = setUp();
    const batch = batchOfBytes(128_000, 200);
    const { parts } = prepareBatch(batch, OPTIONS);
    expect(parts).toHaveLength(2);
    for (const { texts, bytes } of parts) {
      expect(bytes).toBe(Buffer.byteLength(texts[0]));
      expect(bytes).toBeLessThan(128_000);
    }
    await expect(client.upload(batch)).resolves.toMatchObject({ requestId: "exact" });
    expect(fetch.counts()).toMatchObject({ batches: 2, events: 200 });
  });

  it("of 128,000 bytes with nothing to split by is refused, with its size and the event's", async () => {
    const { client, fetch } = setUp();
    const refused = client.upload(batchOfBytes(128_000, 1));
    await expect(refused).rejects.toThrow(InvalidBatchError);
    await expect(refused).rejects.toThrow(/it is 128000 bytes; expected less than 128000\..*\/events\/0/);
    expect(fetch.requests).toHaveLength(0);
  });

  it.each([1_000, 5_000])("is measured against maxBatchBytes, such as %d", (maxBatchBytes) => {
    const options = { ...OPTIONS, maxBatchBytes };
    expect(prepareBatch(batchOfBytes(maxBatchBytes - 1, 1), options).parts).toHaveLength(1);
    expect(() => prepareBatch(batchOfBytes(maxBatchBytes, 1), options)).toThrow(`it is ${String(maxBatchBytes)} bytes`);
  });
});

describe("a batch that is too large", () => {
  const refusalOf = (batch: object): string => {
    try {
      prepareBatch({ environment: "development", source_request_id: "r", ...batch }, OPTIONS);
    } catch (error) {
      return String(error);
    }
    return "it was not refused";
  };
  const text = "x".repeat(130_000);
  const event = (event_type: string, name: object): object => ({
    event_type,
    data: { ...name, source_message_id: "m", timestamp_unixtime_ms: 1, custom_attributes: { text } },
  });

  it("without its events is told by its largest member, whatever else it holds", () => {
    const members = { user_attributes: { text: { text } }, mpid: 7346244611012968789n, ip: undefined, events: null };
    expect(refusalOf(members)).toContain("its `user_attributes` has 1300");
    expect(refusalOf({ mpid: 5n, ip: text, user_attributes: { a: 1 } })).toContain("its `ip` has 130002");
  });

  it("for one of its events is told by the name of that, or by its type", () => {
    expect(refusalOf({ events: [event("custom_event", { event_name: "watched" })] })).toContain("/events/0 (watched)");
    expect(refusalOf({ events: [event("first_run", {})] })).toContain("/events/0 (first_run)");
  });
});

describe("a batch whose events find no place beside the rest of it", () => {
  it("is told apart from one with an event that is too large, to the byte", () => {
    const messageFor = (length: number): string => {
      const events = [{ event_type: "first_run", data: { source_message_id: "m", timestamp_unixtime_ms: 1 } }];
      const batch = { environment: "development", source_request_id: "r", ip: "x".repeat(length), events };
      try {
        prepareBatch(batch as unknown as Batch, OPTIONS); // as JavaScript may hand it over
      } catch (error) {
        return String(error);
      }
      return "it was not refused";
    };
    const [, bytes] = /Without its events it is (\d+) bytes/.exec(messageFor(130_000))!;
    const justTooLong = 130_000 - (Number(bytes) - 128_000);
    expect(messageFor(justTooLong)).toContain("Without its events it is 128000 bytes");
    expect(messageFor(justTooLong - 1)).toContain("Its largest event is /events/0 (first_run)");
  });
});

describe("what is no batch", () => {
  it.each([
    [null, "expected a batch, got null."],
    ["x", 'expected a batch, got "x".'],
    [[{}], "expected a batch, got an array of 1. For several there is `uploadBulk`."],
  ])("is named as such: %j", (nothing, message) => {
    expect(() => prepareBatch(nothing as unknown as Batch, OPTIONS)).toThrow(message);
  });
});

describe("a batch written by hand", () => {
  const undated = (): Batch => ({
    environment: "development",
    source_request_id: "r",
    events: [{ event_type: "first_run", data: { source_message_id: "m" } }],
  });

  it("gets the time that its events lack, by itself and among others, whatever else it has", () => {
    const { batch } = prepareBatch(undated(), OPTIONS);
    expect(batch.events?.[0]?.data.timestamp_unixtime_ms).toBeTypeOf("number");
    expect(prepareTogether([undated(), undated()], OPTIONS).prepared).toEqual([undefined, undefined]);
  });

  it("may have null for events", () => {
    const batch: Batch = { environment: "development", events: null };
    expect(prepareBatch(batch, OPTIONS).text).toContain('"events":null');
  });
});

describe("code of the caller's own", () => {
  it("gives what it gives, and what it throws is an error of its batch", () => {
    const batch = { environment: "development", source_request_id: "r" } as const;
    expect(callUserCode(batch, () => "given")).toBe("given");
    const cause = new Error("mine");
    const run = (): never => {
      throw cause;
    };
    expect(() => callUserCode(batch, run)).toThrow(
      expect.objectContaining({ name: "InvalidBatchError", requestIds: ["r"], cause }) as Error,
    );
  });
});

describe("the error of a batch", () => {
  it("names the batch where that has an id which can be read, and is itself where it has one", () => {
    const cause = new Error("why");
    const idsFor = (batch: object): readonly string[] => asBatchError(batch as Batch, cause).requestIds;
    expect(idsFor({ source_request_id: "r" })).toEqual(["r"]);
    expect(idsFor({ source_request_id: null })).toEqual([]);
    expect(idsFor({})).toEqual([]);
    const locked = {
      get source_request_id(): string {
        throw new Error("locked");
      },
    };
    expect(idsFor(locked)).toEqual([]);
    const known = new InvalidBatchError([], { requestIds: ["known"] });
    expect(asBatchError({ source_request_id: "r" } as Batch, known)).toBe(known);
    const unknown = asBatchError({ source_request_id: "r" } as Batch, new InvalidBatchError([], { cause }));
    expect(unknown).toMatchObject({ requestIds: ["r"], cause });
  });
});

describe("what a batch throws while it is read", () => {
  const good = (id: string): Batch => ({ environment: "development", source_request_id: id });
  const large = "x".repeat(130_000);
  const broken = (message: string): never => {
    throw new Error(message);
  };
  /** Works so many times, then throws: what is oversize is written more often than what is not. */
  const writableTimes = (times: number): object => ({
    event_type: "custom_event",
    data: {
      event_name: "e",
      toJSON: () =>
        times-- > 0 ? { event_name: large.slice(0, 70_000), custom_event_type: "other" } : broken("out of breath"),
    },
  });

  it.each<[string, object, RegExp]>([
    [
      "a getter of a member",
      {
        get user_attributes() {
          return broken("locked");
        },
      },
      /locked/,
    ],
    [
      "a getter within an event",
      {
        events: [
          {
            event_type: "custom_event",
            get data() {
              return broken("locked");
            },
          },
        ],
      },
      /locked/,
    ],
    ["toJSON", { user_attributes: { toJSON: () => broken("no JSON") } }, /no JSON/],
    ["toJSON, when it is measured for a split", { events: [writableTimes(1), writableTimes(9)] }, /out of breath/],
    ["toJSON, when it is written in its part", { events: [writableTimes(3), writableTimes(9)] }, /out of breath/],
    ["an event that is null", { events: [null] }, /\/events\/0: expected an event, got null/],
    ["an event that is a list", { events: [{}, []] }, /\/events\/1: expected an event, got an array of 0/],
    ["an event that is not there", { events: new Array(1) }, /\/events\/0: expected an event, got undefined/],
    ["events that are text", { events: "x" }, /\/events: expected an array of events, got "x"/],
    ["events that are one event", { events: good("event") }, /\/events: expected an array of events, got an object/],
    ["another environment", { environment: "dev" }, /\/environment: it is "dev", which is none/],
    [
      "events of all sorts, and too many bytes",
      { events: [{}, {}], ip: large },
      /it is 130\d+ bytes.*its `ip` has 130\d+/,
    ],
    [
      "events that only a toJSON of their list knows of",
      { events: Object.assign([], { toJSON: () => [{ event_type: "custom_event", data: { large } }] }) },
      /It has no events to split it by/,
    ],
    ["itself", cyclic(), /refers to itself/],
  ])("concerns that batch alone: %s", async (_, members, reason) => {
    const { client, fetch, reported } = setUp();
    const bad = Object.defineProperties(
      { environment: "development", source_request_id: "bad" },
      Object.getOwnPropertyDescriptors(members),
    ) as Batch;
    const outcomes = await client.uploadBulk([good("a"), bad, good("b")]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "accepted"]);
    expect(outcomes[1]).toMatchObject({ index: 1, error: { name: "InvalidBatchError", requestIds: ["bad"] } });
    expect(String(outcomes[1]?.kind === "rejected" && outcomes[1].error)).toMatch(reason);
    expect(fetch.accepted().map(({ source_request_id: id }) => id)).toEqual(["a", "b"]);
    expect(reported).toHaveLength(3);
    await expect(client.upload(bad)).rejects.toThrow(InvalidBatchError);
    expect(reported).toHaveLength(4);
  });

  it("is told with the id that the batch was given, if it had none", async () => {
    const { client } = setUp();
    const bad = {
      environment: "development",
      user_attributes: { toJSON: () => broken("no JSON") },
    } as unknown as Batch;
    await expect(client.uploadBulk([bad])).resolves.toMatchObject([
      { kind: "rejected", error: { requestIds: [expect.stringMatching(/^[0-9a-f-]{36}$/)] } },
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ["null among its findings", [null], /`validate` gave an array.*; expected a list of findings/],
    ["a list of something else", ["no"], /`validate` gave an array.*; expected a list of findings/],
    [
      "a finding of a severity that there is not",
      [{ severity: "fatal" }],
      /`validate` gave an array.*; expected a list/,
    ],
    ["no list", "no", /`validate` gave "no"; expected a list of findings/],
    ["nothing", undefined, /`validate` gave undefined; expected a list of findings/],
    ["a promise", Promise.resolve([]), /`validate` gave a promise; expected a list of findings/],
  ])("concerns that batch alone, if its check gives %s", async (_, findings, reason) => {
    const { client, fetch } = setUp({
      validate: ({ source_request_id: id }) => (id === "bad" ? (findings as never) : []),
    });
    const outcomes = await client.uploadBulk([good("a"), good("bad"), good("b")]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "accepted"]);
    expect(outcomes[1]).toMatchObject({ error: { name: "InvalidBatchError", requestIds: ["bad"] } });
    expect(String(outcomes[1]?.kind === "rejected" && outcomes[1].error)).toMatch(reason);
    expect(fetch.accepted()).toHaveLength(2);
  });
});

function cyclic(): object {
  const user_attributes: Record<string, unknown> = {};
  user_attributes["self"] = user_attributes;
  return { user_attributes };
}

describe("the verdict of a batch that travelled in parts", () => {
  const receipt = (requestId: string, attempts: number, durationMs: number): Receipt => ({
    status: 202,
    requestId,
    attempts,
    durationMs,
  });
  const accepted: Verdict = { kind: "accepted", receipt: receipt("whole/0-1", 1, 30) };
  const rejected: Verdict = { kind: "rejected", error: new ApiError(400, "no", {}) };
  const undelivered: Verdict = { kind: "undelivered", error: new MParticleError("EXPIRED", "too late") };

  it.each<[string, readonly Verdict[], Verdict]>([
    ["rejected", [accepted, undelivered, rejected], rejected],
    ["rejected", [undelivered, rejected, undelivered], rejected],
    ["rejected", [rejected, undelivered], rejected],
    ["undelivered", [accepted, undelivered], undelivered],
    ["undelivered", [undelivered, accepted], undelivered],
  ])("is %s, the worst of theirs (case %#)", (_, verdicts, expected) => {
    expect(combineVerdicts("whole", verdicts)).toBe(expected);
  });

  it("is accepted when all are, under its own id, with the most attempts and the longest time", () => {
    const other: Verdict = { kind: "accepted", receipt: receipt("whole/2-3", 4, 20) };
    expect(combineVerdicts("whole", [accepted, other])).toEqual({
      kind: "accepted",
      receipt: receipt("whole", 4, 30),
    });
  });

  it("reaches the caller: sending the whole again does not help when a part will never pass", async () => {
    const { client, fetch } = setUp({ retry: false });
    fetch.script(({ body }) => (body.includes("poison") ? 400 : 503));
    const event = (name: string): object => ({
      event_type: "custom_event",
      data: { event_name: name.padEnd(90_000), custom_event_type: "other" },
    });
    const batch = { environment: "development", events: [event("fine"), event("poison")] } as Batch;
    await expect(client.upload(batch)).rejects.toMatchObject({ status: 400 });
  });
});

describe("the work that a batch took", () => {
  it("is its text, and four times that where it was split: then it is measured, and written again in parts", () => {
    const whole = prepareBatch(batchOfBytes(1_000, 2), OPTIONS);
    expect(workOf(whole)).toBe(whole.text.length);
    const inParts = prepareBatch(batchOfBytes(128_000, 200), OPTIONS);
    expect(workOf(inParts)).toBe(4 * inParts.text.length);
  });
});

describe("batches that are prepared together", () => {
  const ready = (id: string, text = "e"): Batch => ({
    environment: "development",
    source_request_id: id,
    events: [
      {
        event_type: "custom_event",
        data: { event_name: text, custom_event_type: "other", source_message_id: id, timestamp_unixtime_ms: 1 },
      },
    ],
  });
  const unstamped: Batch = { environment: "development", events: [] };
  const exact = batchOfBytes(128_000, 2);
  const batches = [ready("a"), unstamped, ready("b", "ü🎉"), ready("large", "x".repeat(128_000)), ready("c"), exact];

  it("are what each would be alone; those with something to fill in, or too large, are left to be looked at", () => {
    const { prepared: together } = prepareTogether(batches, OPTIONS);
    const alone = (batch: Batch): unknown => prepareBatch(batch, OPTIONS);
    expect(together).toEqual([
      alone(batches[0]!),
      undefined,
      alone(batches[2]!),
      undefined,
      alone(batches[4]!),
      undefined,
    ]);
  });

  it("count as much work as was written, with what is too large to be sent so", () => {
    const texts = batches.filter((batch) => batch !== unstamped).map((batch) => JSON.stringify(batch));
    expect(prepareTogether(batches, OPTIONS).written).toBe(texts.join("").length);
    expect(prepareTogether([unstamped, unstamped], OPTIONS).written).toBe(0);
  });

  it("are none where one of them throws while it is looked at", () => {
    const locked = Object.defineProperty({ ...ready("locked") }, "mpid", {
      enumerable: true,
      get: () => {
        throw new Error("locked");
      },
    });
    expect(prepareTogether([ready("a"), ready("b"), locked], OPTIONS)).toEqual({
      prepared: [undefined, undefined, undefined],
      written: 0,
    });
  });

  it("are none where the application has a say, or where the age of events counts", () => {
    const none = batches.map(() => undefined);
    expect(prepareTogether(batches, { ...OPTIONS, beforeSend: [(batch) => batch] }).prepared).toEqual(none);
    expect(prepareTogether(batches, { ...OPTIONS, path: "/bulkevents/historical" }).prepared).toEqual(none);
  });

  it("have their outcomes and places in a list as if each had come alone", async () => {
    const { client, fetch } = setUp();
    const list = Array.from({ length: 250 }, (_, index) =>
      index % 7 === 0 ? ({ events: [] } as unknown as Batch) : ready(`id ${String(index)}`),
    );
    const outcomes = await client.uploadBulk(list);
    expect(outcomes.map(({ index, kind }) => [index, kind])).toEqual(
      list.map((_, index) => [index, index % 7 === 0 ? "rejected" : "accepted"]),
    );
    const sent = fetch.requests.flatMap(({ body }) => JSON.parse(body) as Batch[]);
    expect(sent).toEqual(list.filter((_, index) => index % 7 !== 0));
  });
});
