import { nearest } from "../../src/rules/nearest-name.ts";
import { isObject, isString, type JsonValue } from "../../src/cli/diff/json-value.ts";
import type { SpecPath, SpecProblem, SpecSource } from "./read-spec.ts";

/**
 * The objects of OpenAPI 3.1 apart from schemas, with the keys that each may have, our own `x-` keys among them. Behind a
 * colon, the kind of what the key holds: one, a list `[]` or a map `{}` of them. Without a colon it may be anything.
 */
const KINDS: Readonly<Record<string, string>> = {
  document:
    "openapi jsonSchemaDialect info:info servers:server[] paths:path{} webhooks:path{} components:components security tags:tag[] externalDocs:docs x-limits",
  info: "title summary description termsOfService contact license version",
  server: "url description variables x-pod x-pod-alias",
  tag: "name description externalDocs:docs",
  docs: "description url",
  path: "summary description servers:server[] parameters:parameter[] get:operation put:operation post:operation delete:operation options:operation head:operation patch:operation trace:operation",
  operation:
    "tags summary description externalDocs:docs operationId parameters:parameter[] requestBody:body responses:response{} callbacks deprecated security servers:server[]",
  parameter:
    "name in description required deprecated allowEmptyValue style explode allowReserved schema example examples:example{} content:media{}",
  body: "description required content:media{}",
  response: "description headers:header{} content:media{} links",
  header: "description required deprecated style explode schema example examples:example{} content:media{}",
  media: "schema example examples:example{} encoding",
  example: "summary description value externalValue",
  components:
    "schemas responses:response{} parameters:parameter{} examples:example{} requestBodies:body{} headers:header{} securitySchemes:scheme{} links callbacks pathItems:path{}",
  scheme: "type description name in scheme bearerFormat flows openIdConnectUrl",
};

/** Keys that hold text wherever they are known. */
const TEXTS = ["$ref", "description", "operationId", "summary", "title", "url", "version"];

/** What a key holds: its kind, if there is one to look into. */
interface Key {
  readonly kind: string | undefined;
  readonly each: "one" | "list" | "map";
}

const KEYS: Readonly<Record<string, ReadonlyMap<string, Key>>> = Object.fromEntries(
  Object.entries(KINDS).map(([kind, keys]) => [kind, new Map(keys.split(" ").map(readKey))]),
);

function readKey(text: string): [string, Key] {
  const [name = "", kind] = text.split(":");
  if (kind === undefined) return [name, { kind, each: "one" }];
  const each = kind.endsWith("[]") ? "list" : kind.endsWith("{}") ? "map" : "one";
  return [name, { kind: kind.replace(/\W+$/, ""), each }];
}

/**
 * What the compiler would pass over in silence: keys that are misspelt, `x-` keys that nothing reads, and values that
 * hold nothing.
 */
export function checkStructure({ document, problem }: SpecSource): SpecProblem[] {
  const problems: SpecProblem[] = [];
  visit(document, "document", []);
  return problems;

  function visit(value: JsonValue, kind: string, path: SpecPath): void {
    if (!isObject(value)) problems.push(problem(path, `Expected ${words(kind)}, a mapping.`));
    if (!isObject(value)) return;
    for (const name of TEXTS) {
      if (name in value && !isString(value[name])) problems.push(problem([...path, name], `${name}: expected text.`));
    }
    if ("$ref" in value) return;
    const keys = KEYS[kind] ?? new Map<string, Key>();
    for (const [name, member] of Object.entries(value)) {
      const key = keys.get(name);
      if (key === undefined)
        problems.push(problem([...path, name], unknownKey(name, keys.keys(), `in ${words(kind)}`)));
      else if (key.kind !== undefined) visitEach(member, key.kind, key.each, [...path, name]);
    }
  }

  function visitEach(value: JsonValue, kind: string, each: Key["each"], path: SpecPath): void {
    if (each === "one") visit(value, kind, path);
    else if (each === "list" && Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, kind, [...path, index]);
    } else if (each === "map" && isObject(value)) {
      for (const [name, member] of Object.entries(value)) visit(member, kind, [...path, name]);
    } else problems.push(problem(path, each === "list" ? "Expected a list." : "Expected a mapping."));
  }
}

function words(kind: string): string {
  if (kind === "document") return "the document";
  return kind === "docs" ? "externalDocs" : `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** A sentence about a key that nothing reads, with the one that was most likely meant. */
export function unknownKey(name: string, known: Iterable<string>, where: string): string {
  const meant = nearest(name, known);
  return `Unknown key ${name} ${where}${meant === undefined ? "." : `: did you mean ${meant}?`}`;
}
