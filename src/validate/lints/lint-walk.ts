import { jsonMembers } from "../../../generated/validators/checks.js";
import { isUnsafe } from "../../rules/exact-integers.ts";
import { isObject, type Members } from "../../rules/objects.ts";
import { entryCount } from "../entry-count.ts";
import { isBareBreadcrumb, knownShape, type KnownShape } from "../known-shapes.ts";
import { appendToken } from "../pointer.ts";
import { isPlain, unsentNames } from "../unsent-members.ts";
import type { Found, Lint, LintContext, Token, Verdict } from "./lint.ts";
import type { Descent, LintPlans, Member, Placed, Plan } from "./lint-plans.ts";
import { isSoundText } from "./text.ts";

/**
 * One walk over a batch, along the shapes of the contract: it goes only where a named object can be, so that its time is
 * bounded by the batch's own size, however deep that is. It builds no path until there is something to report.
 */
export class LintWalk {
  readonly #context: LintContext;
  readonly #plans: LintPlans;
  readonly #onWire: boolean;
  readonly #path: Token[] = [];

  constructor(plans: LintPlans, context: LintContext) {
    this.#plans = plans;
    this.#context = context;
    this.#onWire = context.profile === "wire";
  }

  batch(batch: unknown): void {
    if (isObject(batch)) this.#object(batch, this.#plans.for("Batch"));
  }

