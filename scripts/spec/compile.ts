import { emitContract } from "./emit-contract.ts";
import { emitShapes } from "./emit-shapes.ts";
import { emitTypes } from "./emit-types.ts";
import type { GeneratedFiles } from "./generated-files.ts";
import type { JsonObject, JsonValue } from "../../src/cli/diff/json-value.ts";
import { beside, judgeSpec, refuse, type JudgedSpec } from "./judge-spec.ts";
import { layOut } from "./layout-text.ts";
import { BrokenSpecError, type SpecSource } from "./read-spec.ts";
import { typeErrors } from "./type-errors.ts";
import { pointerSteps } from "./verify.ts";

/**
 * Everything that is compiled from a description, as texts: nothing is written.
 *
 * @param text - the description, YAML.
 * @param name - what the headers and the problems call it.
 * @throws BrokenSpecError - with every problem of the first kind that was found.
 */
export async function compileSpec(text: string, name: string): Promise<GeneratedFiles> {
  const judged = await judgeSpec(text, name);
  const files = await makeFiles(judged, name);
  const errors = typeErrors(new Map([...files].filter(([file]) => TYPES.has(file))));
  refuse(
    judged.source,
    errors.map((error) => judged.source.problem([], `The generated types do not compile: ${error}`)),
  );
  return files;
}

/**
 * As `compileSpec`, for who compares the texts with those that were written: what was asked of the documents and of the types
 * then is not asked again, because it takes as long as the rest.
 */
export async function compileToCompare(text: string, name: string): Promise<GeneratedFiles> {
  return await makeFiles(await judgeSpec(text, name, true), name);
}

/** The files that say types of their own. */
const TYPES: ReadonlySet<string> = new Set(["schema.ts", "contract.ts", "shapes.ts"]);

async function makeFiles(judged: JudgedSpec, name: string): Promise<GeneratedFiles> {
  const { source, canonical, wire, validators, checks } = judged;
  const header = `// Generated from ${name} by \`npm run generate\`. Do not edit: edit the description and generate again.\n\n`;
  const typescript = async (code: string) => header + (await layOut(code, "typescript"));
  const javascript = async (code: string) => header + (await layOut(code, "javascript"));
  const [schema, contract, shapes, canonicalValidator, wireValidator, checkTypes] = await Promise.all([
    types(source, canonical).then(typescript),
    typescript(emitContract(canonical, wire)),
    typescript(emitShapes(source.document, canonical, wire)),
    javascript(validators.canonical),
    javascript(validators.wire),
    beside("checks.d.ts").then((code) => header + code),
  ]);

  return new Map([
    ["schema.ts", schema],
    ["contract.ts", contract],
    ["shapes.ts", shapes],
    ["openapi.json", json(canonical)],
    ["openapi.wire.json", json(wire)],
    ["validators/canonical.js", canonicalValidator],
    ["validators/canonical.d.ts", header + declarations("canonical profile: what a well-behaved sender sends")],
    ["validators/wire.js", wireValidator],
    ["validators/wire.d.ts", header + declarations("wire profile: what any official source permits")],
    ["validators/checks.js", header + checks],
    ["validators/checks.d.ts", checkTypes],
  ]);
}

async function types(source: SpecSource, document: JsonObject): Promise<string> {
  try {
    return await emitTypes(document);
  } catch (error) {
    // The type compiler knows the place, at best, as a pointer at the end of its message.
    const message = error instanceof Error ? error.message : String(error);
    const pointer = /#(\/\S*[^\s.])/.exec(message)?.[1] ?? "";
    throw new BrokenSpecError(source.file, [
      source.problem(pointerSteps(pointer), `There are no types for this: ${message.replace(/\s+/g, " ")}`),
    ]);
  }
}

function declarations(profile: string): string {
  return `import type { ValidationError } from "./checks.js";

export type { ValidationError };

/**
 * Checks a value against the ${profile}.
 *
 * Works on JavaScript values: 64-bit ids may be bigints, safe integers or decimal digits. A member that JSON would not
 * send counts as absent: one whose value is \`undefined\`, that is inherited, or that is not enumerable.
 *
 * @param data - any value; it is not changed.
 * @returns whether it is valid. When it is not, \`validateBatch.errors\` says why, until the next call.
 */
export declare const validateBatch: {
  (data: unknown): boolean;
  /** What is wrong with the value of the last call, \`null\` when nothing is. */
  errors: ValidationError[] | null;
};
`;
}

/** What fits into a line is one: shorter by a fifth, which everybody who installs the package has on disk, and easier to read. */
function json(document: JsonObject): string {
  return `${layOutJson(document, "")}\n`;
}

const LINE_LENGTH = 120;

function layOutJson(value: JsonValue, indent: string): string {
  const line = JSON.stringify(value);
  if (typeof value !== "object" || value === null || indent.length + line.length <= LINE_LENGTH) return line;
  const inner = `${indent} `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const items = Array.isArray(value)
    ? value.map((item) => layOutJson(item, inner))
    : Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${layOutJson(member, inner)}`);
  return `${open ?? ""}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close ?? ""}`;
}
