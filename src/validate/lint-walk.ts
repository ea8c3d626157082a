import { LIMITS } from "../../generated/contract.ts";
import { jsonMembers } from "../../generated/validators/checks.js";
import type { FindingSeverity } from "../errors.ts";
import { isUnsafe } from "../rules/exact-integers.ts";
import { isObject, type Members } from "../rules/objects.ts";
import type { Statement } from "../rules/statement.ts";
import type { LintCode } from "./codes.ts";
import { eventDataShape, isBareBreadcrumb, knownShape, type KnownShape } from "./known-shapes.ts";
import { appendToken } from "./pointer.ts";
import type { Report } from "./report.ts";
import { describeUnsent, isPlain, unsentNames } from "./unsent-members.ts";
import { describeUnknownKey, type Profile } from "./unknown-keys.ts";

/** An entry of a list takes two bytes or more: no request has room for a longer list, however long it claims to be. */
const MAX_ENTRIES = LIMITS.requestMaxBytes / 2;

/** How many entries of a list are worth a look: an array may have holes for most of its length. */
export function entriesOf(list: readonly unknown[]): number {
  return Math.min(list.length, MAX_ENTRIES);
}

/** What lints have to know apart from the batch. */
export interface LintContext {
  readonly profile: Profile;
  readonly historical: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readonly report: Report;
}

/** Looks at the value of one key; the walk knows where it is. */
export type FieldLint = (value: unknown, key: string, walk: LintWalk) => void;

/** Looks at an object as a whole, after its members. */
export type ObjectLint = (object: Members, walk: LintWalk) => void;

/** The lints there are, by where they look. */
export interface LintRules {
  /** What to look at in a key of a named object. */
  readonly fieldLint: (shape: string, key: string) => FieldLint | undefined;
  readonly objectLint: (shape: string) => ObjectLint | undefined;
  /** Looks at each event of the batch, but not at the breadcrumbs within one. `data` is what it carries, if that is an object. */
  readonly eventLint: (data: Members | undefined, walk: LintWalk) => void;
  /** Looks at an instance of some class, where the walk is. */
  readonly instanceLint: (object: object, walk: LintWalk) => void;
  /** Looks at a number that no double holds exactly. */
  readonly unsafeNumberLint: (value: number, key: string, walk: LintWalk) => void;
}

type Descend = (value: unknown, walk: LintWalk) => void;

/** What to do with one member of an object. */
interface Member {
  readonly lint: FieldLint | undefined;
  readonly descend: Descend | undefined;
}

/** What to do with an object of one shape. */
interface Plan {
  readonly shape: KnownShape;
  /** Only members with something to do. */
  readonly members: ReadonlyMap<string, Member>;
  readonly rest: Member | undefined;
  readonly lint: ObjectLint | undefined;
}

/** Plans for all shapes, made from the rules once and when first needed. */
export class LintPlans {
  readonly rules: LintRules;
  readonly #plans = new Map<string, Plan>();
  /** By `event_type`. */
  readonly #dataPlans = new Map<unknown, Plan | undefined>();

  constructor(rules: LintRules) {
    this.rules = rules;
  }

  for(name: string): Plan {
    let plan = this.#plans.get(name);
    if (plan === undefined) {
      plan = this.#make(knownShape(name));
      this.#plans.set(name, plan);
    }
    return plan;
  }

  /** The plan for the data of an event; undefined when there is no such event type. */
  forEventData(eventType: unknown): Plan | undefined {
    const known = this.#dataPlans.get(eventType);
    if (known !== undefined) return known;
    const shape = eventDataShape(eventType);
    if (shape === undefined) return undefined;
    const plan = this.for(shape);
    this.#dataPlans.set(eventType, plan);
    return plan;
  }

  #make(shape: KnownShape): Plan {
    const members = new Map<string, Member>();
    for (const key of [...shape.keys, ...shape.wireOnly.keys()]) {
      const lint = this.rules.fieldLint(shape.name, key);
      const nested = shape.nested.get(key);
      const descend = nested === undefined ? undefined : this.#descent(nested.of, nested.each, key);
      if (lint !== undefined || descend !== undefined) members.set(key, { lint, descend });
    }
    return {
      shape,
      members,
      rest:
        shape.rest === undefined
          ? undefined
          : { lint: this.rules.fieldLint(shape.name, "*"), descend: this.#descent(shape.rest, undefined, "") },
      lint: this.rules.objectLint(shape.name),
    };
  }

