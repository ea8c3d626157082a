/** A definition of a plan, read and reduced to what decides about a value. Plain data: a generated checker holds it. */
export interface Rule {
  /** The types a value may have; any when left out. */
  readonly types?: readonly JsonType[];
  /** The values there are; any when left out. */
  readonly allowed?: readonly unknown[];
  /** The least number that will do. */
  readonly minimum?: number | bigint;
  /** The greatest number that will do. */
  readonly maximum?: number | bigint;
  /** A number must be greater than this. */
  readonly exclusiveMinimum?: number | bigint;
  /** A number must be less than this. */
  readonly exclusiveMaximum?: number | bigint;
  /** A number must be a multiple of this. */
  readonly multipleOf?: number | bigint;
  /** The fewest characters of a text. */
  readonly minLength?: number;
  /** The most characters of a text. */
  readonly maxLength?: number;
  /** A regular expression that a text must match somewhere. */
  readonly pattern?: string;
  /** Whether backtracking on the pattern can take very long. */
  readonly slow?: true;
  /** The name of a form that a text must have, such as `email`. */
  readonly format?: string;
  /** The fewest entries of a list. */
  readonly minItems?: number;
  /** The most entries of a list. */
  readonly maxItems?: number;
  /** No two entries of a list may be equal. */
  readonly uniqueItems?: true;
  /** What every entry of a list is held against; with `tuple`, those after it. `false` where there may be none. */
  readonly items?: Rule | false;
  /** What the first entries of a list are held against, one by one. */
  readonly tuple?: readonly Rule[];
  /** Properties that have to be there. */
  readonly required?: readonly string[];
  /** In pairs, so that a property may be called `__proto__`. */
  readonly properties?: readonly (readonly [name: string, rule: Rule])[];
  /** What every other property is held against; `false` where there may be none. */
  readonly rest?: Rule | false;
  /** The fewest properties of an object. */
  readonly minProperties?: number;
  /** The most properties of an object. */
  readonly maxProperties?: number;
  /** No value will do. */
  readonly never?: true;
  /** What the author of the plan says about it. */
  readonly description?: string;
}

/** The types that JSON Schema knows. */
export type JsonType = (typeof JSON_TYPES)[number];

export const JSON_TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"] as const;

/** The keywords that limit a number. */
export const NUMBER_RULES = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] as const;
