// Generated from spec/events-api.yaml by `npm run generate`. Do not edit: edit the description and generate again.

import type { ValidationError } from "./checks.js";

export type { ValidationError };

/**
 * Checks a value against the wire profile: what any official source permits.
 *
 * Works on JavaScript values: 64-bit ids may be bigints, safe integers or decimal digits. A member that JSON would not
 * send counts as absent: one whose value is `undefined`, that is inherited, or that is not enumerable.
 *
 * @param data - any value; it is not changed.
 * @returns whether it is valid. When it is not, `validateBatch.errors` says why, until the next call.
 */
export declare const validateBatch: {
  (data: unknown): boolean;
  /** What is wrong with the value of the last call, `null` when nothing is. */
  errors: ValidationError[] | null;
};
