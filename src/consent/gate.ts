import type { Batch, ConsentState } from "../../generated/schema.ts";
import type { BeforeSend } from "../delivery/before-send.ts";
import { userKeyOfBatch } from "../delivery/user-key.ts";
import { hasGdprConsent, isCcpaOptedOut, mergeConsent } from "../model/consent.ts";
import { show } from "../rules/show.ts";
import { checkOptions, wholeNumber } from "../transport/option-checks.ts";

/** What a gate asks for, and what it does with events of a user who has not agreed. */
export interface ConsentGateOptions {
  /**
   * Purposes of the GDPR that a user must have consented to, each of them. Events of a user who refused one, or took
   * the consent back, are dropped. `@default none`
   */
  readonly require?: { readonly gdpr?: readonly string[] | undefined } | undefined;
  /** What becomes of events of a user who has opted out of the sale of their data. `@default "keep"` */
  readonly optedOutOfSale?: "drop" | "keep" | undefined;
  /**
   * What becomes of events of a user who has not decided on a required purpose: `"hold"` keeps them back in a queue until
   * the user decides, `"drop"` and `"send"` do as they say. `@default "drop"`
   */
  readonly whenUnknown?: "hold" | "drop" | "send" | undefined;
  /**
   * The decisions of a user as your service stores them, for what neither the batch nor an earlier one says.
   * `@default none`
   */
  readonly consentOf?: ((batch: Batch) => ConsentState | null | undefined) | undefined;
  /** Users whose last decisions are remembered; beyond it the one not seen for longest is forgotten. `@default 10_000` */
  readonly maxUsers?: number | undefined;
}

/**
 * A step of `beforeSend` that keeps back events of users who have not agreed.
 *
 * It goes by the newest decision that is known for each purpose: in the `consent_state` of the batch, in that of earlier
 * batches of the same user, and in what `consentOf` gives. What is held is let go, in order, when a batch of the user
 * brings the consent, and dropped when it brings a refusal. A batch without events passes with its `consent_state`, so
 * that the service learns of a refusal, but without user attributes where those of the user may not be sent.
 *
 * @param options - `{ require?, optedOutOfSale?, whenUnknown?, consentOf?, maxUsers? }`.
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 */
export function consentGate(options: ConsentGateOptions): BeforeSend {
  const { purposes, optedOutOfSale, whenUnknown, consentOf, maxUsers } = resolve(options);
  const known = new DecisionMemory(maxUsers);

  /** Why events of a user with these decisions are dropped; `undefined` when nothing forbids them. */
  const refusalIn = (state: ConsentState): string | undefined => {
    const refused = purposes.find((purpose) => hasGdprConsent(state, purpose) === false);
    if (refused !== undefined) return `the user has not consented to ${show(refused)}`;
    return optedOutOfSale === "drop" && isCcpaOptedOut(state) === true
      ? "the user has opted out of the sale of their data"
      : undefined;
  };

  return function consentGate(batch, { drop, hold, release, discard }) {
    const user = userKeyOfBatch(batch);
    const state = mergeConsent(consentOf?.(batch), known.of(user), batch.consent_state);
    if (batch.consent_state !== undefined && batch.consent_state !== null) known.remember(user, state);
    const refusal = refusalIn(state);
    const undecided = purposes.find((purpose) => hasGdprConsent(state, purpose) === undefined);
    if (refusal !== undefined) discard(refusal);
    else if (undecided === undefined) release();
    if (refusal === undefined && (undecided === undefined || whenUnknown === "send")) return batch;
    if (tellsOnlyOfConsent(batch)) return { ...batch, user_attributes: undefined };
    if (refusal !== undefined) return drop(refusal);
    const reason = `the user has not decided on ${show(undecided)}`;
    return whenUnknown === "hold" ? hold(reason) : drop(reason);
  };
}

/** Nothing but who the user is and what they decided: that is how the service learns of a refusal. */
function tellsOnlyOfConsent({ events, consent_state }: Batch): boolean {
  return (events ?? []).length === 0 && consent_state !== undefined && consent_state !== null;
}

/** The last decisions of users, as far as batches have told them. */
class DecisionMemory {
  readonly #maxUsers: number;
  readonly #states = new Map<string, ConsentState>();

  constructor(maxUsers: number) {
    this.#maxUsers = maxUsers;
  }

  of(user: string): ConsentState | undefined {
    const state = this.#states.get(user);
    // The one that was seen last stands last.
    if (state !== undefined) this.remember(user, state);
    return state;
  }

  remember(user: string, state: ConsentState): void {
    this.#states.delete(user);
    this.#states.set(user, state);
    if (this.#states.size <= this.#maxUsers) return;
    for (const oldest of this.#states.keys()) {
      this.#states.delete(oldest);
      return;
    }
  }
}

interface Resolved {
  readonly purposes: readonly string[];
  readonly optedOutOfSale: "drop" | "keep";
  readonly whenUnknown: "hold" | "drop" | "send";
  readonly consentOf: ConsentGateOptions["consentOf"];
  readonly maxUsers: number;
}

function resolve(options: ConsentGateOptions): Resolved {
  checkOptions(options, {
    require: "any",
    optedOutOfSale: "any",
    whenUnknown: "any",
    consentOf: "function",
    maxUsers: "any",
  });
  const { require = {}, optedOutOfSale = "keep", whenUnknown = "drop", consentOf } = options;
  checkOptions(require, { gdpr: "any" }, "`require` is");
  const purposes: unknown = require.gdpr ?? [];
  if (!Array.isArray(purposes) || !purposes.every((purpose) => typeof purpose === "string" && purpose !== "")) {
    throw new TypeError(`\`require.gdpr\` is ${show(purposes)}; expected a list of purposes such as ["analytics"].`);
  }
  requireOneOf("optedOutOfSale", optedOutOfSale, ["drop", "keep"]);
  requireOneOf("whenUnknown", whenUnknown, ["hold", "drop", "send"]);
  if (purposes.length === 0 && optedOutOfSale === "keep") {
    throw new TypeError('The gate lets everything through; expected `require` or `optedOutOfSale: "drop"`.');
  }
  const maxUsers = wholeNumber("maxUsers", options.maxUsers ?? 10_000);
  return { purposes, optedOutOfSale, whenUnknown, consentOf, maxUsers };
}

function requireOneOf(name: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new TypeError(`\`${name}\` is ${show(value)}; expected "${known.join('", "')}".`);
}
