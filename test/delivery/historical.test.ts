import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventsClient, InvalidBatchError, customEvent, sessionStart, type Batch, type Event } from "mparticle-events";
import { findHistoricalProblems } from "../../src/delivery/historical.ts";
import { recordingFetch } from "../../src/testing/testing.ts";
import { virtualTime } from "./virtual-time.ts";

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 23);

function eventAt(timestamp: unknown): Event {
  // Times may come from JavaScript.
  return { event_type: "session_start", data: { timestamp_unixtime_ms: timestamp as number } };
}

function problemsOf(events: unknown): readonly (readonly [code: string, path: string])[] {
  const batch = { environment: "development", events } as Batch; // from JavaScript, likewise
  return findHistoricalProblems(batch, NOW).map(({ code, path }) => [code, path] as const);
}

describe("a historical batch", () => {
  it.each([[undefined], [null], [[]], ["events"], [{}]])(
    "with %j for its events is refused: it needs one at least",
    (events) => {
      expect(problemsOf(events)).toEqual([["historical-without-events", "/events"]]);
    },
  );

  it("may have events of 72 hours to the millisecond, and none younger", () => {
    expect(problemsOf([eventAt(NOW - 72 * HOUR_MS)])).toEqual([]);
    expect(problemsOf([eventAt(NOW - 72 * HOUR_MS + 1)])).toEqual([
      ["historical-too-recent", "/events/0/data/timestamp_unixtime_ms"],
    ]);
  });

  it.each([[undefined], [null], ["1700000000000"], [1_700_000_000_000n]])(
    "with %s for a time is refused: the service would take its own",
    (time) => {
      expect(problemsOf([eventAt(time)])).toEqual([
        ["historical-timestamp-missing", "/events/0/data/timestamp_unixtime_ms"],
      ]);
    },
  );

  it.each([[null], [42], [{}], [{ data: null }], [{ data: "x" }]])(
    "with %j for an event has no time there",
    (event) => {
      expect(problemsOf([eventAt(NOW - 100 * HOUR_MS), event])).toEqual([
        ["historical-timestamp-missing", "/events/1/data/timestamp_unixtime_ms"],
      ]);
    },
  );

  it("with a time in seconds is refused: the service would take it for one of 1970", () => {
    expect(problemsOf([eventAt(1_700_000_000)])).toEqual([
      ["seconds-not-milliseconds", "/events/0/data/timestamp_unixtime_ms"],
    ]);
  });

  it("has each of its events judged, and each by itself", () => {
    const anyTime = fc.oneof(
      fc.integer({ min: 100_000_000_000, max: NOW - 72 * HOUR_MS }).map((time) => ({ time, code: undefined })),
      fc
        .integer({ min: NOW - 72 * HOUR_MS + 1, max: NOW * 2 })
        .map((time) => ({ time, code: "historical-too-recent" })),
      fc.constant({ time: undefined, code: "historical-timestamp-missing" }),
    );
    fc.assert(
      fc.property(fc.array(anyTime, { minLength: 1 }), (events) => {
        expect(problemsOf(events.map(({ time }) => eventAt(time)))).toEqual(
          events.flatMap(({ code }, index) =>
            code === undefined ? [] : [[code, `/events/${String(index)}/data/timestamp_unixtime_ms`]],
          ),
        );
      }),
    );
  });

  it("is told what to do instead where its events are too young", () => {
    const [problem] = findHistoricalProblems({ environment: "development", events: [eventAt(NOW)] }, NOW);
    expect(problem).toMatchObject({
      severity: "error",
      message: `${new Date(NOW).toISOString()} is less than 72 hours ago; one such event makes the service drop the batch.`,
      hint: "Send it with upload or uploadBulk (on the command line: upload without --historical).",
    });
  });
});

describe("a historical upload", () => {
  const old = { timestamp_unixtime_ms: Date.now() - 100 * 24 * HOUR_MS };

  function setUp() {
    const fetch = recordingFetch();
    return { fetch, client: new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch }, virtualTime()) };
  }

  it("takes the historical path, with the times of the events as they are", async () => {
    const { client, fetch } = setUp();
    const batches: Batch[] = [
      { environment: "development", events: [customEvent("bought", "other", old), sessionStart(old)] },
    ];
    const outcomes = await client.uploadHistorical(batches);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted"]);
    expect(fetch.requests.map(({ path }) => path)).toEqual(["/v2/bulkevents/historical"]);
    expect(fetch.accepted()[0]?.events?.map(({ data }) => data.timestamp_unixtime_ms)).toEqual([
      old.timestamp_unixtime_ms,
      old.timestamp_unixtime_ms,
    ]);
  });

  it("gives no event the time of its upload: who does not say when it happened is told so", async () => {
    const { client, fetch } = setUp();
    const events: Event[] = [{ event_type: "session_start", data: {} }];
    const [young, old_] = await client.uploadHistorical([
      { environment: "development", events },
      { environment: "development", events: [sessionStart(old)] },
    ]);
    expect(young?.kind === "rejected" && young.error).toBeInstanceOf(InvalidBatchError);
    expect(young).toMatchObject({ error: { findings: [{ code: "historical-timestamp-missing" }] } });
    expect(old_).toMatchObject({ kind: "accepted" });
    expect(fetch.batches()).toHaveLength(1);
  });

  it('is what deliver does with `endpoint: "historical"`', async () => {
    const { client, fetch } = setUp();
    const source = [
      { environment: "development" as const, events: [sessionStart(old)] },
      { environment: "development" as const },
    ];
    const kinds: string[] = [];
    for await (const { kind } of client.deliver(source, { endpoint: "historical" })) kinds.push(kind);
    expect(kinds.sort()).toEqual(["accepted", "rejected"]);
    expect(fetch.requests.map(({ path }) => path)).toEqual(["/v2/bulkevents/historical"]);
  });
});
