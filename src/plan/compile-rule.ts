import { withArticle } from "../rules/article.ts";
import { describe, quote } from "../rules/describe-value.ts";
import type { Members } from "../rules/objects.ts";
import { nearest } from "../rules/nearest-name.ts";
import { appendToken } from "../validate/pointer.ts";
import { compileListRules } from "./compile-list.ts";
import { compileNumberRules, compileTextRules, toBoolean, toNumber } from "./compile-scalar.ts";
import type { Problems } from "./problems.ts";
import { NUMBER_RULES, type JsonType, type Rule } from "./rule.ts";
import { asSent, isAbsent, sameValue } from "./sent-value.ts";

/** Holds a value against a rule; what differs is added to `problems`. */
export type Check = (value: unknown, problems: Problems) => void;

/** How a rule is read. */
export interface CheckMode {
  /** Whether a text is no number and no boolean, whatever it says. */
  readonly strictTypes: boolean;
}

/**
 * Makes the function that holds values against a rule.
 *
 * @param inList - whether the value is in a list: null stays there, and is absent everywhere else.
 */
export function compileRule(rule: Rule, mode: CheckMode, inList = false): Check {
  if (rule.never === true) {
    return (value, problems) => {
      problems.add({ kind: "invalid", message: `the plan allows no value here, got ${describe(value)}.` });
    };
  }
  const { types, allowed } = rule;
  const accepts = types === undefined ? undefined : typeTest(types);
  const convert = types === undefined || mode.strictTypes ? undefined : conversion(types);
  const isAllowed = allowed === undefined ? undefined : allowedTest(allowed);
  const checkText = compileTextRules(rule);
  const checkNumber = compileNumberRules(rule);
  const compileEach = (each: Rule, within: boolean): Check => compileRule(each, mode, within);
  const checkList = compileListRules(rule, (each) => compileEach(each, true));
  const checkObject = compileObjectRules(rule, (each) => compileEach(each, inList), inList);

  const check: Check = (given, problems) => {
    let value = typeof given === "object" && given !== null ? asSent(given) : given;
    if (accepts !== undefined && !accepts(value)) {
      const converted = typeof value === "string" ? convert?.(value) : undefined;
      if (converted === undefined) {
        problems.add({ kind: "invalid", message: `expected ${wordsFor(types)}, got ${describe(value)}.` });
        return;
      }
      value = converted;
    }
    if (isAllowed !== undefined && !isAllowed(value)) {
      problems.add(notAllowed(value, allowed ?? []));
      return;
    }
    switch (typeof value) {
      case "string":
        checkText?.(value, problems);
        break;
      case "number":
      case "bigint":
        checkNumber?.(value, problems);
        break;
      case "object":
        if (value === null) break;
        if (Array.isArray(value)) checkList?.(value, problems);
        else checkObject?.(value as Members, problems); // neither null nor a list
    }
  };
  return quickly(rule, check, checkText);
}

/** The same check with what nearly every value is asked first: whether it is of the one type that is planned. */
function quickly(
  { types = [], allowed, ...rule }: Rule,
  check: Check,
  checkText: ((text: string, problems: Problems) => void) | undefined,
): Check {
  if (types.length !== 1) return check;
  const [type] = types;
  if (type === "string") {
    if (allowed !== undefined) {
      const texts = new Set(allowed);
      if (checkText !== undefined) return check;
      return (value, problems) => {
        if (typeof value !== "string" || !texts.has(value)) check(value, problems);
      };
    }
    return (value, problems) => {
      if (typeof value !== "string") check(value, problems);
      else checkText?.(value, problems);
    };
  }
  if (type === "boolean" && allowed === undefined) {
    return (value, problems) => {
      if (typeof value !== "boolean") check(value, problems);
    };
  }
  const isBare = allowed === undefined && !NUMBER_RULES.some((keyword) => rule[keyword] !== undefined);
  if (type === "number" && isBare) {
    return (value, problems) => {
      if (typeof value !== "number") check(value, problems);
    };
  }
  return check;
}

function typeTest(types: readonly JsonType[]): (value: unknown) => boolean {
  const [only] = types;
  if (types.length === 1 && only !== undefined) return TYPE_TESTS[only];
  const tests = types.map((type) => TYPE_TESTS[type]);
  return (value) => tests.some((test) => test(value));
}

const TYPE_TESTS: Readonly<Record<JsonType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number" || typeof value === "bigint",
  integer: (value) => typeof value === "bigint" || Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  array: Array.isArray,
  null: (value) => value === null,
};

/** What a text counts as where none is planned: the service takes `"42"` for a number and `"true"` for a boolean. */
function conversion(types: readonly JsonType[]): ((text: string) => unknown) | undefined {
  if (types.includes("string")) return undefined;
  const isInteger = !types.includes("number") && types.includes("integer");
  const takesNumber = types.includes("number") || isInteger;
  const takesBoolean = types.includes("boolean");
  if (!takesNumber && !takesBoolean) return undefined;
  return (text) => {
    const number = takesNumber ? toNumber(text) : undefined;
    if (number !== undefined && !(isInteger && !TYPE_TESTS.integer(number))) return number;
    return takesBoolean ? toBoolean(text) : undefined;
  };
}

