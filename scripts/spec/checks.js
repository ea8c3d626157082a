/** More would help nobody, and telling where each one is takes time for every level above it. */
const MAX_ERRORS = 1000;

/** Whether no further error would be kept: then nothing is worth looking for either. */
export function isFull(out) {
  return out.length >= MAX_ERRORS;
}

/** What went wrong is pushed to `out`; where it went wrong is added on the way back up, so a valid payload costs no paths. */
export function fail(out, keyword, params, message) {
  if (out.length < MAX_ERRORS) out.push({ instancePath: "", keyword, params, message });
}

/** Prefixes what was found since `start` with the key or index it was found under, and returns the new length. */
export function locate(out, start, key) {
  const step = `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  for (let index = start; index < out.length; index++) out[index].instancePath = step + out[index].instancePath;
  return out.length;
}

/** Turns what was found about a key's name into findings about the object that has the key. */
export function locateName(out, start, propertyName) {
  for (let index = start; index < out.length; index++) {
    const { keyword, params, message } = out[index];
    out[index] = {
      instancePath: "",
      keyword: "propertyNames",
      params: { propertyName, failed: keyword, ...params },
      message: `property name ${message}`,
    };
  }
  return out.length;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether JSON writes an object as `{}`. */
export function isEmpty(object) {
  const members = jsonMembers(object);
  for (const key in members) if (members[key] !== undefined) return false;
  return true;
}

/**
 * What JSON takes from an object: its own enumerable members. Of a plain object that is the object itself, which takes
 * one comparison to see. So it is of one with a toJSON, which alone knows what will be sent.
 */
export function jsonMembers(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || typeof value.toJSON === "function"
    ? value
    : { ...value };
}

/** @param type - one JSON type or several, as the schema has them. */
export function wrongType(out, type) {
  fail(out, "type", { type }, `must be ${[type].flat().join(" or ")}`);
}

/** A required member that JSON would not take from the object; one with a toJSON may send it all the same. */
export function missing(out, value, missingProperty) {
  if (typeof value.toJSON === "function" && value[missingProperty] !== undefined) return;
  fail(out, "required", { missingProperty }, `must have required property '${missingProperty}'`);
}

export function unknown(out, additionalProperty) {
  fail(out, "additionalProperties", { additionalProperty }, "must NOT have additional properties");
}

export function notAmong(out, allowedValues) {
  fail(out, "enum", { allowedValues }, "must be equal to one of the allowed values");
}

export function notEqual(out, allowedValue) {
  fail(out, "const", { allowedValue }, `must be equal to ${JSON.stringify(allowedValue)}`);
}

/** A size or a number on the wrong side of a limit. */
export function outside(out, keyword, limit) {
  fail(out, keyword, { limit }, `must ${LIMITS[keyword]} ${limit}`);
}

const LIMITS = {
  minLength: "NOT have fewer characters than",
  maxLength: "NOT have more characters than",
  minItems: "NOT have fewer items than",
  maxItems: "NOT have more items than",
  minProperties: "NOT have fewer properties than",
  maxProperties: "NOT have more properties than",
  minimum: "be >=",
  maximum: "be <=",
  exclusiveMinimum: "be >",
  exclusiveMaximum: "be <",
};

export function notMatching(out, pattern) {
  fail(out, "pattern", { pattern }, `must match pattern "${pattern}"`);
}

export function notFormatted(out, format) {
  fail(out, "format", { format }, `must match format "${format}"`);
}

/** The tag of a union is missing, or names none of its branches. */
export function wrongTag(out, value, tag) {
  const tagValue = value[tag];
  if (tagValue === undefined) missing(out, value, tag);
  else {
    fail(
      out,
      "discriminator",
      { error: typeof tagValue === "string" ? "mapping" : "tag", tag, tagValue },
      typeof tagValue === "string" ? `value of tag "${tag}" must be in oneOf` : `tag "${tag}" must be string`,
    );
  }
}

/** JSON Schema counts characters, a string's length counts UTF-16 units: only a string near the limit is worth counting. */
export function longerThan(text, limit) {
  return text.length > limit && (text.length > 2 * limit || characters(text) > limit);
}

export function shorterThan(text, limit) {
  return text.length < 2 * limit && characters(text) < limit;
}

function characters(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * An id that a JavaScript number may not be able to hold: a bigint, a safe integer, or decimal digits.
 *
 * @param kind - `"int64"` or `"uint64"`, whose range it has to be in.
 */
export function exactInteger(value, kind, out) {
  const problem = exactIntegerProblem(value, kind);
  if (problem !== undefined) fail(out, "x-exact", { kind, problem }, `must be ${EXACT_PROBLEMS[problem]} (${kind})`);
}

const EXACT_PROBLEMS = {
  type: "a bigint, a safe integer or decimal digits",
  unsafe: "given as bigint or digits: a number this large has been rounded",
  range: "within 64 bits",
};

/** What is wrong with such an id: its `"type"`, that it was rounded (`"unsafe"`), its `"range"`; undefined when nothing is. */
export function exactIntegerProblem(value, kind) {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) return Number.isInteger(value) ? "unsafe" : "type";
    return kind === "uint64" && value < 0 ? "range" : undefined;
  }
  if (typeof value === "string") {
    if (!/^-?\d+$/.test(value)) return "type";
    if (!DIGITS[kind].test(value)) return "range";
  } else if (typeof value !== "bigint") return "type";
  const [lowest, highest] = INTEGER_RANGES[kind];
  const integer = BigInt(value);
  return integer < lowest || integer > highest ? "range" : undefined;
}

/** The patterns that the wire document has for them. */
const DIGITS = {
  int64: /^-?\d{1,19}$/,
  uint64: /^\d{1,20}$/,
};

/** Least and greatest of each kind. */
export const INTEGER_RANGES = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};
