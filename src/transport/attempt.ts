import createClient, { type Client, type Middleware } from "openapi-fetch";
import { createDefaultFetch } from "#platform";
import type { Batch, paths } from "../../generated/schema.ts";
import { ApiError, NetworkError, type ErrorCode, type ServiceError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { Cancellation, onAbort } from "./abort.ts";
import { EXCHANGE, MAX_BODY_CHARS, type Exchange, type Fetch, type RequestBody } from "./exchange.ts";
import { basicAuthorization, resolveBaseUrl, type EndpointPath, type Pod } from "./hosts.ts";
import { serializeBatch } from "./json.ts";
import { positive } from "./option-checks.ts";
import { parseRetryAfter } from "./retry-after.ts";

/** How to reach the service, and how long to wait for one answer. */
export interface TransportOptions {
  /** Key of the input, from the dashboard. */
  readonly apiKey: string;
  /** Secret of the input. It is sent in the Authorization header and appears nowhere else. */
  readonly apiSecret: string;
  /** Data centre. `@default "us1"` */
  readonly pod?: Pod | undefined;
  /** Overrides `pod`: a mock, a proxy or a partner host, with its `/v2`. */
  readonly baseUrl?: string | URL | undefined;
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
      /** The connection was kept alive and closed under us before the request was read: trying again at once is right. */
      readonly stale: boolean;
    };

/** What an attempt sends, and on whose behalf. */
export interface AttemptRequest {
  readonly path: EndpointPath;
  readonly body: RequestBody;
  readonly requestIds: readonly string[];
  /** 1 for the first. */
  readonly attempt: number;
  readonly signal?: AbortSignal | undefined;
}

/** The typed openapi-fetch client of this API. */
export type RawClient = Client<paths>;

/** One request, one verdict: no retry, no waiting, nothing thrown for what the network or the service does. */
export class Transport {
  readonly #baseUrl: string;
  readonly #timeoutMs: number;
  readonly #fetch: Fetch;
  readonly #secrets: readonly string[];
  readonly #headers: Readonly<Record<string, string>>;
  #exchange: Exchange;
  #raw: RawClient | undefined;

  constructor(options: TransportOptions & { readonly maxSockets: number }) {
    this.#baseUrl = resolveBaseUrl(options);
    this.#timeoutMs = positive("timeoutMs", options.timeoutMs ?? 30_000);
    const authorization = basicAuthorization(options.apiKey, options.apiSecret);
    this.#secrets = [options.apiSecret, authorization.slice("Basic ".length)];
    if (options.fetch !== undefined && typeof options.fetch !== "function") {
      throw new TypeError(`\`fetch\` is ${typeof options.fetch}; expected a function that takes a Request.`);
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
    if (this.#raw === undefined) {
      const raw: RawClient = createClient<paths>({
        baseUrl: this.#baseUrl,
        headers: this.#headers,
        fetch: this.#fetch,
        // A followed redirect would carry the credentials to another host, or turn the POST into an empty GET.
        redirect: "manual",
        // The service documents no body for 202, and proxies put anything there.
        bodySerializer: serializeBody,
      });
      const use = raw.use.bind(raw);
      raw.use = (...middlewares: Middleware[]) => {
        this.#exchange = this.#exchangeThroughRaw;
        use(...middlewares);
      };
      this.#raw = raw;
    }
    return this.#raw;
  }

  async attempt({ path, body, requestIds, attempt, signal }: AttemptRequest): Promise<AttemptResult> {
    const url = `${this.#baseUrl}${path}`;
    const facts = { requestIds, attempts: attempt };
    const cancellation = new Cancellation();
    const timeout = setTimeout(() => {
      cancellation.cancel(new DOMException(`no complete answer within ${String(this.#timeoutMs)} ms`, "TimeoutError"));
    }, this.#timeoutMs);
    const ignoreAbort =
      signal &&
      onAbort(signal, () => {
        cancellation.cancel(signal.reason);
      });
    try {
      const { status, headers, text } = await this.#exchange({ url, headers: this.#headers, body, cancellation });
      if (status >= 200 && status < 300) {
        return {
          kind: "accepted",
          status,
          rateLimitPercentageUsed: readNumber(headers.get("x-mp-rate-limit-percentage-used")),
        };
      }
      const excerpt = this.#redact(text);
      const details = readServiceErrors(excerpt);
      const error = new ApiError(status, describeAnswer(url, status, details), {
        ...facts,
        details,
        retryAfterMs: parseRetryAfter(headers.get("retry-after"), Date.now()),
        // The documentation prints the value inside quotes (D11).
        limitExceeded: headers.get("x-mp-rate-limit-exceeded")?.replace(/^"(.*)"$/, "$1"),
        bodyExcerpt: details.length > 0 || excerpt === "" ? undefined : excerpt.slice(0, 200),
      });
      return { kind: "failed", error, stale: false };
    } catch (cause) {
      const code = signal?.aborted === true ? "ABORTED" : cancellation.cancelled ? "TIMEOUT" : codeOfFault(cause);
      const error = new NetworkError(code, describeFault(url, code, cause), { ...facts, cause });
      return { kind: "failed", error, stale: isStale(cause) };
    } finally {
      clearTimeout(timeout);
      ignoreAbort?.();
    }
  }

  readonly #exchangeThroughRaw: Exchange = async ({ url, headers, body, cancellation }) => {
    const controller = new AbortController();
    cancellation.onCancel((reason) => {
      controller.abort(reason);
    });
    // The one operation stands for all three: they differ in their path and in what `body` is the text of.
    const path = url.slice(this.#baseUrl.length) as "/events";
    const { response, error } = await this.raw.POST(path, {
      // Already the text of a batch, or of several: see the serializer beside it.
      body: body.texts.join("") as unknown as Batch,
      bodySerializer: (text: unknown) => text,
      headers,
      signal: controller.signal,
      parseAs: "stream",
      fetch: this.#fetchWithBoundedError,
    });
    // openapi-fetch has read the body of an error, and parsed it where it is JSON.
    const said: unknown = error;
    const { status, headers: answered } = response;
    if (said === undefined) return { status, headers: answered, text: await readStart(response) };
    return { status, headers: answered, text: typeof said === "string" ? said : JSON.stringify(said) };
  };

  /** openapi-fetch reads the whole body of an error, whatever its size, and rejects when it breaks off: it gets what we read of it. */
  readonly #fetchWithBoundedError = async (request: Request): Promise<Response> => {
    const response = await this.#fetch(request);
    const { ok, status, statusText, headers, body } = response;
    // A redirect that a browser hides has the status 0, which nothing can be made of, and no body.
    return ok || body === null || status < 200
      ? response
      : new Response(await readStart(response), { status, statusText, headers });
  };

  /** A proxy may echo what it was sent. */
  #redact(text: string): string {
    return this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, "[redacted]"), text);
  }
}

