import { describe, quote } from "../../rules/describe-value.ts";
import { describeUnsafe, isUnsafe } from "../../rules/exact-integers.ts";
import { isObject } from "../../rules/objects.ts";
import { entryCount } from "../entry-count.ts";
import { describeUnsent, isSentWhole, unsentNames } from "../unsent-members.ts";
import { entriesOf, EVERY_INSTANCE, EVERY_UNSAFE_NUMBER, EVERY_UNSENT_MEMBER, lint, type Verdict } from "./lint.ts";

const FLAGS = entriesOf("CommonEventData", "custom_flags");

export const lostInJson = lint({
  code: "lost-in-json",
  severity: "error",
  means:
    "A Map or Set, which becomes `{}`; NaN, which becomes null; a function, which goes; a member that is inherited or not enumerable, which goes too",
  advice: "Pass plain objects, arrays, texts, numbers and booleans",
  at: [EVERY_INSTANCE, EVERY_UNSENT_MEMBER, FLAGS],
  check: (value, name, { profile }, of): Verdict => {
    if (of === "instance") return lossOfInstance(value);
    if (of === "unsent") return describeUnsent(value as object, String(name)); // the object that has it
    // The canonical profile lets no flag pass that JSON could lose.
    const trouble = profile === "wire" ? findTrouble(value, []) : undefined;
    if (typeof trouble !== "object") return undefined;
    return {
      message: `JSON cannot hold ${trouble.lost}.`,
      hint: "Pass text, numbers, booleans, arrays and plain objects.",
    };
  },
});

function lossOfInstance(value: unknown): Verdict {
  if (value instanceof Map) return { message: "JSON makes {} of a Map.", hint: "Pass Object.fromEntries(map)." };
  if (value instanceof Set) return { message: "JSON makes {} of a Set.", hint: "Pass an array, where one is taken." };
  return undefined;
}

export const toJsonPresent = lint({
  code: "to-json-present",
  means: "An object with a `toJSON`, which decides what is sent; nobody has checked that",
  advice: "Pass what it returns",
  at: [EVERY_INSTANCE],
  check: (value) =>
    isObject(value) && typeof value["toJSON"] === "function"
      ? { message: "its toJSON decides what is sent, which nobody has checked.", hint: "Pass a plain object." }
      : undefined,
});

export const notSerializable = lint({
  code: "not-serializable",
  severity: "error",
  profiles: "wire",
  means: "A custom flag that refers to itself or is nested too deeply for JSON",
  advice: "Pass plain data; such a batch cannot be sent",
  at: [FLAGS],
  check: (value) =>
    findTrouble(value, []) === "cycle"
      ? { message: "the value refers to itself or is nested too deeply for JSON." }
      : undefined,
});

export const unsafeInteger = lint({
  code: "unsafe-integer",
  means: "A number beyond 2^53, where no double is exact. Not where amounts go, such as `total_amount`",
  advice: "Pass ids as text",
  at: [EVERY_UNSAFE_NUMBER, FLAGS],
  check: (value, _, { profile }, of) => {
    // On the wire flags hold any JSON value; nothing else looks at the numbers deep within them.
    const unsafe = of === "number" ? value : profile === "wire" ? findTrouble(value, []) : undefined;
    // JSON has no infinity, and that has been said.
    if (typeof unsafe !== "number" || !Number.isFinite(unsafe)) return undefined;
    return { message: describeUnsafe(unsafe), hint: "Pass an id as a string of digits." };
  },
});

/** What is wrong with a value: it has no end, it holds what JSON cannot (in words), or a number that is rounded. */
type Trouble = "cycle" | { readonly lost: string } | number;

/** Deeper than anything that is meant. */
const MAX_FLAG_DEPTH = 100;

/** What JSON makes something else of, in a value and in whatever it holds. Looks at each object once. */
function findTrouble(value: unknown, holders: readonly object[], seen = new Set<object>()): Trouble | undefined {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) return { lost: `the number ${String(value)}` };
      return isUnsafe(value) && !isLookedAt(holders) ? value : undefined;
    case "function":
    case "symbol":
      return { lost: `a ${typeof value}` };
    case "object":
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (holders.includes(value) || holders.length > MAX_FLAG_DEPTH) return "cycle";
  if (seen.has(value)) return undefined;
  seen.add(value);
  const inside = [...holders, value];
  let rounded: number | undefined;
  for (const member of membersWithin(value)) {
    const trouble = findTrouble(member, inside, seen);
    if (typeof trouble === "number") rounded ??= trouble;
    else if (trouble !== undefined) return trouble;
  }
  return lossOf(value) ?? rounded;
}

/** Numbers that are a flag, or an entry of one, have findings of their own. */
function isLookedAt([flag, ...further]: readonly object[]): boolean {
  return flag === undefined || (Array.isArray(flag) && further.length === 0);
}

function* membersWithin(value: object): Generator {
  if (Array.isArray(value)) for (let index = 0, count = entryCount(value); index < count; index++) yield value[index];
  else if (isObject(value)) for (const key in value) if (Object.hasOwn(value, key)) yield value[key];
}

/** What an object loses of itself. */
function lossOf(object: object): { readonly lost: string } | undefined {
  if (object instanceof Map || object instanceof Set) return { lost: describe(object) };
  if (!isObject(object) || isSentWhole(object)) return undefined;
  const [name] = unsentNames(object);
  return name === undefined ? undefined : { lost: `${quote(name)}, which is inherited or not enumerable` };
}
