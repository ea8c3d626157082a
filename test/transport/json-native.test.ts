import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { EventQueue, EventsClient, type Batch } from "mparticle-events";
import { EXACT_INTEGERS } from "../../generated/contract.ts";
import type { Event } from "../../generated/schema.ts";
import { recordingFetch } from "../../src/testing/testing.ts";
import { isReadyBatch } from "../../src/delivery/ready-batch.ts";
import { serializeTogether } from "../../src/transport/json-list.ts";
import { serializeBatch, serializeEvent, serializeExactBatch } from "../../src/transport/json.ts";
import { CODE_POINT } from "../characters.ts";
import { full } from "../full.ts";

/*
 * Each value is built twice: once with its ids, for us, and once with a number that stands for each id, for the native
 * `JSON.stringify`. Its text with the ids put in place of those numbers is what ours has to be, byte by byte.
 */

/** Makes a value with ids, or its twin with numbers in their places. */
type Recipe = (ids: Ids) => unknown;

interface Ids {
  /** What stands for an id: itself, or its number. */
  id(id: bigint): bigint | number;
  /** An id in a box, and its number without one: what applications do to boxed numbers is nothing to an id. */
  boxed(id: bigint): unknown;
  /** The same where an id may be given as text. */
  digits(id: bigint): string | number;
}

const FIRST_NUMBER = 7_000_000_000_000_000;

function withIds(): Ids {
  return { id: (id) => id, boxed: Object, digits: String };
}

function withNumbers(): { readonly ids: Ids; readonly putIn: (text: string) => string } {
  const given: bigint[] = [];
  const numberOf = (id: bigint): number => FIRST_NUMBER + given.push(id) - 1;
  return {
    ids: { id: numberOf, boxed: numberOf, digits: numberOf },
    putIn: (text) => text.replace(/\b70000000000\d{5}\b/g, (number) => String(given[Number(number) - FIRST_NUMBER])),
  };
}

const PROTOTYPES = [BigInt, String, Number, Boolean, Array, Object, Date].map(({ prototype }) => prototype as object);

/** What applications have done to the prototypes of the language. */
const PATCHES: Readonly<Record<string, readonly [prototype: object, toJSON: (this: never, key: string) => unknown]>> = {
  "bigints to numbers": [
    BigInt.prototype,
    function (this: bigint) {
      return Number(this);
    },
  ],
  "bigints to text": [
    BigInt.prototype,
    function (this: bigint) {
      return String(this);
    },
  ],
  "no bigints": [
    BigInt.prototype,
    () => {
      throw new TypeError("No bigints, please.");
    },
  ],
  "lists that tell their length": [
    Array.prototype,
    function (this: unknown[], key) {
      return { key, length: this.length };
    },
  ],
  "lists that are copied": [
    Array.prototype,
    function (this: unknown[]) {
      return this.slice();
    },
  ],
  "objects that are themselves": [
    Object.prototype,
    function (this: unknown) {
      return this;
    },
  ],
  "objects that tell their key": [
    Object.prototype,
    function (this: unknown, key) {
      return key === "user_attributes" ? `${key} of ${typeof this}` : this;
    },
  ],
  "boxed text": [String.prototype, () => "patched"],
  "boxed numbers": [Number.prototype, () => 5],
};
function patch(names: readonly string[]): void {
  for (const name of names) {
    const [prototype, toJSON] = PATCHES[name]!;
    Object.defineProperty(prototype, "toJSON", { value: toJSON, configurable: true, writable: true });
  }
}

function patched<Result>(names: readonly string[], run: () => Result): Result {
  patch(names);
  try {
    return run();
  } finally {
    restore();
  }
}

const ORIGINAL = new Map(
  PROTOTYPES.map((prototype) => [prototype, Object.getOwnPropertyDescriptor(prototype, "toJSON")]),
);

function restore(): void {
  for (const [prototype, descriptor] of ORIGINAL) {
    if (descriptor === undefined) delete (prototype as { toJSON?: unknown }).toJSON;
    else Object.defineProperty(prototype, "toJSON", descriptor);
  }
}

afterEach(restore);

/** One key or value of an object, and how it comes to be there. */
type Way = "own" | "getter" | "hidden" | "inherited";

function define(target: object, key: PropertyKey, value: unknown, way: Way): void {
  const place = way === "inherited" ? (Object.getPrototypeOf(target) as object) : target;
  const enumerable = way !== "hidden";
  if (way === "getter") Object.defineProperty(place, key, { get: () => value, enumerable, configurable: true });
  else Object.defineProperty(place, key, { value, enumerable, configurable: true, writable: true });
}

