import { createDefaultFetch } from "#platform";
import { readableError } from "../rules/readable-error.ts";
import { ApiError, NetworkError, type ServiceError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { Cancellation, onAbort, type AnySignal } from "./abort.ts";
import { Deadlines } from "./deadlines.ts";
import {
  EXCHANGE,
  StaleConnectionError,
  type Exchange,
  type ExchangeResponse,
  type Fetch,
  type RequestBody,
} from "./exchange.ts";
import { codeOfFault, describeAnswer, describeFault, describeWebPage, shortened } from "./failure-messages.ts";
import { basicAuthorization, resolveBaseUrl, type EndpointPath, type HostOptions } from "./hosts.ts";
import { positive } from "./option-checks.ts";
import { createRawClient, exchangeThrough, type RawClient } from "./raw-client.ts";
import { Redaction } from "./redact.ts";
import { parseRetryAfter } from "./retry-after.ts";

/** How to reach the service, and how long to wait for one answer. */
export interface TransportOptions extends HostOptions {
  /** Key of the input, from the dashboard. */
  readonly apiKey: string;
  /** Secret of the input. It is sent in the Authorization header and appears nowhere else. */
  readonly apiSecret: string;
  /** Longest time one attempt may take, its body included, in milliseconds. `@default 30_000` */
  readonly timeoutMs?: number | undefined;
  /** Sends requests instead of the default transport; the global `fetch` fits. */
  readonly fetch?: Fetch | undefined;
  /** Put in front of this package's own User-Agent, such as `checkout/2.1`. */
  readonly userAgent?: string | undefined;
}

/** What one attempt came to. */
export type AttemptResult =
  | { readonly kind: "accepted"; readonly status: number; readonly rateLimitPercentageUsed: number | undefined }
  | {
      readonly kind: "failed";
      readonly error: ApiError | NetworkError;
      /** The connection was kept alive and closed under us, hardly for what we sent: trying again at once is right. */
      readonly stale: boolean;
    };

/** What an attempt sends, and on whose behalf. */
export interface AttemptRequest {
  readonly path: EndpointPath;
  readonly body: RequestBody;
  readonly requestIds: readonly string[];
  /** 1 for the first. */
  readonly attempt: number;
  readonly signal?: AnySignal | undefined;
}

/** What is known of an attempt before its end. */
interface AttemptFacts {
  readonly url: string;
  readonly requestIds: readonly string[];
  readonly attempts: number;
}

/** One request, one verdict: no retry, no waiting, nothing thrown for what the network or the service does. */
export class Transport {
  readonly #baseUrl: string;
  readonly #fetch: Fetch;
  readonly #redaction: Redaction;
  readonly #deadlines: Deadlines;
  /** Longest time one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  /** Made once, because a text that is put together anew has to be read by whoever looks it up. */
  readonly #urls: Readonly<Record<EndpointPath, string>>;
  #exchange: Exchange;
  #raw: RawClient | undefined;

  /** @param onStop - told how long the process stood still while a request was under way. */
  constructor(
    options: TransportOptions & { readonly maxSockets: number },
    onStop: (stoppedMs: number) => void = () => undefined,
  ) {
    this.#baseUrl = resolveBaseUrl(options);
    this.#urls = {
      "/events": `${this.#baseUrl}/events`,
      "/bulkevents": `${this.#baseUrl}/bulkevents`,
      "/bulkevents/historical": `${this.#baseUrl}/bulkevents/historical`,
    };
    this.timeoutMs = positive("timeoutMs", options.timeoutMs ?? 30_000);
    this.#deadlines = new Deadlines(this.timeoutMs, onStop);
    const authorization = basicAuthorization(options.apiKey, options.apiSecret);
    this.#redaction = new Redaction(options.apiSecret, authorization);
    // What a header cannot hold would fail every attempt, and look like a fault of the network.
    if (options.userAgent !== undefined && !/^[\x20-\x7e]*$/.test(options.userAgent)) {
      throw new TypeError(`\`userAgent\` is ${JSON.stringify(options.userAgent)}; expected printable ASCII.`);
    }
    this.#fetch = options.fetch ?? createDefaultFetch({ maxSockets: options.maxSockets });
    this.#headers = {
      authorization,
      accept: "application/json",
      "content-type": "application/json",
      "user-agent": `${options.userAgent === undefined ? "" : `${options.userAgent} `}mparticle-events/${VERSION}`,
    };
    // openapi-fetch needs the runtime's Headers, which take Node 30 ms to load and 5 µs a request: until somebody
    // adds a middleware that has to see the requests, a fetch that offers a plain exchange is used as one.
    this.#exchange = this.#fetch[EXCHANGE] ?? this.#exchangeThroughRaw;
  }

  /** The typed openapi-fetch client underneath; a middleware added to it sees every request from then on. */
  get raw(): RawClient {
    return (this.#raw ??= createRawClient({
      baseUrl: this.#baseUrl,
      headers: this.#headers,
      fetch: this.#fetch,
      onMiddleware: () => {
        this.#exchange = this.#exchangeThroughRaw;
      },
    }));
  }

  get #exchangeThroughRaw(): Exchange {
    return exchangeThrough(() => this.raw, this.#baseUrl);
  }

  /**
   * Ends the connections that nobody uses now. Call it when the last request is settled: one that is sent later opens a
   * connection again.
   */
  async close(): Promise<void> {
    await this.#fetch[EXCHANGE]?.close?.();
  }

  /** Sends one request and waits for its verdict, for `timeoutMs` at most. */
  async attempt({ path, body, requestIds, attempt, signal }: AttemptRequest): Promise<AttemptResult> {
    const facts = { url: this.#urls[path], requestIds, attempts: attempt };
    const cancellation = new Cancellation();
    const deadline = this.#deadlines.start(cancellation);
    const ignoreAbort =
      signal &&
      onAbort(signal, () => {
        cancellation.cancel(signal.reason);
      });
    try {
      return this.#judge(await this.#exchange({ url: facts.url, headers: this.#headers, body, cancellation }), facts);
    } catch (cause) {
      return this.#describe(readableError(cause), facts, cancellation, signal);
    } finally {
      this.#deadlines.end(deadline);
      ignoreAbort?.();
    }
  }

  #judge({ status, headers, text }: ExchangeResponse, { url, ...facts }: AttemptFacts): AttemptResult {
    const contentType = headers.get("content-type");
    if (status >= 200 && status < 300) {
      // A 202 is one, whatever else it says.
      if (status !== 202 && /^text\/html\b/i.test(contentType ?? "")) {
        return {
          kind: "failed",
          error: new NetworkError("CONNECTION", describeWebPage(url, status), facts),
          stale: false,
        };
      }
      const rateLimitPercentageUsed = readNumber(headers.get("x-mp-rate-limit-percentage-used"));
      return { kind: "accepted", status, rateLimitPercentageUsed };
    }
    const details = this.#readServiceErrors(text);
    const error = new ApiError(status, describeAnswer(url, status, details, strangeType(text, contentType)), {
      ...facts,
      details,
      retryAfterMs: parseRetryAfter(headers.get("retry-after"), headers.get("date"), Date.now()),
      limitExceeded: this.#readLimit(headers.get("x-mp-rate-limit-exceeded")),
    });
    return { kind: "failed", error, stale: false };
  }

  #describe(
    cause: unknown,
    { url, ...facts }: AttemptFacts,
    cancellation: Cancellation,
    signal: AnySignal | undefined,
  ): AttemptResult {
    // The reason of an abort is the caller's own, and that of a timeout ours. Any other error may hold the request, and
    // with it the secret, and may be built in any way.
    const isAborted = signal?.aborted === true;
    const told: unknown = isAborted
      ? readableError(signal.reason)
      : cancellation.cancelled
        ? cancellation.reason
        : this.#redaction.copyError(cause);
    const code = isAborted ? "ABORTED" : cancellation.cancelled ? "TIMEOUT" : codeOfFault(told);
    const message = this.#redaction.redact(describeFault(url, code, told, cancellation.waitsFor));
    return { kind: "failed", error: new NetworkError(code, message, { ...facts, cause: told }), stale: isStale(cause) };
  }

  /**
   * Of a body that is the documented JSON, without the secret: a proxy may echo what it was sent. Any other is not quoted, and
   * an entry without a word says nothing.
   */
  #readServiceErrors(text: string): readonly ServiceError[] {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return [];
    }
    if (!isObject(body) || !Array.isArray(body["errors"])) return [];
    return body["errors"]
      .filter(isObject)
      .map((entry) => this.#readTexts(entry))
      .filter((texts) => Object.keys(texts).length > 0);
  }

  #readTexts(entry: Readonly<Record<string, unknown>>): ServiceError {
    const texts: { -readonly [Name in keyof ServiceError]: string } = {};
    for (const name of ["code", "message", "path", "hint"] as const) {
      const text = entry[name];
      if (typeof text === "string" && text !== "") texts[name] = shortened(this.#redaction.redact(text), MAX_DETAIL);
    }
    return texts;
  }

  /** The documentation prints the value inside quotes (D11). */
  #readLimit(header: string | null): string | undefined {
    return header === null ? undefined : this.#redaction.redact(header.replace(/^"(.*)"$/, "$1"));
  }
}

/** Of each text that the service says, in characters. */
const MAX_DETAIL = 500;

/** The media type of a body that the service does not send, such as the page of a proxy. */
function strangeType(text: string, contentType: string | null): string | undefined {
  const [type] = /^[\w.+-]{1,40}\/[\w.+-]{1,40}/.exec(contentType ?? "") ?? [];
  return text === "" || type === undefined || /json/i.test(type) ? undefined : type;
}

function isStale(fault: unknown): boolean {
  return fault instanceof StaleConnectionError;
}

function readNumber(value: string | null): number | undefined {
  const number = value === null || value.trim() === "" ? NaN : Number(value.replaceAll('"', ""));
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
