import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix, relative, resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { isObject, isString, type JsonObject } from "./json-value.ts";

/** Something about the input that keeps a comparison from being made; the message is for the person who asked. */
export class InputError extends Error {
  override name = "InputError" as const;
}

/** A description of an API or of a payload, read and recognised. */
export interface Description {
  /** As it was asked for. */
  readonly name: string;
  readonly style: "openapi" | "json-schema";
  /** For people: `OpenAPI 3.1.0`, `JSON Schema draft-07`. */
  readonly label: string;
  readonly document: JsonObject;
  /** As it was read. */
  readonly text: string;
  /** Whether keywords beside a `$ref` do not bind: OpenAPI 3.0 and JSON Schema up to draft-07. */
  readonly refStandsAlone: boolean;
  /** Another document that stands where this one was found, for references that leave it. */
  readonly beside: (reference: string) => JsonObject | undefined;
}

/** Where the description of this package stands within its repository. */
export const OUR_SPEC = "spec/events-api.yaml";

interface Found {
  readonly name: string;
  readonly text: string;
  readonly beside: (reference: string) => string | undefined;
}

/**
 * Finds and reads a description.
 *
 * @param input - a file; a git revision (`HEAD~1`, `v1.2.0`), which means {@link OUR_SPEC} as it was then; or
 *   `REVISION:PATH`, the path as seen from the top of the repository.
 * @param folders - where relative files are looked for, in this order; git runs in the first.
 * @throws InputError - when nothing is found, or what is found is no description.
 */
export function readDescription(input: string, folders: readonly [string, ...string[]]): Description {
  if (input === "" || input.includes("\0")) throw new InputError("A description has to be named; the name is empty.");
  const found = findFile(input, folders) ?? findRevision(input, folders[0]);
  const document = parseText(found.text, found.name);
  return {
    name: found.name,
    text: found.text,
    document,
    ...recognise(document, found.name),
    beside: (reference) => {
      const text = found.beside(reference);
      return text === undefined ? undefined : parseText(text, reference);
    },
  };
}

function findFile(input: string, folders: readonly string[]): Found | undefined {
  for (const folder of folders) {
    const path = resolve(folder, input);
    const text = readIfFile(path, input);
    if (text === undefined) continue;
    return { name: displayName(path, input), text, beside: (reference) => besideFile(path, reference) };
  }
  return undefined;
}

/** A download folder may be long; within the working folder the relative path is what a person knows. */
function displayName(path: string, input: string): string {
  const near = relative(process.cwd(), path).replaceAll("\\", "/");
  return near.startsWith("..") ? input : near;
}

function besideFile(path: string, reference: string): string | undefined {
  // Official schemas refer to each other by URL; downloaded together they lie side by side.
  const local = /^[a-z][a-z0-9+.-]*:/i.test(reference) ? basename(reference) : decodeURI(reference);
  try {
    return readIfFile(join(dirname(path), local), reference);
  } catch {
    return undefined;
  }
}

function readIfFile(path: string, input: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) throw new InputError(`${input} is a folder; name a file in it.`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
    throw new InputError(`${input} cannot be read: ${error instanceof Error ? error.message : code}`);
  }
}

function findRevision(input: string, folder: string): Found {
  // The colon of a drive is none between a revision and a path.
  const colon = /^[a-z]:[\\/]/i.test(input) ? -1 : input.indexOf(":");
  const revision = colon === -1 ? input : input.slice(0, colon);
  const path = colon === -1 ? `./${OUR_SPEC}` : input.slice(colon + 1);
  const looksLikeFile = colon === -1 && /\.(ya?ml|json)$/i.test(input);
  if (looksLikeFile) throw new InputError(`${input}: no such file.`);
  if (/^https?:/i.test(input)) {
    throw new InputError(`${input} is an address. Download it first; nothing is fetched from the network.`);
  }
  // A revision that begins with a dash would be an option to git.
  const commit = revision.startsWith("-") ? undefined : git(folder, "rev-parse", "--verify", `${revision}^{commit}`);
  if (commit === undefined) {
    const repository = git(folder, "rev-parse", "--git-dir") !== undefined;
    throw new InputError(
      repository
        ? `${input}: no such file, and git knows no revision ${revision}.`
        : `${input}: no such file, and this is no git repository in which it could be a revision.`,
    );
  }
  const show = (file: string) => git(folder, "show", `${commit.trim()}:${file}`);
  const text = show(path);
  if (text === undefined) {
    throw new InputError(`${input}: revision ${revision} has no file ${path.replace(/^\.\//, "")}.`);
  }
  return { name: input, text, beside: (reference) => show(posix.join(posix.dirname(path), reference)) };
}

