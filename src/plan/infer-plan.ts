import { isObject, type Members } from "../rules/objects.ts";
import { nameOfEvent } from "./event-key.ts";
import { planNameOfIdentity } from "./identities.ts";
import type { DataPoint, PlanVersion } from "./read-plan.ts";

/** How a plan is inferred. */
export interface InferOptions {
  readonly planId?: string | undefined;
  /** A text with at most as many values, each seen more than once on average, is taken for one of these. `@default 10` */
  readonly maxEnumValues?: number | undefined;
}

/** Values of one attribute that are kept to tell whether they are few. */
const MIN_SIGHTINGS = 10;
/** Names in one object beyond which it is taken for a table with names of its own making. */
const MAX_MEMBERS = 500;

/** Gathers what recorded batches have in common, in memory that grows with the names and not with the batches. */
export class PlanInference {
  readonly #maxEnumValues: number;
  readonly #planId: string | undefined;
  readonly #events = new Map<string, { readonly match: DataPoint["match"]; readonly data: Observed }>();
  readonly #users: Observed;
  readonly #identities: Observed;
  /** Events that no plan can hold, by type. */
  readonly leftOut = new Map<string, number>();
  batches = 0;

  constructor({ planId, maxEnumValues = 10 }: InferOptions = {}) {
    this.#planId = planId;
    this.#maxEnumValues = maxEnumValues;
    this.#users = new Observed(maxEnumValues);
    this.#identities = new Observed(maxEnumValues);
  }

  /** Takes a batch in; what is no batch counts for nothing. */
  add(batch: unknown): void {
    if (!isObject(batch)) return;
    this.batches++;
    const events = Array.isArray(batch["events"]) ? (batch["events"] as readonly unknown[]) : [];
    for (const event of events) if (isObject(event)) this.#addEvent(event);
    this.#users.add(batch["user_attributes"] ?? {});
    this.#identities.add(identitiesOf(batch));
  }

  #addEvent(event: Members): void {
    const { key, type, name = "", customType } = nameOfEvent(event);
    const match = key === undefined ? undefined : matchOf(type, name, customType);
    if (key === undefined || match === undefined) {
      this.leftOut.set(type, (this.leftOut.get(type) ?? 0) + 1);
      return;
    }
    const known = this.#events.get(key) ?? { match, data: new Observed(this.#maxEnumValues) };
    this.#events.set(key, known);
    const data = isObject(event["data"]) ? event["data"] : {};
    known.data.add({ custom_attributes: data["custom_attributes"], ...payloadOf(match.type, data) });
  }

  /** The plan so far, in the vendor's format. */
  plan(): PlanVersion {
    const points: DataPoint[] = [...this.#events.entries()]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { match, data }]) =>
        pointOf(match, { properties: { data: { ...withoutEmptyPayload(data.definition(false)), type: "object" } } }),
      );
    const users = this.#users.definition(true);
    if (Object.keys(users.properties ?? {}).length > 0)
      points.push(pointOf({ type: "user_attributes", criteria: {} }, users));
    const identities = this.#identities.definition(true);
    if (Object.keys(identities.properties ?? {}).length > 0)
      points.push(pointOf({ type: "user_identities", criteria: {} }, identities));
    return {
      ...(this.#planId !== undefined && { data_plan_id: this.#planId }),
      version: 1,
      version_document: { data_points: points },
    };
  }
}

function pointOf(match: DataPoint["match"], definition: object): DataPoint {
  return { description: "", match, validator: { type: "json_schema", definition } };
}

/** Of what the plans of the service can hold. */
function matchOf(type: string, name: string, customType: string | undefined): DataPoint["match"] | undefined {
  switch (type) {
    case "custom_event":
      return { type, criteria: { event_name: name, custom_event_type: customType ?? "" } };
    case "screen_view":
      return { type, criteria: { screen_name: name } };
    case "product_action":
    case "promotion_action":
      return { type, criteria: { action: name } };
    case "product_impression":
      return { type, criteria: {} };
    default:
      return undefined;
  }
}

