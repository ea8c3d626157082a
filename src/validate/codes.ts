/**
 * What a batch is refused for, by code: the mistakes that the contract itself names. Always errors.
 *
 * The texts are for listings; `docs/lints.md` says of each what to do about it.
 */
export const SCHEMA_CODES = {
  "not-an-object": "something else stands where an object belongs",
  "wrong-type": "a value is of another type than its key takes",
  "missing-key": "a required key is missing",
  "environment-missing": "it is not said whether the batch is test data or live data",
  "unknown-key": "a key that the API does not have",
  "wire-only-key": "a key that the service fills or that only old payloads have",
  "event-not-wrapped": "event data without the event_type and data around it",
  "unknown-event-type": "a value of event_type that the API does not have",
  "value-not-allowed": "a value that is not among those its key takes",
  "empty-value": "an empty text where that is of no use",
  "value-too-long": "a text longer than the service may take",
  "attribute-name-too-long": "the name of an attribute is longer than the service takes",
  "too-many-attributes": "more attributes than the service may take",
  "list-too-long": "more entries in a list than the service may take",
  "out-of-range": "a number beyond what its key takes",
  "bad-format": "a text that is not written the way its key wants it",
  "malformed-uuid": "an id that is no UUID",
  "not-an-integer": "a 64-bit id that is no integer",
  "unsafe-integer": "a number beyond 2^53, which has already been rounded",
  "integer-out-of-range": "an integer beyond the bits its key has",
  "lost-in-json": "a required key that JSON leaves out: it is inherited, or not enumerable",
  "invalid-value": "any other rule of the contract",
  unreadable: "reading the batch failed, in a getter or a proxy of its own",
} as const;

/**
 * What is legal and almost certainly wrong, by code. Warnings, except the few whose batch would be lost or land in the
 * wrong place; those are marked in `docs/lints.md`.
 */
export const LINTS = {
  "environment-missing": "no environment: the service takes the batch for production",
  "environment-unknown": "the environment is `unknown`, which is neither test data nor live data",
  "seconds-not-milliseconds": "a time before March 1973: seconds, most likely",
  "timestamp-in-future": "a time more than a day ahead of now",
  "older-than-30-days": "an event too old for the live operations",
  "historical-without-events": "a historical batch without events, which the service drops",
  "historical-timestamp-missing": "a historical event without a time of its own, for which the service drops the batch",
  "historical-too-recent": "a historical event younger than 72 hours, for which the service drops the batch",
  "epoch-in-duration": "a point in time where a duration belongs",
  "offset-not-in-hours": "a time zone offset that cannot be hours",
  "no-identity": "no identity and no device id: nobody will be recognised by this batch",
  "empty-batch": "no events, and nothing that would update a profile",
  "placeholder-identity": "an identity that is empty or reads `undefined`: all such users become one",
  "identity-not-string": "an identity that is a number or boolean",
  "legacy-key": "the old spelling of a key",
  "conflicting-keys": "two spellings of one key in the same object",
  "unknown-key": "a key that no source knows",
  "batch-id-present": "the service's own id on a batch, which may be dropped as a duplicate",
  "service-filled-key": "a key whose value the service sets and ignores",
  "event-name-too-long": "the name of an event or screen that the service cuts",
  "attribute-name-too-long": "an attribute name that the service cuts or refuses",
  "value-too-long": "a text longer than the service may take",
  "list-too-long": "more entries in a list than the service may take",
  "too-many-attributes": "more attributes than the service may take",
  "empty-value": "an empty name",
  "attribute-not-string": "a user attribute, or an entry of one, that is a number or boolean",
  "unsafe-integer": "a number beyond 2^53, which has already been rounded",
  "lost-in-json": "a value that JSON turns into null, into {} or into nothing",
  "to-json-present": "an object whose toJSON decides what is sent",
  "not-serializable": "a value that refers to itself, or is nested too deeply",
  "malformed-uuid": "an id that is no UUID",
  "zero-uuid": "the all-zero UUID, which stands for no id",
  "malformed-ip": "an ip that is no IPv4 or IPv6 address",
  "not-an-iso-code": "a currency or country that is no ISO code",
  "incomplete-location": "a latitude without a longitude, or the reverse",
  "location-out-of-range": "a latitude or longitude that is not on Earth",
  "unknown-reserved-attribute": "a user attribute with a $ that is none of the reserved names",
  "integration-id-not-numeric": "integration attributes under something that is no module id",
  "ccpa-unknown-purpose": "a CCPA purpose other than data_sale_opt_out",
  "consent-incomplete": "consent without a decision or without its time",
  "commerce-without-payload": "a commerce event that says nothing",
  "commerce-with-several-payloads": "a commerce event of two kinds at once",
  "attribution-incomplete": "an install attribution without publisher or campaign",
  "identity-change-empty": "an identity change from nothing to nothing",
  "legacy-platform": "a platform in the spelling of one old SDK",
} as const;

/** The stable name of a lint, to tell findings apart and to switch it off. */
export type LintCode = keyof typeof LINTS;

/** The stable name of a rule of the contract. */
export type SchemaCode = keyof typeof SCHEMA_CODES;

/** Every code a finding of `checkBatch` can have. */
export type FindingCode = LintCode | SchemaCode;
