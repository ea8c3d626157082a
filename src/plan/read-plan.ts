import { describe } from "../rules/describe-value.ts";
import { isObject, type Members } from "../rules/objects.ts";
import { requireOptionNames } from "../rules/option-names.ts";
import { appendToken } from "../validate/pointer.ts";
import { TYPES_OF_LIBRARY } from "./event-key.ts";
import { broken, memberOf, PlanReading, readDefinition, type PlanNote } from "./read-definition.ts";
import type { Rule } from "./rule.ts";

/** What the service does with data that does not match the plan. `"unknown"` is how the API says that it was not set. */
export type PlanAction = "unknown" | "allow" | "drop_event" | "drop_attribute" | "drop_batch";

const PLAN_ACTIONS: readonly unknown[] = [
  "unknown",
  "allow",
  "drop_event",
  "drop_attribute",
  "drop_batch",
] satisfies PlanAction[];

/** One version of a data plan, in the vendor's own format: what {@link readPlan} makes of each of the three shapes. */
export interface PlanVersion {
  /** The short name that a batch names the plan by; unknown in what the Builder exports. */
  readonly data_plan_id?: string;
  /** The number of the version; unknown in what the Builder exports. */
  readonly version?: number;
  /** What its author says about it. */
  readonly version_description?: string;
  /** Where the service checks batches against it, such as `development`. */
  readonly activated_environment?: string;
  /** What is planned, and what is done with anything else. */
  readonly version_document: {
    readonly data_points: readonly DataPoint[];
    readonly settings?: { readonly validation_actions: Readonly<Partial<Record<PlanSubject, PlanAction>>> };
  };
}

/** What an action of the service is about. */
export type PlanSubject = "event" | "event_attribute" | "user_attribute";

const SUBJECTS = ["event", "event_attribute", "user_attribute"] as const satisfies readonly PlanSubject[];

/** One thing that a plan plans: an event, the user attributes, or the identities. */
export interface DataPoint {
  /** What its author says about it. */
  readonly description?: string;
  /** Which events, attributes or identities it is about. */
  readonly match: { readonly type: string; readonly criteria: Readonly<Record<string, string>> };
  /** The definition is JSON Schema, of which the service knows a part. */
  readonly validator: { readonly type: "json_schema"; readonly definition: unknown };
}

/** A point whose definition has been read. */
export interface ReadPoint {
  /** Undefined for a match type that no event has. */
  readonly key: string | undefined;
  readonly match: DataPoint["match"];
  readonly description?: string;
  readonly rule: Rule;
  readonly path: string;
}

/** What is known of a plan once it was read as a whole. */
export interface ReadPlan {
  readonly version: PlanVersion;
  /** In the order of the plan, without those that a later point with the same key replaces. */
  readonly points: readonly ReadPoint[];
  readonly notes: readonly PlanNote[];
}

/** Points beyond it are refused by the service. */
const MAX_POINTS = 1000;

const read = new WeakMap<object, ReadPlan>();

/** What to read of a document. */
export interface ReadPlanOptions {
  /** Which version, by its number; needed when the document holds several. */
  readonly version?: number | undefined;
}

/**
 * Reads a data plan: a whole plan, one version of it, or the bare document that the Builder exports.
 *
 * @param document - parsed JSON; it is not changed.
 * @param options - see {@link ReadPlanOptions}.
 * @returns one version, in the vendor's format, whatever the shape of the document was.
 * @throws TypeError - for a plan that is broken, with the place in it; for a version that it does not have; for several
 * versions and none asked for.
 */
export function readPlan(document: unknown, options: ReadPlanOptions = {}): PlanVersion {
  return readWholePlan(document, options).version;
}

/** What {@link readPlan} gives, and all that was found out on the way. */
export function readWholePlan(document: unknown, options: ReadPlanOptions = {}): ReadPlan {
  const given: unknown = options;
  if (!isObject(given)) throw new TypeError(`The options are ${describe(given)}; expected an object.`);
  requireOptionNames(given, ["version"] satisfies (keyof ReadPlanOptions)[]);
  const { version: wanted } = options;
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1)) {
    throw new TypeError(`\`version\` is ${describe(wanted)}; expected the number of a version.`);
  }
  if (!isObject(document)) {
    throw broken(
      "",
      `is ${describe(document)}; expected an object: a plan, a version of one, or its document, parsed from JSON`,
    );
  }
  const before = read.get(document);
  if (before !== undefined && (wanted === undefined || wanted === before.version.version)) return before;
  try {
    const result = readVersion(document, wanted);
    read.set(result.version, result);
    return result;
  } catch (cause) {
    if (cause instanceof TypeError && cause.message.startsWith("The data plan")) throw cause;
    // Only a getter or a proxy throws here.
    throw new TypeError("The data plan is broken: reading it failed. Pass plain data, parsed from JSON.", { cause });
  }
}

