import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { EVENT_TYPES, LIMITS, PODS } from "../../generated/contract.ts";
import { validateBatch as canonical } from "../../generated/validators/canonical.js";
import { validateBatch as wire } from "../../generated/validators/wire.js";
import { batch, dataName, eventBatch, OBJECTS, type Members } from "./payload-tables.ts";
import { full } from "../full.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const text = read("spec/events-api.yaml");
const spec = record(parse(text));
const schemas = record(record(spec["components"])["schemas"]);
const profiles = {
  canonical: { document: record(JSON.parse(read("generated/openapi.json"))), validate: canonical },
  wire: { document: record(JSON.parse(read("generated/openapi.wire.json"))), validate: wire },
};
const OPERATIONS = ["/events", "/bulkevents", "/bulkevents/historical"];

describe("the contract", () => {
  it("cites only disagreements that exist, in every x-wire", () => {
    const annotations = [...membersCalled(spec, "x-wire")].map(record);
    expect(annotations.length).toBeGreaterThan(50);
    for (const annotation of annotations) {
      const ids = list(annotation["settles"]).map(String);
      expect(ids.length).toBeGreaterThan(0);
      for (const id of ids) expect(id === "N-RULE" || isDisagreement(id), `settles ${id}`).toBe(true);
    }
    for (const limit of Object.values(record(spec["x-limits"]))) {
      for (const id of list(record(limit)["settles"] ?? [])) expect(isDisagreement(String(id))).toBe(true);
    }
  });

  it("carries out every disagreement, or says beside which part it belongs", () => {
    const cited = new Set(text.match(/\bD\d+\b/g));
    const all = Array.from({ length: 119 }, (_, index) => `D${String(index + 1)}`);
    expect(all.filter((id) => !cited.has(id))).toEqual([]);
    expect([...cited].filter((id) => !isDisagreement(id))).toEqual([]);
  });

  it("describes every schema and every property", () => {
    const bare: string[] = [];
    const visit = (schema: unknown, path: string) => {
      if (Array.isArray(schema)) for (const [index, part] of schema.entries()) visit(part, `${path}/${String(index)}`);
      if (!isRecord(schema)) return;
      for (const [name, property] of Object.entries(record(schema["properties"] ?? {}))) {
        if (record(property)["description"] === undefined) bare.push(`${path}/${name}`);
        visit(property, `${path}/${name}`);
      }
      for (const key of ["allOf", "anyOf", "oneOf", "items", "additionalProperties", "x-wire", "oneOfAlso"]) {
        visit(schema[key], `${path}/${key}`);
      }
    };
    for (const [name, schema] of Object.entries(schemas)) {
      if (record(schema)["description"] === undefined) bare.push(name);
      visit(schema, name);
    }
    expect(bare).toEqual([]);
  });

  it("has an example for every event type, and both validators take each of them", () => {
    const examples = Object.values(schemas).flatMap((schema) => list(record(schema)["examples"] ?? []));
    const types = examples.map((event) => record(event)["event_type"]);
    expect([...new Set(types)], "the schemas of events in the order of the union, each with an example").toEqual([
      ...EVENT_TYPES,
    ]);
    for (const event of examples) {
      for (const validate of [canonical, wire])
        expect([validate(batch({ events: [event] })), validate.errors]).toEqual([true, null]);
    }
  });

  it("has examples of requests for every operation, and both validators take each of them", () => {
    for (const path of OPERATIONS) {
      const examples = requestExamples(path);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        for (const validate of [canonical, wire]) {
          for (const one of Array.isArray(example) ? example : [example]) {
            expect([validate(one), validate.errors]).toEqual([true, null]);
          }
        }
      }
    }
  });

  it("answers every operation with the same statuses, each failure with examples to be served", () => {
    for (const path of OPERATIONS) {
      const responses = record(operation(path)["responses"]);
      expect(Object.keys(responses)).toEqual(["202", "400", "401", "403", "413", "429", "500", "503"]);
      for (const [status, reference] of Object.entries(responses)) {
        const content = record(resolve(reference))["content"];
        if (status === "202") expect(content).toBeUndefined();
        else
          expect(Object.keys(record(record(record(content)["application/json"])["examples"])).length).toBeGreaterThan(
            1,
          );
      }
    }
  });

  it("holds no example with an integer that a tool could round", () => {
    const numbers = [...leaves(record(record(spec["components"])["examples"])), ...membersCalled(schemas, "examples")]
      .flatMap((value) => [...leaves(value)])
      .filter((value) => typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER);
    expect(numbers).toEqual([]);
  });

  it("has the hosts and the limits that the run-time code relies on", () => {
    expect(PODS).toEqual({
      us1: "https://s2s.mparticle.com/v2",
      us2: "https://s2s.us2.mparticle.com/v2",
      eu1: "https://s2s.eu1.mparticle.com/v2",
      au1: "https://s2s.au1.mparticle.com/v2",
    });
    expect(LIMITS).toMatchObject({ bulkMaxBatches: 100, requestMaxBytes: 256_000, batchMaxBytes: 128_000 });
    expect(LIMITS.historicalMinAgeMs).toBe(72 * 60 * 60 * 1000);
    expect(LIMITS.livePathMaxAgeMs).toBe(30 * 24 * 60 * 60 * 1000);
  });

  it("tells a reader who does not use this package to write ids as literals, with every digit", () => {
    for (const name of ["Int64", "Uint64"]) {
      const description = String(record(schemas[name])["description"]);
      expect(description).toContain("Travels as an integer literal, never in quotes.");
      expect(description).toMatch(
        /this package takes a bigint or a string of decimal digits, and writes the literal\./,
      );
    }
  });

  it("is set without double spaces", () => {
    const descriptions = [...membersCalled(spec, "description")].filter((value) => typeof value === "string");
    expect(descriptions.length).toBeGreaterThan(400);
    expect(descriptions.filter((description) => /\S {2,}\S/.test(description))).toEqual([]);
  });

  it("says the same limit wherever a schema enforces a named one", () => {
    const at = (pointer: string) =>
      pointer
        .split("/")
        .reduce<unknown>(
          (value, step) => (Array.isArray(value) ? list(value)[Number(step)] : record(value)[step]),
          schemas,
        );
    const enforced: Readonly<Record<string, keyof typeof LIMITS>> = {
      "Batches/maxItems": "bulkMaxBatches",
      "HistoricalBatches/maxItems": "bulkMaxBatches",
      "CustomAttributes/maxProperties": "eventAttributesMaxCount",
      "CustomAttributes/additionalProperties/maxLength": "attributeValueMaxLength",
      "ProductAttributes/maxProperties": "eventAttributesMaxCount",
      "ProductAttributes/additionalProperties/maxLength": "attributeValueMaxLength",
      "UserAttributes/maxProperties": "userAttributesMaxCount",
      "UserAttributes/propertyNames/maxLength": "userAttributeNameMaxLength",
      "UserAttributeValue/maxLength": "userAttributeValueMaxLength",
      "UserAttributeValue/maxItems": "userAttributeListMaxLength",
      "UserAttributeValue/items/maxLength": "userAttributeListEntryMaxLength",
      "PushMessageEventData/allOf/1/properties/action_identifier/maxLength": "actionIdentifierMaxLength",
    };
    for (const [pointer, limit] of Object.entries(enforced))
      expect([pointer, at(pointer)]).toEqual([pointer, LIMITS[limit]]);
  });
});

