import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  crashReport,
  createBatch,
  customEvent,
  gdprConsent,
  screenView,
  sessionStart,
  type Batch,
  type Event,
} from "mparticle-events";
import { splitBatch, type SplitResult } from "../../src/delivery/split.ts";
import { serializeBatch } from "../../src/transport/json.ts";
import { GRAPHEME } from "../characters.ts";
import { full } from "../full.ts";

const measure = (batch: Batch): number => Buffer.byteLength(serializeBatch(batch));

/** All that a part has to repeat, with an id that no number can hold. */
const CONTEXT = {
  environment: "development",
  mpid: "7346244611012968789",
  source_request_id: "request-1",
  user_identities: { customer_id: "42", email: "é@example.com" },
  user_attributes: { plan: "gold", tags: ["a", "b"] },
  deleted_user_attributes: ["trial"],
  device_info: { platform: "iOS" },
  application_info: { application_version: "1.2" },
  consent_state: gdprConsent("marketing", true, { timestamp_unixtime_ms: 1_700_000_000_000 }),
  ip: "192.0.2.1",
} satisfies Batch;

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  fc
    .tuple(fc.string({ minLength: 1 }), fc.string({ unit: GRAPHEME, maxLength: 80 }))
    .map(([name, text]) => customEvent(name, "other", { custom_attributes: { text } })),
  fc.string({ minLength: 1 }).map((name) => screenView(name)),
  fc.constant(crashReport("error", "", { ios_image_size: "18446744073709551615" })),
);
const anyBatch = fc.array(anyEvent, { minLength: 1, maxLength: 25 }).map((events): Batch => ({ ...CONTEXT, events }));

/** A batch with a limit: so low that no event fits, so high that all do, and most often in between. */
const anyTask = fc.record({ batch: anyBatch, percent: fc.integer({ min: 0, max: 110 }) }).map(({ batch, percent }) => {
  const contextBytes = measure({ ...batch, events: [] });
  return { batch, maxBytes: contextBytes + Math.ceil(((measure(batch) - contextBytes) * percent) / 100) };
});
/** One that has to be split and can be. */
const anySplit = anyTask
  .map(({ batch, maxBytes }) => ({ batch, maxBytes, parts: partsOf(splitBatch(batch, { maxBytes, measure })) }))
  .filter(({ parts }) => parts.length > 1);

/** None where the batch is too large. */
function partsOf(result: SplitResult): readonly Batch[] {
  return result.kind === "split" ? result.parts : [];
}

function withoutIdAndEvents({ source_request_id: _id, events: _events, ...context }: Batch): Partial<Batch> {
  return context;
}

/** The positions that a part's id says it holds. */
function rangeOf(part: Batch): readonly [from: number, to: number] {
  const [, from, to] = /^request-1\/(\d+)-(\d+)$/.exec(part.source_request_id ?? "") ?? [];
  return [Number(from), Number(to)];
}