const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const key = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 4, unit: CODE_POINT }) },
  fc.constantFrom("__proto__", "toJSON", "constructor", "mpid", "event_id", "data", "events", "", "0", '"\\', "\ud800"),
);
const way = fc.constantFrom<Way>("own", "own", "own", "getter", "hidden", "inherited");

/** An object of a class of its own, so that what it inherits is nobody else's. */
function makeObject(isPlain: boolean): object {
  return isPlain ? {} : (Object.create(Object.create(Object.prototype) as object) as object);
}

function objectOf(members: readonly (readonly [string, Recipe, Way])[], isPlain: boolean): Recipe {
  return (ids) => {
    const object = makeObject(isPlain);
    for (const [name, recipe, how] of members) {
      const place = isPlain && how === "inherited" ? "own" : how;
      const value = recipe(ids);
      // Nothing else than a function may be called for it.
      define(object, name, name === "toJSON" && typeof value === "function" ? "toJSON" : value, place);
    }
    return object;
  };
}

const { value } = fc.letrec<{ value: Recipe; leaf: Recipe }>((tie) => ({
  leaf: fc.oneof(
    fc.oneof(fc.string({ unit: CODE_POINT }), fc.double(), fc.integer(), fc.boolean()).map(
      (one): Recipe =>
        () =>
          one,
    ),
    fc
      .constantFrom(null, undefined, NaN, -0, 1e21, 1e-7, Infinity, "\u2028\ud83d", () => 1, Symbol("s"), /r/)
      .map(
        (one): Recipe =>
          () =>
            one,
      ),
    id.map(
      (one): Recipe =>
        (ids) =>
          ids.id(one),
    ),
    id.map(
      (one): Recipe =>
        (ids) =>
          ids.boxed(one),
    ),
    fc.constantFrom<unknown>("boxed", 5, true).map(
      (one): Recipe =>
        () =>
          Object(one) as unknown,
    ),
    fc.constantFrom(0, NaN).map(
      (time): Recipe =>
        () =>
          new Date(time),
    ),
    fc.constantFrom<Recipe>(
      () => new Map([[1, 2]]),
      () => Object.assign(Object.create(null) as object, { a: 1 }),
    ),
  ),
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    { weight: 3, arbitrary: tie("leaf") },
    fc.array(fc.option(tie("value"), { nil: undefined }), { maxLength: 4 }).map((items): Recipe => (ids) => {
      const list: unknown[] = new Array(items.length);
      // One without a recipe is a hole.
      for (const [index, recipe] of items.entries()) if (recipe !== undefined) list[index] = recipe(ids);
      return Object.assign(list, { extra: 1 });
    }),
    fc
      .tuple(fc.array(fc.tuple(key, tie("value"), way), { maxLength: 4 }), fc.boolean())
      .map(([members, isPlain]) => objectOf(members, isPlain)),
    tie("value").map((recipe): Recipe => (ids) => ({ toJSON: (at: unknown) => [at, recipe(ids)], ignored: 1 })),
    tie("value").map((recipe): Recipe => (ids) => {
      const shared = recipe(ids);
      return [shared, { again: shared }];
    }),
    tie("value").map((recipe): Recipe => (ids) => {
      const target = recipe(ids);
      // A box in a proxy is none, and its twin is none anyway.
      const isBox = target instanceof BigInt;
      return typeof target === "object" && target !== null && !isBox ? new Proxy(target, {}) : target;
    }),
    tie("value").map(
      (recipe): Recipe =>
        (ids) =>
          Object.assign(() => 1, { toJSON: () => recipe(ids) }),
    ),
  ),
}));

/** A 64-bit id, in all the ways in which it may be given where one belongs. */
const idField: fc.Arbitrary<Recipe> = fc.oneof(
  id.map(
    (one): Recipe =>
      (ids) =>
        ids.id(one),
  ),
  id.map(
    (one): Recipe =>
      (ids) =>
        ids.digits(one),
  ),
  id.map(
    (one): Recipe =>
      (ids) =>
        ids.boxed(one),
  ),
  id.map((one): Recipe => (ids) => ({ toJSON: () => ids.digits(one) })),
  id.map(
    (one): Recipe =>
      (ids) =>
        Object.assign(() => 1, { toJSON: () => ids.id(one) }),
  ),
  fc.constantFrom(null, undefined, 0, -0, 42, Number.MAX_SAFE_INTEGER).map(
    (one): Recipe =>
      () =>
        one,
  ),
);

type Members = readonly (readonly [string, Recipe, Way])[];