describe("the tables of payloads", () => {
  it("have a row for every property of every object in a batch, and no other", () => {
    const problems: string[] = [];
    const contract = objectsOfABatch(profiles.wire.document);
    for (const name of contract) {
      const row = OBJECTS.find((object) => object.name === name);
      if (row === undefined) {
        problems.push(`has no entry in OBJECTS for the schema ${name}: add { name: "${name}", place, fields }`);
        continue;
      }
      const { fields, wireFields = {} } = row;
      const known = propertiesOf(profiles.canonical.document, name);
      const onWire = propertiesOf(profiles.wire.document, name).filter((property) => !known.includes(property));
      for (const [list, rows, properties] of [
        ["fields", Object.keys(fields), known],
        ["wireFields", Object.keys(wireFields), onWire],
      ] as const) {
        for (const property of properties) {
          if (!rows.includes(property)) {
            problems.push(`has no row for ${name}.${property}: add \`${property}: …\` to the ${list} of ${name}`);
          }
        }
        for (const property of rows) {
          if (!properties.includes(property)) {
            problems.push(`has a row for ${name}.${property}, which the contract lacks: remove it from the ${list}`);
          }
        }
      }
    }
    for (const { name } of OBJECTS) {
      if (!contract.includes(name)) problems.push(`has an entry for ${name}, which no batch holds: remove it`);
    }
    expect(problems.map((problem) => `test/spec/payload-tables.ts ${problem}`)).toEqual([]);
  });

  it("name the data of every event type", () => {
    expect(OBJECTS.map(({ name }) => name)).toEqual(expect.arrayContaining(EVENT_TYPES.map(dataName)));
  });
});

