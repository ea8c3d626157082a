import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packRequests, RequestPacker, type Packable } from "../../src/delivery/chunk.ts";
import { GRAPHEME } from "../characters.ts";
import { full } from "../full.ts";

interface Text extends Packable {
  readonly text: string;
}

function textOf(text: string): Text {
  return { text, bytes: Buffer.byteLength(text) };
}

/** The very string that travels. */
function bodyOf(items: readonly Text[]): string {
  return `[${items.map(({ text }) => text).join(",")}]`;
}

function bodyBytes(items: readonly Text[]): number {
  return Buffer.byteLength(bodyOf(items));
}

/** JSON strings, so that the body is JSON and its bytes are not its characters. */
const anyText = fc.string({ unit: GRAPHEME, maxLength: 12 }).map((text) => textOf(JSON.stringify(text)));
const anyTexts = fc.array(anyText, { maxLength: 60 });
const anyLimits = fc.record({
  maxBatches: fc.integer({ min: 1, max: 10 }),
  maxBytes: fc.integer({ min: 3, max: 200 }),
});

/** Bytes alone, for batches near the real limits. */
const anyBatch = fc.record({
  bytes: fc.oneof(fc.integer({ min: 2, max: 9_000 }), fc.integer({ min: 2, max: 127_999 })),
});
function packedBytes(items: readonly Packable[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0) + items.length - 1 + "[]".length;
}

describe("packRequests", () => {
  it("puts every batch into exactly one request, in order", () => {
    fc.assert(
      fc.property(anyTexts, anyLimits, (items, limits) => {
        const requests = packRequests(items, limits);
        expect(requests.flat()).toEqual(items);
        expect(requests.every((request) => request.length > 0)).toBe(true);
      }),
    );
  });

  it("keeps every body that is sent below the limit in bytes, brackets and commas included", () => {
    fc.assert(
      fc.property(anyTexts, anyLimits, (items, limits) => {
        for (const request of packRequests(items, limits)) {
          // A batch that no request can hold travels alone; everything else must fit.
          if (request.length > 1 || bodyBytes(request.slice(0, 1)) < limits.maxBytes) {
            expect(bodyBytes(request)).toBeLessThan(limits.maxBytes);
          }
          expect(request.length).toBeLessThanOrEqual(limits.maxBatches);
          expect(JSON.parse(bodyOf(request))).toHaveLength(request.length);
        }
      }),
    );
  });

  it("keeps to 100 batches and 256,000 bytes unless told otherwise", () => {
    fc.assert(
      fc.property(fc.array(anyBatch, { maxLength: 400, size: "max" }), (batches) => {
        const requests = packRequests(batches);
        expect(requests.filter((request) => request.length > 100)).toEqual([]);
        expect(requests.filter((request) => packedBytes(request) >= 256_000)).toEqual([]);
      }),
      { numRuns: full(20, 50) },
    );
  });

  it("makes no needless request: what follows never fitted into the one before", () => {
    fc.assert(
      fc.property(anyTexts, anyLimits, (items, limits) => {
        const requests = packRequests(items, limits);
        for (const [index, request] of requests.entries()) {
          const next = requests[index + 1]?.[0];
          if (next === undefined) continue;
          const isFull = request.length === limits.maxBatches;
          expect(isFull || bodyBytes([...request, next]) >= limits.maxBytes).toBe(true);
        }
      }),
    );
  });

  it("makes as few requests as any division in order could", () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 12 }), anyLimits, (items, limits) => {
        expect(packRequests(items, limits)).toHaveLength(fewestRequests(items, limits));
      }),
    );
  });

  it("goes up to the last byte, and not to the limit itself", () => {
    const [first, second] = [textOf('"abc"'), textOf('"de"')];
    const bytes = '["abc","de"]'.length;
    expect(packRequests([first, second], { maxBytes: bytes + 1 })).toHaveLength(1);
    expect(packRequests([first, second], { maxBytes: bytes })).toHaveLength(2);
  });

  it("sends a batch that is too large for any request alone, neighbours untouched", () => {
    const [small, large] = [textOf('"a"'), textOf(JSON.stringify("x".repeat(50)))];
    expect(packRequests([small, small, large, small, small], { maxBytes: 20 })).toEqual([
      [small, small],
      [large],
      [small, small],
    ]);
  });

  it("makes no request of nothing", () => {
    expect(packRequests([])).toEqual([]);
  });
});

describe("RequestPacker", () => {
  it("gives out the same requests as one goes, each as soon as it is known to be complete", () => {
    fc.assert(
      fc.property(anyTexts, anyLimits, (items, limits) => {
        const packer = new RequestPacker<Text>(limits);
        const requests: Text[][] = [];
        for (const item of items) {
          const complete = packer.add(item);
          if (complete !== undefined) requests.push(complete);
          // Nobody has to wait for company in a request that can take no more batches.
          expect(packer.size).toBeLessThan(limits.maxBatches);
        }
        const rest = packer.flush();
        expect(packRequests(items, limits)).toEqual(rest === undefined ? requests : [...requests, rest]);
      }),
    );
  });

  it("loses nothing, whenever it is flushed in between", () => {
    fc.assert(
      fc.property(anyTexts, anyLimits, fc.infiniteStream(fc.boolean()), (items, limits, flushes) => {
        const packer = new RequestPacker<Text>(limits);
        const sent: Text[] = [];
        for (const item of items) {
          const complete = packer.add(item);
          if (complete !== undefined) sent.push(...complete);
          if (flushes.next().value === true) sent.push(...(packer.flush() ?? []));
        }
        sent.push(...(packer.flush() ?? []));
        expect(sent).toEqual(items);
        expect(packer.size).toBe(0);
        expect(packer.flush()).toBeUndefined();
      }),
    );
  });
});

/** By trying all divisions: the number of requests that the best one takes. */
function fewestRequests(
  items: readonly Text[],
  { maxBatches, maxBytes }: { maxBatches: number; maxBytes: number },
): number {
  const fewest = [0];
  for (let end = 1; end <= items.length; end++) {
    let best = Infinity;
    for (let start = 0; start < end; start++) {
      const request = items.slice(start, end);
      const fits = request.length === 1 || (request.length <= maxBatches && bodyBytes(request) < maxBytes);
      if (fits) best = Math.min(best, fewest[start]! + 1);
    }
    fewest.push(best);
  }
  return fewest.at(-1)!;
}
