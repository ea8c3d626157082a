import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ccpaOptOut,
  createBatch,
  customEvent,
  gdprConsent,
  mergeConsent,
  purchase,
  screenView,
  sessionEnd,
  sessionStart,
  type Batch,
  type Event,
} from "mparticle-events";
import { batchChecker, checkBatch } from "../../src/validate/validate.ts";
import { full } from "../full.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;

/** Words as people are called and things are named, some of which are placeholders where an id belongs. */
const word = fc.oneof(
  fc.constantFrom(
    "Lamp",
    "true",
    "None",
    "N/A",
    "Null",
    "0",
    "unknown",
    "Zoë",
    "日本",
    "👩‍👩‍👧‍👦",
    "O'Neil",
    "x_1",
    "a.b",
    "42",
  ),
  fc.string({
    unit: fc.constantFrom(...Array.from("abcdefghijklmnopqrstuvwxyzÄß 0123456789-_.é🎉")),
    minLength: 1,
    maxLength: 24,
  }),
);
const name = fc
  .string({ unit: fc.constantFrom(...Array.from("abcdefghijklmnopqrstuvwxyz ABC")), minLength: 1, maxLength: 30 })
  .filter((text) => text.trim() !== "");
const customerId = fc.oneof(
  fc.uuid({ version: 4 }),
  fc.integer({ min: 1, max: 2 ** 31 }).map(String),
  fc
    .string({ unit: fc.constantFrom(...Array.from("abcdef0123456789")), minLength: 8, maxLength: 32 })
    .filter((id) => /[1-9a-f]/.test(id)),
  name.map((text) => `user-${text.trim()}`),
);
const email = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9.]{0,8}[a-z]$/), fc.stringMatching(/^[a-z]{2,8}\.(com|de|io)$/))
  .map(([who, at]) => `${who}@${at}`);
const value = fc.oneof(
  word,
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.boolean(),
);
const attributeName = fc.stringMatching(/^[a-z][a-z0-9 ]{0,20}[a-z0-9]$/).map((text) => `my ${text}`);
const attributes = fc.dictionary(attributeName, value, { maxKeys: 4 });
const at = fc.integer({ min: NOW - 20 * HOUR_MS, max: NOW - 1_000 });

const event: fc.Arbitrary<readonly Event[]> = fc.oneof(
  fc
    .tuple(name, attributes, at)
    .map(([title, custom_attributes, timestamp_unixtime_ms]) => [
      customEvent(title, "other", { custom_attributes, timestamp_unixtime_ms }),
    ]),
  fc.tuple(name, at).map(([title, timestamp_unixtime_ms]) => [screenView(title, { timestamp_unixtime_ms })]),
  fc
    .tuple(customerId, name, fc.double({ min: 0, max: 5_000, noNaN: true }), fc.integer({ min: 1, max: 9 }), at)
    .map(([id, title, price, quantity, timestamp_unixtime_ms]) => [
      purchase(
        [{ id, name: title, price, quantity }],
        { transaction_id: `T-${id}`, total_amount: price * quantity },
        { currency_code: "EUR", timestamp_unixtime_ms },
      ),
    ]),
  // A session, an event of which lies between its ends.
  fc
    .tuple(fc.uuid({ version: 4 }), at, fc.integer({ min: 1_000, max: 3 * HOUR_MS }), name)
    .map(([session_uuid, startedAt, durationMs, title]) => [
      sessionStart({ session_uuid, timestamp_unixtime_ms: startedAt - durationMs }),
      screenView(title, { session_uuid, timestamp_unixtime_ms: startedAt - Math.floor(durationMs / 2) }),
      sessionEnd(durationMs, { session_uuid, timestamp_unixtime_ms: startedAt }),
    ]),
);

const batch: fc.Arbitrary<Batch> = fc
  .record({
    environment: fc.constantFrom("development" as const, "production" as const),
    customer_id: customerId,
    email,
    user_attributes: attributes,
    events: fc.array(event, { minLength: 1, maxLength: 4 }),
    isAsked: fc.boolean(),
  })
  .map(({ environment, customer_id, email, user_attributes, events, isAsked }) =>
    createBatch(
      {
        environment,
        user_identities: { customer_id, email },
        user_attributes,
        ...(isAsked && {
          consent_state: mergeConsent(
            gdprConsent("marketing", true, { timestamp_unixtime_ms: NOW - HOUR_MS }),
            ccpaOptOut(false, { timestamp_unixtime_ms: NOW - HOUR_MS }),
          ),
        }),
      },
      events.flat(),
    ),
  );

describe("batches as applications make them", () => {
  it("have nothing that is almost certainly wrong, in either profile", () => {
    fc.assert(
      fc.property(batch, (one) => {
        expect(checkBatch(one, { now: NOW })).toEqual([]);
        // On the wire, user attributes are text.
        const user_attributes = Object.fromEntries(
          Object.entries(one.user_attributes ?? {}).map(([key, given]) => [key, String(given)]),
        );
        expect(checkBatch({ ...one, user_attributes }, { now: NOW, profile: "wire" })).toEqual([]);
      }),
      { numRuns: full(12, 3_000) },
    );
  });

  it("have nothing when they follow one another, either", () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 5 }), (all) => {
        const check = batchChecker({ now: NOW });
        for (const one of all) expect(check(one)).toEqual([]);
      }),
      { numRuns: full(3, 500) },
    );
  });
});
