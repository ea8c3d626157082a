import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import { validateBatch as validateCanonical } from "../../generated/validators/canonical.js";
import { validateBatch as validateWire } from "../../generated/validators/wire.js";
import { parseExact, serializeBatch } from "../../src/transport/json.ts";
import { full } from "../full.ts";
import { readTypes } from "./typed-arbitrary.ts";

/** Types and validators are made from the same document by different ways: what the one admits, the other has to. */
const arbitraryOf = readTypes();

const EVENT_NAMES: Readonly<Record<(typeof EVENT_TYPES)[number], string>> = {
  custom_event: "CustomEvent",
  commerce_event: "CommerceEvent",
  screen_view: "ScreenViewEvent",
  session_start: "SessionStartEvent",
  session_end: "SessionEndEvent",
  application_state_transition: "ApplicationStateTransitionEvent",
  push_registration: "PushRegistrationEvent",
  push_message: "PushMessageEvent",
  network_performance: "NetworkPerformanceEvent",
  breadcrumb: "BreadcrumbEvent",
  crash_report: "CrashReportEvent",
  opt_out: "OptOutEvent",
  first_run: "FirstRunEvent",
  uninstall: "UninstallEvent",
  profile: "ProfileEvent",
  user_attribute_change: "UserAttributeChangeEvent",
  user_identity_change: "UserIdentityChangeEvent",
};

function expectValid(batch: object): void {
  validateCanonical(batch);
  validateWire(batch);
  expect([validateCanonical.errors, validateWire.errors]).toEqual([null, null]);
}

describe("what the types admit, the validators admit", () => {
  it.each(EVENT_TYPES)("as the data of a %s", (type) => {
    fc.assert(
      fc.property(arbitraryOf(EVENT_NAMES[type]), (event) => {
        expectValid({ environment: "development", events: [event] });
      }),
      { numRuns: full(30, 500) },
    );
  });

  it("as a batch, and still once it was written as JSON and read again", () => {
    fc.assert(
      fc.property(arbitraryOf("Batch"), (value) => {
        const batch = value as Batch; // made from the type
        expectValid(batch);
        expectValid(parseExact(serializeBatch(batch)) as Batch); // the same
      }),
      { numRuns: full(40, 600) },
    );
  });
});

describe("the arbitraries", () => {
  it("reach what is there to reach", () => {
    const made = fc.sample(arbitraryOf("ProfileEventData"), { numRuns: full(200, 500), seed: 1 });
    const sample = made as Record<string, unknown>[]; // what an arbitrary of an interface makes
    const kinds = new Set(sample.map(({ current_mpid: id }) => (id === null ? "null" : typeof id)));
    expect(kinds).toEqual(new Set(["bigint", "string", "number", "null", "undefined"]));
    expect(sample.every(({ profile_event_type: type }) => typeof type === "string")).toBe(true);
    expect(sample.some((data) => !("current_mpid" in data))).toBe(true);
  });

  it("are refused as soon as one name is not the type's", () => {
    fc.assert(
      fc.property(arbitraryOf("CustomEventData"), (data) => {
        const event = { event_type: "custom_event", data: { ...(data as object), custom_atributes: {} } };
        expect(validateCanonical({ environment: "development", events: [event] })).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});