function wordsFor(types: readonly JsonType[] = []): string {
  const words = types.map((type) => (type === "null" ? type : withArticle(type)));
  return words.join(" or ");
}

function allowedTest(allowed: readonly unknown[]): (value: unknown) => boolean {
  const plain = new Set(allowed.filter((value) => typeof value !== "object" || value === null));
  const others = allowed.filter((value) => !plain.has(value));
  return (value) =>
    plain.has(value) ||
    (typeof value === "bigint" && allowed.some((one) => sameValue(one, value))) ||
    (others.length > 0 && typeof value === "object" && others.some((one) => sameValue(one, value)));
}

function notAllowed(value: unknown, allowed: readonly unknown[]) {
  const shown = allowed.slice(0, 8).map((one) => (typeof one === "string" ? quote(one) : describe(one)));
  const more = allowed.length > shown.length ? `, … (${String(allowed.length)})` : "";
  const expected =
    allowed.length === 1
      ? `the only planned value, ${shown.join("")}`
      : `one of the planned values ${shown.join(", ")}${more}`;
  return {
    kind: "invalid",
    message: `expected ${expected}, got ${describe(value)}.`,
    hint: () =>
      typeof value === "string"
        ? didYouMean(
            value,
            allowed.filter((one) => typeof one === "string"),
          )
        : undefined,
  } as const;
}

/** Which of the names was most likely meant, as a question. */
function didYouMean(name: string, planned: Iterable<string>): string | undefined {
  const meant = nearest(name, planned);
  return meant === undefined ? undefined : `Did you mean ${JSON.stringify(meant)}?`;
}

function compileObjectRules(
  rule: Rule,
  compile: (rule: Rule) => Check,
  inList: boolean,
): ((object: Members, problems: Problems) => void) | undefined {
  const { required = [], properties = [], rest, minProperties = 0, maxProperties = Infinity } = rule;
  const isRequired = new Set(required);
  const members = properties.map(([name, property]): PlannedMember => ({
    name,
    check: compile(property),
    isRequired: isRequired.delete(name),
    // Every object has these by its prototype; there they do not count.
    isInherited: name in Object.prototype,
  }));
  const names = members.map(({ name }) => name);
  for (const name of isRequired)
    members.push({ name, check: undefined, isRequired: true, isInherited: name in Object.prototype });
  const requiredCount = required.length;
  const checkRest = rest === undefined || rest === false ? undefined : compile(rest);
  const readsAll = rest !== undefined || minProperties > 0 || maxProperties < Infinity;
  if (members.length === 0 && !readsAll) return undefined;
  const known = new Map(members.map((member) => [member.name, member]));

  const reportMissing = (object: Members, problems: Problems): void => {
    for (const member of members) {
      if (member.isRequired && isAbsent(read(object, member), inList)) {
        problems.add(missing(member.name), appendToken("", member.name));
      }
    }
  };
  if (!readsAll) {
    return (object, problems) => {
      let found = 0;
      for (const member of members) {
        const value = read(object, member);
        if (isAbsent(value, inList)) continue;
        if (member.isRequired) found++;
        if (member.check === undefined) continue;
        const start = problems.count;
        member.check(value, problems);
        if (problems.count > start) problems.locate(start, member.name);
      }
      if (found < requiredCount) reportMissing(object, problems);
    };
  }
  return (object, problems) => {
    let count = 0;
    let found = 0;
    for (const name in object) {
      if (problems.isFull) return;
      const value = object[name];
      if (isAbsent(value, inList)) continue;
      count++;
      const start = problems.count;
      const member = known.get(name);
      if (member?.isRequired === true) found++;
      const check = member?.check ?? checkRest;
      if (check !== undefined) check(value, problems);
      else if (rest === false) problems.add(unplanned(name, names));
      if (problems.count > start) problems.locate(start, name);
    }
    if (found < requiredCount) reportMissing(object, problems);
    if (count < minProperties || count > maxProperties) {
      const expected = count < minProperties ? `at least ${String(minProperties)}` : `at most ${String(maxProperties)}`;
      problems.add({ kind: "invalid", message: `expected ${expected} members, got ${String(count)}.` });
    }
  };
}

/** A member of an object that the plan knows, or only requires. */
interface PlannedMember {
  readonly name: string;
  readonly check: Check | undefined;
  readonly isRequired: boolean;
  readonly isInherited: boolean;
}

function read(object: Members, { name, isInherited }: PlannedMember): unknown {
  return isInherited && !Object.hasOwn(object, name) ? undefined : object[name];
}

/** A name that the plan requires, and the value lacks. */
export function missing(name: string) {
  return { kind: "missing", message: `${quote(name)} is required by the plan and is missing.` } as const;
}

/** A name that the plan does not have, where it has all that may be there. */
export function unplanned(name: string, planned: readonly string[], what = "attribute") {
  return {
    kind: "unplanned",
    message: `${quote(name)} is no ${what} of the plan.`,
    hint: () => didYouMean(name, planned),
  } as const;
}
