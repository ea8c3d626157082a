import { cp, mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runDiff } from "../../scripts/diff/command.ts";
import { runCompiler } from "../../scripts/spec/command.ts";
import { compileSpec } from "../../scripts/spec/compile.ts";
import { emitShapes } from "../../scripts/spec/emit-shapes.ts";
import { emitTypes } from "../../scripts/spec/emit-types.ts";
import { findStale, writeGenerated, type GeneratedFiles } from "../../scripts/spec/generated-files.ts";
import { judgeSpec, type JudgedSpec } from "../../scripts/spec/judge-spec.ts";
import { layOut } from "../../scripts/spec/layout-text.ts";
import { BrokenSpecError } from "../../scripts/spec/read-spec.ts";
import { full, onlyInFull } from "../full.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** One example of each convention, and small enough to be compiled in a second. */
const name = "test/scripts/fixtures/mini.yaml";
const miniFile = fileURLToPath(new URL("fixtures/mini.yaml", import.meta.url));
let mini: string;
let judgedMini: Promise<JudgedSpec>;
/** What our own description is compiled to: one of the tests compiles it. */
let compiled: GeneratedFiles;
let folder: string;

beforeAll(async () => {
  mini = await readFile(miniFile, "utf8");
  judgedMini = judgeSpec(mini, name);
  compiled = await filesIn(join(root, "generated"));
  folder = await mkdtemp(join(tmpdir(), "compile-spec-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function filesIn(place: string): Promise<GeneratedFiles> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = paths.map(
    async (path) => [relative(place, path).replaceAll("\\", "/"), await readFile(path, "utf8")] as const,
  );
  return new Map(await Promise.all(texts));
}

/** The description with one passage changed, which must be there exactly once. */
function edited(passage: string, replacement: string): string {
  expect(mini.split(passage), `the passage ${JSON.stringify(passage)}`).toHaveLength(2);
  return mini.replace(passage, () => replacement);
}

/** The line of the edited description that a passage begins on. */
function lineOf(text: string, passage: string): number {
  return text.slice(0, text.indexOf(passage)).split("\n").length;
}

/** What a compilation would refuse the text for. The rest of it takes ten times as long, and is asked in one test. */
async function problemOf(text: string): Promise<string> {
  try {
    await judgeSpec(text, name);
  } catch (error) {
    if (!(error instanceof BrokenSpecError)) throw error;
    return error.message;
  }
  return "compiled";
}

describe("compiling", () => {
  it("is refused with what the description is judged to be wrong with", async () => {
    const broken = edited("settles: [D26]", "settles: [maybe]");
    await expect(compileSpec(broken, name)).rejects.toThrow(await problemOf(broken));
  });

  it("puts nothing into the files that differs from machine to machine", () => {
    for (const [file, text] of compiled) {
      expect(text, file).not.toContain(root);
      expect(text, name).not.toContain("\r");
      expect(text.endsWith("\n") && !text.endsWith("\n\n"), name).toBe(true);
    }
  });

  it("accepts null for a whole component in the wire profile only, and names the functions as JavaScript can", async () => {
    const description = "      description: Where a batch came from.\n";
    const nullable = `${description}      x-wire: { settles: [D1], nullable: true }\n`;
    const { canonical, wire, validators } = await judgeSpec(
      edited(description, nullable).replaceAll("SourceInfo", "New"),
      name,
    );
    expect(wire).toHaveProperty("components.schemas.New.type", ["object", "null"]);
    expect(validators.wire).toMatch(/^function new2\(value, out\) \{\s*if \(value !== null\)/m);
    expect(canonical).toEqual((await judgedMini).canonical);
  });

  it("takes a union of null alone for null", async () => {
    const union =
      '            anyOf:\n              - $ref: "#/components/schemas/Int64"\n              - type: "null"\n          source_info:\n';
    const validate = await validatorOf(edited(union, union.replace(/ *- \$ref.*\n/, "")));
    expect(validate({ batch_id: null })).toEqual([]);
    expect(validate({ batch_id: 5 })).toEqual(["/batch_id must be null"]);
  });

  it("checks members whose names are no JavaScript, a tag and required ones among them", async () => {
    const source = "      additionalProperties: false\n      properties:\n        channel:\n";
    const names = ["a-b", "a_b", "2", 'quo"ted', "for"];
    const members = names.map(
      (name) => `        ${JSON.stringify(name)}:\n          description: A.\n          type: string\n`,
    );
    const text = edited(
      source,
      `      required: ${JSON.stringify(names)}\n${source.replace("        channel", `${members.join("")}        channel`)}`,
    ).replaceAll("event_type", "event-type");
    const validate = await validatorOf(text);
    const given = Object.fromEntries(names.map((name) => [name, "x"]));
    const event = { "event-type": "session_start", data: {} };
    expect(validate({ source_info: given, events: [event] })).toEqual([]);
    for (const name of names) {
      const others = Object.fromEntries(Object.entries(given).filter(([key]) => key !== name));
      expect(validate({ source_info: others })).toEqual([`/source_info must have required property '${name}'`]);
    }
    expect(validate({ events: [{ event: "session_start", data: {} }] })).toEqual([
      "/events/0 must have required property 'event-type'",
    ]);
  });

  it("lets exclude each other in the types what no schema forbids, in the order that explains mistakes best", async () => {
    const { source, canonical, wire } = await judgedMini;
    const types = await layOut(await emitTypes(canonical), "typescript");
    const [first, second] = ["WithToken", "WithSeverity"].map((variant) => {
      const body = new RegExp(
        `interface CrashReportEventData${variant} extends CrashReportEventDataBase \\{(.*?)^\\}`,
        "ms",
      );
      return body
        .exec(types)?.[1]
        ?.replaceAll(/\/\*\*.*?\*\//g, "")
        .replaceAll(/\s+/g, " ");
    });
    expect(first).toContain("severity?: never; token?: string | null | undefined;");
    expect(second).toContain("token?: never;");
    expect(types).toContain(
      "export type CrashReportEventData = CrashReportEventDataWithToken | CrashReportEventDataWithSeverity;",
    );
    const shapes = await layOut(emitShapes(source.document, canonical, wire), "typescript");
    expect(shapes).toContain('atMostOne: ["severity", "token"]');
  });
});

/** What the wire profile's validator for a description says, in one line for each error. */
async function validatorOf(text: string): Promise<(value: unknown) => string[]> {
  const { validators, checks } = await judgeSpec(text, name);
  const place = await mkdtemp(join(tmpdir(), "validator-"));
  try {
    await writeFile(join(place, "checks.js"), checks);
    await writeFile(join(place, "wire.js"), validators.wire);
    await writeFile(join(place, "package.json"), '{"type":"module"}');
    const module = (await import(pathToFileURL(join(place, "wire.js")).href)) as ValidatorModule; // as its .d.ts says
    return (value) => {
      module.validateBatch(value);
      return (module.validateBatch.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

interface ValidatorModule {
  readonly validateBatch: {
    (value: unknown): boolean;
    errors: readonly { readonly instancePath: string; readonly message: string }[] | null;
  };
}

describe("checking", () => {
  beforeEach(async () => {
    await rm(folder, { recursive: true, force: true });
    await writeGenerated(folder, compiled);
  });
  const stale = () => findStale(folder, compiled, "generated");

  it("finds nothing to say about files that were just written", async () => {
    expect(await stale()).toEqual([]);
  });

  it("names a file that was edited, the line, and both texts", async () => {
    const file = join(folder, "contract.ts");
    const text = await readFile(file, "utf8");
    const line = lineOf(text, "bulkMaxBatches: 100");
    await writeFile(file, text.replace("bulkMaxBatches: 100", "bulkMaxBatches: 99"));
    expect(await stale()).toEqual([
      `generated/contract.ts: differs from line ${String(line)} on\n  is:          bulkMaxBatches: 99,\n  should be:   bulkMaxBatches: 100,`,
    ]);
  });

  it("names a file that was cut short", async () => {
    const file = join(folder, "openapi.json");
    await writeFile(file, "{\n");
    expect(await stale()).toEqual([
      expect.stringMatching(
        /^generated\/openapi\.json: differs from line 2 on\n {2}is: {8}\n {2}should be: {2}"openapi"/,
      ),
    ]);
  });

  it("names a file that is missing", async () => {
    await unlink(join(folder, "validators/wire.js"));
    expect(await stale()).toEqual(["generated/validators/wire.js: missing"]);
  });

  it("names a file that nothing makes", async () => {
    await writeFile(join(folder, "validators/strict.js"), "");
    expect(await stale()).toEqual([
      "generated/validators/strict.js: nothing in the description makes this file; delete it",
    ]);
  });

  it("names every file when there is no folder", async () => {
    await rm(folder, { recursive: true });
    expect(await stale()).toEqual([...compiled.keys()].map((name) => `generated/${name}: missing`));
  });
});

/** What is broken, the edit that breaks it, where it is reported, and why. */
const BROKEN: readonly (readonly [string, string, string, string, RegExp])[] = [
  ["YAML that is none", "openapi: 3.1.0\n", "openapi: [3.1.0\n", "jsonSchemaDialect", /YAML: /],
  [
    "a key given twice",
    "  title: Mini\n",
    "  title: Mini\n  title: Maxi\n",
    "title: Maxi",
    /YAML: Map keys must be unique/,
  ],
  [
    "an integer that JavaScript rounds",
    "mpid: 6143092071234567\n",
    "mpid: 9007199254740993\n",
    "9007199254740993",
    /9007199254740993 cannot be read without rounding it/,
  ],
  ["another OpenAPI", "openapi: 3.1.0\n", "openapi: 3.0.3\n", "openapi: 3.0.3", /Expected `openapi: 3\.1\.x`/],
  [
    "another dialect",
    "draft/2020-12/schema\n",
    "draft/2019-09/schema\n",
    "jsonSchemaDialect",
    /Expected `jsonSchemaDialect: /,
  ],
  [
    "a reference to nothing",
    'schema:\n              $ref: "#/components/schemas/Batches"',
    'schema:\n              $ref: "#/components/schemas/Lots"',
    '$ref: "#/components/schemas/Lots"',
    /\$ref #\/components\/schemas\/Lots points at nothing/,
  ],
  [
    "a reference to another file",
    '$ref: "#/components/responses/BadRequest"',
    '$ref: "other.yaml#/BadRequest"',
    '$ref: "other.yaml',
    /is not local: everything is one file/,
  ],
  [
    "a schema that nothing uses",
    "    SourceInfo:\n",
    "    Lonely:\n      description: Alone.\n      type: string\n    SourceInfo:\n",
    "Lonely:",
    /Schema Lonely is not used by anything/,
  ],
  [
    "a keyword that is misspelt",
    "      minItems: 1\n",
    "      minItem: 1\n",
    "minItem: 1",
    /Unknown key minItem in a schema: did you mean minItems\?/,
  ],
  [
    "a keyword of the wrong type",
    "      minItems: 1\n",
    "      minItems: one\n",
    "minItems: one",
    /Not a JSON Schema: minItems must be integer/,
  ],
  [
    "a type that there is not",
    "            description: One error.\n            type: string\n",
    "            description: One error.\n            type: strng\n",
    "type: strng",
    /Not a JSON Schema: type must be one of [^.]*string[^.]*\.$/,
  ],
  [
    "text in place of a schema",
    "          items:\n            description: One error.\n            type: string\n",
    "          items: text\n",
    "items: text",
    /items is not a schema/,
  ],
  [
    "a required property that is misspelt",
    "required: [environment]",
    "required: [enviroment]",
    "required: [enviroment]",
    /enviroment is required, but not among the properties/,
  ],
  [
    "a pattern that is none",
    String.raw`pattern: ^\d+$`,
    "pattern: ^(",
    "pattern: ^(",
    /\^\( is not a regular expression/,
  ],
  [
    "a property without a description",
    "          description: What happened.\n",
    "",
    "events:\n          type: [array",
    /events has no description/,
  ],
  [
    "a sent object that says not whether it is closed",
    "      required: [environment]\n      additionalProperties: false\n",
    "      required: [environment]\n",
    "Batch:\n      description: One user",
    /additionalProperties is missing/,
  ],
  [
    "x-wire that settles nothing",
    "            settles: [D26]\n",
    "",
    "x-wire:\n            optional: true",
    /x-wire: settles is missing/,
  ],
  [
    "x-wire that settles something odd",
    "settles: [D26]",
    "settles: [maybe]",
    "settles: [maybe]",
    /x-wire: expected a list of names such as D33/,
  ],
  [
    "x-wire with an unknown key",
    "            optional: true\n",
    "            optionnal: true\n",
    "optionnal: true",
    /: Unknown key optionnal in an x-wire: did you mean optional\?/,
  ],
  [
    "an alias on what is no property",
    "        closed: true\n",
    "        alias: someone\n",
    "alias: someone",
    /x-wire: alias belongs on a property/,
  ],
  [
    "a hole in a discriminator's mapping",
    '          session_start: "#/components/schemas/SessionStartEvent"\n',
    "",
    "discriminator:",
    /discriminator: mapping lacks #\/components\/schemas\/SessionStartEvent/,
  ],
  [
    "a mapping to the wrong branch",
    'session_start: "#/components/schemas/SessionStartEvent"',
    'session_start: "#/components/schemas/CustomEvent"',
    "session_start: ",
    /session_start maps to #\/components\/schemas\/CustomEvent, whose event_type is "custom_event"/,
  ],
  ["a limit without a unit", "    unit: batches\n", "", "bulkMaxBatches:", /x-limits: bulkMaxBatches has no unit/],
  [
    "a limit with an unknown effect",
    "    effect: truncate\n",
    "    effect: explode\n",
    "effect: explode",
    /the effect of eventNameMaxLength must be one of reject, truncate, advise/,
  ],
  [
    "an example that does not fit",
    "data: { event_name: a, custom_event_type: other }",
    "data: { event_name: a, custom_event_type: another }",
    "custom_event_type: another",
    /This example does not fit its schema: must be equal to one of the allowed values/,
  ],
  [
    "an exact integer where the run time does not look",
    "    SourceInfo:\n      description: Where a batch came from.\n      type: object\n      additionalProperties: false\n      properties:\n",
    '    SourceInfo:\n      description: Where a batch came from.\n      type: object\n      additionalProperties: false\n      properties:\n        id:\n          $ref: "#/components/schemas/Int64"\n          description: A number.\n',
    "id:\n          $ref",
    /id is an exact integer, which only a batch and the data of an event may hold/,
  ],
  [
    "a keyword that there is no code for",
    '        email:\n          description: An address.\n          type: [string, "null"]\n',
    '        email:\n          description: An address.\n          type: [number, "null"]\n          multipleOf: 2\n',
    "multipleOf: 2",
    /Unknown key multipleOf in a schema/,
  ],
  [
    "a value that the validators have no code for",
    "          x-known-values: [native, partner]\n",
    "          x-known-values: [native, partner]\n        place:\n          description: Where.\n          const: { a: 1 }\n",
    "const: { a: 1 }",
    /There is no check for const \{"a":1\}/,
  ],
  [
    "a union whose branches nothing tells apart",
    '        email:\n          description: An address.\n          type: [string, "null"]\n',
    "        email:\n          description: An address.\n          anyOf:\n            - { type: string, minLength: 9 }\n            - { type: string, maxLength: 5 }\n",
    "email:\n",
    /Two branches of this union take the same type of value, and nothing tells them apart/,
  ],
  [
    "a condition that is no choice between keys",
    "                          - required: [event_type]\n",
    "                          - minProperties: 2\n",
    "if:\n",
    /An if can only ask for required keys, or for any of several/,
  ],
  [
    "a pattern within x-wire that is none",
    '                type: [integer, string, "null"]\n',
    '                type: [integer, string, "null"]\n                pattern: "^("\n',
    'pattern: "^("',
    /\^\( is not a regular expression/,
  ],
  [
    "a keyword deep within x-wire that is misspelt",
    "                    - type: string\n                    - type: object\n",
    "                    - type: string\n                      minLenght: 1\n                    - type: object\n",
    "minLenght: 1",
    /Unknown key minLenght in a schema: did you mean minLength\?/,
  ],
  [
    "x-wire within what an x-wire changes",
    "                    - type: string\n                    - type: object\n",
    "                    - type: string\n                      x-wire: { settles: [D1] }\n                    - type: object\n",
    "x-wire: { settles: [D1] }",
    /x-wire: only a property that an x-wire adds can have one of its own/,
  ],
  [
    "a format that nobody knows",
    "              format: int32\n              minimum: 0\n",
    "              format: int16\n              minimum: 0\n",
    "format: int16",
    /Unknown format int16: known are int32, int64/,
  ],
  [
    "a format of another type",
    "          format: ipv4\n",
    "          format: int32\n",
    "format: int32\n",
    /int32 is a format of numbers/,
  ],
  [
    "a part of the document that is misspelt",
    "x-limits:\n",
    "x-limit:\n",
    "x-limit:\n",
    /Unknown key x-limit in the document: did you mean x-limits\?/,
  ],
  [
    "an extension that nothing reads",
    "  - url: https://two.example/v2\n",
    "  - url: https://two.example/v2\n    x-region: eu\n",
    "x-region: eu",
    /Unknown key x-region in a server\./,
  ],
  [
    "a part of an operation that is misspelt",
    "      operationId: uploadEvents\n",
    "      operationID: uploadEvents\n",
    "operationID: uploadEvents",
    /Unknown key operationID in an operation: did you mean operationId\?/,
  ],
  [
    "a part of a header that is misspelt",
    "          description: Seconds to wait.\n          schema:\n",
    "          description: Seconds to wait.\n          shema:\n",
    "shema:",
    /Unknown key shema in a header: did you mean schema\?/,
  ],
  [
    "a part of the document that holds nothing of the kind",
    '        "400":\n          $ref: "#/components/responses/BadRequest"\n',
    '        "400": refused\n',
    '"400": refused',
    /Expected a response, a mapping\./,
  ],
  [
    "a number in place of a name",
    "      operationId: uploadEvents\n",
    "      operationId: 5\n",
    "operationId: 5",
    /operationId: expected text\./,
  ],
  [
    "a number in place of a reference",
    '          $ref: "#/components/schemas/Environment"\n',
    "          $ref: 5\n",
    "$ref: 5",
    /\$ref: expected text\./,
  ],
  [
    "a batch that may as well be empty",
    "      required: [environment]\n",
    "",
    "Batch:\n      description: One user",
    /The canonical profile takes an empty Batch: something has to be required\./,
  ],
  [
    "two servers for one pod",
    "    x-pod: us2\n",
    "    x-pod: us1\n",
    "x-pod: us1\nsecurity",
    /x-pod: us1 is another server already/,
  ],
  [
    "a pod that can be no key",
    "    x-pod: us2\n",
    "    x-pod: us-2\n",
    "x-pod: us-2",
    /x-pod: expected a name such as us1/,
  ],
  [
    "another name for a pod that there is not",
    "    x-pod-alias: us1\n",
    "    x-pod-alias: us3\n",
    "x-pod-alias: us3",
    /x-pod-alias: no server is that pod/,
  ],
  [
    "an alias within what it stands for",
    "          description: Deduplication key.\n",
    "          description: Deduplication key.\n          examples: &again [*again]\n",
    "*again]",
    /\*again stands within what it stands for, without end/,
  ],
  [
    "an alias of nothing",
    "          description: Deduplication key.\n",
    "          description: Deduplication key.\n          examples: *nothing\n",
    "*nothing",
    /\*nothing stands for nothing: no &nothing before it/,
  ],
  [
    "properties that exclude each other, and are none",
    "x-at-most-one: [severity, token]",
    "x-at-most-one: [severity, tokn]",
    "x-at-most-one: [severity, tokn]",
    /x-at-most-one: "tokn" is no property of this schema/,
  ],
  [
    "properties that exclude each other, and have to be there",
    '            token:\n              description: A plain string in every source.\n              type: [string, "null"]\n',
    "            token:\n              description: A plain string in every source.\n              type: string\n",
    "x-at-most-one: [severity, token]",
    /x-at-most-one: token has to be optional and nullable/,
  ],
  [
    "properties that exclude each other where there is no name for it",
    "          x-known-values: [native, partner]\n",
    '          x-known-values: [native, partner]\n        place:\n          description: Where.\n          type: object\n          additionalProperties: false\n          x-at-most-one: [a, b]\n          properties:\n            a: { type: "null", description: A. }\n            b: { type: "null", description: B. }\n',
    "x-at-most-one: [a, b]",
    /x-at-most-one: expected on a schema with a name of its own/,
  ],
];

/** Names of schemas that cannot become names of types or constants, and why. */
const UNUSABLE_NAMES: readonly (readonly [string, string, RegExp])[] = [
  [
    "Environ-ment",
    "Environ-ment:\n",
    /Schema Environ-ment becomes a type: it needs a name of its own, such as CustomEvent/,
  ],
  ["Environ ment", "Environ ment:\n", /Schema Environ ment becomes a type/],
  ["environment", "environment:\n      description: Test or live.\n      type", /Schema environment becomes a type/],
  ["Record", "Record:\n", /Schema Record becomes a type/],
  ["EventType", "EventType:\n", /The list of EventType would be called EVENT_TYPES, as another is/],
];

describe("a broken description", () => {
  it.each(BROKEN.slice(0, full(12, BROKEN.length)))(
    "with %s is refused with file, line and reason",
    async (_, passage, replacement, at, reason) => {
      const text = edited(passage, replacement);
      const message = await problemOf(text);
      expect(message).toMatch(reason);
      expect(message).toMatch(/^(test\/scripts\/fixtures\/mini\.yaml:\d+:\d+: .+\n?)+$/);
      const lines = message.split("\n").filter((line) => reason.test(line));
      expect(lines.map((line) => Number(line.split(":")[1]))).toEqual([lineOf(text, at)]);
    },
  );

  // Usually one that is no name, and one that is taken.
  it.each(UNUSABLE_NAMES.filter((_, index) => index % full(4, 1) === 0))(
    "with a schema called %s is refused with file, line and reason",
    async (called, at, reason) => {
      const text = mini.replaceAll(/\bEnvironment\b/g, called);
      const message = await problemOf(text);
      const lines = message.split("\n").filter((line) => reason.test(line));
      expect(lines.map((line) => Number(line.split(":")[1]))).toEqual([lineOf(text, at)]);
    },
  );

  it("is reported in one line when its aliases would fill the memory", async () => {
    const level = (n: number) =>
      `            l${String(n)}: &l${String(n)} [${Array(9)
        .fill(`*l${String(n - 1)}`)
        .join(", ")}]\n`;
    const levels = Array.from({ length: 9 }, (_, n) => level(n + 1)).join("");
    const key = "          description: Deduplication key.\n";
    const message = await problemOf(edited(key, `${key}          example:\n            l0: &l0 [x]\n${levels}`));
    expect(message).toMatch(/^test\/scripts\/fixtures\/mini\.yaml:1:1: YAML: Excessive alias count[^\n]*\.$/);
  });

  it("is reported with every problem of a kind, in the order of the lines", async () => {
    const text = edited("      minItems: 1\n", "      minItem: 1\n").replace("settles: [D26]", "settles: [maybe]");
    const lines = (await problemOf(text)).split("\n").map((line) => Number(line.split(":")[1]));
    expect(lines).toEqual([lineOf(text, "minItem: 1"), lineOf(text, "settles: [maybe]")]);
  });
});

describe("the command", () => {
  const run = async (...args: string[]) => {
    const printed = { log: "", error: "" };
    const code = await runCompiler(args, {
      log: (line: string) => (printed.log += `${line}\n`),
      error: (line: string) => (printed.error += `${line}\n`),
    });
    return { code, ...printed };
  };
  const contents = async () => {
    const names = await readdir(folder, { recursive: true });
    const texts = names.sort().map(async (name) => [name, await readFile(join(folder, name), "utf8").catch(() => "")]);
    return await Promise.all(texts);
  };

  it("leaves everything as it was when the description is broken, and exits with 1", async () => {
    await rm(folder, { recursive: true, force: true });
    await writeGenerated(folder, compiled);
    const before = await contents();
    const broken = join(folder, "..", `${String(process.pid)}-broken.yaml`);
    await writeFile(broken, edited("            settles: [D26]\n", ""));
    try {
      const { code, log, error } = await run("--spec", broken, "--out", folder);
      expect({ code, log }).toEqual({ code: 1, log: expect.stringMatching(/^Compiling [^\n]+ …\n$/) as string });
      expect(error).toMatch(/-broken\.yaml:\d+:\d+: x-wire: settles is missing[^\n]*\n$/);
    } finally {
      await unlink(broken);
    }
    expect(await contents()).toEqual(before);
  });

  onlyInFull(() => {
    it("exits with 0 when --check finds nothing", async () => {
      expect(await run("--check")).toMatchObject({ code: 0, error: "" });
    });

    it("writes the same bytes each time", async () => {
      await rm(folder, { recursive: true, force: true });
      expect(await run("--spec", miniFile, "--out", folder)).toMatchObject({ code: 0, error: "" });
      expect(await findStale(folder, await compileSpec(mini, name))).toEqual([]);
    });

    it("says with --check what a description is judged to be wrong with, not that files differ from it", async () => {
      await rm(folder, { recursive: true, force: true });
      await writeGenerated(folder, await compileSpec(mini, name));
      const spec = join(folder, "..", `${String(process.pid)}-unfit.yaml`);
      await writeFile(spec, edited("custom_event_type: other }", "custom_event_type: another }"));
      try {
        const { code, error } = await run("--spec", spec, "--out", folder, "--check");
        expect(code).toBe(1);
        expect(error).toMatch(/^\S+-unfit\.yaml:\d+:\d+: This example does not fit its schema: [^\n]*\n$/);
      } finally {
        await unlink(spec);
      }
    });

    it("exits with 2 when what it compiled cannot be written", async () => {
      const file = join(folder, "a-file");
      await writeFile(file, "");
      const below = await run("--spec", miniFile, "--out", join(file, "below"));
      expect(below).toMatchObject({ code: 2, log: expect.stringMatching(/^Compiling [^\n]+ …\n$/) as string });
      expect(below.error).toMatch(/^\S*a-file\/below cannot be written: ENOTDIR[^\n]*\n$/);
    });
  });

  // One compilation shows both: whatever else differed would be named as well.
  it("finds with --check that generated/ is what the description compiles to, and exits with 1 for a line more", async () => {
    await rm(folder, { recursive: true, force: true });
    await cp(join(root, "generated"), folder, { recursive: true });
    const shapes = await readFile(join(folder, "shapes.ts"), "utf8");
    await writeFile(join(folder, "shapes.ts"), `${shapes}// added\n`);
    const before = await contents();
    const { code, error } = await run("--out", folder, "--check");
    const line = String(shapes.split("\n").length);
    expect(error).toMatch(new RegExp(`^\\S+/shapes\\.ts: differs from line ${line} on\\n {2}is: {8}// added\\n`));
    expect(error).toContain("Run `npm run generate` and commit what it writes.");
    expect(error.match(/differs|missing|delete it/g)).toHaveLength(1);
    expect(code).toBe(1);
    expect(await contents()).toEqual(before);
  });

  it("exits with 2, in one line, when it is not called as it should be", async () => {
    const gone = await run("--spec", "gone.yaml");
    expect(gone.code).toBe(2);
    expect(gone.error).toMatch(/^\S*gone\.yaml cannot be read: ENOENT[^\n]*\n$/);
    expect(await run("--dry-run")).toEqual({ code: 2, log: "", error: "Unknown option '--dry-run'. Try --help.\n" });
    const file = join(folder, "a-file");
    await writeFile(file, "");
    for (const check of [[], ["--check"]]) {
      const taken = await run("--spec", miniFile, "--out", file, ...check);
      expect({ ...taken, error: taken.error.replace(/^.*a-file/, "a-file") }).toEqual({
        code: 2,
        log: "",
        error: "a-file is no folder. Try --help.\n",
      });
    }
  });
});

describe("npm run spec:diff", () => {
  // Here, where all that compiles a description is loaded already.
  it("exits with 1 when ours does not compile, whatever it would be read as", async () => {
    const [good, bad] = ["good.yaml", "bad.yaml"] as const;
    await writeFile(join(folder, good), mini);
    await writeFile(join(folder, bad), edited("      minItems: 1\n", "      minItem: 1\n"));
    const run = async (...args: string[]) => {
      const printed = { log: "", error: "" };
      const code = await runDiff(
        args,
        {
          log: (line: string) => (printed.log += `${line}\n`),
          error: (line: string) => (printed.error += `${line}\n`),
        },
        folder,
      );
      return { code, ...printed };
    };
    expect(await run(good, good)).toMatchObject({ code: 0, error: "" });
    const { code, log, error } = await run(good, bad);
    expect(code).toBe(1);
    expect(log).toContain("0 breaking");
    expect(error).toMatch(/bad\.yaml:\d+:\d+: Unknown key minItem in a schema: did you mean minItems\?/);
  });
});