function readVersion(document: Members, wanted: number | undefined): ReadPlan {
  const [version, path] = chooseVersion(document, wanted);
  const inner = memberOf(version, "version_document");
  if (inner !== undefined && !isObject(inner)) {
    throw broken(`${path}/version_document`, `is ${describe(inner)}; expected an object with data_points`);
  }
  const [body, bodyPath] = inner === undefined ? [version, path] : [inner, `${path}/version_document`];
  const reading = new PlanReading();
  const points = readPoints(body, bodyPath, reading);
  const number = memberOf(version, "version") ?? wanted;
  const id = memberOf(version, "data_plan_id") ?? memberOf(document, "data_plan_id");
  if (number !== undefined && !(Number.isInteger(number) && (number as number) >= 0)) {
    throw broken(`${path}/version`, `is ${describe(number)}; expected a whole number`);
  }
  if (id !== undefined && (typeof id !== "string" || id === "")) {
    throw broken(`${path}/data_plan_id`, `is ${describe(id)}; expected the id of the plan`);
  }
  const settings = readSettings(body, bodyPath);
  const description = textMember(version, "version_description");
  const environment = textMember(version, "activated_environment");
  return {
    version: {
      ...(typeof id === "string" && { data_plan_id: id }),
      ...(typeof number === "number" && { version: number }),
      ...(description !== undefined && { version_description: description }),
      ...(environment !== undefined && { activated_environment: environment }),
      version_document: {
        data_points: points.map(({ point }) => point),
        ...(settings !== undefined && { settings: { validation_actions: settings } }),
      },
    },
    points: lastOfEach(points, reading),
    notes: reading.notes,
  };
}

/** The version that is meant, and where it is. */
function chooseVersion(document: Members, wanted: number | undefined): readonly [Members, string] {
  const versions = memberOf(document, "data_plan_versions");
  if (versions === undefined) {
    const own = memberOf(document, "version");
    if (wanted !== undefined && own !== undefined && own !== wanted) {
      throw new TypeError(
        `The data plan is version ${typeof own === "number" ? String(own) : describe(own)}; \`version\` asks for ${String(wanted)}.`,
      );
    }
    if (memberOf(document, "version_document") === undefined && memberOf(document, "data_points") === undefined) {
      throw broken("", "has neither `data_plan_versions` nor `version_document` nor `data_points`");
    }
    return [document, ""];
  }
  if (!Array.isArray(versions)) {
    throw broken("/data_plan_versions", `is ${describe(versions)}; expected a list of versions`);
  }
  const listed = (versions as readonly unknown[]).map((version, index) => {
    const path = `/data_plan_versions/${String(index)}`;
    if (!isObject(version)) throw broken(path, `is ${describe(version)}; expected a version`);
    return [version, path] as const;
  });
  const numbers = listed.map(([version]) => String(memberOf(version, "version"))).join(", ");
  if (wanted !== undefined) {
    const found = listed.find(([version]) => memberOf(version, "version") === wanted);
    if (found === undefined)
      throw new TypeError(`The data plan has no version ${String(wanted)}; it has ${numbers || "none"}.`);
    return found;
  }
  const [only, ...others] = listed;
  if (only === undefined) throw broken("/data_plan_versions", "is an empty array; expected a version");
  if (others.length > 0) throw new TypeError(`The data plan has the versions ${numbers}; say which with \`version\`.`);
  return only;
}

interface PlacedPoint {
  readonly point: DataPoint;
  readonly read: ReadPoint;
}

function readPoints(body: Members, path: string, reading: PlanReading): readonly PlacedPoint[] {
  const points = memberOf(body, "data_points");
  const at = `${path}/data_points`;
  if (!Array.isArray(points)) throw broken(at, `is ${describe(points)}; expected a list of data points`);
  if (points.length > MAX_POINTS) {
    reading.note({
      code: "plan-too-large",
      path: at,
      message: `the service takes ${String(MAX_POINTS)} data points, the plan has ${String(points.length)}.`,
    });
  }
  return (points as readonly unknown[]).map((point, index) => readPoint(point, appendToken(at, index), reading));
}

