import createClient, { type Client, type Middleware } from "openapi-fetch";
import { createDefaultFetch } from "#platform";
import type { Batch, paths } from "../../generated/schema.ts";
import { ApiError, NetworkError, type ErrorCode, type ServiceError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { show } from "../rules/show.ts";
import { Cancellation, onAbort, untilAborted } from "./abort.ts";
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
  /** In place of `pod`: a mock, a proxy or a partner host, with its `/v2`. */
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
  /** Made for the first error. */
  #secretPattern: RegExp | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  #exchange: Exchange;
  /** Whether errors may come from code that is neither ours nor the runtime's, and hold anything. */
  #hasForeignErrors: boolean;
  #raw: RawClient | undefined;

  constructor(options: TransportOptions & { readonly maxSockets: number }) {
    this.#baseUrl = resolveBaseUrl(options);
    this.#timeoutMs = positive("timeoutMs", options.timeoutMs ?? 30_000);
    const authorization = basicAuthorization(options.apiKey, options.apiSecret);
    this.#secrets = [options.apiSecret, authorization.slice("Basic ".length)];
    // What a header cannot hold would fail every attempt, and look like a fault of the network.
    if (options.userAgent !== undefined && !/^[\x20-\x7e]*$/.test(options.userAgent)) {
      throw new TypeError(`\`userAgent\` is ${JSON.stringify(options.userAgent)}; expected printable ASCII.`);
    }
    this.#fetch = options.fetch ?? createDefaultFetch({ maxSockets: options.maxSockets });
    this.#hasForeignErrors = options.fetch !== undefined && options.fetch[EXCHANGE] === undefined;
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
        fetch: this.#fetchStart,
        // A followed redirect would carry the credentials to another host, or turn the POST into an empty GET.
        redirect: "manual",
        bodySerializer: serializeBody,
      });
      const use = raw.use.bind(raw);
      raw.use = (...middlewares: Middleware[]) => {
        this.#exchange = this.#exchangeThroughRaw;
        this.#hasForeignErrors = true;
        use(...middlewares);
      };
      this.#raw = raw;
    }
    return this.#raw;
  }

  /**
   * Ends the connections that nobody uses now. Call it when the last request is settled: one that is sent later opens a
   * connection again.
   */
  async close(): Promise<void> {
    await this.#fetch[EXCHANGE]?.close?.();
  }

  async attempt({ path, body, requestIds, attempt, signal }: AttemptRequest): Promise<AttemptResult> {
    const url = `${this.#baseUrl}${path}`;
    const facts = { requestIds, attempts: attempt };
    const cancellation = new Cancellation();
    const timeout = setTimeout(
      () => {
        cancellation.cancel(
          new DOMException(`no complete answer within ${String(this.#timeoutMs)} ms`, "TimeoutError"),
        );
        // Longer than a timer can hold would fire at once.
      },
      Math.min(this.#timeoutMs, 2 ** 31 - 1),
    );
    const ignoreAbort =
      signal &&
      onAbort(signal, () => {
        cancellation.cancel(signal.reason);
      });
    try {
      const { status, headers, text } = await this.#exchange({ url, headers: this.#headers, body, cancellation });
      if (status >= 200 && status < 300) {
        // A 202 is one, whatever else it says.
        if (status !== 202 && /^text\/html\b/i.test(headers.get("content-type") ?? "")) {
          const error = new NetworkError("CONNECTION", `POST ${url} answered ${String(status)} ${WEB_PAGE}`, facts);
          return { kind: "failed", error, stale: false };
        }
        return {
          kind: "accepted",
          status,
          rateLimitPercentageUsed: readNumber(headers.get("x-mp-rate-limit-percentage-used")),
        };
      }
      const { details, excerpt } = this.#readError(text);
      const error = new ApiError(status, describeAnswer(url, status, details), {
        ...facts,
        details,
        retryAfterMs: parseRetryAfter(headers.get("retry-after"), Date.now()),
        limitExceeded: this.#readLimit(headers.get("x-mp-rate-limit-exceeded")),
        bodyExcerpt: details.length > 0 || excerpt === "" ? undefined : excerpt.slice(0, 200),
      });
      return { kind: "failed", error, stale: false };
    } catch (cause) {
      const code = signal?.aborted === true ? "ABORTED" : cancellation.cancelled ? "TIMEOUT" : codeOfFault(cause);
      const message = this.#redact(describeFault(url, code, cause));
      const error = new NetworkError(code, message, {
        ...facts,
        cause: this.#hasForeignErrors && cause !== signal?.reason ? this.#copyFault(cause) : cause,
      });
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
    const posted = this.raw.POST(path, {
      // Already the text of a batch, or of several: see the serializer beside it.
      body: body.texts.join("") as unknown as Batch,
      bodySerializer: (text: unknown) => text,
      headers,
      signal: controller.signal,
    });
    // A middleware may wait for something that never comes. Below it the signal is heeded, and a status stays the verdict.
    const { response, error } = await untilAborted(posted, controller.signal, MIDDLEWARE_GRACE_MS);
    // openapi-fetch has read the body of an error, and parsed it where it is JSON.
    const said: unknown = error;
    const { status, headers: answered } = response;
    return {
      status,
      headers: answered,
      text: said === undefined ? "" : typeof said === "string" ? said : JSON.stringify(said),
    };
  };

  /**
   * The `fetch` under openapi-fetch, which reads whole bodies whatever their size, takes them for JSON whatever they are,
   * and rejects when one breaks off: it gets what we read of an error, and nothing of a success.
   */
  readonly #fetchStart = async (request: Request): Promise<Response> => {
    // Called as the plain function that it is: a runtime's own `fetch` refuses to be anybody's method. One that is not
    // the runtime's may pay no attention to its signal, and its bodies neither.
    const send = this.#fetch;
    const response = await untilAborted(send(request), request.signal);
    if (!isResponse(response))
      throw new TypeError(`\`fetch\` gave ${show(response)}; expected a Response with a web stream for a body, if any`);
    const { ok, status, statusText, body } = response;
    // A redirect that a browser hides has the status 0, which nothing can be made of, and no body.
    if (status < 200) return response;
    const text = body === null ? null : await readStart(body, request.signal);
    const headers = new Headers(response.headers);
    headers.delete("content-length");
    return new Response(ok ? null : text, { status, statusText, headers });
  };

  /** What a body says, without the secret: a proxy may echo what it was sent, and JSON may spell it in its own way. */
  #readError(text: string): { readonly details: readonly ServiceError[]; readonly excerpt: string } {
    let body: unknown;
    try {
      body = JSON.parse(text, (_, value: unknown) => (typeof value === "string" ? this.#redact(value) : value));
    } catch {
      return { details: [], excerpt: this.#redact(text) };
    }
    return { details: readServiceErrors(body), excerpt: this.#redact(JSON.stringify(body)) };
  }

  /** The documentation prints the value inside quotes (D11). */
  #readLimit(header: string | null): string | undefined {
    return header === null ? undefined : this.#redact(header.replace(/^"(.*)"$/, "$1"));
  }

  #redact(text: string): string {
    this.#secretPattern ??= anySpellingOf(this.#secrets);
    return text.replace(this.#secretPattern, "[redacted]");
  }

  /** What is worth knowing of an error that may hold the request, and with it the secret, in any of its members. */
  #copyFault(fault: unknown, depth = 0): unknown {
    if (!(fault instanceof Error)) return this.#redact(String(fault));
    const cause = fault.cause === undefined || depth > 3 ? undefined : this.#copyFault(fault.cause, depth + 1);
    const copy = new Error(this.#redact(fault.message), cause === undefined ? undefined : { cause });
    copy.name = fault.name;
    if (fault.stack !== undefined) copy.stack = this.#redact(fault.stack);
    const code = findCode(fault);
    return code === undefined ? copy : Object.assign(copy, { code });
  }
}

/** For an answer to find its way back through all middleware once its time is up. */
const MIDDLEWARE_GRACE_MS = 50;

function serializeBody(body: unknown): string {
  // `raw` is typed by the contract: what reaches it is a batch or a list of them.
  return Array.isArray(body) ? `[${(body as Batch[]).map(serializeBatch).join(",")}]` : serializeBatch(body as Batch);
}

/**
 * Whoever echoes a secret may have put it into JSON, HTML or a URL first, and what is cut short cannot be parsed to find
 * out: each character may be escaped in any way.
 */
function anySpellingOf(secrets: readonly string[]): RegExp {
  return new RegExp(secrets.map((secret) => Array.from(secret, anySpellingOfOne).join("")).join("|"), "g");
}

function anySpellingOfOne(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const entity = ENTITIES[character];
  const spellings = [
    `\\\\?${character.replace(/[^\w\s]/, "\\$&")}`,
    character
      .split("")
      .map((unit) => `\\\\u${anyCase(unit.charCodeAt(0).toString(16).padStart(4, "0"))}`)
      .join(""),
    `&#(?:0*${String(code)}|[xX]0*${anyCase(code.toString(16))});`,
    ...(entity === undefined ? [] : [`&${entity};`]),
    Array.from(new TextEncoder().encode(character), (byte) => `%${anyCase(byte.toString(16).padStart(2, "0"))}`).join(
      "",
    ),
  ];
  return `(?:${spellings.join("|")})`;
}

function anyCase(hex: string): string {
  return hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };

/** The body's start, and the rest let go; a body that is cut short, or never ends, changes nothing about the status. */
async function readStart(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), signal);
      if (done) break;
      if (text.length < MAX_BODY_CHARS) text += decoder.decode(value, { stream: true });
    }
  } catch {
    reader.cancel().catch(() => undefined);
  }
  return text.slice(0, MAX_BODY_CHARS);
}

