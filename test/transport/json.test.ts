import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Batch } from "../../generated/schema.ts";
import { InvalidBatchError } from "../../src/errors.ts";
import { parseJsonExact } from "mparticle-events";
import { parseExact, serializeBatch, serializeEvent } from "../../src/transport/json.ts";
import { CODE_POINT } from "../characters.ts";
import { full } from "../full.ts";

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
              // No event, though it has data: its own ids are what is sent.
              { label: "c", event_id: "6", data: {} },
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
    expect(text).toContain(`"event_id":6`);
  });

  it.each<[string, object, string]>([
    ["an event", { data: { session_id: "5" } }, '{"data":{"session_id":5}}'],
    ["an event beside others", { data: { event_id: 1 } }, '{"data":{"event_id":1}}'],
    ["breadcrumbs alone", { data: { breadcrumbs: [{ event_id: "5" }] } }, '{"data":{"breadcrumbs":[{"event_id":5}]}}'],
    [
      "what an event says of itself",
      { data: {}, toJSON: () => ({ data: { event_id: "5" } }) },
      '{"data":{"event_id":5}}',
    ],
    ["what data says of itself", { data: { toJSON: () => ({ event_id: "5" }) } }, '{"data":{"event_id":5}}'],
  ])("writes the digits in %s as integers, where nothing else of the batch needs it", (_, event, text) => {
    expect(serializeAnything({ events: [event, event] })).toBe(`{"events":[${text},${text}]}`);
    expect(serializeEvent(event as never)).toBe(text);
  });

  it("writes the digits in events that a list, or what stands for one, says of itself", () => {
    const events = [{ data: { session_id: "5" } }];
    for (const list of [{ toJSON: () => events }, Object.assign([{ data: {} }], { toJSON: () => events })])
      expect(serializeAnything({ events: list })).toBe('{"events":[{"data":{"session_id":5}}]}');
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
    expect(findingOf(() => serializeAnything(batch))).toMatchObject({
      code: "not-an-object",
      path: "",
      message: expect.stringContaining("expected a batch, got ") as string,
    });
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

describe("serializeBatch of what is given in an unusual way", () => {
  const digits = BEYOND_DOUBLE;

  it.each<[string, unknown]>([
    ["a box of digits", Object(digits)],
    ["a box of a bigint", Object(BigInt(digits))],
    ["a box of a safe number", Object(42)],
    ["an object that knows its digits", { toJSON: () => digits }],
  ])("writes an mpid given as %s as an integer literal", (_, mpid) => {
    const literal = String(mpid) === "42" ? "42" : digits;
    expect(serializeAnything({ mpid })).toBe(`{"mpid":${literal}}`);
  });

  it.each<[string, unknown, string]>([
    ["a box of words", Object("words"), 'got "words"'],
    ["a box of a fraction", Object(1.5), "got the number 1.5"],
    ["a box of true", Object(true), "got "],
    ["a function", () => 1, "got a function"],
    ["a symbol", Symbol("s"), "got a symbol"],
    ["true", true, "got the boolean true"],
    ["a list", [5n], "got an array of 1"],
  ])("refuses an mpid given as %s", (_, mpid, words) => {
    expect(findingOf(() => serializeAnything({ mpid }))).toMatchObject({
      code: "not-an-integer",
      path: "/mpid",
      message: expect.stringContaining(words) as string,
    });
  });

  it("names the place of an id that is refused behind a toJSON", () => {
    const data = { toJSON: () => ({ breadcrumbs: [{ session_id: "x" }] }) };
    expect(findingOf(() => serializeAnything({ events: [{ data }] }))).toMatchObject({
      path: "/events/0/data/breadcrumbs/0/session_id",
    });
  });

  it("writes ids that a toJSON gives, at every level", () => {
    const own = (value: unknown): unknown => ({ toJSON: () => value });
    const data = own({
      session_id: digits,
      breadcrumbs: own([own({ event_type: "breadcrumb", data: own({ event_id: "5" }) })]),
    });
    expect(serializeAnything(own({ mpid: "7", events: own([own({ data })]) }))).toBe(
      `{"mpid":7,"events":[{"data":{"session_id":${digits},"breadcrumbs":[{"event_type":"breadcrumb","data":{"event_id":5}}]}}]}`,
    );
  });

  it("leaves digits alone where no id belongs", () => {
    const batch = {
      user_attributes: { mpid: "5", data: { session_id: "6" }, events: [{ data: { session_id: "6" } }] },
      consents: [{ data: { session_id: "6" }, breadcrumbs: [{ event_id: "6" }] }],
      events: [{ session_id: "7", data: { mpid: "8" }, meta: { session_id: "7" } }],
    };
    expect(serializeAnything({ ...batch, mpid: "9" })).toBe(`${JSON.stringify(batch).slice(0, -1)},"mpid":9}`);
    expect(serializeAnything({ ...batch, n: 9n })).toBe(`${JSON.stringify(batch).slice(0, -1)},"n":9}`);
    const nested = {
      event_type: "custom_event",
      data: { custom_attributes: { session_id: "5", breadcrumbs: [{ event_id: "5" }] } },
    };
    expect(serializeEvent({ ...nested, n: 9n } as never)).toBe(`${JSON.stringify(nested).slice(0, -1)},"n":9}`);
    const list = { data: { tags: [{ event_id: "5", data: { event_id: "5" } }] } };
    expect(serializeEvent({ ...list, n: 9n } as never)).toBe(`${JSON.stringify(list).slice(0, -1)},"n":9}`);
  });

  it.each([[() => undefined], [() => "text"], [() => [1]], [() => null]])(
    "refuses a batch whose toJSON gives no object: %s",
    (toJSON) => {
      expect(findingOf(() => serializeAnything({ toJSON }))).toMatchObject({ code: "not-an-object", path: "" });
    },
  );

  it("names an event that is none as such", () => {
    expect(findingOf(() => serializeEvent(undefined as never))).toMatchObject({
      message: "expected an event, got nothing.",
    });
  });

  it("tells where a batch refers to itself, not far down where it is deep", () => {
    const batch: Record<string, unknown> = { a: [{ "b/c~": {} }] };
    (batch["a"] as Record<string, unknown>[])[0]!["b/c~"] = batch;
    expect(findingOf(() => serializeAnything(batch))).toMatchObject({ path: "/a/0/b~1c~0" });
    expect(() => serializeAnything(batch)).toThrow(
      expect.objectContaining({ cause: expect.any(TypeError) as unknown }) as Error,
    );
    let deep: unknown = {};
    for (let depth = 0; depth < 100_000; depth++) deep = { x: deep };
    expect(findingOf(() => serializeAnything({ deep }))).toMatchObject({ path: "/deep/x/x/x/x/x/x" });
  });

  it.each([new RangeError("mine"), new TypeError("mine")])("lets the caller's own %s through", (own) => {
    const toJSON = (): never => {
      throw own;
    };
    expect(() => serializeAnything({ n: 5n, a: { toJSON } })).toThrow(own);
  });
});

describe("what is written by one plain call of JSON.stringify, which is several times as fast as to ask for each value", () => {
  /** The text, and whether `JSON.stringify` was given a function that it calls for each value. */
  function write(run: () => string): { readonly text: string; readonly isPlain: boolean } {
    const stringify = vi.spyOn(JSON, "stringify");
    try {
      const text = run();
      return { text, isPlain: stringify.mock.calls.every(([, replacer]) => replacer === undefined) };
    } finally {
      stringify.mockRestore();
    }
  }

  const inherited = (members: object): object => Object.create(members) as object;
  const ownToJSON = { toJSON: () => ({ session_id: "5" }) };

  it.each<[string, object, string]>([
    ["no events", {}, "{}"],
    ["null for events", { events: null }, '{"events":null}'],
    ["events without ids", { events: [{ data: {} }, { data: { a: 1 } }] }, '{"events":[{"data":{}},{"data":{"a":1}}]}'],
    ["events without data", { events: [{}, { data: null }, { data: 5 }] }, '{"events":[{},{"data":null},{"data":5}]}'],
    ["something else among its events", { events: [null, "x", {}] }, '{"events":[null,"x",{}]}'],
    [
      "safe ids",
      { mpid: 1, batch_id: null, events: [{ data: { event_id: 2 } }] },
      '{"mpid":1,"batch_id":null,"events":[{"data":{"event_id":2}}]}',
    ],
    ["digits of its own", { mpid: "1", events: [{ data: {} }] }, '{"mpid":1,"events":[{"data":{}}]}'],
    ["bigints of its own", { batch_id: 1n, origin_mpid: 2n }, '{"batch_id":1,"origin_mpid":2}'],
    [
      "digits in an event",
      { events: [{ data: {} }, { data: { session_id: "5" } }] },
      '{"events":[{"data":{}},{"data":{"session_id":5}}]}',
    ],
    [
      "breadcrumbs without ids",
      { events: [{ data: { breadcrumbs: [null, {}, { event_type: "x" }] } }] },
      '{"events":[{"data":{"breadcrumbs":[null,{},{"event_type":"x"}]}}]}',
    ],
    [
      "null for breadcrumbs",
      { events: [{ data: { breadcrumbs: null, event_id: "5" } }] },
      '{"events":[{"data":{"breadcrumbs":null,"event_id":5}}]}',
    ],
    [
      "ids in breadcrumbs",
      { events: [{ data: { breadcrumbs: [{ event_type: "x", data: { event_id: "5" } }, { event_id: "6" }] } }] },
      '{"events":[{"data":{"breadcrumbs":[{"event_type":"x","data":{"event_id":5}},{"event_id":6}]}}]}',
    ],
    [
      "a toJSON where no ids are",
      { user_attributes: { toJSON: () => "own" }, events: [] },
      '{"user_attributes":"own","events":[]}',
    ],
    ["inherited events, which JSON does not write", inherited({ events: [{ data: {} }] }), "{}"],
  ])("is a batch with %s", (_, batch, text) => {
    expect(write(() => serializeAnything(batch))).toEqual({ text, isPlain: true });
  });

  it.each<[string, object, string]>([
    ["a toJSON of its own", { toJSON: () => ({ mpid: "5" }) }, '{"mpid":5}'],
    [
      "an event that has one",
      { events: [{ toJSON: () => ({ data: { session_id: "5" } }) }] },
      '{"events":[{"data":{"session_id":5}}]}',
    ],
    ["data that has one", { events: [{ data: ownToJSON }] }, '{"events":[{"data":{"session_id":5}}]}'],
    [
      "a function for data, with one",
      { events: [{ data: Object.assign(() => 1, ownToJSON) }] },
      '{"events":[{"data":{"session_id":5}}]}',
    ],
    [
      "breadcrumbs that have one",
      { events: [{ data: { breadcrumbs: [ownToJSON] } }] },
      '{"events":[{"data":{"breadcrumbs":[{"session_id":5}]}}]}',
    ],
    ["an id in a box", { mpid: Object("5") as object }, '{"mpid":5}'],
    ["a bigint where no id is", { ip: 5n }, '{"ip":5}'],
    ["inherited events, in one of which is an id", inherited({ events: [{ data: { event_id: "5" } }] }), "{}"],
  ])("is not one with %s", (_, batch, text) => {
    expect(write(() => serializeAnything(batch))).toEqual({ text, isPlain: false });
  });
});

describe("parseJsonExact", () => {
  const key = fc.oneof(fc.string({ unit: CODE_POINT }), fc.constantFrom("__proto__", "", BEYOND_DOUBLE));

  /** Text of JSON with its value, whose integers are exact. */
  const written = fc.letrec<{ value: readonly [text: string, value: unknown] }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc
        .oneof(
          fc.string({ unit: CODE_POINT }),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.boolean(),
          fc.constant(null),
          fc.constant("12345678901234567890"),
        )
        .map((value) => {
          const text = JSON.stringify(value);
          return [
            text,
            /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : JSON.parse(text),
          ] as const;
        }),
      fc
        .bigInt()
        .map((value) => [String(value), value < 2n ** 53n && value > -(2n ** 53n) ? Number(value) : value] as const),
      fc
        .array(tie("value"), { maxLength: 4 })
        .map((items) => [`[ ${items.map(([text]) => text).join(" ,")}]`, items.map(([, value]) => value)] as const),
      fc.uniqueArray(fc.tuple(key, tie("value")), { maxLength: 4, selector: ([name]) => name }).map((members) => {
        const object = {};
        for (const [name, [, value]] of members) {
          Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
        }
        return [
          `{${members.map(([name, [text]]) => `${JSON.stringify(name)}\n: ${text}`).join(",")}}`,
          object,
        ] as const;
      }),
    ),
  })).value;

  it("reads integers of any size exactly, and all else as JSON.parse does", () => {
    fc.assert(
      fc.property(written, ([text, value]) => {
        expect(parseJsonExact(text)).toStrictEqual(value);
      }),
      { numRuns: full(200, 5_000) },
    );
  });

  it.each([
    "9007199254740991",
    "-9007199254740991",
    "0",
    "-0",
    "1e21",
    "12345678901234567890.5",
    "12345678901234567890e0",
    "1E400",
  ])("reads %s as JSON.parse does", (text) => {
    expect(parseJsonExact(text)).toBe(JSON.parse(text));
    expect(parseJsonExact(`[${text},${BEYOND_DOUBLE}]`)).toStrictEqual([JSON.parse(text), BigInt(BEYOND_DOUBLE)]);
  });

  it.each(["9007199254740992", "-9007199254740992", BEYOND_DOUBLE, `-${BEYOND_DOUBLE}`, "1".repeat(400)])(
    "reads %s as a bigint",
    (text) => {
      expect(parseJsonExact(text)).toBe(BigInt(text));
    },
  );

  it("fails as JSON.parse does, with the position in the text that was given", () => {
    const json = fc.oneof(fc.json(), fc.constantFrom(`{"a":${BEYOND_DOUBLE}}`, `[${BEYOND_DOUBLE},"x"]`));
    const broken = fc
      .tuple(json, fc.nat(), fc.constantFrom("", "x", '"', "{", "]", ",", "\\", "1", "\n", "-", "NaN"))
      .map(([text, at, put]) => {
        const index = at % (text.length + 1);
        return text.slice(0, index) + put + text.slice(index + (put === "" ? 1 : 0));
      });
    const read = (parse: (text: string) => unknown, text: string): unknown => {
      try {
        return { value: parse(text) };
      } catch (error) {
        return String(error);
      }
    };
    fc.assert(
      fc.property(broken, (text) => {
        const native = read(JSON.parse, text);
        const ours = read(parseJsonExact, text);
        if (typeof native === "string") expect(ours).toBe(native);
        else expect(ours).toHaveProperty("value");
      }),
    );
  });

  it("gives an object no other prototype, whatever its members are called", () => {
    const value = parseJsonExact(`{"__proto__":{"admin":${BEYOND_DOUBLE}},"n":${BEYOND_DOUBLE}}`) as Record<
      string,
      unknown
    >;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__", "n"]);
    expect(value["admin"]).toBeUndefined();
    const own = parseJsonExact(`{"__proto__":${BEYOND_DOUBLE}}`) as object;
    expect(Object.entries(own)).toEqual([["__proto__", BigInt(BEYOND_DOUBLE)]]);
  });

  it.each([0, 1, 2, 3, 4])(
    "reads an id behind a text that ends in %d backslashes, and one within a text as text",
    (count) => {
      const texts = { text: "\\".repeat(count) };
      const quotes = { quoted: `${"\\".repeat(count)}" ${BEYOND_DOUBLE}` };
      // Each by itself: taken for its opposite, the one would put right what the other has put wrong.
      for (const value of [texts, quotes, { ...texts, ...quotes }]) {
        const text = JSON.stringify({ ...value, id: 1 }).replace('"id":1', `"id":${BEYOND_DOUBLE}`);
        expect(parseJsonExact(text)).toEqual({ ...value, id: BigInt(BEYOND_DOUBLE) });
        expect(parseExact(text)).toEqual({ ...value, id: BEYOND_DOUBLE });
      }
    },
  );

  it("reads what is nested as deeply as JSON.parse does", () => {
    const depth = full(50_000, 200_000);
    let value = parseJsonExact(`${"[".repeat(depth)}${BEYOND_DOUBLE}${"]".repeat(depth)}`);
    for (let level = 0; level < depth; level++) [value] = value as [unknown];
    expect(value).toBe(BigInt(BEYOND_DOUBLE));
  });

  it("reads a string of many megabytes beside an id", () => {
    const long = 'x\\"'.repeat(full(500_000, 2_000_000));
    expect(parseJsonExact(JSON.stringify({ long }).replace("{", `{"id":${BEYOND_DOUBLE},`))).toEqual({
      id: BigInt(BEYOND_DOUBLE),
      long,
    });
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

  it.each(["", '"', '"a', '{"a":"\\"', `[${BEYOND_DOUBLE},"`])(
    "refuses %j, which is no JSON, as JSON.parse does",
    (text) => {
      expect(() => parseExact(text)).toThrow(SyntaxError);
    },
  );

  it("leaves digits inside strings and keys alone", () => {
    const text = `{"${BEYOND_DOUBLE}":"a \\" ${BEYOND_DOUBLE}","f":0.12345678901234567}`;
    expect(parseExact(text)).toEqual(JSON.parse(text));
  });
});

describe("the first that is written or read in a process", () => {
  let processes = 0;

  /** The module as it is when a process starts. */
  async function load(): Promise<typeof import("../../src/transport/json.ts")> {
    const path = `../../src/transport/json.ts?process=${String(processes++)}`;
    return (await import(/* @vite-ignore */ path)) as typeof import("../../src/transport/json.ts"); // the same file
  }

  const UNDEFINED = { text: "undefined5" };

  it("is written exactly, whether it holds an id or not", async () => {
    const ofAnId = await load();
    expect(ofAnId.serializeBatch({ mpid: BEYOND_DOUBLE, ...UNDEFINED } as unknown as Batch)).toBe(
      `{"mpid":${BEYOND_DOUBLE},"text":"undefined5"}`,
    );
    const ofNone = await load();
    const toJSON = (): object => UNDEFINED;
    expect(ofNone.serializeBatch({ toJSON } as unknown as Batch)).toBe(JSON.stringify(UNDEFINED));
  });

  it("is read exactly", async () => {
    const { parseJsonExact: read } = await load();
    expect(read(`["undefined5",${BEYOND_DOUBLE}]`)).toEqual(["undefined5", BigInt(BEYOND_DOUBLE)]);
  });
});