/** The products' own attributes are worth planning; the rest of a payload is the API's. */
function payloadOf(type: string, data: Members): Members {
  if (type !== "product_action") return {};
  const action = isObject(data["product_action"]) ? data["product_action"] : {};
  if (!Array.isArray(action["products"])) return { product_action: {} };
  const products: readonly unknown[] = action["products"];
  // With those that have none, or what some have would count as what all have.
  const attributes = products.map((product) =>
    isObject(product) ? { custom_attributes: product["custom_attributes"] } : product,
  );
  return { product_action: { products: attributes } };
}

/** Without products of which there is nothing to say. */
function withoutEmptyPayload(definition: Definition): Definition {
  const { product_action: action, ...others } = definition.properties ?? {};
  const product = action?.properties?.["products"]?.items;
  if (action === undefined || Object.keys(product?.properties ?? {}).length > 0) return definition;
  return {
    ...definition,
    properties: others,
    required: (definition.required ?? []).filter((name) => name !== "product_action"),
  };
}

/** As plans name them. */
function identitiesOf(batch: Members): Members {
  const identities = isObject(batch["user_identities"]) ? batch["user_identities"] : {};
  return Object.fromEntries(Object.entries(identities).map(([name, value]) => [planNameOfIdentity(name), value]));
}

interface Definition {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: Definition;
}

/** What has been seen in one place. */
class Observed {
  readonly #maxEnumValues: number;
  readonly #types = new Set<string>();
  readonly #texts = new Map<string, number>();
  readonly #members = new Map<string, Observed>();
  #items: Observed | undefined;
  #sightings = 0;
  #objects = 0;
  #tooManyTexts = false;
  #tooManyMembers = false;

  constructor(maxEnumValues: number) {
    this.#maxEnumValues = maxEnumValues;
  }

  /** Null counts as absent, but for lists, where it is an entry. */
  add(value: unknown, inList = false): void {
    if (value === undefined || (value === null && !inList)) return;
    this.#sightings++;
    if (value === null) {
      this.#types.add("null");
      return;
    }
    if (Array.isArray(value)) {
      this.#types.add("array");
      this.#items ??= new Observed(this.#maxEnumValues);
      for (const item of value as readonly unknown[]) this.#items.add(item, true);
    } else if (isObject(value)) {
      this.#types.add("object");
      this.#objects++;
      for (const [name, member] of Object.entries(value)) this.#addMember(name, member, inList);
    } else if (typeof value === "string") {
      this.#types.add("string");
      if (!this.#tooManyTexts) this.#texts.set(value, (this.#texts.get(value) ?? 0) + 1);
      if (this.#texts.size > this.#maxEnumValues) {
        this.#tooManyTexts = true;
        this.#texts.clear();
      }
    } else this.#types.add(typeof value === "boolean" ? "boolean" : "number");
  }

  #addMember(name: string, value: unknown, inList: boolean): void {
    let member = this.#members.get(name);
    if (member === undefined) {
      if (this.#members.size >= MAX_MEMBERS) {
        this.#tooManyMembers = true;
        return;
      }
      member = new Observed(this.#maxEnumValues);
      this.#members.set(name, member);
    }
    member.add(value, inList);
  }

  /** @param closed - whether other members are to be refused, as far as all were seen. */
  definition(closed: boolean): Definition {
    const types = [...this.#types].sort();
    const [only] = types;
    return {
      ...(only !== undefined && { type: types.length === 1 ? only : types }),
      ...this.#enum(types),
      ...(this.#items !== undefined && { items: this.#items.definition(false) }),
      ...(this.#types.has("object") && this.#objectDefinition(closed)),
    };
  }

  #enum(types: readonly string[]): Definition {
    const few = types.length === 1 && this.#texts.size > 0 && !this.#tooManyTexts;
    return few && this.#sightings >= MIN_SIGHTINGS && this.#texts.size * 2 <= this.#sightings
      ? { enum: [...this.#texts.keys()].sort() }
      : {};
  }

  #objectDefinition(closed: boolean): Definition {
    const members = [...this.#members]
      .filter(([, member]) => member.#sightings > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      properties: Object.fromEntries(
        members.map(([name, member]) => [name, member.definition(name === "custom_attributes")]),
      ),
      required: members.flatMap(([name, member]) => (member.#sightings >= this.#objects ? [name] : [])),
      additionalProperties: !closed || this.#tooManyMembers,
    };
  }
}
