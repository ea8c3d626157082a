import { startTimer } from "#platform";
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { Batch, paths } from "../../generated/schema.ts";
import { show } from "../rules/show.ts";
import { onAbort, untilAborted } from "./abort.ts";
import {
  MAX_ACCEPTED_BYTES,
  MAX_ACCEPTED_MS,
  MAX_BODY_CHARS,
  noStatus,
  type Exchange,
  type Fetch,
} from "./exchange.ts";
import { serializeBatch } from "./json.ts";

/** The typed openapi-fetch client of this API. */
export type RawClient = Client<paths>;

/** What a raw client is made of. */
export interface RawClientOptions {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: Fetch;
  /** Called before the first middleware is added. */
  readonly onMiddleware: () => void;
}

/** The typed openapi-fetch client, whose middlewares see what they send. */
export function createRawClient({ baseUrl, headers, fetch, onMiddleware }: RawClientOptions): RawClient {
  const raw: RawClient = createClient<paths>({
    baseUrl,
    headers,
    fetch: (request) => fetchStart(fetch, request),
    // A followed redirect would carry the credentials to another host, or turn the POST into an empty GET.
    redirect: "manual",
    bodySerializer: serializeBody,
  });
  const use = raw.use.bind(raw);
  raw.use = (...middlewares: Middleware[]) => {
    onMiddleware();
    use(...middlewares);
  };
  return raw;
}

/** The exchange through a raw client, past all its middlewares. */
export function exchangeThrough(findRaw: () => RawClient, baseUrl: string): Exchange {
  return async ({ url, headers, body, cancellation }) => {
    const controller = new AbortController();
    cancellation.onCancel((reason) => {
      controller.abort(reason);
    });
    // The one operation stands for all three: they differ in their path and in what `body` is the text of.
    const path = url.slice(baseUrl.length) as "/events";
    const posted = findRaw().POST(path, {
      // Already the text of a batch, or of several: see the serializer beside it.
      body: body.texts.join("") as unknown as Batch,
      bodySerializer: (text: unknown) => text,
      headers,
      signal: controller.signal,
    });
    // A middleware may wait for something that never comes. Below it the signal is heeded, and a status stays the verdict.
    const { response, error } = await untilAborted(posted, controller.signal, MIDDLEWARE_GRACE_MS);
    requireStatus(response);
    // openapi-fetch has read the body of an error, and parsed it where it is JSON.
    const said: unknown = error;
    const { status, headers: answered } = response;
    return {
      status,
      headers: answered,
      text: said === undefined ? "" : typeof said === "string" ? said : JSON.stringify(said),
    };
  };
}

/** For an answer to find its way back through all middleware once its time is up. */
const MIDDLEWARE_GRACE_MS = 50;

function serializeBody(body: unknown): string {
  // `raw` is typed by the contract: what reaches it is a batch or a list of them.
  return Array.isArray(body)
    ? `[${Array.from<Batch, string>(body, serializeBatch).join(",")}]`
    : serializeBatch(body as Batch);
}

/**
 * The `fetch` under openapi-fetch, which reads whole bodies whatever their size, takes them for JSON whatever they are,
 * and rejects when one breaks off: it gets what we read of an error, and nothing of a success.
 *
 * @param send - called as the plain function that it is: a runtime's own `fetch` refuses to be anybody's method. One that
 * is not the runtime's may pay no attention to its signal, and its bodies neither.
 */
async function fetchStart(send: Fetch, request: Request): Promise<Response> {
  const response = await untilAborted(send(request), request.signal);
  if (!isResponse(response))
    throw new TypeError(`\`fetch\` gave ${show(response)}; expected a Response with a web stream for a body, if any`);
  requireStatus(response);
  const { ok, status, statusText, body } = response;
  // A redirect that a browser hides: nothing can be made of it, and it has no body.
  if (status === 0) return response;
  if (ok && body !== null) await drain(body, request.signal);
  const text = ok || body === null ? null : await readStart(body, request.signal);
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  return new Response(text, { status, statusText, headers });
}

/**
 * An answer below 200 is none: whoever gave it did not speak HTTP, or gave up. But a browser hides a redirect behind 0.
 *
 * @throws TypeError - for a status that is none of an answer.
 */
function requireStatus({ status, type }: Response): void {
  if (status >= 200 || (status === 0 && type === "opaqueredirect")) return;
  throw new TypeError(noStatus(status));
}

/** What follows a 2xx matters to nobody: where it has no end, it is let go soon. */
async function drain(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
  const controller = new AbortController();
  const end = (): void => {
    controller.abort();
  };
  const ignoreAbort = onAbort(signal, end);
  const stopTimer = startTimer(end, MAX_ACCEPTED_MS);
  try {
    await readStart(body, controller.signal);
  } finally {
    stopTimer();
    ignoreAbort();
  }
}

/** The body's start, and the rest let go; a body that is cut short, or never ends, changes nothing about the status. */
async function readStart(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), signal);
      if (done) break;
      if (text.length < MAX_BODY_CHARS) text += decoder.decode(value, { stream: true });
      // A body whose pieces are there already, and without end, would never let a timer run.
      bytes += value.byteLength;
      if (bytes > MAX_ACCEPTED_BYTES) throw new Error("It is too long to be read to its end.");
    }
  } catch {
    reader.cancel().catch(() => undefined);
  }
  return text.slice(0, MAX_BODY_CHARS);
}

/** Also one of another implementation of `fetch`, which has a class of its own. */
function isResponse(value: unknown): value is Response {
  if (!isObject(value) || typeof value["status"] !== "number" || !isObject(value["headers"])) return false;
  const { body = null } = value;
  return body === null || (isObject(body) && "getReader" in body);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