function git(folder: string, ...args: string[]): string | undefined {
  try {
    return execFileSync("git", args, {
      cwd: folder,
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new InputError("No such file, and git, which could know a revision of that name, is not installed.");
    }
    return undefined;
  }
}

function parseText(text: string, name: string): JsonObject {
  const start = text.replace(/^\uFEFF/, "").trimStart();
  if (start === "") throw new InputError(`${name} is empty.`);
  if (start.startsWith("<")) {
    throw new InputError(
      `${name} is not a description: it holds ${/^<(!doctype html|html)/i.test(start) ? "an HTML page" : "markup"}.`,
    );
  }
  const value = parseValue(start, text, name);
  if (isObject(value)) return value;
  const what = Array.isArray(value) ? "a list" : value === null ? "nothing but null" : `a ${typeof value}`;
  throw new InputError(`${name} is not a description: it holds ${what}.`);
}

function parseValue(start: string, text: string, name: string): unknown {
  if (start.startsWith("{") || start.startsWith("[")) {
    try {
      return JSON.parse(start) as unknown;
    } catch {
      // Perhaps YAML in braces. If it is not, the YAML parser knows the line.
    }
  }
  try {
    const lines = new LineCounter();
    const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: false, merge: true, prettyErrors: false });
    const [error] = yaml.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new InputError(`${name}:${String(line)}:${String(col)}: ${error.message}`);
    }
    return yaml.toJS() as unknown;
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (error instanceof RangeError) throw new InputError(`${name} is nested too deeply to be read.`);
    throw new InputError(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type Recognised = Pick<Description, "style" | "label" | "refStandsAlone">;

function recognise(document: JsonObject, name: string): Recognised {
  const { openapi, swagger, asyncapi, $schema } = document;
  const refuse = (what: string): InputError =>
    new InputError(`${name} is not a description that can be compared: ${what}`);
  if (openapi !== undefined) {
    const version = isString(openapi) ? openapi : JSON.stringify(openapi);
    if (!/^3\.[01](\.|$)/.test(version)) throw refuse(`it is OpenAPI ${version}; 3.0 and 3.1 are read.`);
    return { style: "openapi", label: `OpenAPI ${version}`, refStandsAlone: version.startsWith("3.0") };
  }
  if (swagger !== undefined) throw refuse(`it is Swagger ${JSON.stringify(swagger)}; convert it to OpenAPI 3 first.`);
  if (asyncapi !== undefined) throw refuse("it is an AsyncAPI document.");
  if (isObject(document["info"]) && Array.isArray(document["item"])) throw refuse("it is a Postman collection.");
  if (isString($schema) || SCHEMA_KEYWORDS.some(([key, fits]) => key in document && fits(document[key]))) {
    const draft = isString($schema) ? (/(draft-0\d|20\d\d-\d\d)/.exec($schema)?.[1] ?? "") : "";
    return {
      style: "json-schema",
      label: `JSON Schema ${draft}`.trim(),
      refStandsAlone: draft.startsWith("draft-0"),
    };
  }
  const keys = Object.keys(document);
  const shown = keys.slice(0, 5).join(", ") + (keys.length > 5 ? " …" : "");
  throw refuse(
    keys.length === 0 ? "it is an empty object." : `neither OpenAPI nor JSON Schema, but an object with ${shown}.`,
  );
}

const isType = (value: unknown): boolean =>
  ["object", "array", "string", "number", "integer", "boolean", "null"].includes(String(value));

/** Keywords that make an object a schema even when it does not say so, with what they have to hold. */
const SCHEMA_KEYWORDS: readonly (readonly [string, (value: unknown) => boolean])[] = [
  ["properties", isObject],
  ["definitions", isObject],
  ["$defs", isObject],
  ["$ref", isString],
  ["allOf", Array.isArray],
  ["anyOf", Array.isArray],
  ["oneOf", Array.isArray],
  ["type", (value) => (Array.isArray(value) ? value.every(isType) : isString(value) && isType(value))],
];
