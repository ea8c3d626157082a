/** What the program and the service it talks to have agreed on. Without imports: it runs in every runtime. */

/** Each is the first segment of a path of its own, so that the service knows what to do to whom. */
export type Scenario =
  | "upload"
  | "bulk"
  | "retry"
  | "lost"
  | "redirect"
  | "timeout"
  | "endless"
  | "abort"
  | "abort-wait"
  | "queue"
  | "validate"
  | "raw"
  | "stale"
  | "signals"
  | "gate"
  | "plan";

/** What the program saw, by scenario, as JSON. */
export type Facts = Readonly<Record<Scenario, unknown>>;

/** What the program prints, in one line. */
export interface Report {
  /** The version it found itself running on. */
  readonly version: string;
  readonly facts: Facts;
}

/** The key and the secret hold what Basic authentication has to encode as UTF-8. */
export const CREDENTIALS = { apiKey: "us1-0123456789abcdef", apiSecret: "schlüssel-∆-secret" } as const;

/** Beyond 2⁵³, where a number would be rounded: one is given as a bigint, the other, which is the first such, as digits. */
export const IDS = { mpid: 7346244611012968789n, current_mpid: "9007199254740993" } as const;

/** Two, three and four bytes a character in UTF-8. */
export const TEXT = "Zürich — 東京 — 🎉";

/** The batch that the service refuses, and how many there are around it. */
export const BULK = { batches: 8, poisoned: "user-5" } as const;

/** Where the redirect leads: no request may ever arrive there. */
export const ELSEWHERE = "/elsewhere/v2/events";

/** Long enough for a busy machine to tell an answer at once from one that never comes. */
export const SHORT_MS = 150;
/** Every scenario has ended by then, on a busy machine too. */
export const SOON_MS = 5_000;

/** What the queue is given, in this order. */
export const ADDED = [
  { user: "ada", screen: "Home" },
  { user: "bob", screen: "Home" },
  { user: "ada", screen: "Cart" },
  { user: "ada", screen: "Checkout" },
  { user: "bob", screen: "Search" },
] as const;

/** When the user decided, for signals that do not say so. */
export const DECIDED_AT_MS = 1_767_225_600_000;

/** Signals of consent: to purposes 1 and 3 and to vendor 28; and opt-outs of sale, in the national section and by hand. */
export const SIGNALS = {
  tcf: "COtwN4AOtwN4AAfABBENB-CAAKAAAAAAAAYgAOAAAABAAAAA",
  gpp: "DBABLA~CEAQAAAAAABA.QA",
  usp: "1YYN",
} as const;

/** The one event that the plan has. */
export const PLANNED = "Choose Item";