describe("the parts of a batch that is too large", () => {
  it("hold every event exactly once and in order", () => {
    fc.assert(
      fc.property(anySplit, ({ batch, parts }) => {
        expect(parts.flatMap(({ events }) => events)).toEqual(batch.events);
        expect(parts.map(({ events }) => events?.length)).not.toContain(0);
      }),
    );
  });

  it("stay below the limit as they are sent, with their own ids and 64-bit integers", () => {
    fc.assert(
      fc.property(anySplit, ({ maxBytes, parts }) => {
        for (const part of parts) expect(measure(part)).toBeLessThan(maxBytes);
      }),
    );
  });

  it("each say whose events they are and what may be done with them", () => {
    fc.assert(
      fc.property(anySplit, ({ batch, parts }) => {
        for (const part of parts) expect(withoutIdAndEvents(part)).toEqual(withoutIdAndEvents(batch));
      }),
    );
  });

  it("have ids of their own that tell which events they hold", () => {
    fc.assert(
      fc.property(anySplit, ({ batch, parts }) => {
        for (const part of parts) {
          const [from, to] = rangeOf(part);
          expect(part.events).toEqual(batch.events?.slice(from, to + 1));
        }
        expect(new Set(parts.map((part) => part.source_request_id)).size).toBe(parts.length);
      }),
    );
  });

  it("are the same when the same batch is split again, and leave it unchanged", () => {
    fc.assert(
      fc.property(anyTask, ({ batch, maxBytes }) => {
        const before = structuredClone(batch);
        const parts = splitBatch(batch, { maxBytes, measure });
        expect(batch).toEqual(before);
        expect(splitBatch(before, { maxBytes, measure })).toEqual(parts);
      }),
    );
  });

  it("are few: no two neighbours would have fitted into one, but for the digits of their ids", () => {
    fc.assert(
      fc.property(anySplit, ({ maxBytes, parts }) => {
        for (const [index, part] of parts.entries()) {
          const next = parts[index + 1];
          if (next === undefined) continue;
          const both = { ...part, events: [...(part.events ?? []), ...(next.events ?? []).slice(0, 1)] };
          // Room is kept for the longest range there could be, so ids of one digit waste two bytes at most.
          expect(measure(both) + 2).toBeGreaterThanOrEqual(maxBytes);
        }
      }),
    );
  });

  it.each(full([5], [9, 12]))("use every limit to its last byte, and never reach it: %d equal events", (count) => {
    const batch: Batch = { ...CONTEXT, events: Array.from({ length: count }, () => screenView("home")) };
    const longestId = `request-1/${String(count)}-${String(count)}`;
    const sizes = Array.from({ length: count + 1 }, (_, events) =>
      measure({ ...batch, source_request_id: longestId, events: batch.events?.slice(0, events) }),
    );
    const sizeOf = (events: number): number => sizes[events] ?? Infinity;
    const wrong: number[] = [];
    const largest = measure(batch);
    for (let maxBytes = sizeOf(1) + 1; maxBytes <= largest; maxBytes++) {
      const parts = partsOf(splitBatch(batch, { maxBytes, measure }));
      let fitting = 1;
      while (sizeOf(fitting + 1) < maxBytes) fitting++;
      const isSplitWell = parts.length === Math.ceil(count / fitting);
      if (!isSplitWell || parts.some((part) => measure(part) >= maxBytes)) wrong.push(maxBytes);
    }
    expect(wrong).toEqual([]);
  });

  it("hold 64-bit ids as the integers they are", () => {
    const batch: Batch = { ...CONTEXT, events: [sessionStart(), sessionStart()] };
    const parts = partsOf(splitBatch(batch, { maxBytes: measure(batch), measure }));
    expect(parts).toHaveLength(2);
    for (const part of parts) expect(serializeBatch(part)).toContain('"mpid":7346244611012968789');
  });
});

describe("a batch that fits", () => {
  it("is its own and only part, id and all", () => {
    const batch = createBatch(CONTEXT, [sessionStart()]);
    const maxBytes = measure(batch) + 1;
    const result = splitBatch(batch, { maxBytes, measure });
    expect(result).toEqual({ kind: "split", parts: [batch] });
  });

  it("does not fit any more at exactly the limit", () => {
    const batch = createBatch(CONTEXT, [sessionStart(), sessionStart()]);
    const result = splitBatch(batch, { maxBytes: measure(batch), measure });
    expect(result).toMatchObject({
      parts: [{ source_request_id: "request-1/0-0" }, { source_request_id: "request-1/1-1" }],
    });
  });
});

describe("a batch that cannot be split", () => {
  it("names its largest event: position, type, name and bytes", () => {
    const events = [
      screenView("home"),
      customEvent("import", "other", { custom_attributes: { text: "é".repeat(1_000) } }),
      sessionStart(),
    ];
    const batch: Batch = { ...CONTEXT, events };
    const result = splitBatch(batch, { maxBytes: 2_000, measure });
    expect(result).toEqual({
      kind: "too-large",
      bytes: measure(batch),
      contextBytes: measure({ ...batch, source_request_id: "request-1/3-3", events: [] }),
      largest: {
        index: 1,
        type: "custom_event",
        name: "import",
        bytes: Buffer.byteLength(JSON.stringify(events[1])),
      },
    });
  });

  it("has no name for an event that has none", () => {
    const result = splitBatch({ ...CONTEXT, events: [sessionStart()] }, { maxBytes: 100, measure });
    expect(result).toMatchObject({ kind: "too-large", largest: { type: "session_start", name: undefined } });
  });

  it.each([{ events: [] }, { events: null }, {}])("has no largest event where it has no events: %j", (none) => {
    const result = splitBatch({ ...CONTEXT, ...none }, { maxBytes: 100, measure });
    expect(result).toMatchObject({ kind: "too-large", bytes: expect.any(Number) as number, largest: undefined });
  });

  it("is one whose largest event, alone with the context, still is no part", () => {
    fc.assert(
      fc.property(anyTask, ({ batch, maxBytes }) => {
        const result = splitBatch(batch, { maxBytes, measure });
        const { length } = batch.events ?? [];
        const longestId = `request-1/${String(length)}-${String(length)}`;
        const smallestParts = (batch.events ?? []).map((event) =>
          measure({ ...batch, source_request_id: longestId, events: [event] }),
        );
        const isTooLarge = measure(batch) >= maxBytes && Math.max(...smallestParts) >= maxBytes;
        expect(result.kind).toBe(isTooLarge ? "too-large" : "split");
        if (result.kind !== "too-large") return;
        const sizes = (batch.events ?? []).map((event) => measure({ ...batch, events: [event] }));
        expect(sizes[result.largest?.index ?? -1]).toBe(Math.max(...sizes));
      }),
    );
  });
});

