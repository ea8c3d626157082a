import { LIMITS } from "../../../generated/contract.ts";
import type { BatchRecord } from "../../arrivals/arrivals.ts";
import type { Finding } from "../../errors.ts";
import { nearest } from "../../rules/nearest-name.ts";
import { show } from "../../rules/show.ts";
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
  /** Who answered, where it was not the mock. */
  readonly from?: string | undefined;
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

/** What the contract says of a request: the answer to it, and the batches that it brought. */
export interface Judgement {
  readonly answer: MockAnswer;
  /** None where the request was answered before its batches were looked at. */
  readonly batches: readonly { readonly batch: unknown; readonly findings: readonly Finding[] }[];
  readonly isBulk: boolean;
  readonly verdict: BatchRecord["verdict"];
}

/** What answers requests: the contract, or the real service behind it. */
export interface Answering {
  answer(request: MockRequest): MockAnswer | Promise<MockAnswer>;
}

/** One entry of the envelope that the service has for errors. */
export interface EnvelopeEntry {
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
export class ContractService implements Answering {
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
    const judgement = this.judge(request);
    this.tell(request.path, judgement, judgement);
    return judgement.answer;
  }

  /** What {@link answer} would answer; nobody is told. */
  judge({ method, path, headers, body }: MockRequest): Judgement {
    if (!OPERATIONS.includes(path)) return unlooked(notFound(method, path));
    if (method !== "POST") return unlooked(refuse(405, `${path} takes POST.`, { allow: "POST" }));
    if (!hasCredentials(headers["authorization"])) {
      return unlooked(refuse(401, "The request carries no credentials."));
    }
    const preferred = preferredCode(headers["prefer"]);
    if (typeof preferred === "string") return unlooked(refuse(400, preferred));
    const failure = decideFailure(this.#options.failures, this.#options.random) ?? preferred;
    const encoding = headers["content-encoding"] ?? "identity";
    if (encoding.toLowerCase() !== "identity") {
      const message = `The body has the content encoding ${show(encoding)}. The service documents none: send the JSON as it is.`;
      return unlooked(refuse(415, message));
    }
    if (Buffer.byteLength(body) >= LIMITS.requestMaxBytes) return unlooked(refuse(413, "The request is too large."));
    if (!/^application\/([\w.-]+\+)?json\b/i.test(headers["content-type"] ?? "")) {
      const given = headers["content-type"] ?? "missing";
      return unlooked(refuse(400, `The content type is ${given}; expected application/json.`));
    }
    const read = readJson(body);
    if (read.kind === "fault") {
      const at = String(read.offset + 1);
      return unlooked(refuse(400, `The request body is malformed, at character ${at}: ${read.message}`));
    }
    return this.#judgeBatches(path, read.value, failure);
  }

  /** Tells whoever listens what became of the batches of a request. */
  tell(
    path: string,
    { batches }: Judgement,
    { answer, verdict, forwarded }: Pick<Judgement, "answer" | "verdict"> & Pick<BatchRecord, "forwarded">,
  ): void {
    for (const { batch, findings } of batches) {
      const record: BatchRecord = {
        index: this.#batches++,
        receivedAtMs: this.#options.now(),
        path,
        batch,
        verdict,
        status: answer.status,
        findings,
        ...(forwarded !== undefined && { forwarded }),
      };
      for (const listener of this.#listeners) listener(record);
    }
  }

  #judgeBatches(path: string, value: unknown, failure: number | undefined): Judgement {
    const isBulk = path !== "/v2/events";
    if (isBulk && !Array.isArray(value)) {
      return unlooked(refuse(400, `The body is no array of batches; one batch goes to /v2/events.`));
    }
    const batches: readonly unknown[] = isBulk && Array.isArray(value) ? value : [value];
    if (batches.length > LIMITS.bulkMaxBatches) {
      const [count, most] = [batches.length, LIMITS.bulkMaxBatches].map(String);
      return unlooked(refuse(400, `The request has ${count ?? ""} batches; expected ${most ?? ""} at most.`));
    }
    const { profile, check = () => [] } = this.#options;
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
    const of = { batches: checked, isBulk };
    if (failure !== undefined) return { ...of, answer: failing(failure), verdict: "failed" };
    if (entries.length > 0) return { ...of, answer: json(400, { errors: entries }), verdict: "refused" };
    const headers = { "x-mp-rate-limit-percentage-used": "0" };
    return { ...of, answer: { status: 202, headers, body: "" }, verdict: "accepted" };
  }
}

function unlooked(answer: MockAnswer): Judgement {
  return { answer, batches: [], isBulk: false, verdict: "refused" };
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

/**
 * `Prefer: code=429` asks for another answer (RFC 7240), as it does with the mock server of the contract tests.
 *
 * @returns undefined for the one that is given anyway, and a text, which says so, for one that there is not.
 */
function preferredCode(prefer: string | undefined): number | string | undefined {
  const given = /(?:^|[,;\s])code\s*=\s*"?([^"\s,;]*)/i.exec(prefer ?? "")?.[1];
  if (given === undefined || given === "202") return undefined;
  const code = /^\d{3}$/.test(given) ? Number(given) : 0;
  if (code >= 300 && code <= 599) return code;
  return `\`Prefer\` asks for the code ${show(given)}; expected 202, or one from 300 to 599.`;
}

function failing(status: number): MockAnswer {
  const message = status === 429 ? "The rate limit of the workspace is exceeded." : "The request could not be handled.";
  const headers: Readonly<Record<string, string>> =
    status === 429 ? { "retry-after": "1", "x-mp-rate-limit-exceeded": "workspace" } : {};
  return json(status, { errors: [{ message }] }, headers);
}
