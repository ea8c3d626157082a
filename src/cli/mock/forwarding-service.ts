import type { ForwardedRequest } from "../../arrivals/arrivals.ts";
import { Redaction } from "../../transport/redact.ts";
import type { Fetch } from "../../transport/exchange.ts";
import { messageOf } from "../usage-error.ts";
import {
  json,
  type Answering,
  type ContractService,
  type EnvelopeEntry,
  type Judgement,
  type MockAnswer,
  type MockRequest,
} from "./contract-service.ts";
import { findRepeatedKey } from "./repeated-key.ts";

/** What a {@link ForwardingService} is told. */
export interface ForwardingOptions {
  /** The real service, with its `/v2`. */
  readonly baseUrl: string;
  /** The `Authorization` that goes in place of the caller's; without one the caller's goes. */
  readonly authorization: string | undefined;
  readonly fetch: Fetch;
  readonly now: () => number;
  /** Until the answer is there. `@default 30_000` */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 30_000;
/** An answer of the service is a few lines; what is longer is somebody else's page. */
const MAX_ANSWER_CHARACTERS = 1_000_000;
const MAX_SHOWN_CHARACTERS = 4000;

/**
 * Passes on what the contract accepts, and answers what the real service answered. Development data alone: what is for
 * production, or does not say what it is for, never leaves this machine.
 */
export class ForwardingService implements Answering {
  readonly #contract: ContractService;
  readonly #options: ForwardingOptions;
  readonly #host: string;
  /** Ends what is under way. */
  readonly #closing = new AbortController();

  constructor(contract: ContractService, options: ForwardingOptions) {
    this.#contract = contract;
    this.#options = options;
    this.#host = new URL(options.baseUrl).host;
  }

  /** Whoever waits for the real service is answered at once. */
  close(): void {
    this.#closing.abort(new Error("the mock was ended"));
  }

  async answer(request: MockRequest): Promise<MockAnswer> {
    const judgement = this.#contract.judge(request);
    if (judgement.verdict !== "accepted") {
      this.#contract.tell(request.path, judgement, judgement);
      return judgement.answer;
    }
    const unfit = whatMayNotLeave(judgement, request.body);
    if (unfit.length > 0) {
      const answer = json(400, { errors: unfit });
      this.#contract.tell(request.path, withFindings(judgement, unfit), { answer, verdict: "refused" });
      return answer;
    }
    const { answer, forwarded } = await this.#passOn(request);
    const { status } = answer;
    const isFailed = forwarded.status === undefined || status === 429 || status >= 500;
    const verdict = status < 300 ? "accepted" : isFailed ? "failed" : "refused";
    this.#contract.tell(request.path, judgement, { answer, verdict, forwarded });
    return answer;
  }

  async #passOn(request: MockRequest): Promise<{ answer: MockAnswer; forwarded: ForwardedRequest }> {
    const { fetch, now, baseUrl, timeoutMs = TIMEOUT_MS } = this.#options;
    const to = `${baseUrl}${request.path.replace(/^\/v2/, "")}`;
    const authorization = this.#options.authorization ?? request.headers["authorization"] ?? "";
    const redaction = redactionOf(authorization);
    const startedAtMs = now();
    const from = this.#host;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closing.signal]);
      const headers = { ...passedOn(request.headers), authorization };
      // A redirect would take the credentials to wherever it leads.
      const init = { method: "POST", headers, body: request.body, redirect: "manual", signal } as const;
      const response = await fetch(new Request(to, init));
      const body = redaction.redact((await response.text()).slice(0, MAX_ANSWER_CHARACTERS));
      const { status } = response;
      const told = redactAll(answerHeaders(response.headers), redaction);
      const forwarded = {
        to,
        status,
        durationMs: now() - startedAtMs,
        headers: told,
        ...(body !== "" && { body: body.slice(0, MAX_SHOWN_CHARACTERS) }),
      };
      if (status < 300 || status >= 400) return { answer: { status, headers: told, body, from }, forwarded };
      return { answer: unreached(502, `${from} answers ${String(status)}, which is not followed.`), forwarded };
    } catch (error) {
      const isLate = error instanceof Error && error.name === "TimeoutError";
      const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = isLate
        ? `it did not answer within ${String(timeoutMs / 1000)} s`
        : redaction.redact(messageOf(inner));
      const forwarded = { to, durationMs: now() - startedAtMs, error: reason };
      return { answer: unreached(isLate ? 504 : 502, `${from} was not reached: ${reason}.`), forwarded };
    }
  }
}