// The validators are code of our own; a JSON Schema implementation that reads the same documents has to agree with them.
describe.each(Object.entries(profiles))("the %s document", (profile, { document, validate }) => {
  // Only its verdicts are asked for, a few times each: to make the code of it takes longer than to run it.
  const ajv = new Ajv2020({
    strict: false,
    discriminator: true,
    inlineRefs: false,
    messages: false,
    code: { optimize: false },
  });
  ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
  ajv.addFormat("int32", { type: "number", validate: (value: number) => value === (value | 0) });
  ajv.addFormat("int64", true);
  const components = structuredClone(record(record(document["components"])["schemas"]));
  for (const schema of Object.values(components)) delete record(record(schema)["discriminator"] ?? {})["mapping"];
  ajv.addSchema({ $id: "contract", components: { schemas: components } });
  const compiled = (name: string) => ajv.getSchema(`contract#/components/schemas/${name}`)!;

  it("compiles, schema by schema", () => {
    for (const name of Object.keys(components)) expect(() => compiled(name)).not.toThrow();
  });

  it("judges every row of the tables as the generated validator does", () => {
    const accepts = compiled("Batch");
    const tally = { taken: 0, refused: 0 };
    // As one expectation: there are thousands.
    const judgedOtherwise: unknown[] = [];
    for (const { name, place, required = {}, fields, wireFields = {} } of OBJECTS) {
      for (const [field, kind] of Object.entries({ ...fields, ...wireFields })) {
        const isExact = isExactInteger(document, name, field);
        for (const value of [...kind.both, ...(kind.wire ?? []), ...kind.neither]) {
          if (isJavaScriptOnly(value, isExact)) continue;
          const payload = place({ ...required, [field]: value });
          const verdict = validate(payload);
          tally[verdict ? "taken" : "refused"]++;
          if (accepts(payload) !== verdict) judgedOtherwise.push([name, field, value, verdict]);
        }
      }
    }
    expect(judgedOtherwise).toEqual([]);
    expect(tally.taken).toBeGreaterThan(1000);
    expect(tally.refused).toBeGreaterThan(1000);
  });

  it("judges whatever may stand for a breadcrumb as the generated validator does", () => {
    const accepts = compiled("Batch");
    const data = fc.record(
      { label: fc.constantFrom("here", 5, null), timestamp_unixtime_ms: fc.constantFrom(1, "x", null) },
      { requiredKeys: [], noNullPrototype: true },
    );
    const breadcrumb = fc.oneof(
      fc.record(
        {
          event_type: fc.constantFrom("breadcrumb", "breadcrumbs", null),
          data: fc.oneof(data, fc.constantFrom(5, null)),
          label: fc.constantFrom("here", 5),
          mispelt_key: fc.constant(1),
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
      data,
      fc.constantFrom<unknown>("here", 5, null, []),
    );
    fc.assert(
      fc.property(breadcrumb, (item) => {
        const payload = eventBatch("crash_report", { breadcrumbs: [item] });
        expect(accepts(payload)).toBe(validate(payload));
      }),
      { numRuns: full(15, 1_000) },
    );
  });

  it("takes 1 to 100 batches in a bulk request", () => {
    const one = { environment: "production" };
    for (const [count, verdict] of [
      [0, false],
      [1, true],
      [100, true],
      [101, false],
    ] as const) {
      expect([count, compiled("Batches")(Array(count).fill(one))]).toEqual([count, verdict]);
    }
    expect(compiled("Batches")(one)).toBe(false);
    expect(compiled("Batches")([one, { environment: "nonsense" }])).toBe(false);
  });

  // The service answers 202 to such batches and drops them, so only the canonical profile refuses them.
  it(`${profile === "wire" ? "does not ask" : "asks"} every historical event for its time`, () => {
    const [example] = requestExamples("/bulkevents/historical");
    expect(compiled("HistoricalBatches")(example)).toBe(true);
    const timeless = (data: Members) => [{ environment: "production", events: [{ event_type: "first_run", data }] }];
    const rejects = profile === "canonical";
    for (const batches of [
      timeless({}),
      timeless({ timestamp_unixtime_ms: null }),
      [batch({})],
      [batch({ events: [] })],
    ]) {
      expect([batches, compiled("HistoricalBatches")(batches)]).toEqual([batches, !rejects]);
    }
  });
});

describe("ids as digits", () => {
  const { components } = profiles.wire.document;
  const pattern = (name: string) =>
    new RegExp(String(record(record(record(components)["schemas"])[name])["pattern"]), "u");

  it("are no others than the wire document lets through, whose pattern alone cannot tell their range", () => {
    const text = fc.oneof(fc.stringMatching(/^-?0{0,12}\d{0,22}$/), fc.string({ maxLength: 4 }), fc.constant("-0"));
    fc.assert(
      fc.property(text, (digits) => {
        if (wire(batch({ mpid: digits }))) expect(digits).toMatch(pattern("Int64"));
        if (wire(eventBatch("crash_report", { ios_image_size: digits }))) expect(digits).toMatch(pattern("Uint64"));
      }),
      { numRuns: full(30, 2_000) },
    );
  });
});

/** Ids may be bigints or digits in JavaScript, and a document that is parsed already cannot tell a rounded one. */
function isJavaScriptOnly(value: unknown, isExact: boolean): boolean {
  if (typeof value === "bigint" || Number.isNaN(value)) return true;
  return isExact && (typeof value === "string" || (typeof value === "number" && !Number.isSafeInteger(value)));
}

function isExactInteger(document: Record<string, unknown>, name: string, field: string): boolean {
  return /schemas\/(Int64|Uint64)"/.test(JSON.stringify(propertySchema(document, name, field)));
}

function propertySchema(document: Record<string, unknown>, name: string, field: string): unknown {
  return parts(document, name)
    .map((part) => record(part["properties"] ?? {})[field])
    .find((schema) => schema !== undefined);
}

function propertiesOf(document: Record<string, unknown>, name: string): string[] {
  return parts(document, name).flatMap((part) => Object.keys(record(part["properties"] ?? {})));
}

/** A schema and what its `allOf` adds to it, references followed. */
function parts(document: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const schema = record(record(record(document["components"])["schemas"])[name]);
  const others = list(schema["allOf"] ?? []).flatMap((part) => {
    const reference = record(part)["$ref"];
    return typeof reference === "string" ? parts(document, reference.split("/").at(-1)!) : [record(part)];
  });
  return [schema, ...others];
}

/** Every named object with properties that a batch holds, except wrappers of events and events that are not authored. */
function objectsOfABatch(document: Record<string, unknown>): string[] {
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const reference of membersCalled(record(record(document["components"])["schemas"])[name], "$ref")) {
      visit(String(reference).split("/").at(-1)!);
    }
  };
  visit("Batch");
  return [...seen].filter((name) => {
    const properties = propertiesOf(document, name);
    return properties.length > 0 && !properties.includes("event_type") && name !== "CommonEventData";
  });
}

