import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDiff } from "../../scripts/diff/command.ts";
import { compareDescriptions } from "../../src/cli/diff/compare-descriptions.ts";
import type { Difference } from "../../src/cli/diff/differences.ts";
import { InputError, readDescription, type Description } from "../../src/cli/diff/read-description.ts";
import { reportText, worstVerdict } from "../../src/cli/diff/report.ts";
import type { JsonObject, JsonValue } from "../../src/cli/diff/json-value.ts";
import { onlyInFull } from "../full.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Our description, read once: it is long. */
let known: Description | undefined;
const ours = (): Description => (known ??= readDescription("spec/events-api.yaml", [root]));
const vendor = fileURLToPath(new URL("fixtures/vendor-like.yaml", import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "spec-diff-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A description of one operation that takes a batch, of which `batch` is the schema. */
function api(batch: JsonObject, rest: JsonObject = {}): JsonObject {
  const body = { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Batch" } } } };
  return {
    openapi: "3.1.0",
    paths: { "/events": { post: { requestBody: body, responses: { "202": { description: "Queued." } } } } },
    components: { schemas: { Batch: batch } },
    ...rest,
  };
}

/** A closed batch with these properties. */
function batch(properties: JsonObject, rest: JsonObject = {}): JsonObject {
  return api({ type: "object", properties, additionalProperties: false, ...rest });
}

function description(document: JsonObject, name = "description"): Description {
  const isOpenApi = "openapi" in document;
  return {
    name,
    style: isOpenApi ? "openapi" : "json-schema",
    label: isOpenApi ? "OpenAPI" : "JSON Schema",
    document,
    refStandsAlone: JSON.stringify(document["openapi"] ?? "").startsWith('"3.0'),
    beside: () => undefined,
    text: "",
  };
}

function compare(old: JsonObject, now: JsonObject): readonly Difference[] {
  return compareDescriptions(description(old, "old"), description(now, "new")).differences;
}

/** `breaking removed property Batch.a`, for tables. */
function brief({ verdict, kind, facet, path }: Difference): string {
  return `${verdict} ${kind} ${facet} ${path}`;
}

const text: JsonObject = { type: "string" };
const event = (type: string, data: JsonObject): JsonObject => ({
  type: "object",
  required: ["event_type", "data"],
  properties: { event_type: { const: type }, data: { type: "object", properties: data, additionalProperties: false } },
});

/** What changes, the schema of `Batch.a` before and after, and what is said forwards and backwards. */
const MEMBERS: readonly (readonly [string, JsonValue, JsonValue, string, string])[] = [
  ["the type", text, { type: "integer" }, "breaking changed type Batch.a", "breaking changed type Batch.a"],
  [
    "the number of types",
    { type: ["string", "integer"] },
    text,
    "breaking tightened type Batch.a",
    "compatible loosened type Batch.a",
  ],
  [
    "number or integer",
    { type: "number" },
    { type: "integer" },
    "breaking tightened type Batch.a",
    "compatible loosened type Batch.a",
  ],
  [
    "anything or something",
    {},
    { type: "object", properties: { b: text } },
    "breaking tightened type Batch.a",
    "compatible loosened type Batch.a",
  ],
  ["null", { type: ["string", "null"] }, text, "breaking tightened null Batch.a", "compatible loosened null Batch.a"],
  [
    "null, spelt two ways",
    { anyOf: [text, { type: "null" }] },
    text,
    "breaking tightened null Batch.a",
    "compatible loosened null Batch.a",
  ],
  [
    "a value of an enum",
    { enum: ["x", "y"] },
    { enum: ["x"] },
    "breaking removed value Batch.a",
    "compatible added value Batch.a",
  ],
  ["a const", { const: "x" }, { enum: ["x", "y"] }, "compatible added value Batch.a", "breaking removed value Batch.a"],
  [
    "whether there is an enum",
    text,
    { type: "string", enum: ["x"] },
    "breaking tightened values Batch.a",
    "compatible loosened values Batch.a",
  ],
  [
    "a known value",
    { type: "string", "x-known-values": ["x", "y"] },
    { type: "string", "x-known-values": ["x"] },
    "attention removed known value Batch.a",
    "compatible added known value Batch.a",
  ],
  [
    "maxLength",
    { type: "string", maxLength: 10 },
    { type: "string", maxLength: 5 },
    "breaking tightened maxLength Batch.a",
    "compatible loosened maxLength Batch.a",
  ],
  [
    "minimum",
    { type: "integer" },
    { type: "integer", minimum: 0 },
    "breaking tightened minimum Batch.a",
    "compatible loosened minimum Batch.a",
  ],
  [
    "maxItems",
    { type: "array", items: text },
    { type: "array", items: text, maxItems: 3 },
    "breaking tightened maxItems Batch.a",
    "compatible loosened maxItems Batch.a",
  ],
  [
    "uniqueItems",
    { type: "array", uniqueItems: true },
    { type: "array" },
    "compatible loosened uniqueItems Batch.a",
    "breaking tightened uniqueItems Batch.a",
  ],
  [
    "a pattern",
    { type: "string", pattern: "^a" },
    { type: "string", pattern: "^b" },
    "attention changed pattern Batch.a",
    "attention changed pattern Batch.a",
  ],
  [
    "a format",
    text,
    { type: "string", format: "uuid" },
    "attention tightened format Batch.a",
    "compatible loosened format Batch.a",
  ],
  [
    "the items of a list",
    { type: "array", items: text },
    { type: "array", items: { type: "boolean" } },
    "breaking changed type Batch.a[]",
    "breaking changed type Batch.a[]",
  ],
  [
    "the values of a map",
    { type: "object", additionalProperties: text },
    { type: "object", additionalProperties: { type: "string", maxLength: 9 } },
    "breaking tightened maxLength Batch.a.*",
    "compatible loosened maxLength Batch.a.*",
  ],
  [
    "the names of a map",
    { type: "object" },
    { type: "object", propertyNames: { maxLength: 9 } },
    "breaking tightened maxLength Batch.a (names)",
    "compatible loosened maxLength Batch.a (names)",
  ],
  [
    "whether an object is open",
    { type: "object", properties: { b: text } },
    { type: "object", properties: { b: text }, additionalProperties: false },
    "breaking tightened additional properties Batch.a",
    "compatible loosened additional properties Batch.a",
  ],
  [
    "what other properties may be",
    { type: "object", properties: { b: text } },
    { type: "object", properties: { b: text }, additionalProperties: text },
    "breaking tightened additional properties Batch.a",
    "compatible loosened additional properties Batch.a",
  ],
  [
    "a condition",
    { type: "object" },
    { type: "object", if: { required: ["b"] }, then: { required: ["c"] } },
    "attention tightened condition Batch.a",
    "compatible loosened condition Batch.a",
  ],
  [
    "whether an id may be a bigint or digits",
    { type: "integer", "x-exact": "int64" },
    { type: "integer" },
    "breaking tightened x-exact Batch.a",
    "compatible loosened x-exact Batch.a",
  ],
  [
    "the range of an id",
    { anyOf: [{ type: "integer", "x-exact": "uint64" }, { type: "null" }] },
    { anyOf: [{ type: "integer", "x-exact": "int64" }, { type: "null" }] },
    "breaking changed x-exact Batch.a",
    "breaking changed x-exact Batch.a",
  ],
  [
    "one of two things that keys tell apart",
    { type: "object", if: { required: ["b"] }, then: { properties: { b: text } }, else: { properties: { c: text } } },
    { type: "object", if: { required: ["b"] }, then: { properties: { b: {} } }, else: { properties: { c: text } } },
    "compatible loosened type Batch.a.b",
    "breaking tightened type Batch.a.b",
  ],
  [
    "deprecation",
    text,
    { type: "string", deprecated: true },
    "attention added deprecated Batch.a",
    "compatible removed deprecated Batch.a",
  ],
  [
    "an alternative that nothing tells apart",
    { type: "object", properties: { b: text }, required: ["b"] },
    {
      anyOf: [
        { type: "object", properties: { b: text }, required: ["b"] },
        { type: "object", properties: { c: text } },
      ],
    },
    "compatible added alternative Batch.a",
    "breaking removed alternative Batch.a",
  ],
];

describe("a difference in one member", () => {
  it.each(MEMBERS)("in %s is found, and judged both ways", (_, old, now, forwards, backwards) => {
    expect(compare(batch({ a: old }), batch({ a: now })).map(brief)).toEqual([forwards]);
    expect(compare(batch({ a: now }), batch({ a: old })).map(brief)).toEqual([backwards]);
  });

  it.each(MEMBERS)("in %s is none between a description and itself", (_, old, now) => {
    expect(compare(batch({ a: old, b: now }), batch({ a: old, b: now }))).toEqual([]);
  });
});

describe("a difference in the properties", () => {
  const both = batch({ a: text, b: text });
  const one = batch({ a: text });
  it.each<readonly [string, JsonObject, JsonObject, string]>([
    ["removed where others are refused", both, one, "breaking removed property Batch.b"],
    ["added", one, both, "compatible added property Batch.b"],
    ["added and required", one, batch({ a: text, b: text }, { required: ["b"] }), "breaking added property Batch.b"],
    ["required now", both, batch({ a: text, b: text }, { required: ["b"] }), "breaking tightened required Batch.b"],
    [
      "no longer required",
      batch({ a: text, b: text }, { required: ["b"] }),
      both,
      "compatible loosened required Batch.b",
    ],
    [
      "removed where others pass",
      api({ type: "object", properties: { a: text, b: text } }),
      api({ type: "object", properties: { a: text } }),
      "attention removed property Batch.b",
    ],
    [
      "moved into the wire profile",
      both,
      batch({ a: text }, { "x-wire": { properties: { b: text } } }),
      "attention removed property Batch.b",
    ],
  ])("%s is judged by what a sender meets", (_, old, now, expected) => {
    expect(compare(old, now).map(brief)).toEqual([expected]);
  });
});

describe("a union of events", () => {
  const union = (...branches: JsonObject[]): JsonObject =>
    batch({ events: { type: "array", items: { oneOf: branches } } });
  const custom = event("custom_event", { event_name: text });
  const optOut = event("opt_out", { is_opted_out: { type: "boolean" } });

  it("is matched by event_type, whatever the order", () => {
    expect(compare(union(custom, optOut), union(optOut, custom))).toEqual([]);
  });

  it("differs by a branch that is gone, and by one that is new", () => {
    const other = event("profile", {});
    expect(compare(union(custom, optOut), union(custom, other)).map(brief)).toEqual([
      "breaking removed variant Batch.events[opt_out]",
      "compatible added variant Batch.events[profile]",
    ]);
  });

  it("is followed into its branches, to a path that a person can find", () => {
    const longer = event("custom_event", { event_name: { type: "string", maxLength: 256 } });
    expect(compare(union(custom, optOut), union(longer, optOut)).map(brief)).toEqual([
      "breaking tightened maxLength Batch.events[custom_event].data.event_name",
    ]);
  });

  it("says once what all branches share", () => {
    const withId = (type: string) => event(type, { id: { type: "integer" } });
    const withText = (type: string) => event(type, { id: text });
    const [first, ...others] = compare(union(withId("a"), withId("b")), union(withText("a"), withText("b")));
    expect(first).toMatchObject({
      path: "Batch.events[*].data.id",
      places: ["Batch.events[*].data.id"],
      facet: "type",
    });
    expect(others).toEqual([]);
  });

  it("is told apart by a discriminator's mapping where the branches do not say who they are", () => {
    const mapped = (name: string): JsonObject => ({
      openapi: "3.0.3",
      paths: api({})["paths"] ?? {},
      components: {
        schemas: {
          Batch: {
            type: "object",
            properties: { events: { type: "array", items: { $ref: "#/components/schemas/Event" } } },
          },
          Event: {
            type: "object",
            properties: { event_type: text },
            discriminator: { propertyName: "event_type", mapping: { opt_out: `#/components/schemas/${name}` } },
          },
          [name]: {
            allOf: [{ $ref: "#/components/schemas/Event" }, { type: "object", properties: { [name]: text } }],
          },
          Other: { allOf: [{ $ref: "#/components/schemas/Event" }] },
        },
      },
    });
    const withOther = mapped("OptOut");
    const discriminator = (withOther as { components: { schemas: { Event: { discriminator: JsonObject } } } })
      .components.schemas.Event.discriminator;
    discriminator["mapping"] = {
      opt_out: "#/components/schemas/OptOut",
      other: "#/components/schemas/Other",
    };
    expect(compare(mapped("Renamed"), withOther).map(brief)).toEqual([
      "attention removed property Batch.events[opt_out].Renamed",
      "compatible added variant Batch.events[other]",
      "compatible added property Batch.events[opt_out].OptOut",
    ]);
  });
});

describe("the operations", () => {
  const base = batch({ a: text });
  const path = (base["paths"] as { "/events": { post: JsonObject } })["/events"];
  const withPost = (post: JsonObject): JsonObject => ({
    ...base,
    paths: { "/events": { post: { ...path.post, ...post } } },
  });
  it.each<readonly [string, JsonObject, JsonObject, string]>([
    [
      "an operation that is gone",
      { ...base, paths: { "/events": path, "/more": path } },
      base,
      "breaking removed operation POST /more",
    ],
    [
      "an operation that is new",
      base,
      { ...base, paths: { "/events": path, "/more": path } },
      "compatible added operation POST /more",
    ],
    [
      "an answer that is new",
      base,
      withPost({ responses: { "202": { description: "Queued." }, "429": { description: "Slower." } } }),
      "attention added response POST /events 429",
    ],
    [
      "a required parameter",
      base,
      withPost({ parameters: [{ name: "X-Key", in: "header", required: true }] }),
      "breaking added parameter POST /events x-key in header (required)",
    ],
    [
      "a server that is gone",
      { ...base, servers: [{ url: "https://{pod}.example/", variables: { pod: { enum: ["a", "b"], default: "a" } } }] },
      { ...base, servers: [{ url: "https://a.example" }] },
      "breaking removed server https://b.example",
    ],
    [
      "a named limit that is lower",
      { ...base, "x-limits": { maxBatches: { value: 100, unit: "batches", effect: "reject" } } },
      { ...base, "x-limits": { maxBatches: { value: 50, unit: "batches", effect: "reject" } } },
      "breaking tightened named limit x-limits.maxBatches",
    ],
    [
      "a lower limit that only truncates",
      { ...base, "x-limits": { nameMaxLength: { value: 100, unit: "characters", effect: "truncate" } } },
      { ...base, "x-limits": { nameMaxLength: { value: 50, unit: "characters", effect: "truncate" } } },
      "attention tightened named limit x-limits.nameMaxLength",
    ],
  ])("differ by %s", (_, old, now, expected) => {
    expect(compare(old, now).map((difference) => brief(difference).trim())).toEqual([expected]);
  });

  const secured = (scheme: JsonObject, rest: JsonObject = { security: [{ key: [] }] }): JsonObject => ({
    ...base,
    ...rest,
    components: { ...(base["components"] as JsonObject), securitySchemes: { key: scheme } },
  });
  const basic = { type: "http", scheme: "Basic" };
  it.each<readonly [string, JsonObject, JsonObject, string]>([
    ["of another kind", secured(basic), secured({ type: "http", scheme: "bearer" }), "breaking changed"],
    ["no longer asked for", secured(basic), secured(basic, { security: [] }), "breaking changed"],
    ["no longer spoken of", secured(basic), secured(basic, {}), "breaking changed"],
    ["asked for now", secured(basic, { security: [] }), secured(basic), "breaking changed"],
    ["of which fewer will do", secured(basic, { security: [{ key: [] }, {}] }), secured(basic), "breaking tightened"],
    [
      "of which others will do as well",
      secured(basic),
      secured(basic, { security: [{}, { key: [] }] }),
      "compatible loosened",
    ],
    [
      "with a scope more",
      secured({ type: "oauth2" }),
      secured({ type: "oauth2" }, { security: [{ key: ["write"] }] }),
      "breaking changed",
    ],
    [
      "in another header",
      secured({ type: "apiKey", in: "header", name: "X-Key" }),
      secured({ type: "apiKey", in: "header", name: "X-Token" }),
      "breaking changed",
    ],
    ["that only one of the two speaks of", base, secured(basic), "attention changed"],
  ])("differ by credentials %s", (_, old, now, expected) => {
    expect(compare(old, now).map(brief)).toEqual([`${expected} security POST /events`]);
  });

  it("have the same credentials whatever these are called, and wherever they are asked for", () => {
    const renamed = {
      ...withPost({ security: [{ basicAuth: [] }] }),
      components: {
        ...(base["components"] as JsonObject),
        securitySchemes: { basicAuth: { type: "http", scheme: "basic" } },
      },
    };
    expect(compare(secured(basic), renamed)).toEqual([]);
  });

  it("are not judged by credentials that a description refers to and does not define, which is noted", () => {
    const dangling = { ...base, security: [{ basic: [] }] };
    const { differences, notes } = compareDescriptions(description(dangling, "old.yaml"), description(secured(basic)));
    expect(differences).toEqual([]);
    expect(notes).toEqual(["old.yaml: security scheme basic is not defined, so credentials were not compared."]);
  });

  const answering = (answer: JsonObject, rest: JsonObject = {}): JsonObject => ({
    ...withPost({ responses: { "202": { description: "Queued." }, "429": { description: "Slower.", ...answer } } }),
    ...rest,
  });
  const waiting = (schema: JsonObject) => answering({ headers: { "Retry-After": { schema } } });
  const failing = (errors: JsonObject, rest: JsonObject = {}) =>
    answering({ content: { "application/json": { schema: { type: "object", properties: { errors, ...rest } } } } });
  const list: JsonObject = { type: "array", items: text };
  it.each<readonly [string, JsonObject, JsonObject, string]>([
    ["a header that is gone", waiting({}), answering({}), "attention removed header POST /events 429 retry-after"],
    ["a header that is new", answering({}), waiting({}), "compatible added header POST /events 429 retry-after"],
    [
      "a header of another type",
      waiting({ type: "integer" }),
      waiting({ type: "string" }),
      "attention changed type POST /events 429 retry-after",
    ],
    [
      "a body of another type",
      failing(list),
      failing({ type: "object" }),
      "attention changed type POST /events 429.errors",
    ],
    [
      "a body in which more may be null",
      failing(text),
      failing({ type: ["string", "null"] }),
      "attention loosened null POST /events 429.errors",
    ],
    [
      "a body that says more",
      failing(list),
      failing(list, { id: text }),
      "compatible added property POST /events 429.id",
    ],
    [
      "a body that says less",
      failing(list, { id: text }),
      failing(list),
      "attention removed property POST /events 429.id",
    ],
    [
      "a body that is gone",
      failing(list),
      answering({}),
      "attention removed media type POST /events 429 application/json",
    ],
  ])("differ in an answer by %s", (_, old, now, expected) => {
    expect(compare(old, now).map(brief)).toEqual([expected]);
    expect(compare(old, old)).toEqual([]);
  });

  it("answer with the same headers in whatever case they are written", () => {
    expect(compare(waiting(text), answering({ headers: { "retry-after": { schema: text } } }))).toEqual([]);
  });

  it("are told once of a body that all their answers share", () => {
    const shared = (errors: JsonObject): JsonObject => {
      const failure = { content: { "application/json": { schema: { $ref: "#/components/schemas/Failure" } } } };
      const document = withPost({ responses: { "202": {}, "400": failure, "429": failure } });
      const schemas = (base["components"] as { schemas: JsonObject }).schemas;
      return {
        ...document,
        components: { schemas: { ...schemas, Failure: { type: "object", properties: { errors } } } },
      };
    };
    const [first, ...others] = compare(shared(list), shared({ type: "object" }));
    expect(first).toMatchObject({ verdict: "attention", path: "Failure.errors", places: ["Failure.errors"] });
    expect(others).toEqual([]);
  });

  it("are the same when one description has the version in the server's address", () => {
    expect(compare({ ...base, paths: { "/v2/events": path } }, base)).toEqual([]);
  });

  it.each<readonly [string, JsonObject]>([
    ["the batch", { $ref: "#/components/schemas/Batch" }],
    ["a stricter batch", { allOf: [{ $ref: "#/components/schemas/Batch" }], minProperties: 1 }],
  ])("say of a list of %s only what has not been said of the batch", (_, items) => {
    const bulk = (schema: JsonObject): JsonObject => ({
      ...api(schema),
      paths: {
        "/events": path,
        "/bulkevents": {
          post: {
            requestBody: {
              content: {
                "application/json": { schema: { type: "array", items } },
              },
            },
          },
        },
      },
    });
    const [first, ...others] = compare(
      bulk({ type: "object", properties: { a: text }, additionalProperties: false }),
      bulk({ type: "object", additionalProperties: false }),
    );
    expect(first?.places).toEqual(["Batch.a"]);
    expect(others).toEqual([]);
  });
});

describe("two descriptions of different make", () => {
  const schema: JsonObject = {
    $schema: "http://json-schema.org/draft-07/schema#",
    properties: { a: { $ref: "#/definitions/Text" }, self: { $ref: "#" } },
    additionalProperties: false,
    definitions: { Text: text },
  };

  it("compares a JSON Schema from its root, references and cycles followed", () => {
    const self: JsonObject = { $ref: "#/components/schemas/Batch" };
    expect(compare(schema, batch({ a: text, self }))).toEqual([]);
    expect(compare(schema, batch({ a: { type: "integer" }, self })).map(brief)).toEqual([
      "breaking changed type Batch.a",
    ]);
  });

  it("notes a reference that leads nowhere", () => {
    const { notes } = compareDescriptions(
      description(batch({ a: { $ref: "#/components/schemas/Gone" } }), "old.yaml"),
      description(batch({ a: {} })),
    );
    expect(notes).toEqual(["old.yaml: $ref #/components/schemas/Gone leads nowhere and was taken for anything."]);
  });

  it("takes an enum beside a $ref for a mere list in the dialects in which it does not bind", () => {
    const beside = (openapi: string): JsonObject => ({
      ...batch({ a: { $ref: "#/components/schemas/Text", enum: ["x"] } }),
      openapi,
      components: {
        schemas: {
          Batch: { type: "object", properties: { a: { $ref: "#/components/schemas/Text", enum: ["x"] } } },
          Text: text,
        },
      },
    });
    const open = api({ type: "object", properties: { a: text } });
    expect(compare(beside("3.0.3"), open)).toEqual([]);
    expect(compare(beside("3.1.0"), open).map(brief)).toEqual(["compatible loosened values Batch.a"]);
  });

  it("finds what a vendor's OpenAPI 3.0 document with other names has that ours lacks", () => {
    const before = readDescription(vendor, [root]);
    const now = ours();
    const { differences, notes } = compareDescriptions(before, now);
    const lines = differences.map(brief);
    expect(lines).toEqual(
      expect.arrayContaining([
        "breaking removed property Batch.loyalty_tier",
        "breaking removed property Batch.device_info.hologram",
        "breaking removed variant Batch.events[hologram_view]",
        "breaking removed property Batch.events[custom_event].data.event_mood",
        "attention removed property Batch.batch_id",
        "breaking removed value Batch.environment",
        "compatible added operation POST /bulkevents/historical",
      ]),
    );
    // The names of the schemas are all different: had they been compared by name, nothing would have matched.
    expect(lines.filter((line) => line.includes(" removed property "))).toHaveLength(4);
    expect(lines.filter((line) => line.includes(" removed variant "))).toHaveLength(1);
    expect(notes).toEqual([]);
    const report = reportText(before, now, { differences, notes }, false);
    expect(report.split("\n").length).toBeLessThan(60);
    expect(report).toContain("removed    Batch.events[hologram_view]: branch of the union");
  });

  it("finds no difference between our description and itself, or the document generated from it", () => {
    const itself = { ...ours(), document: structuredClone(ours().document) };
    for (const before of [itself, readDescription("generated/openapi.json", [root])]) {
      expect(worstVerdict(compareDescriptions(before, ours()).differences)).toBe("same");
    }
  });

  it("finds no difference where Windows has ended the lines", () => {
    const file = join(folder, "crlf.yaml");
    writeFileSync(file, readFileSync(vendor, "utf8").replaceAll("\n", "\r\n"));
    const { differences } = compareDescriptions(readDescription(vendor, [root]), readDescription(file, [root]));
    expect(differences).toEqual([]);
  });
});

describe("bad input", () => {
  it.each([
    ["a file that is missing", "gone.yaml", undefined, /^gone\.yaml: no such file\.$/],
    ["a file of Windows that is missing", "C:\\specs\\gone.yaml", undefined, /^C:\\specs\\gone\.yaml: no such file\.$/],
    ["an unknown revision", "no-such-revision", undefined, /^no-such-revision: no such file, and /],
    ["broken YAML", "bad.yaml", "a: [1,\nb: }", /^.*bad\.yaml:2:\d+: .+$/],
    ["an empty file", "empty.yaml", "", /is empty\.$/],
    ["an HTML page", "page.html", "<!DOCTYPE html><p>Sign in</p>", /it holds an HTML page\.$/],
    ["a list", "list.json", "[1]", /it holds a list\.$/],
    [
      "some other object",
      "package.json",
      '{"name":"x"}',
      /neither OpenAPI nor JSON Schema, but an object with name\.$/,
    ],
    ["Swagger 2", "old.yaml", 'swagger: "2.0"', /it is Swagger "2\.0"; convert it to OpenAPI 3 first\.$/],
    ["a later OpenAPI", "new.yaml", "openapi: 4.0.0", /it is OpenAPI 4\.0\.0; 3\.0 and 3\.1 are read\.$/],
    ["an address", "https://docs.example/oas.yaml", undefined, /^https:\/\/docs\.example\/oas\.yaml/],
    ["a folder", ".", undefined, /^\. is a folder; name a file in it\.$/],
    ["no name at all", "", undefined, /^A description has to be named; the name is empty\.$/],
  ])("%s is refused in one line", (_, name, content, message) => {
    if (content !== undefined) writeFileSync(join(folder, name), content);
    const read = () => readDescription(name, [folder]);
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
    try {
      read();
    } catch (error) {
      expect(String(error).split("\n")).toHaveLength(1);
    }
  });

  it("refuses a description without any payload", () => {
    expect(() => compare({ openapi: "3.1.0", paths: {} }, batch({}))).toThrow(/^old describes no payload/);
    expect(() => compare({ definitions: { Other: text } }, batch({}))).toThrow(/^old describes no payload/);
  });
});

describe("the command", () => {
  // A repository whose description had one property more a revision ago.
  let repository: string;
  beforeAll(() => {
    repository = join(folder, "repository");
    mkdirSync(join(repository, "spec"), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync(
        "git",
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", ...args],
        {
          cwd: repository,
          stdio: "ignore",
        },
      );
    git("init");
    for (const properties of [{ a: text, b: text }, { a: text }]) {
      writeFileSync(join(repository, "spec/events-api.yaml"), JSON.stringify(batch(properties)));
      git("add", ".");
      git("commit", "-m", "description", "--no-verify");
    }
  });
  const run = async (...args: string[]) => {
    const printed = { stdout: "", stderr: "" };
    const status = await runDiff(
      args,
      {
        log: (text: string) => (printed.stdout += `${text}\n`),
        error: (text: string) => (printed.stderr += `${text}\n`),
      },
      repository,
    );
    return { status, ...printed };
  };

  it("exits with 1 and says what is breaking between two revisions", async () => {
    const { status, stdout } = await run("HEAD~1", "HEAD:spec/events-api.yaml");
    expect(status).toBe(1);
    expect(stdout).toContain("removed    Batch.b: property (string)");
    expect(stdout).toMatch(/\n1 breaking, 0 to look at, 0 compatible\.\n$/);
  });

  it("exits with 0 when nothing, or nothing that matters, differs", async () => {
    expect(await run("HEAD", "spec/events-api.yaml")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("No differences for senders.") as string,
    });
    expect(await run("HEAD", "HEAD~1")).toMatchObject({ status: 0 });
  });

  it("prints JSON that a program can read", async () => {
    const { status, stdout } = await run("--json", "HEAD~1", "HEAD");
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      old: { name: "HEAD~1", description: "OpenAPI 3.1.0" },
      new: { name: "HEAD", description: "OpenAPI 3.1.0" },
      verdict: "breaking",
      counts: { breaking: 1, attention: 0, compatible: 0 },
      differences: [
        {
          facet: "property",
          kind: "removed",
          verdict: "breaking",
          old: "string",
          new: null,
          path: "Batch.b",
          places: ["Batch.b"],
        },
      ],
      notes: [],
    });
  });

  it.each([
    [[], "Which description is the old one? Try --help.\n"],
    [["--colour", "HEAD"], "Unknown option '--colour'"],
    [["HEAD", ""], "A description has to be named; the name is empty.\n"],
    [["HEAD~9"], "HEAD~9: no such file, and git knows no revision HEAD~9.\n"],
    [["HEAD:gone.yaml"], "HEAD:gone.yaml: revision HEAD has no file gone.yaml.\n"],
  ])("exits with 2 for %j, in one line", async (args, message) => {
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  onlyInFull(() => {
    it("is what npm runs", () => {
      const args = ["--import", import.meta.resolve("tsx/esm"), join(root, "scripts/spec-diff.ts"), "HEAD", "HEAD~1"];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: repository, encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(/\n0 breaking, 0 to look at, 1 compatible\.\n$/);
    });
  });
});
