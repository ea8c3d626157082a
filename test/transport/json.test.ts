import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Batch } from "../../generated/schema.ts";
import { InvalidBatchError } from "../../src/errors.ts";
import { parseExact, serializeBatch } from "../../src/transport/json.ts";

const BEYOND_DOUBLE = "7346244611012968789";

/** Foreign and hostile payloads are not typed as batches. */
function serializeAnything(batch: unknown): string {
  return serializeBatch(batch as Batch);
}

function findingOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidBatchError) return error.findings[0];
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("serializeBatch", () => {
  it("writes a batch without 64-bit ids exactly as JSON.stringify does", () => {
    const json = fc.object({
      key: fc.string(),
      values: [fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined)],
    });
    fc.assert(
      fc.property(json, (batch) => {
        expect(serializeAnything(batch)).toBe(JSON.stringify(batch));
      }),
    );
  });

  it.each([
    ["a bigint", BigInt(BEYOND_DOUBLE), BEYOND_DOUBLE],
    ["digits", BEYOND_DOUBLE, BEYOND_DOUBLE],
    ["negative digits", "-7778608565459706417", "-7778608565459706417"],
    ["a safe number", 42, "42"],
    ["the smallest int64", -(2n ** 63n), "-9223372036854775808"],
  ])("writes an mpid given as %s as an integer literal", (_, mpid, literal) => {
    expect(serializeAnything({ environment: "development", mpid })).toBe(
      `{"environment":"development","mpid":${literal}}`,
    );
  });

  it("keeps every digit of ids in events and in the breadcrumbs of a crash report", () => {
    const batch = {
      environment: "development",
      events: [
        {
          event_type: "profile",
          data: { profile_event_type: "login", previous_mpid: BEYOND_DOUBLE, current_mpid: 1n },
        },
        {
          event_type: "crash_report",
          data: {
            ios_image_base_address: "18446744073709551615",
            breadcrumbs: [
              { event_type: "breadcrumb", data: { label: "a", session_id: BEYOND_DOUBLE } },
              { label: "b", event_id: "5" },
            ],
          },
        },
      ],
    };
    const text = serializeAnything(batch);
    expect(text).toContain(`"previous_mpid":${BEYOND_DOUBLE},"current_mpid":1`);
    expect(text).toContain(`"ios_image_base_address":18446744073709551615`);
    expect(text).toContain(`"session_id":${BEYOND_DOUBLE}`);
    expect(text).toContain(`"event_id":5`);
  });

  it("carries every int64 from bigint to literal and back without loss", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.boolean(), (id, asDigits) => {
        const text = serializeAnything({ environment: "production", mpid: asDigits ? String(id) : id });
        const parsed = parseExact(text) as { mpid: number | string };
        expect(BigInt(parsed.mpid)).toBe(id);
      }),
    );
  });

  it("changes nothing about its input", () => {
    const batch = { mpid: "123", events: [{ event_type: "custom_event", data: { session_id: "5" } }] };
    const before = structuredClone(batch);
    serializeAnything(batch);
    expect(batch).toEqual(before);
  });

  it("writes what surrounds a bigint as JSON.stringify would", () => {
    const rest = {
      a: [undefined, "\u2028", "\ud800", NaN, new Date(0)],
      b: undefined,
      c: { toJSON: () => "x" },
      '"': 1.5,
    };
    expect(serializeAnything({ ...rest, n: 10n })).toBe(`${JSON.stringify(rest).slice(0, -1)},"n":10}`);
  });

  it.each([
    ["a number that is already rounded", 7346244611012969000, "unsafe-integer"],
    ["a fraction", 1.5, "not-an-integer"],
    ["words", "abc", "not-an-integer"],
    ["an id beyond int64", 2n ** 63n, "integer-out-of-range"],
    ["an object", {}, "not-an-integer"],
  ])("refuses an mpid that is %s, naming the field", (_, mpid, code) => {
    expect(findingOf(() => serializeAnything({ mpid }))).toMatchObject({ severity: "error", code, path: "/mpid" });
  });

  it("names the event of a refused id", () => {
    const events = [
      { event_type: "custom_event", data: {} },
      { event_type: "custom_event", data: { session_id: 2 ** 60 } },
    ];
    expect(findingOf(() => serializeAnything({ events }))).toMatchObject({ path: "/events/1/data/session_id" });
  });

  it.each([undefined, null, 7, "batch", []])("refuses %j, which is no batch", (batch) => {
    expect(findingOf(() => serializeAnything(batch))).toMatchObject({ code: "not-an-object", path: "" });
  });

  it("refuses cycles and nesting that JSON cannot hold", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    let deep: unknown = {};
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(findingOf(() => serializeAnything(cycle))).toMatchObject({ code: "not-serializable" });
    expect(findingOf(() => serializeAnything({ deep }))).toMatchObject({ code: "not-serializable" });
  });

  it("lets an error of the caller's own toJSON through", () => {
    const own = new Error("mine");
    const toJSON = (): never => {
      throw own;
    };
    expect(() => serializeAnything({ a: { toJSON } })).toThrow(own);
  });
});

describe("parseExact", () => {
  it("reads as JSON.parse does whatever a number can hold", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        // A double such as 1e21 or 2^60 prints digits that are not its own.
        fc.pre(!/\d{16}/.test(text));
        expect(parseExact(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("leaves digits inside strings and keys alone", () => {
    const text = `{"${BEYOND_DOUBLE}":"a \\" ${BEYOND_DOUBLE}","f":0.12345678901234567}`;
    expect(parseExact(text)).toEqual(JSON.parse(text));
  });
});