function operation(path: string): Record<string, unknown> {
  return record(record(record(spec["paths"])[path])["post"]);
}

function requestExamples(path: string): unknown[] {
  const media = record(record(record(operation(path)["requestBody"])["content"])["application/json"]);
  return Object.values(record(media["examples"])).map((reference) => record(resolve(reference))["value"]);
}

function resolve(value: unknown): unknown {
  const reference = record(value)["$ref"];
  if (typeof reference !== "string") return value;
  return reference
    .split("/")
    .slice(1)
    .reduce<unknown>((target, step) => record(target)[step], spec);
}

function isDisagreement(id: string): boolean {
  const number = Number(/^D([1-9]\d*)$/.exec(id)?.[1]);
  return number >= 1 && number <= 119;
}

function* membersCalled(value: unknown, key: string): Generator {
  if (Array.isArray(value)) for (const item of value) yield* membersCalled(item, key);
  else if (isRecord(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (name === key) yield member;
      yield* membersCalled(member, key);
    }
  }
}

function* leaves(value: unknown): Generator {
  if (Array.isArray(value) || isRecord(value)) for (const member of Object.values(value)) yield* leaves(member);
  else yield value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeError(`Expected an object, found ${JSON.stringify(value)}.`);
  return value;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`Expected a list, found ${JSON.stringify(value)}.`);
  return value;
}