describe("a batch that no split helps", () => {
  const json = (batch: Batch): number => JSON.stringify(batch).length;

  it("is one with an event that reaches the limit with its own id, which is the longest there is", () => {
    const events = [
      ...Array.from({ length: 10 }, () => customEvent("a", "other")),
      customEvent("b".repeat(99), "other"),
    ];
    const batch: Batch = { environment: "development", source_request_id: "id", events };
    const alone = json({ ...batch, source_request_id: "id/10-10", events: events.slice(10) });
    expect(splitBatch(batch, { maxBytes: alone, measure: json }).kind).toBe("too-large");
    expect(partsOf(splitBatch(batch, { maxBytes: alone + 1, measure: json })).at(-1)?.source_request_id).toBe(
      "id/10-10",
    );
  });

  it.each<[string, readonly Event[], object | undefined]>([
    ["the first of several as large", [screenView("Home"), screenView("Cart")], { index: 0, name: "Home" }],
    ["a screen view", [sessionStart(), screenView("A screen")], { index: 1, type: "screen_view", name: "A screen" }],
    ["what is no event", [null as never], { index: 0, type: "no event", name: undefined, bytes: 4 }],
    ["none where there is none", [], undefined],
  ])("names its largest event: %s", (_, events, largest) => {
    const result = splitBatch({ environment: "development", events: [...events] }, { maxBytes: 1, measure: json });
    expect(result).toMatchObject({ kind: "too-large", ...(largest !== undefined && { largest }) });
    if (largest === undefined) expect(result).toMatchObject({ largest: undefined });
  });
});

describe("the parts of a batch without an id", () => {
  it("have none either", () => {
    const events = [sessionStart(), sessionStart()];
    const parts = partsOf(splitBatch({ environment: "development", events }, { maxBytes: 250, measure }));
    expect(parts.map((part) => [part.source_request_id, part.events?.length])).toEqual([
      [undefined, 1],
      [undefined, 1],
    ]);
  });
});

describe("the parts of a batch whose sizes are known to the byte", () => {
  /** Ten bytes, those of each event, and a comma between two of them. */
  const measureSizes = ({ events }: Batch): number => {
    const sizes = (events ?? []).map(({ data }) => (data as { size: number }).size); // as made below
    return 10 + sizes.reduce((sum, size) => sum + size, 0) + Math.max(sizes.length - 1, 0);
  };

  it.each<[readonly number[], number, readonly number[]]>([
    [[5, 5], 21, [1, 1]],
    [[5, 5], 22, [2]],
    [[5, 5], 16, [1, 1]],
    [[4, 4, 4], 20, [2, 1]],
    [[4, 4, 4, 4], 19, [1, 1, 1, 1]],
    [[4, 4, 1, 4], 20, [2, 2]],
  ])("with events of %j, below %i, hold so many of them: %j", (sizes, maxBytes, counts) => {
    const events = sizes.map((size) => ({ event_type: "first_run", data: { size } }) as unknown as Event);
    const result = splitBatch({ environment: "development", events }, { maxBytes, measure: measureSizes });
    expect(result.kind === "split" && result.parts.map((part) => part.events?.length)).toEqual(counts);
  });
});