  #descent(of: string, each: "items" | "values" | undefined, key: string): Descend {
    if (of === "Event") return key === "breadcrumbs" ? visitBreadcrumbs : visitEvents;
    const plan = this.for(of);
    if (each === "items")
      return (value, walk) => {
        walk.items(value, plan);
      };
    if (each === "values")
      return (value, walk) => {
        walk.values(value, plan);
      };
    return (value, walk) => {
      if (isObject(value)) walk.object(value, plan);
    };
  }
}

/** Of what nobody lints, only what JSON leaves out is of interest. */
const ignore = (): void => undefined;

const visitEvents: Descend = (value, walk) => {
  walk.events(value);
};
const visitBreadcrumbs: Descend = (value, walk) => {
  walk.breadcrumbs(value);
};

/**
 * One walk over a batch, along the shapes of the contract: it goes only where a named object can be, so that its time is
 * bounded by the batch's own size, however deep that is. It builds no path until there is something to report.
 */
export class LintWalk {
  readonly context: LintContext;
  readonly #plans: LintPlans;
  readonly #onWire: boolean;
  readonly #path: (string | number)[] = [];

  constructor(plans: LintPlans, context: LintContext) {
    this.#plans = plans;
    this.context = context;
    this.#onWire = context.profile === "wire";
  }

