import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCompiler } from "../../scripts/spec/command.ts";
import { compileSpec } from "../../scripts/spec/compile.ts";
import { findStale, writeGenerated, type GeneratedFiles } from "../../scripts/spec/generated-files.ts";
import { BrokenSpecError } from "../../scripts/spec/read-spec.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** One example of each convention, and small enough to be compiled in a second. */
const name = "test/scripts/fixtures/mini.yaml";
const miniFile = fileURLToPath(new URL("fixtures/mini.yaml", import.meta.url));
let mini: string;
let compiled: GeneratedFiles;
let folder: string;

beforeAll(async () => {
  mini = await readFile(miniFile, "utf8");
  compiled = await compileSpec(mini, name);
  folder = await mkdtemp(join(tmpdir(), "compile-spec-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The description with one passage changed, which must be there exactly once. */
function edited(passage: string, replacement: string): string {
  expect(mini.split(passage), `the passage ${JSON.stringify(passage)}`).toHaveLength(2);
  return mini.replace(passage, () => replacement);
}

/** The line of the edited description that a passage begins on. */
function lineOf(text: string, passage: string): number {
  return text.slice(0, text.indexOf(passage)).split("\n").length;
}

async function problemOf(text: string): Promise<string> {
  try {
    await compileSpec(text, name);
  } catch (error) {
    if (!(error instanceof BrokenSpecError)) throw error;
    return error.message;
  }
  return "compiled";
}

describe("compiling", () => {
  it("gives the same bytes each time", async () => {
    const again = await compileSpec(mini, name);
    expect([...again]).toEqual([...compiled]);
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
    const files = await compileSpec(edited(description, nullable).replaceAll("SourceInfo", "New"), name);
    expect(JSON.parse(files.get("openapi.wire.json") ?? "")).toHaveProperty("components.schemas.New.type", [
      "object",
      "null",
    ]);
    expect(files.get("validators/wire.js")).toMatch(/^function new2\(value, out\) \{\n {2}if \(value !== null\)/m);
    expect(files.get("openapi.json")).toBe(compiled.get("openapi.json"));
  });
});

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
        /^generated\/openapi\.json: differs from line 2 on\n {2}is: {8}\n {2}should be: {3}"openapi"/,
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
    /Unknown schema keyword minItem/,
  ],
  [
    "a keyword of the wrong type",
    "      minItems: 1\n",
    "      minItems: one\n",
    "minItems: one",
    /Not a JSON Schema: minItems must be integer/,
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
    /x-wire: unknown key optionnal/,
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
    "a keyword that the validators have no code for",
    '        email:\n          description: An address.\n          type: [string, "null"]\n',
    '        email:\n          description: An address.\n          type: [number, "null"]\n          multipleOf: 2\n',
    "UserIdentities:\n",
    /The validators have no code for multipleOf here/,
  ],
];

describe("a broken description", () => {
  it.each(BROKEN)("with %s is refused with file, line and reason", async (_, passage, replacement, at, reason) => {
    const text = edited(passage, replacement);
    const message = await problemOf(text);
    expect(message).toMatch(reason);
    expect(message).toMatch(/^(test\/scripts\/fixtures\/mini\.yaml:\d+:\d+: .+\n?)+$/);
    const lines = message.split("\n").filter((line) => reason.test(line));
    expect(lines.map((line) => Number(line.split(":")[1]))).toEqual([lineOf(text, at)]);
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
      expect({ code, log }).toEqual({ code: 1, log: "" });
      expect(error).toMatch(/-broken\.yaml:\d+:\d+: x-wire: settles is missing[^\n]*\n$/);
    } finally {
      await unlink(broken);
    }
    expect(await contents()).toEqual(before);
  });

  it("writes what --check then finds up to date, and exits with 1 when one file is not", async () => {
    await rm(folder, { recursive: true, force: true });
    expect(await run("--spec", miniFile, "--out", folder)).toMatchObject({ code: 0, error: "" });
    expect(await findStale(folder, compiled)).toEqual([]);
    await writeFile(join(folder, "shapes.ts"), "");
    const before = await contents();
    const { code, error } = await run("--spec", miniFile, "--out", folder, "--check");
    expect(code).toBe(1);
    expect(error).toMatch(/^\S+\/shapes\.ts: differs from line 1 on\n/);
    expect(error).toContain("Run `npm run generate` and commit what it writes.");
    expect(error.match(/differs|missing|delete it/g)).toHaveLength(1);
    expect(await contents()).toEqual(before);
  });

  it("exits with 2, in one line, when it is not called as it should be", async () => {
    const gone = await run("--spec", "gone.yaml");
    expect(gone.code).toBe(2);
    expect(gone.error).toMatch(/^\S*gone\.yaml cannot be read: ENOENT[^\n]*\n$/);
    expect(await run("--dry-run")).toEqual({ code: 2, log: "", error: "Unknown option '--dry-run'. Try --help.\n" });
  });
});
