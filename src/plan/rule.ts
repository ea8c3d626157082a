/** A definition of a plan, read and reduced to what decides about a value. Plain data: a generated checker holds it. */
export interface Rule {
  /** The types a value may have; any when left out. */
  readonly types?: readonly JsonType[];
  /** The values there are; any when left out. */
  readonly allowed?: readonly unknown[];
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly exclusiveMinimum?: number | bigint;
  readonly exclusiveMaximum?: number | bigint;
  readonly multipleOf?: number | bigint;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** Whether backtracking on the pattern can take very long. */
  readonly slow?: true;
  readonly format?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: true;
  /** What every entry of a list is held against; with `tuple`, those after it. `false` where there may be none. */
  readonly items?: Rule | false;
  /** What the first entries of a list are held against, one by one. */
  readonly tuple?: readonly Rule[];
  readonly required?: readonly string[];
  /** In pairs, so that a property may be called `__proto__`. */
  readonly properties?: readonly (readonly [name: string, rule: Rule])[];
  /** What every other property is held against; `false` where there may be none. */
  readonly rest?: Rule | false;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  /** No value will do. */
  readonly never?: true;
  readonly description?: string;
}

/** The types that JSON Schema knows. */
export type JsonType = (typeof JSON_TYPES)[number];

export const JSON_TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"] as const;

/** The keywords that limit a number. */
export const NUMBER_RULES = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] as const;