  batch(batch: unknown): void {
    if (isObject(batch)) this.object(batch, this.#plans.for("Batch"));
  }

  object(object: Members, plan: Plan): void {
    const { shape } = plan;
    const members = this.#sentOf(object);
    let count = 0;
    for (const key in members) {
      count++;
      const value = members[key];
      if (value === undefined) continue;
      if (typeof value === "number" && isUnsafe(value) && !shape.amounts.has(key)) {
        this.#plans.rules.unsafeNumberLint(value, key, this);
      }
      const member = plan.members.get(key);
      if (member !== undefined) this.#member(member, value, key);
      // The canonical profile refuses unknown keys, and the validator has named them.
      else if (this.#onWire && !shape.keys.has(key) && !shape.wireOnly.has(key)) {
        if (plan.rest === undefined) this.#unknownKey(key, shape);
        else this.#member(plan.rest, value, key);
      } else if (typeof value === "object" && isObject(value)) this.each(key, value, ignore);
    }
    this.#tellUnsent(object, members, count, shape);
    if (plan.lint !== undefined) plan.lint(members, this);
  }

  items(list: unknown, plan: Plan): void {
    if (!Array.isArray(list)) return;
    for (let index = 0, count = entriesOf(list); index < count && !this.#isDone(); index++) {
      const item: unknown = list[index];
      if (!isObject(item)) continue;
      this.#path.push(index);
      this.object(item, plan);
      this.#path.pop();
    }
  }

  values(map: unknown, plan: Plan): void {
    if (!isObject(map)) return;
    this.#visit(map, (value, key) => {
      if (!isObject(value)) return;
      this.#path.push(key);
      this.object(value, plan);
      this.#path.pop();
    });
  }

  events(list: unknown): void {
    if (!Array.isArray(list)) return;
    const { rules } = this.#plans;
    for (let index = 0, count = entriesOf(list); index < count && !this.#isDone(); index++) {
      const item: unknown = list[index];
      if (!isObject(item)) continue;
      const event = jsonMembers(item);
      const plan = this.#plans.forEventData(event["event_type"]);
      if (plan === undefined) continue; // the validator has said so, and what the data should be is anybody's guess
      const data = event["data"];
      if (data === undefined) continue; // likewise
      this.#path.push(index);
      if (this.#onWire) this.#wrapper(event);
      if (isObject(data)) {
        this.#path.push("data");
        this.object(data, plan);
        rules.eventLint(data, this);
        this.#path.pop();
      } else {
        // Null is what a serialiser makes of data without members.
        if (data === null && plan.lint !== undefined) {
          this.#path.push("data");
          plan.lint({}, this);
          this.#path.pop();
        }
        rules.eventLint(undefined, this);
      }
      this.#path.pop();
    }
  }

  /** Breadcrumbs are events of one type, or bare data of that type, and hold no further ones. */
  breadcrumbs(list: unknown): void {
    if (!Array.isArray(list)) return;
    const plan = this.#plans.for("BreadcrumbEventData");
    for (let index = 0, count = entriesOf(list); index < count && !this.#isDone(); index++) {
      const breadcrumb: unknown = list[index];
      if (!isObject(breadcrumb)) continue;
      this.#path.push(index);
      const { data } = jsonMembers(breadcrumb);
      if (isBareBreadcrumb(breadcrumb)) this.object(breadcrumb, plan);
      else if (isObject(data))
        this.within("data", () => {
          this.object(data, plan);
        });
      this.#path.pop();
    }
  }

  /** Goes one level in for as long as `visit` takes. */
  within(key: string | number, visit: () => void): void {
    this.#path.push(key);
    visit();
    this.#path.pop();
  }

  /** Visits each member that JSON takes from an object without a shape, one level in. */
  each(key: string, map: Members, visit: (value: unknown, key: string) => void): void {
    this.#path.push(key);
    this.#visit(map, visit);
    this.#path.pop();
  }

  #visit(map: Members, visit: (value: unknown, key: string) => void): void {
    const members = this.#sentOf(map);
    let count = 0;
    for (const key in members) {
      count++;
      const value = members[key];
      if (value !== undefined) visit(value, key);
    }
    this.#tellUnsent(map, members, count);
  }

  /** What JSON takes from an object; a class of its own may be serialised otherwise than by its members. */
  #sentOf(object: Members): Members {
    if (isPlain(object)) return object;
    this.#plans.rules.instanceLint(object, this);
    return jsonMembers(object);
  }

  /**
   * Reports what an object has and JSON leaves out.
   *
   * @param members - what JSON takes, of which `count` were met. A plain object with more names hides some.
   */
  #tellUnsent(object: Members, members: Members, count: number, shape?: KnownShape): void {
    if (members === object && Object.getOwnPropertyNames(object).length === count) return;
    const keys = shape && [...shape.keys, ...(this.#onWire ? shape.wireOnly.keys() : [])];
    for (const name of unsentNames(object, keys)) {
      if (this.#isDone()) return;
      this.#add("error", describeUnsent(object, name), name);
    }
  }

  /** Errors come first: as many as were asked for leave no room for anything else. */
  #isDone(): boolean {
    return this.context.report.full("error");
  }

  /** Reports something about a key of the object the walk is in, or without a key about the object itself. */
  warn(code: LintCode, key: string | number | undefined, message: string, hint?: string): void {
    this.#add("warning", { code, message, hint }, key);
  }

  /** As {@link warn}, for what loses the batch or sends it to the wrong place. */
  refuse(code: LintCode, key: string | number | undefined, message: string, hint?: string): void {
    this.#add("error", { code, message, hint }, key);
  }

  /** As {@link warn}, for what the object lacks: not when a misspelt key in it explains that. */
  warnOfAbsence(code: LintCode, key: string | undefined, message: string, hint?: string): void {
    if (!this.context.report.explainsAbsence(this.#here(), "warning")) this.warn(code, key, message, hint);
  }

  /** As {@link refuse}, for what the object lacks: not when a misspelt key in it explains that. */
  refuseForAbsence(code: LintCode, key: string, message: string, hint?: string): void {
    if (!this.context.report.explainsAbsence(this.#here(), "error")) this.refuse(code, key, message, hint);
  }

  #member(member: Member, value: unknown, key: string): void {
    if (member.lint !== undefined) member.lint(value, key, this);
    if (member.descend !== undefined) {
      this.#path.push(key);
      member.descend(value, this);
      this.#path.pop();
    }
  }

  #wrapper(event: Members): void {
    for (const key in event) {
      if (key !== "event_type" && key !== "data" && event[key] !== undefined)
        this.#unknownKey(key, knownShape("Event"));
    }
  }

  #unknownKey(key: string, shape: KnownShape): void {
    const { profile, report } = this.context;
    const here = this.#here();
    report.noteMisspelt(here, "warning");
    if (report.full("warning") || report.isSilenced("unknown-key")) return;
    report.add(appendToken(here, key), "warning", describeUnknownKey(key, shape, profile));
  }

  #add(severity: FindingSeverity, statement: Statement<LintCode>, key: string | number | undefined): void {
    const { report } = this.context;
    if (report.full(severity) || report.isSilenced(statement.code)) return;
    const here = this.#here();
    report.add(key === undefined ? here : appendToken(here, key), severity, statement);
  }

  #here(): string {
    return this.#path.reduce<string>((path, token) => appendToken(path, token), "");
  }
}
