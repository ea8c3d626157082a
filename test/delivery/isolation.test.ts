import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBatch, customEvent, EventsClient, type Batch } from "mparticle-events";
import { divideRefused } from "../../src/delivery/isolation.ts";
import { poison, recordingFetch } from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { virtualTime } from "./virtual-time.ts";

interface Isolation {
  readonly accepted: readonly number[];
  readonly culprits: readonly number[];
  readonly requests: number;
  /** How many requests one after the other, where those of one division travel at once. */
  readonly rounds: number;
}

/** A service that refuses a request for any culprit in it, and a client that divides what was refused. */
function isolate(items: readonly number[], isCulprit: (item: number) => boolean): Isolation {
  if (!items.some(isCulprit)) return { accepted: items, culprits: [], requests: 1, rounds: 1 };
  const parts = divideRefused(items).map((part) => isolate(part, isCulprit));
  return {
    accepted: parts.flatMap(({ accepted }) => accepted),
    culprits: parts.length === 0 ? items : parts.flatMap(({ culprits }) => culprits),
    requests: 1 + parts.reduce((sum, { requests }) => sum + requests, 0),
    rounds: 1 + Math.max(0, ...parts.map(({ rounds }) => rounds)),
  };
}

/**
 * What the documentation of `divideRefused` promises. Why it holds: after j divisions there are at most 4^j parts, no
 * more than k of them with a culprit, and nothing is left to divide after L = ⌈log4(n)⌉. Each division makes 4 requests,
 * so there are at most 1 + 4·Σ min(4^j, k) over j < L; of these terms ⌈log4(k)⌉ grow by four and come to less than
 * 4k/3, and the others are k each.
 */
function mostRequests(items: number, culprits: number): number {
  if (culprits === 0) return 1;
  return 4 * culprits * Math.ceil(Math.log(items / culprits) / Math.log(4)) + 6 * culprits + 1;
}

/** For each number of culprits, the requests that their worst positions take. */
const worstCases = new Map<number, readonly number[]>([[1, [1, 1]]]);
function worstCase(items: number): readonly number[] {
  const known = worstCases.get(items);
  if (known !== undefined) return known;
  const parts = divideRefused(Array.from({ length: items })).map(({ length }) => worstCase(length));
  const ofParts = parts.reduce((sum, part) => {
    const both: number[] = [];
    for (const [one, inOne] of sum.entries()) {
      for (const [other, inOther] of part.entries()) {
        both[one + other] = Math.max(both[one + other] ?? 0, inOne + inOther);
      }
    }
    return both;
  });
  const worst = ofParts.map((requests, culprits) => (culprits === 0 ? 1 : 1 + requests));
  worstCases.set(items, worst);
  return worst;
}

const anyRequest = fc.integer({ min: 1, max: 300 }).chain((length) => {
  const items = Array.from({ length }, (_, index) => index);
  return fc.record({ items: fc.constant(items), culprits: fc.subarray(items).map((culprits) => new Set(culprits)) });
});

describe("divideRefused", () => {
  it("keeps every item, in order, in parts that are smaller, nearly equal and never empty", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 2, maxLength: 300 }), (items) => {
        const parts = divideRefused(items);
        const sizes = parts.map(({ length }) => length);
        expect(parts.flat()).toEqual(items);
        expect(Math.min(...sizes)).toBeGreaterThan(0);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(Math.max(...sizes)).toBeLessThan(items.length);
      }),
    );
  });

  it.each([[[]], [[1]]])("has no parts for %j: it is the culprit", (items) => {
    expect(divideRefused(items)).toEqual([]);
  });

  it("ends with the culprits alone refused and all others accepted, each exactly once", () => {
    fc.assert(
      fc.property(anyRequest, ({ items, culprits }) => {
        const result = isolate(items, (item) => culprits.has(item));
        expect(result.culprits).toEqual([...culprits]);
        expect(result.accepted).toEqual(items.filter((item) => !culprits.has(item)));
      }),
    );
  });

  it("needs O(k log n) requests, wherever the culprits are", () => {
    const above: (readonly [items: number, culprits: number])[] = [];
    for (let items = 1; items <= 200; items++) {
      for (const [culprits, requests] of worstCase(items).entries()) {
        if (!(requests <= mostRequests(items, culprits))) above.push([items, culprits]);
      }
    }
    expect(above).toEqual([]);
  });

  it("needs what that worst case says for any positions, and not more", () => {
    fc.assert(
      fc.property(anyRequest, ({ items, culprits }) => {
        const { requests } = isolate(items, (item) => culprits.has(item));
        expect(requests).toBeLessThanOrEqual(worstCase(items.length)[culprits.size]!);
      }),
    );
  });

  it("finds one culprit in a hundred within 15 requests, two within 25", () => {
    expect(worstCase(100).slice(0, 3)).toEqual([1, 15, 25]);
  });

  it("is over after a few rounds, for the parts travel at once", () => {
    fc.assert(
      fc.property(anyRequest, ({ items, culprits }) => {
        const { rounds } = isolate(items, (item) => culprits.has(item));
        expect(rounds).toBeLessThanOrEqual(1 + Math.ceil(Math.log(items.length) / Math.log(4)));
      }),
    );
  });
});

describe("a bulk upload that is refused as a whole", () => {
  it("ends with the culprits rejected and every other batch accepted once, in O(k log n) requests", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 6 }), async (length, wanted) => {
        const culprits = Math.min(wanted, length);
        const isPoison = ({ ip }: Batch): boolean => ip === "poison";
        const fetch = recordingFetch(poison(isPoison));
        const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch }, virtualTime());
        const batches = Array.from({ length }, (_, index) => {
          const isBad = (index * culprits) % length < culprits;
          const ip = isBad ? "poison" : "192.0.2.1";
          return createBatch({ environment: "development", ip }, [customEvent(String(index), "other")]);
        });
        const outcomes = await client.uploadBulk(batches);
        expect(outcomes.map(({ kind }) => kind)).toEqual(
          batches.map((batch) => (isPoison(batch) ? "rejected" : "accepted")),
        );
        expect(fetch.accepted()).toHaveLength(batches.filter((batch) => !isPoison(batch)).length);
        expect(fetch.duplicates().size).toBe(0);
        expect(fetch.requests.length).toBeLessThanOrEqual(worstCase(length)[batches.filter(isPoison).length]!);
      }),
      { numRuns: full(5, 30) },
    );
  });
});