function readPoint(point: unknown, path: string, reading: PlanReading): PlacedPoint {
  if (!isObject(point)) throw broken(path, `is ${describe(point)}; expected a data point`);
  const match = readMatch(memberOf(point, "match"), `${path}/match`, reading);
  const validator = memberOf(point, "validator");
  if (!isObject(validator)) throw broken(`${path}/validator`, `is ${describe(validator)}; expected an object`);
  const type = memberOf(validator, "type") ?? "json_schema";
  if (type !== "json_schema") throw broken(`${path}/validator/type`, `is ${describe(type)}; expected "json_schema"`);
  const definition = memberOf(validator, "definition");
  const rule = readDefinition(definition, `${path}/validator/definition`, reading);
  const text = textMember(point, "description");
  const description = text === undefined ? {} : { description: text };
  return {
    point: { ...description, match, validator: { type, definition } },
    read: { key: keyOfMatch(match), match, ...description, rule, path },
  };
}

/** What each match type is matched by, besides itself. */
const CRITERIA: Readonly<Record<string, readonly string[]>> = {
  custom_event: ["event_name", "custom_event_type"],
  screen_view: ["screen_name"],
  product_action: ["action"],
  promotion_action: ["action"],
  application_state_transition: ["application_transition_type"],
  ...Object.fromEntries(
    ["product_impression", "user_attributes", "user_identities", ...TYPES_OF_LIBRARY].map((type) => [type, []]),
  ),
};

function readMatch(match: unknown, path: string, reading: PlanReading): DataPoint["match"] {
  if (!isObject(match)) throw broken(path, `is ${describe(match)}; expected an object with type and criteria`);
  const type = memberOf(match, "type");
  if (typeof type !== "string") throw broken(`${path}/type`, `is ${describe(type)}; expected the type of an event`);
  const criteria = memberOf(match, "criteria") ?? {};
  if (!isObject(criteria)) throw broken(`${path}/criteria`, `is ${describe(criteria)}; expected an object`);
  if (!Object.hasOwn(CRITERIA, type)) {
    reading.note({
      code: "plan-unknown-match",
      path: `${path}/type`,
      message: `no event is matched by ${describe(type)}; the data point counts for nothing.`,
    });
    return { type, criteria: {} };
  }
  const names = CRITERIA[type] ?? [];
  return {
    type,
    criteria: Object.fromEntries(
      names.map((name) => {
        const value = memberOf(criteria, name);
        if (typeof value !== "string") throw broken(`${path}/criteria/${name}`, `is ${describe(value)}; expected text`);
        return [name, value];
      }),
    ),
  };
}

/** As events are matched: the parts joined with `:`. */
function keyOfMatch({ type, criteria }: DataPoint["match"]): string | undefined {
  if (!Object.hasOwn(CRITERIA, type)) return undefined;
  if (type === "screen_view") return `screen_view::${criteria["screen_name"] ?? ""}`;
  if (type === "custom_event")
    return `custom_event:${criteria["custom_event_type"] ?? ""}:${criteria["event_name"] ?? ""}`;
  return [type, ...Object.values(criteria)].join(":");
}

/** Of points with one key the last counts. */
function lastOfEach(points: readonly PlacedPoint[], reading: PlanReading): readonly ReadPoint[] {
  const last = new Map<string, ReadPoint>();
  for (const { read } of points) if (read.key !== undefined) last.set(read.key, read);
  return points.flatMap(({ read }) => {
    const winner = last.get(read.key ?? "");
    if (winner === undefined) return [];
    if (winner === read) return [read];
    reading.note({
      code: "plan-point-replaced",
      path: read.path,
      message: `\`${winner.path}\` has the same key, ${describe(read.key)}; the last one counts, and this one for nothing.`,
    });
    return [];
  });
}

function readSettings(body: Members, path: string): Readonly<Partial<Record<PlanSubject, PlanAction>>> | undefined {
  const settings = memberOf(body, "settings");
  if (settings === undefined) return undefined;
  if (!isObject(settings)) throw broken(`${path}/settings`, `is ${describe(settings)}; expected an object`);
  const actions = memberOf(settings, "validation_actions");
  if (actions === undefined) return undefined;
  const at = `${path}/settings/validation_actions`;
  if (!isObject(actions)) throw broken(at, `is ${describe(actions)}; expected an object`);
  return Object.fromEntries(
    SUBJECTS.flatMap((subject) => {
      const action = memberOf(actions, subject);
      if (action === undefined) return [];
      if (!PLAN_ACTIONS.includes(action)) {
        throw broken(appendToken(at, subject), `is ${describe(action)}; expected one of ${PLAN_ACTIONS.join(", ")}`);
      }
      return [[subject, action as PlanAction]]; // found among them
    }),
  );
}

function textMember(object: Members, key: string): string | undefined {
  const value = memberOf(object, key);
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
