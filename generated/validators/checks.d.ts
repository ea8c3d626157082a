// Generated from spec/events-api.yaml by `npm run generate`. Do not edit: edit the description and generate again.

/** One thing that is wrong, in the form that Ajv reports it. */
export interface ValidationError {
  /** JSON Pointer (RFC 6901) from the batch to the value concerned; `""` is the batch itself. */
  instancePath: string;
  /** The JSON Schema keyword that failed; `discriminator` for an unknown event type, `x-exact` for a 64-bit id. */
  readonly keyword: string;
  /**
   * What the keyword expected: `{ type }`, `{ missingProperty }`, `{ additionalProperty }`, `{ allowedValues }`,
   * `{ allowedValue }`, `{ limit }`, `{ pattern }`, `{ format }`, `{ error, tag, tagValue }`, `{ kind, problem }` or
   * `{ propertyName, failed, … }` with the params of the keyword that `failed`.
   */
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/**
 * What JSON takes from an object: its own enumerable members, which of a plain object is the object itself. An object
 * with a toJSON is left as it is.
 */
export declare function jsonMembers<T extends object>(value: T): T;

/** The kinds of integers that a JavaScript number may not be able to hold. */
export type ExactIntegerKind = "int64" | "uint64";

/** It is none (`"type"`), a number that has been rounded (`"unsafe"`), or too large for its kind (`"range"`). */
export type ExactIntegerProblem = "type" | "unsafe" | "range";

/**
 * What is wrong with an id that a number may not be able to hold; undefined when nothing is. A bigint, decimal digits and
 * a safe number are ids.
 */
export declare function exactIntegerProblem(value: unknown, kind: ExactIntegerKind): ExactIntegerProblem | undefined;

/** Least and greatest integer of each kind. */
export declare const INTEGER_RANGES: Readonly<Record<ExactIntegerKind, readonly [min: bigint, max: bigint]>>;
