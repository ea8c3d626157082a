import { BATCH, eventBranches, partsOf, refOf, schemaCalled } from "./batch-layout.ts";
import {
  isObject,
  isString,
  objectAt,
  stringsAt,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import type { SpecProblem, SpecSource } from "./read-spec.ts";
import { walkSchema } from "./walk-schemas.ts";

/** The constants that every contract has. */
const CONSTANTS = ["EVENT_TYPES", "LIMITS", "PODS", "EXACT_INTEGERS"];

/** What run-time code needs to know: names, limits, hosts, and where the exact integers are. */
export function emitContract(canonical: JsonObject, wire: JsonObject): string {
  const eventTypes = eventBranches(canonical).map(({ eventType }) => eventType);
  const exact = exactIntegers(wire);
  return [
    constant("EVENT_TYPES", "Every event type that can be authored, in the order of the contract.", eventTypes),
    emitLimits(objectAt(canonical, "x-limits")),
    emitPods(canonical),
    constant(
      "EXACT_INTEGERS",
      "Members that may hold an integer beyond 2^53: in a batch, and in the `data` of any event. Other objects have none.",
      { batch: Object.fromEntries(exact.batch), eventData: Object.fromEntries(exact.eventData) },
    ),
    ...emitEnums(canonical),
  ].join("\n\n");
}

function emitLimits(limits: JsonObject): string {
  const members = Object.entries(limits).map(([name, limit]) => {
    const { value, unit, effect, description } = isObject(limit) ? limit : {};
    const sentence = `${text(description)} Unit: ${text(unit)}; effect: ${text(effect)}.`;
    return `${comment(sentence)}\n${name}: ${underscored(Number(value))},`;
  });
  return `${comment(
    "The limits of the service, by name. Effect: what is beyond a limit may be refused (reject), is cut (truncate), or is only unwise (advise).",
  )}\nexport const LIMITS = {\n${members.join("\n")}\n} as const;`;
}

function emitPods(document: JsonObject): string {
  const servers = document["servers"];
  const members = (Array.isArray(servers) ? servers : []).flatMap((server) => {
    const { url, description } = isObject(server) ? server : {};
    const pod = isObject(server) ? server["x-pod"] : undefined;
    return isString(pod) ? [`${comment(text(description))}\n${pod}: ${JSON.stringify(url)},`] : [];
  });
  return `${comment("Base address of each pod. A batch sent to another pod than the account's is lost.")}\nexport const PODS = {\n${members.join("\n")}\n} as const;`;
}

function emitEnums(document: JsonObject): string[] {
  const schemas = objectAt(objectAt(document, "components"), "schemas");
  return Object.entries(schemas).flatMap(([name, schema]) => {
    const values = stringsAt(schema, "enum");
    return values.length === 0 || !isObject(schema)
      ? []
      : [constant(listName(name), text(schema["description"]), values)];
  });
}

/** Lists of values that would be called what another constant of the contract is called. */
export function checkConstants({ document, problem }: SpecSource): SpecProblem[] {
  const taken = new Set(CONSTANTS);
  return Object.entries(objectAt(objectAt(document, "components"), "schemas")).flatMap(([name, schema]) => {
    if (stringsAt(schema, "enum").length === 0) return [];
    const constant = listName(name);
    if (taken.has(constant)) {
      return [
        problem(["components", "schemas", name], `The list of ${name} would be called ${constant}, as another is.`),
      ];
    }
    taken.add(constant);
    return [];
  });
}

/** `CustomEventType` becomes `CUSTOM_EVENT_TYPES`. */
function listName(name: string): string {
  const upper = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
  if (/(S|X|CH|SH)$/.test(upper)) return `${upper}ES`;
  return /[^AEIOU]Y$/.test(upper) ? `${upper.slice(0, -1)}IES` : `${upper}S`;
}

function constant(name: string, description: string, value: JsonValue): string {
  return `${comment(description)}\nexport const ${name} = ${JSON.stringify(value)} as const;`;
}

function comment(description: string): string {
  return `/** ${description.trim().replace(/\s+/g, " ").replaceAll("*/", "*\\/")} */`;
}

function text(value: JsonValue | undefined): string {
  return isString(value) ? value : "";
}

function underscored(value: number): string {
  return value < 10_000 ? String(value) : String(value).replace(/\B(?=(\d{3})+$)/g, "_");
}

interface ExactIntegers {
  readonly batch: Map<string, string>;
  readonly eventData: Map<string, string>;
}

function exactIntegers(wire: JsonObject): ExactIntegers {
  const eventData = new Map<string, string>();
  for (const name of dataSchemas(wire)) {
    for (const [member, kind] of exactMembers(wire, schemaCalled(wire, name))) eventData.set(member, kind);
  }
  return { batch: exactMembers(wire, schemaCalled(wire, BATCH)), eventData };
}

/** Every schema that the `data` of an event is made of. */
function dataSchemas(wire: JsonObject): Set<string> {
  const names = new Set<string>();
  for (const { data } of eventBranches(wire)) {
    for (const base of partsOf(schemaCalled(wire, data)).bases) names.add(base);
    names.add(data);
  }
  return names;
}

function exactMembers(wire: JsonObject, schema: JsonObject): Map<string, string> {
  return new Map(
    Object.entries(partsOf(schema).properties).flatMap(([name, member]) => {
      const kind = exactKind(wire, member);
      return kind === undefined ? [] : [[name, kind] as const];
    }),
  );
}

function exactKind(wire: JsonObject, member: JsonValue): string | undefined {
  const ref = refOf(member);
  const kind = (ref === undefined ? (isObject(member) ? member : {}) : schemaCalled(wire, ref))["x-exact"];
  return isString(kind) ? kind : undefined;
}

/**
 * The run time finds exact integers by name alone: one name must mean the same in the data of every event, and there
 * must be none anywhere else.
 */
export function checkExactIntegers(source: SpecSource, wire: JsonObject): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const { eventData } = exactIntegers(wire);
  const data = dataSchemas(wire);
  for (const [name, schema] of Object.entries(objectAt(objectAt(wire, "components"), "schemas"))) {
    if (!isObject(schema)) continue;
    const at = (member: string) => {
      const inAllOf = Array.isArray(schema["allOf"])
        ? schema["allOf"].findIndex((part) => isObject(part) && member in objectAt(part, "properties"))
        : -1;
      return ["components", "schemas", name, ...(inAllOf < 0 ? [] : ["allOf", inAllOf]), "properties", member];
    };
    if (data.has(name)) {
      for (const [member, property] of Object.entries(partsOf(schema).properties)) {
        const kind = exactKind(wire, property);
        const expected = eventData.get(member);
        if (kind !== expected) {
          problems.push(
            source.problem(
              at(member),
              `${member} is ${kind ?? "no exact integer"} here and ${expected ?? "none"} in the data of another event.`,
            ),
          );
        }
      }
    } else if (name !== BATCH) {
      for (const placed of walkSchema({ schema, path: ["components", "schemas", name] })) {
        for (const [member, property] of Object.entries(objectAt(placed.schema, "properties"))) {
          if (exactKind(wire, property) === undefined) continue;
          const path = [...placed.path, "properties", member];
          problems.push(
            source.problem(
              path,
              `${member} is an exact integer, which only a batch and the data of an event may hold.`,
            ),
          );
        }
      }
    }
  }
  return problems;
}
