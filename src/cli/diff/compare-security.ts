import { isObject, isString, objectAt, stringsAt, type JsonObject } from "./json-value.ts";
import type { Local } from "./differences.ts";
import type { Operation, Side } from "./side.ts";

const NONE = "no credentials";

/** What a caller has to show: somebody whose way in is gone is refused, however right the payload. */
export function compareSecurity(before: Side, old: Operation, after: Side, now: Operation): Local[] {
  const [was, is] = [waysIn(before, old), waysIn(after, now)];
  if (was === undefined || is === undefined) return [];
  const lost = was.filter((way) => !is.includes(way));
  const gained = is.filter((way) => !was.includes(way));
  if (lost.length === 0 && gained.length === 0) return [];
  const values = { facet: "security", old: was.join(" or "), new: is.join(" or "), path: [] };
  if (lost.length === 0) return [{ ...values, kind: "loosened", verdict: "compatible" }];
  const kind = gained.length === 0 ? "tightened" : "changed";
  if (saysSomething(before) && saysSomething(after)) return [{ ...values, kind, verdict: "breaking" }];
  return [{ ...values, kind, verdict: "attention", reason: "one of the two says nothing about credentials" }];
}

/** The credentials that let a caller in, each way in words; undefined when the description does not define them. */
function waysIn({ description, graph }: Side, { operation }: Operation): string[] | undefined {
  const { document, name } = description;
  const requirements = operation["security"] ?? document["security"];
  const schemes = objectAt(document["components"], "securitySchemes");
  const ways = new Set<string>();
  for (const requirement of Array.isArray(requirements) ? requirements.filter(isObject) : []) {
    const parts: string[] = [];
    for (const scheme of Object.keys(requirement)) {
      const defined = schemes[scheme];
      if (defined === undefined) {
        graph.notes.add(`${name}: security scheme ${scheme} is not defined, so credentials were not compared.`);
        return undefined;
      }
      parts.push(schemeText(graph.resolve(defined) ?? {}, stringsAt(requirement, scheme)));
    }
    ways.add(parts.sort().join(" and ") || NONE);
  }
  return ways.size === 0 ? [NONE] : [...ways].sort();
}

/** A scheme by what is sent, whatever the description calls it. */
function schemeText(scheme: JsonObject, scopes: readonly string[]): string {
  const text = (key: string) => {
    const value = scheme[key];
    return isString(value) ? value : "?";
  };
  const scoped = scopes.length === 0 ? "" : ` (${[...scopes].sort().join(", ")})`;
  switch (scheme["type"]) {
    case "http":
      return `HTTP ${text("scheme").toLowerCase()}${scoped}`;
    case "apiKey":
      return `key ${scheme["in"] === "header" ? text("name").toLowerCase() : text("name")} in ${text("in")}${scoped}`;
    case "openIdConnect":
      return `OpenID Connect of ${text("openIdConnectUrl")}${scoped}`;
    default:
      return `${text("type")}${scoped}`;
  }
}

function saysSomething({ description: { document }, operations }: Side): boolean {
  return (
    "security" in document ||
    Object.keys(objectAt(document["components"], "securitySchemes")).length > 0 ||
    operations.some(({ operation }) => "security" in operation)
  );
}