function serializeBody(body: unknown): string {
  // `raw` is typed by the contract: what reaches it is a batch or a list of them.
  return Array.isArray(body) ? `[${(body as Batch[]).map(serializeBatch).join(",")}]` : serializeBatch(body as Batch);
}

/** The body's start, and the rest let go; a body that is cut short changes nothing about the status. */
async function readStart(response: Response): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      if (text.length < MAX_BODY_CHARS) text += decoder.decode(chunk.value, { stream: true });
    }
  } catch {
    // The status stands.
  }
  return text.slice(0, MAX_BODY_CHARS);
}

function readServiceErrors(text: string): readonly ServiceError[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(body) || !Array.isArray(body["errors"])) return [];
  return body["errors"].filter(isRecord).map(({ code, message }) => ({
    ...(typeof code === "string" && { code }),
    ...(typeof message === "string" && { message }),
  }));
}

function describeAnswer(url: string, status: number, details: readonly ServiceError[]): string {
  const said = details.map(({ code, message }) => [code, message].filter(Boolean).join(": ")).join("; ");
  const advice =
    ADVICE[status] ??
    (status >= 500
      ? "The service failed; the same batch may succeed later."
      : status < 400
        ? REDIRECT
        : "Correct the batch.");
  return `POST ${url} answered ${String(status)}${said === "" ? "" : ` (${said})`}. ${advice}`;
}

const REDIRECT = "Redirects are not followed with credentials; set `pod` or `baseUrl` to the final host.";

const ADVICE: Readonly<Record<number, string>> = {
  400: "The service refused the payload; `checkBatch` of mparticle-events/validate names the field.",
  401: "Check `apiKey` and `apiSecret`, and that they belong to this `pod`.",
  403: "Check `apiKey` and `apiSecret`, that they belong to this `pod`, and that the input may send this data.",
  404: "Check `baseUrl`: it ends with /v2.",
  413: "The request is too large for the service; send fewer or smaller batches.",
  429: "The account's rate limit is reached; the same batch will succeed later.",
};

const FAULTS = {
  TIMEOUT: "was not answered in time; whether it arrived is unknown, and sending it again is safe",
  ABORTED: "was aborted by its signal; whether it arrived is unknown, and sending it again is safe",
  CONNECTION: "got no answer; whether it arrived is unknown, and sending it again is safe",
  TLS: "was not sent: the server's certificate does not verify. Check `baseUrl`, or trust its authority with NODE_EXTRA_CA_CERTS or nodeFetch({ ca })",
} as const satisfies Partial<Record<ErrorCode, string>>;

function describeFault(url: string, code: keyof typeof FAULTS, cause: unknown): string {
  const detail = cause instanceof Error ? (findCode(cause) ?? cause.message) : String(cause);
  return `POST ${url} ${FAULTS[code]} (${detail}).`;
}

function codeOfFault(cause: unknown): "CONNECTION" | "TLS" {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS_/.test(findCode(cause) ?? "")
    ? "TLS"
    : "CONNECTION";
}

/** `fetch` hides the code of the fault in the cause of its TypeError. */
function findCode(fault: unknown): string | undefined {
  if (!isRecord(fault)) return undefined;
  return typeof fault["code"] === "string" ? fault["code"] : findCode(fault["cause"]);
}

function isStale(fault: unknown): boolean {
  return isRecord(fault) && fault["stale"] === true;
}

function readNumber(value: string | null): number | undefined {
  const number = value === null || value.trim() === "" ? NaN : Number(value.replaceAll('"', ""));
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