  #object(object: Members, plan: Plan): void {
    const { shape, members: known } = plan;
    const members = this.#membersOf(object);
    let count = 0;
    for (const key in members) {
      count++;
      const value = members[key];
      if (value === undefined) continue;
      if (typeof value === "string") {
        if (!isSoundText(value)) this.#ask(this.#plans.ofTexts, value, key);
      } else if (typeof value === "number" && isUnsafe(value) && !shape.amounts.has(key)) {
        this.#ask(this.#plans.ofNumbers, value, key);
      }
      const member = known.get(key);
      if (member !== undefined) this.#member(member, value, key);
      // The canonical profile refuses unknown keys, and the validator has named them.
      else if (this.#onWire && !shape.keys.has(key) && !shape.wireOnly.has(key)) {
        if (plan.rest === undefined) this.#unknownKey(value, key, shape);
        else this.#member(plan.rest, value, key);
      } else if (typeof value === "object" && value !== null) this.#unnamed(value, key);
    }
    this.#tellUnsent(object, members, count, shape);
    this.#ask(plan.lints, members, undefined);
  }

  #member(member: Member, value: unknown, key: string): void {
    this.#ask(member.lints, value, key);
    if (typeof value !== "object" || value === null) return;
    if (member.descent !== undefined) this.#descend(member.descent, value, key);
    else this.#unnamed(value, key, member);
  }

  #descend(descent: Descent, value: object, key: string): void {
    this.#path.push(key);
    switch (descent.kind) {
      case "events":
        this.#events(value);
        break;
      case "breadcrumbs":
        this.#breadcrumbs(value);
        break;
      case "object":
        if (isObject(value)) this.#object(value, descent.plan);
        break;
      case "items":
        this.#items(value, descent.plan);
        break;
      case "values":
        this.#values(value, descent.plan);
    }
    this.#path.pop();
  }

  #items(list: unknown, plan: Plan): void {
    if (!Array.isArray(list)) return;
    for (let index = 0, count = entryCount(list); index < count && !this.#isDone(); index++) {
      const item: unknown = list[index];
      if (isObject(item)) this.#within(index, item, plan);
    }
  }

  #values(map: unknown, plan: Plan): void {
    if (!isObject(map)) return;
    this.#visit(map, (value, key) => {
      if (isObject(value)) this.#within(key, value, plan);
    });
  }

  #within(token: Token, object: Members, plan: Plan): void {
    this.#path.push(token);
    this.#object(object, plan);
    this.#path.pop();
  }

  #events(list: unknown): void {
    if (!Array.isArray(list)) return;
    for (let index = 0, count = entryCount(list); index < count && !this.#isDone(); index++) {
      const item: unknown = list[index];
      if (!isObject(item)) continue;
      const event = jsonMembers(item);
      const plan = this.#plans.forEventData(event["event_type"]);
      if (plan === undefined) continue; // the validator has said so, and what the data should be is anybody's guess
      const data = event["data"];
      if (data === undefined) continue; // likewise
      this.#path.push(index);
      this.#event(event, data, plan);
      this.#path.pop();
    }
  }

  #event(event: Members, data: unknown, plan: Plan): void {
    if (this.#onWire) this.#wrapper(event);
    if (!isObject(data)) {
      // Null is what a serialiser makes of data without members. The canonical profile has refused it.
      if (data === null && this.#onWire) {
        this.#path.push("data");
        this.#ask(plan.lints, {}, undefined);
        this.#path.pop();
      }
      this.#ask(this.#plans.ofEvents, undefined, undefined);
      return;
    }
    this.#path.push("data");
    this.#object(data, plan);
    this.#ask(this.#plans.ofEvents, data, undefined);
    this.#path.pop();
  }

  /** Breadcrumbs are events of one type, or bare data of that type, and hold no further ones. */
  #breadcrumbs(list: unknown): void {
    if (!Array.isArray(list)) return;
    const plan = this.#plans.for("BreadcrumbEventData");
    for (let index = 0, count = entryCount(list); index < count && !this.#isDone(); index++) {
      const breadcrumb: unknown = list[index];
      if (!isObject(breadcrumb)) continue;
      this.#path.push(index);
      const { data } = jsonMembers(breadcrumb);
      if (isBareBreadcrumb(breadcrumb)) this.#object(breadcrumb, plan);
      else if (isObject(data)) this.#within("data", data, plan);
      this.#path.pop();
    }
  }

  /** An object or list that the contract has no name for: what it holds may still be lost, rounded or broken. */
  #unnamed(value: object, key: string, member?: Member): void {
    this.#path.push(key);
    if (isObject(value)) {
      const members = this.#membersOf(value);
      let count = 0;
      for (const name in members) {
        count++;
        if (!isSoundText(name)) this.#ask(this.#plans.ofTexts, name, name);
        const entry = members[name];
        if (entry !== undefined) this.#entry(entry, name, member);
      }
      this.#tellUnsent(value, members, count);
    } else if (Array.isArray(value)) {
      for (let index = 0, count = entryCount(value); index < count; index++) this.#entry(value[index], index, member);
    }
    this.#path.pop();
  }

  #entry(entry: unknown, token: Token, member: Member | undefined): void {
    this.#scalar(entry, token);
    if (member !== undefined) this.#ask(member.entries, entry, token);
    if (typeof entry !== "object" || entry === null) return;
    this.#path.push(token);
    if (Array.isArray(entry)) {
      for (let index = 0, count = entryCount(entry); index < count; index++) this.#scalar(entry[index], index);
    } else if (member?.holdsMaps === true && isObject(entry)) {
      this.#visit(entry, (inner, name) => {
        this.#scalar(inner, name);
      });
    }
    this.#path.pop();
  }

  /** Asked of every entry: nearly all are sound, and this is all that it costs them. */
  #scalar(value: unknown, token: Token): void {
    if (typeof value === "string") {
      if (!isSoundText(value)) this.#ask(this.#plans.ofTexts, value, token);
    } else if (typeof value === "number" && isUnsafe(value)) this.#ask(this.#plans.ofNumbers, value, token);
  }

  /** Visits each member that JSON takes from an object without a shape. */
  #visit(map: Members, visit: (value: unknown, key: string) => void): void {
    const members = this.#membersOf(map);
    let count = 0;
    for (const key in members) {
      count++;
      const value = members[key];
      if (value !== undefined) visit(value, key);
    }
    this.#tellUnsent(map, members, count);
  }

  /** What JSON takes from an object; a class of its own may be serialised otherwise than by its members. */
  #membersOf(object: Members): Members {
    if (isPlain(object)) return object;
    this.#ask(this.#plans.ofInstances, object, undefined);
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
      this.#ask(this.#plans.ofUnsent, object, name);
    }
  }

  #wrapper(event: Members): void {
    for (const key in event) {
      if (key !== "event_type" && key !== "data" && event[key] !== undefined)
        this.#unknownKey(event[key], key, knownShape("Event"));
    }
  }

  #unknownKey(value: unknown, key: string, shape: KnownShape): void {
    this.#context.report.noteMisspelt(this.#here(), "warning");
    for (const { lint, check } of this.#plans.ofUnknown) {
      if (this.#isWanted(lint)) this.#tell(lint, check(value, key, this.#context, shape.name), key);
    }
  }

  /** Errors come first: as many as were asked for leave no room for anything else. */
  #isDone(): boolean {
    return this.#context.report.full("error");
  }

  /** @param token - the key or index of the value, where the walk is; undefined when the walk is at the value itself. */
  #ask(lints: readonly Placed[], value: unknown, token: Token | undefined): void {
    // By index: an iterator is a tenth of what a batch without mistakes takes.
    for (let index = 0, count = lints.length; index < count; index++) {
      const placed = lints[index];
      if (placed === undefined) return;
      const { lint, check, of } = placed;
      const verdict = check(value, token ?? "", this.#context, of);
      if (verdict !== undefined) this.#tell(lint, verdict, token);
    }
  }

  #isWanted({ code, severity }: Lint): boolean {
    return !this.#context.report.full(severity) && !this.#context.report.isSilenced(code);
  }

  #tell(lint: Lint, verdict: Verdict, token: Token | undefined): void {
    if (verdict === undefined || !this.#isWanted(lint)) return;
    const here = this.#here();
    const found: readonly Found[] = isList(verdict) ? verdict : [verdict];
    for (const { message, hint, at = [], isAbsence } of found) {
      const { code, severity } = lint;
      if (isAbsence === true && this.#context.report.explainsAbsence(here, severity)) continue;
      const below = typeof at === "object" ? at : [at];
      const path = [...(token === undefined ? [] : [token]), ...below].reduce<string>(appendToken, here);
      this.#context.report.add(path, severity, { code, message, hint });
    }
  }

  #here(): string {
    return this.#path.reduce<string>(appendToken, "");
  }
}

function isList(verdict: Found | readonly Found[]): verdict is readonly Found[] {
  return Array.isArray(verdict);
}
