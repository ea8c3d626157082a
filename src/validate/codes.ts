import { ALL_LINTS } from "./lints/all-lints.ts";

/** What a code says, for listings and for the tables of `docs/lints.md`. */
interface Explanation {
  /** What the finding means. */
  readonly means: string;
  /** What to do about it. */
  readonly advice: string;
}

/** What a batch is refused for, by code: the mistakes that the contract itself names. Always errors. */
export const CONTRACT_RULES = {
  "not-an-object": {
    means: "A list, text or number stands where an object belongs, or for the whole batch",
    advice: "Pass an object. Of a list of batches, check each by itself",
  },
  "wrong-type": {
    means: "The value is of another type than its key takes, such as a date where milliseconds go",
    advice: "Convert it as the hint says. NaN and Infinity do not exist in JSON",
  },
  "missing-key": {
    means: "A required key is absent",
    advice: "Add it; the event factories ask for all of them",
  },
  "environment-missing": {
    means: "Nothing says whether this is test data or live data",
    advice: "Set `environment`. The service would take the batch for production. On the wire it is a warning",
  },
  "unknown-key": {
    means: "The API has no such key at this place",
    advice:
      "Take the key that the hint names. On the wire a warning, except in `user_identities`, where an identity would be lost",
  },
  "wire-only-key": {
    means: "The key exists, but the service fills it, or only old payloads have it",
    advice: "Remove it, or write the key that the hint names. To check replayed data, use the wire profile",
  },
  "event-not-wrapped": {
    means: "An entry of `events` is the bare data of an event",
    advice: "Put it into `{ event_type, data }`, or make it with a factory",
  },
  "unknown-event-type": {
    means: "`event_type` is none of the event types",
    advice: "Take the one that the hint names; your own kinds of events are `custom_event`s",
  },
  "value-not-allowed": {
    means: "The value is none of the few that its key takes",
    advice: "Take one of those in the message. Mind `remove_from_wish_list`",
  },
  "empty-value": {
    means: 'A name is `""`',
    advice: "Give it a name. On the wire a warning",
  },
  "value-too-long": {
    means: "A text is longer than the service may take",
    advice: "Shorten it, or spread it over several attributes. On the wire a warning",
  },
  "attribute-name-too-long": {
    means: "The name of a user attribute has more than 256 characters",
    advice: "Shorten the name. On the wire a warning",
  },
  "too-many-attributes": {
    means: "More than 100 attributes in one batch, or on one event",
    advice: "Send fewer, or user attributes in several batches. On the wire a warning",
  },
  "list-too-long": {
    means: "A user attribute is a list of more than 1,000 entries",
    advice: "Send fewer entries. On the wire a warning",
  },
  "out-of-range": {
    means: "A number is below or above what its key takes",
    advice: "Keep to the limit in the message",
  },
  "bad-format": {
    means: "A text is not of the form that its key wants, such as a latitude in words",
    advice: "Write it as the message shows. Only in the wire profile: elsewhere such keys take numbers",
  },
  "malformed-uuid": {
    means: "An id that has to be a UUID is none",
    advice: "Pass a UUID, or leave the key out. On the wire a warning",
  },
  "not-an-integer": {
    means: "A 64-bit id such as `mpid` is neither a bigint nor an integer nor decimal digits",
    advice: "Pass it as a bigint or as a string of digits",
  },
  "unsafe-integer": {
    means: "A 64-bit id is a number beyond 2^53: its last digits are already wrong",
    advice: "Read it as a bigint or string in the first place; `JSON.parse` has rounded it",
  },
  "integer-out-of-range": {
    means: "An integer does not fit into the 32 or 64 bits of its key. 32 bits only in the canonical profile",
    advice: "Look for another unit, or for another id",
  },
  "lost-in-json": {
    means: "A required key is there and JSON leaves it out: it is inherited, or not enumerable",
    advice: "Pass a plain object that has the key itself, not an instance whose class computes it",
  },
  "invalid-value": {
    means: "A rule of the contract that has no code of its own",
    advice: "Do as the message says. No rule of the present contract ends here",
  },
  unreadable: {
    means: "A getter or proxy in the batch threw while it was read",
    advice: "Pass plain data. What was found before is reported as well",
  },
} as const satisfies Readonly<Record<string, Explanation>>;

/** The stable name of a rule of the contract. */
export type SchemaCode = keyof typeof CONTRACT_RULES;

/** The stable name of a lint, to tell findings apart and to switch it off. */
export type LintCode = (typeof ALL_LINTS)[number]["code"];

/** Every code a finding of `checkBatch` can have. */
export type FindingCode = LintCode | SchemaCode;

/**
 * What a batch is refused for, by code: the mistakes that the contract itself names. Always errors. `docs/lints.md` says
 * of each what to do about it.
 */
export const SCHEMA_CODES: Readonly<Record<SchemaCode, string>> = meanings(
  Object.entries<Explanation>(CONTRACT_RULES).map(([code, { means }]) => [code, means]),
);

/**
 * What is legal and almost certainly wrong, by code. Warnings, except the few whose batch would be lost or land in the
 * wrong place; those are marked in `docs/lints.md`.
 */
export const LINTS: Readonly<Record<LintCode, string>> = meanings(ALL_LINTS.map(({ code, means }) => [code, means]));

/** Of all findings of `checkBatch`, for the `strict` option of a client. */
export const ALL_CODES: readonly FindingCode[] = [
  ...(Object.keys(CONTRACT_RULES) as SchemaCode[]), // it is a literal
  ...ALL_LINTS.map(({ code }) => code),
];

/** Object.fromEntries forgets which names there are; both callers give all of them. */
function meanings<Code extends string>(
  entries: readonly (readonly [code: string, means: string])[],
): Readonly<Record<Code, string>> {
  return Object.fromEntries(entries) as Record<Code, string>;
}