function members(fields: Readonly<Record<string, fc.Arbitrary<Recipe>>>, other = value): fc.Arbitrary<Recipe> {
  const names = Object.keys(fields);
  const known = fc
    .subarray(names)
    .chain((some) => fc.tuple(...some.map((name) => fc.tuple(fc.constant(name), fields[name]!, way))));
  // Any others, in any order, but none that makes of an id what it is not.
  const free = fc.array(
    fc.tuple(
      key.filter((name) => !names.includes(name) && name !== "toJSON"),
      other,
      way,
    ),
    { maxLength: 2 },
  );
  return fc
    .tuple(known, free, fc.boolean(), fc.constantFrom("itself", "toJSON", "proxy"))
    .chain(([fieldsOf, others, isPlain, wrapping]) =>
      fc
        .shuffledSubarray<Members[number]>([...fieldsOf, ...others], { minLength: fieldsOf.length + others.length })
        .map((all): Recipe => (ids) => {
          const object = objectOf(all, isPlain)(ids) as object;
          if (wrapping === "proxy") return new Proxy(object, {});
          return wrapping === "toJSON" ? { toJSON: () => object } : object;
        }),
    );
}

const list = (item: fc.Arbitrary<Recipe>): fc.Arbitrary<Recipe> =>
  fc
    .tuple(fc.array(fc.option(item, { nil: undefined }), { maxLength: 3 }), fc.boolean())
    .map(([items, isWrapped]) => (ids: Ids): unknown => {
      const all: unknown[] = new Array(items.length);
      for (const [index, recipe] of items.entries()) if (recipe !== undefined) all[index] = recipe(ids);
      return isWrapped ? { toJSON: () => all } : all;
    });

const idFields = Object.fromEntries(
  Object.entries(EXACT_INTEGERS.eventData)
    .filter(([, kind]) => kind === "int64")
    .map(([name]) => [name, idField]),
);
const bareData = members(idFields);
const breadcrumb = fc.oneof(
  bareData,
  bareData.map((recipe): Recipe => (ids) => ({ event_type: "breadcrumb", data: recipe(ids) })),
  bareData.map((recipe): Recipe => (ids) => ({ toJSON: () => ({ data: recipe(ids), event_type: null }) })),
);
const data = members({ ...idFields, breadcrumbs: list(breadcrumb) });
const event = members({ event_type: fc.constant<Recipe>(() => "custom_event"), data });
const batch = members({
  mpid: idField,
  batch_id: idField,
  origin_mpid: idField,
  events: list(event),
  user_attributes: value,
});
/** A batch that lacks nothing that is stamped, so that most of these are ready. */
const stampedBatch = fc
  .tuple(batch, list(fc.option(data, { nil: undefined }).map((recipe) => stampedEvent(recipe))))
  .map(([recipe, events]): Recipe => (ids) => {
    const made = recipe(ids) as object;
    define(made, "environment", "development", "own");
    define(made, "source_request_id", "request", "own");
    define(made, "events", events(ids), "own");
    return made;
  });

function stampedEvent(recipe: Recipe | undefined): Recipe {
  return (ids) => {
    const made = recipe === undefined ? {} : (recipe(ids) as object);
    define(made, "source_message_id", "message", "own");
    define(made, "timestamp_unixtime_ms", 1, "own");
    return { event_type: "custom_event", data: made };
  };
}

const patches = fc.subarray(Object.keys(PATCHES), { maxLength: 2 });

function textOrError(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return `throws ${String(error)}`;
  }
}

describe("the text of a batch", () => {
  it.each([
    ["a batch", batch, (one: unknown) => serializeBatch(one as Batch)],
    ["an event", event, (one: unknown) => serializeEvent(one as Event)],
    [
      "a batch that may be ready",
      stampedBatch,
      (one: unknown) => (isReadyBatch(one, true) ? serializeExactBatch(one) : serializeBatch(one as Batch)),
    ],
  ] as const)(
    "is that of JSON.stringify with exact integers put in, whoever has patched what: %s",
    (_, recipes, write) => {
      fc.assert(
        fc.property(recipes, patches, (recipe, names) => {
          const { ids, putIn } = withNumbers();
          const twin = recipe(ids);
          const native = patched(names, () => textOrError(() => JSON.stringify(twin)));
          const ours = recipe(withIds());
          expect(patched(names, () => textOrError(() => write(ours)))).toBe(putIn(native));
        }),
        { numRuns: full(60, 1_000) },
      );
    },
  );
});