/** Also one of another implementation of `fetch`, which has a class of its own. */
function isResponse(value: unknown): value is Response {
  if (!isRecord(value) || typeof value["status"] !== "number" || !isRecord(value["headers"])) return false;
  const { body = null } = value;
  return body === null || (isRecord(body) && "getReader" in body);
}

function readServiceErrors(body: unknown): readonly ServiceError[] {
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
        : "The service, or something in front of it, refused the request.");
  return `POST ${url} answered ${String(status)}${said === "" ? "" : ` (${said})`}. ${advice}`;
}

const REDIRECT = "Redirects are not followed with credentials; set `pod` or `baseUrl` to the final host.";

const ADVICE: Readonly<Record<number, string>> = {
  400: "The service refused the payload; `checkBatch` of mparticle-events/validate names the field.",
  401: "Check `apiKey` and `apiSecret`, and that they belong to this `pod`.",
  403: "Check `apiKey` and `apiSecret`, that they belong to this `pod`, and that the input may send this data.",
  404: "Check `baseUrl`: it ends with /v2.",
  405: "Check `baseUrl`: it ends with /v2.",
  413: "The request is too large for the service; send fewer or smaller batches.",
  429: "The account's rate limit is reached; the same batch will succeed later.",
};

const FAULTS = {
  TIMEOUT: "was not answered in time; whether it arrived is unknown, and sending it again is safe",
  ABORTED: "was aborted by its signal; whether it arrived is unknown, and sending it again is safe",
  CONNECTION: "got no answer; whether it arrived is unknown, and sending it again is safe",
  TLS: "was not sent: the server's certificate does not verify. Check `baseUrl`, or trust its authority with NODE_EXTRA_CA_CERTS or nodeFetch({ ca })",
} as const satisfies Partial<Record<ErrorCode, string>>;

/** Faults before anything is sent. */
const UNSENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host. Check `baseUrl`, and the network",
  EAI_AGAIN: "the host could not be looked up. Check the network",
  EPROTO: "the other side speaks no TLS. Check `baseUrl`: http or https?",
};

const WEB_PAGE =
  "with a web page, which the service never does: something in between took the request, such as a proxy that wants a sign-in. Check `baseUrl`.";

function describeFault(url: string, code: keyof typeof FAULTS, cause: unknown): string {
  const known = findCode(cause);
  const unsent =
    code === "CONNECTION" && known !== undefined && Object.hasOwn(UNSENT, known) ? UNSENT[known] : undefined;
  const detail = known ?? (cause instanceof Error ? cause.message : String(cause));
  return `POST ${url} ${unsent === undefined ? FAULTS[code] : `was not sent: ${unsent}`} (${detail}).`;
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
