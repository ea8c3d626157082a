import { LIMITS } from "../../../generated/contract.ts";
import type { BatchRecord } from "../../arrivals/arrivals.ts";
import type { Finding } from "../../errors.ts";
import { nearest } from "../../rules/nearest-name.ts";
import { checkBatch, type Profile } from "../../validate/validate.ts";
import { readJson } from "../input/read-json.ts";
import { decideFailure, type FailureRule } from "./failures.ts";

/** A request, as far as the contract looks at it. */
export interface MockRequest {
  readonly method: string;
  /** With its `/v2`, without a query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What is answered. */
export interface MockAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** `""` for none. */
  readonly body: string;
}

/** What a {@link ContractService} is told. */
export interface ContractServiceOptions {
  readonly profile: Profile;
  readonly failures: readonly FailureRule[];
  /** What batches are held against besides the contract, such as a data plan. */
  readonly check?: ((batch: unknown) => readonly Finding[]) | undefined;
  readonly now: () => number;
  readonly random: () => number;
}

/** One entry of the envelope that the service has for errors. */
interface EnvelopeEntry {
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly hint?: string;
}

const OPERATIONS = ["/v2/events", "/v2/bulkevents", "/v2/bulkevents/historical"];

/**
 * Answers requests as the service would, by the validators of this package: what it refuses is what `checkBatch` finds,
 * in the service's own envelope. Knows nothing of sockets.
 */
export class ContractService {
  readonly #options: ContractServiceOptions;
  readonly #listeners = new Set<(record: BatchRecord) => void>();
  #batches = 0;

  constructor(options: ContractServiceOptions) {
    this.#options = options;
  }

  /** Tells of each batch that arrives, once it is answered; the returned function ends it. */
  onBatch(listener: (record: BatchRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  answer(request: MockRequest): MockAnswer {
    const { method, path, headers, body } = request;
    if (!OPERATIONS.includes(path)) return notFound(method, path);
    if (method !== "POST") return refuse(405, `${path} takes POST.`, { allow: "POST" });
    if (!hasCredentials(headers["authorization"])) return refuse(401, "The request carries no credentials.");
    const failure = decideFailure(this.#options.failures, this.#options.random) ?? preferred(headers["prefer"]);
    if (Buffer.byteLength(body) >= LIMITS.requestMaxBytes) return refuse(413, "The request is too large.");
    if (!/^application\/([\w.-]+\+)?json\b/i.test(headers["content-type"] ?? "")) {
      return refuse(400, `The content type is ${headers["content-type"] ?? "missing"}; expected application/json.`);
    }
    const read = readJson(body);
    if (read.kind === "fault") {
      return refuse(400, `The request body is malformed, at character ${String(read.offset + 1)}: ${read.message}`);
    }
    return this.#judge(path, read.value, failure);
  }

  #judge(path: string, value: unknown, failure: number | undefined): MockAnswer {
    const isBulk = path !== "/v2/events";
    if (isBulk && !Array.isArray(value)) {
      return refuse(400, `The body is no array of batches; one batch goes to /v2/events.`);
    }
    const batches: readonly unknown[] = isBulk && Array.isArray(value) ? value : [value];
    if (batches.length > LIMITS.bulkMaxBatches) {
      return refuse(
        400,
        `The request has ${String(batches.length)} batches; expected ${String(LIMITS.bulkMaxBatches)} at most.`,
      );
    }
    const { profile, now, check = () => [] } = this.#options;
    const endpoint = path.endsWith("/historical") ? "historical" : "events";
    const checked = batches.map((batch) => ({
      batch,
      findings: [...checkBatch(batch, { profile, endpoint }), ...check(batch)],
    }));
    const entries = checked.flatMap(({ findings }, index) =>
      findings
        .filter(({ severity }) => severity === "error")
        .map(({ code, path: pointer, message, hint }): EnvelopeEntry => ({
          code,
          path: isBulk ? `/${String(index)}${pointer}` : pointer,
          message,
          ...(hint !== undefined && { hint }),
        })),
    );
    const answer =
      failure !== undefined
        ? failing(failure)
        : entries.length > 0
          ? json(400, { errors: entries })
          : { status: 202, headers: { "x-mp-rate-limit-percentage-used": "0" }, body: "" };
    const verdict = failure !== undefined ? "failed" : entries.length > 0 ? "refused" : "accepted";
    for (const { batch, findings } of checked) {
      const record = {
        index: this.#batches++,
        receivedAtMs: now(),
        path,
        batch,
        verdict,
        status: answer.status,
        findings,
      } as const;
      for (const listener of this.#listeners) listener(record);
    }
    return answer;
  }
}

/** An answer of JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): MockAnswer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

function refuse(status: number, message: string, headers?: Readonly<Record<string, string>>): MockAnswer {
  return json(status, { errors: [{ code: "BAD_REQUEST", message }] }, headers);
}

function notFound(method: string, path: string): MockAnswer {
  const meant = OPERATIONS.find((known) => known === `/v2${path}`) ?? nearest(path, OPERATIONS);
  const advice = meant === undefined ? `There are ${OPERATIONS.join(", ")}.` : `Is ${meant} meant?`;
  return json(404, { errors: [{ code: "NOT_FOUND", message: `There is no ${method} ${path}. ${advice}` }] });
}

/** Any will do, as long as there are a key and a secret. */
function hasCredentials(authorization: string | undefined): boolean {
  const [scheme = "", encoded = ""] = (authorization ?? "").split(" ");
  return scheme.toLowerCase() === "basic" && /^[^:]+:./.test(Buffer.from(encoded, "base64").toString("utf8"));
}

/** `Prefer: code=429` asks for another answer (RFC 7240), as it does with the mock server of the contract tests. */
function preferred(prefer: string | undefined): number | undefined {
  const code = Number(/(?:^|[,;\s])code="?(\d{3})"?/.exec(prefer ?? "")?.[1] ?? 0);
  return code >= 300 ? code : undefined;
}

function failing(status: number): MockAnswer {
  const message = status === 429 ? "The rate limit of the workspace is exceeded." : "The request could not be handled.";
  const headers: Readonly<Record<string, string>> =
    status === 429 ? { "retry-after": "1", "x-mp-rate-limit-exceeded": "workspace" } : {};
  return json(status, { errors: [{ message }] }, headers);
}