describe("the texts of several batches", () => {
  it("are those of each, or left to each, when they are written together", () => {
    let together = 0;
    // Of those that may be anything few are ready: one that is goes with them.
    const plain: Recipe = () => ({
      environment: "development",
      source_request_id: "request",
      user_attributes: { a: [5] },
    });
    const recipes = fc.array(stampedBatch, { minLength: 1, maxLength: 4 }).map((made) => [...made, plain]);
    fc.assert(
      fc.property(recipes, patches, (made, names) => {
        const ours = made.map((recipe) => recipe(withIds()));
        const ready = patched(names, () => made.filter((_, index) => isReadyBatch(ours[index], true)));
        const batches = ready.map((recipe) => recipe(withIds()) as Batch);
        const texts = patched(names, () => serializeTogether(batches));
        if (texts === undefined) return;
        const natives = ready.map((recipe) => {
          const { ids, putIn } = withNumbers();
          const twin = recipe(ids);
          return putIn(patched(names, () => JSON.stringify(twin)));
        });
        expect(texts).toEqual(natives);
        together++;
      }),
      { numRuns: full(60, 3_000) },
    );
    expect(together).toBeGreaterThan(0);
  });

  it("are left to each where JSON.stringify writes them in another form", () => {
    const { stringify } = JSON;
    const batches = [{ environment: "development" }, { environment: "production" }] as const;
    try {
      JSON.stringify = (value: unknown) => stringify(value, undefined, 1);
      expect(serializeTogether(batches)).toBeUndefined();
    } finally {
      JSON.stringify = stringify;
    }
    expect(serializeTogether(batches)).toEqual(batches.map((batch) => JSON.stringify(batch)));
  });
});

describe("the texts of several batches by themselves", () => {
  it("are found whatever texts they hold", async () => {
    const held = ["a", "undefined", "b", ',"undefined",', "c"];
    const batches: Batch[] = held.map((text) => ({ environment: "development", user_attributes: { text, held } }));
    const texts = batches.map((batch) => JSON.stringify(batch));
    expect(serializeTogether(batches)).toEqual(texts);
    // As it is when a process starts.
    const path = "../../src/transport/json-list.ts?process";
    const { serializeTogether: first } = (await import(
      /* @vite-ignore */ path
    )) as typeof import("../../src/transport/json-list.ts"); // the same file
    for (let time = 0; time < 2; time++) expect(first(batches)).toEqual(texts);
  });

  it.each([
    ["a list says something else of itself", "lists that tell their length", {}],
    ["a bigint does", "bigints to numbers", { user_attributes: { large: 2n ** 60n } }],
  ])("are left to each where %s", (_, patchName, members) => {
    const batches = [{ environment: "development", ...members }] as unknown as Batch[]; // as JavaScript may hand them over
    expect(patched([patchName], () => serializeTogether(batches))).toBeUndefined();
  });
});

describe("what a client sends", () => {
  const stamps = { timestamp_unixtime_ms: 1_700_000_000_000, source_message_id: "m" };

  /** Values that only free-form members hold, in a batch that has nothing to stamp. */
  const typedBatch = fc.tuple(id, value, value).map(([mpid, attributes, tags]) => (ids: Ids): Batch => {
    const batch = {
      environment: "development",
      mpid: ids.digits(mpid),
      user_attributes: { attributes: attributes(ids), tags: [tags(ids), , "c"] },
      source_request_id: "r",
      events: [{ event_type: "custom_event", data: { event_name: "e", session_id: ids.id(mpid), ...stamps } }],
    };
    return batch as unknown as Batch; // as JavaScript may hand it over
  });

  it.each<[string, (client: EventsClient, batch: Batch) => Promise<unknown>, (batch: string) => string]>([
    ["upload", (client, batch) => client.upload(batch), (text) => text],
    ["uploadBulk", (client, batch) => client.uploadBulk([batch]), (text) => `[${text}]`],
    [
      "a queue",
      async (client, { events, ...user }) => {
        const queue = new EventQueue(client);
        await queue.add(user, ...(events ?? []));
        await queue.close();
      },
      (text) => `[${text}]`,
    ],
  ])("through %s is the same text", async (way, send, wrap) => {
    await fc.assert(
      fc.asyncProperty(typedBatch, patches, async (recipe, names) => {
        // The list of events in a batch of a queue is the queue's own.
        fc.pre(way !== "a queue" || !names.includes("lists that tell their length"));
        const { ids, putIn } = withNumbers();
        const twin = recipe(ids);
        const native = patched(names, () => textOrError(() => JSON.stringify(twin)));
        // What JSON cannot hold is refused, and this is about what is sent.
        fc.pre(native.startsWith("{"));
        const fetch = recordingFetch();
        const client = new EventsClient({ apiKey: "key", apiSecret: "s3cr3t-s3cr3t", fetch });
        const batch = recipe(withIds());
        patch(names);
        try {
          await send(client, batch);
        } finally {
          restore();
        }
        const bodies = fetch.requests.map(({ body }) =>
          body.replace(/"source_request_id":"[^"]{36}"/, '"source_request_id":"r"'),
        );
        expect(bodies).toEqual([wrap(putIn(native))]);
      }),
      { numRuns: full(10, 300) },
    );
  });
});