function unreached(status: number, message: string): MockAnswer {
  return json(status, { errors: [{ code: "NOT_FORWARDED", message }] });
}

/** An entry for each batch that is not development data beyond doubt. */
function whatMayNotLeave({ batches, isBulk }: Judgement, body: string): readonly EnvelopeEntry[] {
  const entries = batches.flatMap(({ batch }, index): EnvelopeEntry[] => {
    const given = environmentsOf(batch);
    if (given.length === 1 && given[0] === "development") return [];
    const said = given.length === 0 ? "does not say its environment" : `is for ${given.map(String).join(" and ")}`;
    return [
      {
        code: "environment-not-forwarded",
        path: `${isBulk ? `/${String(index)}` : ""}/environment`,
        message: `the batch ${said}, and --forward passes on development data alone.`,
        hint: 'Set environment to "development", or leave out --forward.',
      },
    ];
  });
  const repeated = entries.length > 0 ? undefined : findRepeatedKey(body);
  if (repeated === undefined) return entries;
  const message = `the key ${JSON.stringify(repeated)} is given twice, and nobody can say which one counts for the service.`;
  return [{ code: "repeated-key", path: "", message, hint: "Give it once." }];
}

/** Whatever a reader that does not mind the case of a key would take for it. */
function environmentsOf(batch: unknown): readonly unknown[] {
  if (typeof batch !== "object" || batch === null) return [];
  return Object.entries(batch).flatMap(([key, value]): unknown[] =>
    key.toLowerCase() === "environment" ? [value] : [],
  );
}

function withFindings(judgement: Judgement, entries: readonly EnvelopeEntry[]): Judgement {
  const { isBulk } = judgement;
  const batches = judgement.batches.map(({ batch, findings }, index) => {
    const base = isBulk ? `/${String(index)}/` : "/";
    const own = entries
      .filter(({ path = "" }) => path === "" || path.startsWith(base))
      .map(
        ({ path = "", ...rest }) =>
          ({ severity: "error", ...rest, path: path.slice(isBulk ? base.length - 1 : 0) }) as const,
      );
    return { batch, findings: [...findings, ...own] };
  });
  return { ...judgement, batches };
}

/** What the caller says about the request; nothing that is between the two connections alone. */
function passedOn(headers: MockRequest["headers"]): Readonly<Record<string, string>> {
  const names = ["content-type", "accept", "user-agent", "traceparent", "tracestate"];
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value !== undefined && (names.includes(name) || name.startsWith("x-")) ? [[name, value]] : [],
    ),
  );
}

/** What the answer says; lengths, encodings and cookies are of the connection it came on. */
function answerHeaders(headers: Headers): Readonly<Record<string, string>> {
  const names = ["content-type", "retry-after", "date", "www-authenticate", "allow"];
  return Object.fromEntries([...headers].filter(([name]) => names.includes(name) || name.startsWith("x-")));
}

function redactAll(headers: Readonly<Record<string, string>>, redaction: Redaction): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, redaction.redact(value)]));
}

function redactionOf(authorization: string): Redaction {
  const decoded = Buffer.from(authorization.replace(/^Basic /i, ""), "base64").toString("utf8");
  return new Redaction(decoded.slice(decoded.indexOf(":") + 1), authorization.replace(/^Basic /i, "Basic "));
}
