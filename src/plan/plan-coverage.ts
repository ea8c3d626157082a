import { isObject, type Members } from "../rules/objects.ts";
import { describeName, nameOfEvent } from "./event-key.ts";
import { readWholePlan, type PlanVersion, type ReadPoint } from "./read-plan.ts";
import type { Rule } from "./rule.ts";

/** How often a data point was met, and what of it never. */
interface CoveredPoint {
  /** Such as `custom_event:other:Place Order`. */
  readonly key: string;
  readonly count: number;
  /** Planned attributes that were never given. */
  readonly missingAttributes: readonly string[];
}

/** What batches have met of a plan. */
export interface PlanCoverage {
  readonly points: readonly CoveredPoint[];
  /** Events that are not in the plan, by what they are. */
  readonly unplanned: ReadonlyMap<string, number>;
}

/** Kinds of unplanned events that are told apart. */
const MAX_UNPLANNED = 1000;

/** Counts which data points of a plan batches meet, and which never. */
export class CoverageCounter {
  readonly #points: ReadonlyMap<string, { readonly point: ReadPoint; count: number; readonly missing: Set<string> }>;
  readonly #unplanned = new Map<string, number>();

  /** @throws TypeError - for a plan that is broken. */
  constructor(plan: PlanVersion | object) {
    this.#points = new Map(
      readWholePlan(plan).points.flatMap((point) =>
        point.key === undefined ? [] : [[point.key, { point, count: 0, missing: new Set(attributeNames(point)) }]],
      ),
    );
  }

  /** Takes a batch in; what is no batch counts for nothing. */
  add(batch: unknown): void {
    if (!isObject(batch)) return;
    const events = Array.isArray(batch["events"]) ? (batch["events"] as readonly unknown[]) : [];
    for (const event of events) if (isObject(event)) this.#addEvent(event);
    for (const key of ["user_attributes", "user_identities"]) {
      const members = batch[key];
      if (isObject(members) && Object.keys(members).length > 0) this.#meet(key, members);
    }
  }

  #addEvent(event: Members): void {
    const name = nameOfEvent(event);
    const data = isObject(event["data"]) ? event["data"] : {};
    const attributes = isObject(data["custom_attributes"]) ? data["custom_attributes"] : {};
    if (name.key !== undefined && this.#meet(name.key, attributes)) return;
    const what = describeName(name);
    if (this.#unplanned.has(what) || this.#unplanned.size < MAX_UNPLANNED)
      this.#unplanned.set(what, (this.#unplanned.get(what) ?? 0) + 1);
  }

  #meet(key: string, attributes: Members): boolean {
    const known = this.#points.get(key);
    if (known === undefined) return false;
    known.count++;
    for (const name of known.missing)
      if (Object.hasOwn(attributes, name) && attributes[name] != null) known.missing.delete(name);
    return true;
  }

  coverage(): PlanCoverage {
    const points = [...this.#points].sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      points: points.map(([key, { count, missing }]) => ({ key, count, missingAttributes: [...missing].sort() })),
      unplanned: this.#unplanned,
    };
  }
}

function attributeNames({ match, rule }: ReadPoint): readonly string[] {
  if (match.type === "user_identities") return []; // plans and batches name them differently
  const attributes = match.type === "user_attributes" ? rule : memberOf(memberOf(rule, "data"), "custom_attributes");
  return (attributes.properties ?? []).map(([name]) => name);
}

function memberOf(rule: Rule, name: string): Rule {
  return rule.properties?.find(([known]) => known === name)?.[1] ?? {};
}
