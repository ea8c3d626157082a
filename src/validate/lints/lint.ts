import type { FindingSeverity } from "../../errors.ts";
import type { Members } from "../../rules/objects.ts";
import type { Report } from "../report.ts";
import type { Profile } from "../unknown-keys.ts";

/** What lints have to know apart from the batch. */
export interface LintContext {
  readonly profile: Profile;
  readonly historical: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readonly report: Report;
  /** The index of the batch of the same series that has the id of this one, and says something else. */
  readonly namesake?: number | undefined;
}

/** A key of an object, or an index of a list. */
export type Token = string | number;

/** What a lint has found at one place. */
export interface Found {
  /** What was found and what was expected, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The way, within what was looked at, to what the finding is about; left out when it is about the whole. */
  readonly at?: Token | readonly Token[];
  /** Something is lacking: not told when a misspelt key of the same object explains it. */
  readonly isAbsence?: true;
}

/** What a lint says about what it looked at. */
export type Verdict = Found | readonly Found[] | undefined;

/** Where a lint looks. */
export type Place =
  /** An object as a whole, after its members. */
  | { readonly kind: "object"; readonly of: string }
  /** The value of a key of a named object. */
  | { readonly kind: "key"; readonly of: string; readonly key: string }
  /** Every key of a named object, and of the objects that extend it; `others` are those the contract does not know. */
  | { readonly kind: "keys"; readonly of: string; readonly others: boolean }
  /** Every key of any named object that passes a test. */
  | { readonly kind: "named"; readonly test: (key: string, of: string) => boolean }
  /** Each entry of a list, or of a map with keys of the sender's own, that is the value of a key. */
  | { readonly kind: "entries"; readonly of: string; readonly key: string; readonly holdsMaps: boolean }
  /** Each event of the batch, but not the breadcrumbs within one: its data, undefined when that is no object. */
  | { readonly kind: "event" }
  /** Each text: a value, an entry, or the name of an entry. */
  | { readonly kind: "text" }
  /** Each number that no double holds exactly, where an id may be. */
  | { readonly kind: "number" }
  /** Each instance of some class. */
  | { readonly kind: "instance" }
  /** Each member, given with its object, that an object has and JSON leaves out. */
  | { readonly kind: "unsent" }
  /** Each key that no source knows, where the contract lets it pass. */
  | { readonly kind: "unknown" };

/** An object as a whole: `object("Batch")`. */
export function object(of: string): Place {
  return { kind: "object", of };
}

/** The value of a key: `key("Batch", "environment")`. */
export function key(of: string, name: string): Place {
  return { kind: "key", of, key: name };
}

/** The values of all keys of an object. */
export function everyKey(of: string): Place {
  return { kind: "keys", of, others: false };
}

/** The values of those keys of an object that the contract does not know. */
export function otherKeys(of: string): Place {
  return { kind: "keys", of, others: true };
}

/** The values of all keys that pass a test, wherever they are. */
export function everyKeyThat(test: (key: string, of: string) => boolean): Place {
  return { kind: "named", test };
}

/** What a list or a map of the sender's own names holds: `entriesOf("Batch", "user_attributes")`. */
export function entriesOf(of: string, name: string): Place {
  return { kind: "entries", of, key: name, holdsMaps: false };
}

/** As {@link entriesOf}, where each entry is a map itself. */
export function mapsOf(of: string, name: string): Place {
  return { kind: "entries", of, key: name, holdsMaps: true };
}

export const EVERY_EVENT: Place = { kind: "event" };
export const EVERY_TEXT: Place = { kind: "text" };
export const EVERY_UNSAFE_NUMBER: Place = { kind: "number" };
export const EVERY_INSTANCE: Place = { kind: "instance" };
export const EVERY_UNSENT_MEMBER: Place = { kind: "unsent" };
export const EVERY_UNKNOWN_KEY: Place = { kind: "unknown" };

/**
 * Looks at a value.
 *
 * @param key - the key or index it is found under; `""` for an object as a whole.
 * @param of - the object of the contract that it is, or is a member of; the kind of the place where that is none.
 */
export type Check = (value: unknown, key: Token, context: LintContext, of: string) => Verdict;

/** One rule for what is legal and almost certainly wrong. */
export interface Lint<Code extends string = string> {
  /** Its stable name. */
  readonly code: Code;
  /** An error when the batch would be lost, altered or sent to the wrong place. */
  readonly severity: FindingSeverity;
  /** Where it is found; the canonical profile refuses much by itself. */
  readonly profiles: "both" | "wire";
  /** What the finding means, for the table of `docs/lints.md`. */
  readonly means: string;
  /** What to do about it, for the same table. */
  readonly advice: string;
  readonly at: readonly Place[];
  readonly check: Check;
}

interface About<Code extends string> extends Omit<Lint<Code>, "severity" | "profiles" | "check"> {
  /** `@default "warning"` */
  readonly severity?: FindingSeverity;
  /** `@default "both"` */
  readonly profiles?: "both" | "wire";
}

/** A lint that looks at values. */
export function lint<const Code extends string>(about: About<Code> & { readonly check: Check }): Lint<Code> {
  return { severity: "warning", profiles: "both", ...about };
}

/** A lint that looks at objects as wholes. */
export function objectLint<const Code extends string>(
  about: About<Code> & { readonly check: (object: Members, context: LintContext, of: string) => Verdict },
): Lint<Code> {
  const { check } = about;
  // The walk gives to the places of these lints what JSON takes from an object.
  return lint({ ...about, check: (value, _, context, of) => check(value as Members, context, of) });
}
