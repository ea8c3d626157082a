/** Anything this package throws or reports about a batch is one of these; the class says what to do about it. */

/** How serious a {@link Finding} is: an error will be refused or do harm, a warning is legal and almost certainly a mistake. */
export type FindingSeverity = "error" | "warning";

/** One thing that is wrong, or looks wrong, about a batch. */
export interface Finding {
  /** An error will be refused or do harm; a warning is legal and almost certainly a mistake. */
  readonly severity: FindingSeverity;
  /** Stable name of the rule, such as `unknown-key` or `seconds-not-milliseconds`. */
  readonly code: string;
  /** JSON Pointer (RFC 6901) from the batch to the value concerned; `""` is the batch itself. */
  readonly path: string;
  /** What was found and what was expected, in one sentence. */
  readonly message: string;
  /** What to do about it, where that is known. */
  readonly hint?: string | undefined;
}

/** One entry of the error body that the service may send. The set of codes is open. */
export interface ServiceError {
  /** The service's own word for the mistake. */
  readonly code?: string | undefined;
  /** What the service says about it, for people. */
  readonly message?: string | undefined;
  /** JSON Pointer from the body of the request to the value concerned, where it says one, as the mocks of this package do. */
  readonly path?: string | undefined;
  /** What to do about it, where it says so. */
  readonly hint?: string | undefined;
}

/** Tells errors of one class apart, for a `switch` and for dashboards. */
export type ErrorCode =
  | "BAD_REQUEST" // 400 and other 4xx: the payload was refused
  | "UNAUTHORIZED" // 401, 403
  | "TOO_LARGE" // 413
  | "RATE_LIMITED" // 429
  | "UNAVAILABLE" // 5xx; 408, 421 and 425 of what is in front of the service
  | "REDIRECTED" // 3xx: never followed with credentials
  | "TIMEOUT" // no complete answer within `timeoutMs`
  | "CONNECTION" // refused, reset, name not resolved
  | "TLS" // the certificate does not verify
  | "INVALID_BATCH" // refused here, before anything was sent
  | "ABORTED" // the caller's signal
  | "EXPIRED" // the deadline for retries passed before another attempt could start
  | "CLOSED" // the client or queue was closed first
  | "DROPPED" // by a step of `beforeSend`
  | "HELD" // by a step of `beforeSend`, where nothing can hold it until it is let go
  | "OVERFLOW" // dropped by the overflow policy the caller chose
  | "OUTBOX"; // the durable store failed

/** What is known about the requests behind an error. */
export interface ErrorFacts {
  /** `source_request_id` of each batch concerned, for the support of the service and for your own logs. */
  readonly requestIds?: readonly string[] | undefined;
  /** Requests that were made for it, 0 when none was. */
  readonly attempts?: number | undefined;
  /** What was thrown underneath, such as the error of a socket. */
  readonly cause?: unknown;
}

/**
 * Base of every error of this package. Holds neither the secret nor a request body, but for what a server repeats of it in
 * its own words.
 *
 * Thrown or reported itself when the batch was not judged: out of time, aborted, closed. Sending again is safe.
 */
export class MParticleError extends Error {
  /** Which class it is, also where two copies of the package make `instanceof` fail. */
  override name: "MParticleError" | "ApiError" | "NetworkError" | "InvalidBatchError" = "MParticleError";
  /** What went wrong, for a `switch`. */
  readonly code: ErrorCode;
  /** `source_request_id` of each batch concerned; empty when none is known. */
  readonly requestIds: readonly string[];
  /** Requests that were made for it, 0 when none was. */
  readonly attempts: number;

  /** Errors are made by this package; the constructor is public for tests of your own error handling. */
  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.requestIds = facts.requestIds ?? [];
    this.attempts = facts.attempts ?? 0;
  }

  /** Whether the same bytes may succeed later. */
  get retryable(): boolean {
    return this.code !== "INVALID_BATCH" && this.code !== "DROPPED";
  }
}

/** What an error answer of the service said. */
export interface ApiErrorFacts extends ErrorFacts {
  /** The service's own errors, as far as its body held any. */
  readonly details?: readonly ServiceError[] | undefined;
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Which limit a 429 names. */
  readonly limitExceeded?: string | undefined;
}

/** The service answered, and the answer was not 2xx. */
export class ApiError extends MParticleError {
  /** Always `"ApiError"`. */
  override readonly name = "ApiError";
  /** The HTTP status of the last answer. */
  readonly status: number;
  /** The service's own errors, as far as its body held any. */
  readonly details: readonly ServiceError[];
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Which limit a 429 names: `org`, `account`, `app`, `feed`, `workspace`, `acceleration`, `system` or one still unknown. */
  readonly limitExceeded: string | undefined;

  /** See {@link MParticleError}; the status decides the `code`. */
  constructor(status: number, message: string, facts: ApiErrorFacts = {}) {
    super(codeOfStatus(status), message, facts);
    this.status = status;
    this.details = facts.details ?? [];
    this.retryAfterMs = facts.retryAfterMs;
    this.limitExceeded = facts.limitExceeded;
  }

  /** Whether the same bytes may succeed later: after 408, 421, 425, 429 and every 5xx. */
  override get retryable(): boolean {
    return isRetryableStatus(this.status);
  }
}

/** No answer: whether the service took the batch is unknown, and sending the same bytes again is safe. */
export class NetworkError extends MParticleError {
  /** Always `"NetworkError"`. */
  override readonly name = "NetworkError";
}

/**
 * The batch was refused here, before it was sent: it would be lost, altered or rejected as it is. With the code `DROPPED`
 * a step of `beforeSend` dropped it, such as a consent gate, and the finding says why; there is nothing to mend then.
 */
export class InvalidBatchError extends MParticleError {
  /** Always `"InvalidBatchError"`. */
  override readonly name = "InvalidBatchError";
  /** Everything that was found. */
  readonly findings: readonly Finding[];

  /** See {@link MParticleError}; the message is that of the first finding. */
  constructor(
    findings: readonly Finding[],
    facts: ErrorFacts = {},
    code: Extract<ErrorCode, "INVALID_BATCH" | "DROPPED"> = "INVALID_BATCH",
  ) {
    super(code, describeFindings(findings), facts);
    this.findings = findings;
  }
}

/** What something in front of the service says for want of a connection, early data, or the right backend (D119). */
const TEMPORARY_STATUSES: readonly number[] = [408, 421, 425];

/** 429 and every 5xx (D9), and what proxies say meanwhile. */
export function isRetryableStatus(status: number): boolean {
  return status === 429 || status >= 500 || TEMPORARY_STATUSES.includes(status);
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return "UNAUTHORIZED";
  if (status === 413) return "TOO_LARGE";
  if (status === 429) return "RATE_LIMITED";
  if (isRetryableStatus(status)) return "UNAVAILABLE";
  // A browser hides the status of a redirect that it does not follow: 0.
  return status < 400 ? "REDIRECTED" : "BAD_REQUEST";
}

function describeFindings(findings: readonly Finding[]): string {
  const [first] = findings;
  if (first === undefined) return "The batch is invalid.";
  const where = first.path === "" ? "The batch" : first.path;
  const more = findings.length > 1 ? ` (and ${String(findings.length - 1)} more)` : "";
  return `${where}: ${first.message}${first.hint === undefined ? "" : ` ${first.hint}`}${more}`;
}
