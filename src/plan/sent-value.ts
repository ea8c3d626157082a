import type { Members } from "../rules/objects.ts";

/** What JSON takes of an object: what its toJSON gives, or its own enumerable members. Of a plain object, the object. */
export function asSent(value: object): unknown {
  if (Array.isArray(value)) return value;
  if (typeof (value as Members)["toJSON"] === "function") return (value as { toJSON(): unknown }).toJSON();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return value;
  if (value instanceof String || value instanceof Number || value instanceof Boolean) return value.valueOf();
  return { ...value };
}

/** Whether JSON leaves a member out, or it is null, which counts as absent but for what is in a list. */
export function isAbsent(value: unknown, inList: boolean): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "bigint":
      return false;
    case "number":
      return !inList && !Number.isFinite(value); // JSON writes null for it
    case "object":
      return value === null && !inList;
    default:
      return true;
  }
}

/** Whether two values of JSON are the same; integers may be bigints. As deep as the first goes. */
export function sameValue(planned: unknown, value: unknown): boolean {
  if (planned === value) return true;
  if (typeof planned === "bigint" || typeof value === "bigint") {
    const numbers = [planned, value].every((one) => typeof one === "bigint" || typeof one === "number");
    return numbers && planned == value; // between a bigint and a number only `==` compares
  }
  if (typeof planned !== "object" || typeof value !== "object" || planned === null || value === null) return false;
  if (Array.isArray(planned) || Array.isArray(value)) {
    if (!Array.isArray(planned) || !Array.isArray(value) || planned.length !== value.length) return false;
    const others: readonly unknown[] = value;
    return planned.every((one, index) => sameValue(one, others[index]));
  }
  const keys = Object.keys(planned);
  return (
    keys.length === Object.keys(value).length &&
    keys.every((key) => Object.hasOwn(value, key) && sameValue((planned as Members)[key], (value as Members)[key]))
  );
}
