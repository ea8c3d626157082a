import type {
  Agent as HttpAgent,
  AgentOptions as HttpAgentOptions,
  ClientRequest,
  IncomingMessage,
  RequestOptions,
} from "node:http";
import type { AgentOptions as HttpsAgentOptions } from "node:https";
import { EXCHANGE, MAX_BODY_CHARS, type ExchangeRequest, type ExchangeResponse, type Fetch } from "./exchange.ts";

/**
 * How connections are made, in the terms of `node:https`: `ca`, `cert`, `key`, `maxSockets`, `keepAliveMsecs`,
 * on Node 24 and later also `proxyEnv: process.env`.
 */
export interface NodeFetchOptions extends HttpsAgentOptions {
  /** An agent of your own, for example of `https-proxy-agent`; every other option is its business then. */
  readonly agent?: HttpAgent | undefined;
}

/**
 * A `fetch` on `node:http(s)` with keep-alive and bounded sockets, for the `fetch` option of the client.
 *
 * Takes what openapi-fetch passes, one `Request`; follows no redirect, stores no cookie, unpacks no compression.
 *
 * @param options - see {@link NodeFetchOptions}. `@default { keepAlive: true, maxSockets: 64 }`
 * @example new EventsClient({ apiKey, apiSecret, fetch: nodeFetch({ ca: readFileSync("corporate-ca.pem") }) })
 */
export function nodeFetch(options: NodeFetchOptions = {}): Fetch {
  const exchange = createExchange(options);
  const fetch = async (request: Request): Promise<Response> => {
    const { status, headers, text } = await exchange({
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      signal: request.signal,
    });
    // A Response refuses a body on these.
    const body = status === 204 || status === 205 || status === 304 ? null : text;
    return new Response(body, { status, headers: headers.entries() });
  };
  return Object.assign(fetch, { [EXCHANGE]: exchange });
}

function createExchange({
  agent,
  ...agentOptions
}: NodeFetchOptions): (request: ExchangeRequest) => Promise<NodeResponse> {
  const pooled: HttpAgentOptions & HttpsAgentOptions = { keepAlive: true, maxSockets: 64, ...agentOptions };
  const targets = new Map<string, Target>();

  const findTarget = (url: string): Target => {
    let target = targets.get(url);
    if (target === undefined) {
      const { protocol, hostname, port, pathname, search } = new URL(url);
      const secure = protocol === "https:";
      const known = [...targets.values()].find((other) => other.secure === secure);
      // Not imported: TLS takes longer to load than all of this package, and a program may have it loaded, or not need it.
      const { Agent, request } = process.getBuiltinModule(secure ? "node:https" : "node:http");
      target = {
        secure,
        request,
        options: {
          method: "POST",
          agent: agent ?? known?.options.agent ?? new Agent(pooled),
          protocol,
          // An IPv6 host is bracketed in a URL and bare in the options.
          hostname: hostname.replace(/^\[|\]$/g, ""),
          port,
          path: pathname + search,
        },
      };
      targets.set(url, target);
    }
    return target;
  };

  return (request) =>
    new Promise((resolve, reject) => {
      const { signal } = request;
      if (signal.aborted) {
        reject(asError(signal.reason));
        return;
      }
      const target = findTarget(request.url);
      const outgoing = target.request({ ...target.options, headers: request.headers });
      const abort = (): void => {
        outgoing.destroy(asError(signal.reason));
      };
      const settle = (): void => {
        signal.removeEventListener("abort", abort);
      };
      signal.addEventListener("abort", abort);
      outgoing.on("response", (incoming) => {
        readResponse(incoming, resolve, settle);
      });
      outgoing.on("error", (error) => {
        settle();
        reject(markStale(error, outgoing));
      });
      // Given text, Node joins it to the head and encodes both on every write: a fifth of what a bulk request costs.
      outgoing.end(Buffer.from(request.body));
    });
}

interface Target {
  readonly secure: boolean;
  readonly request: (options: RequestOptions) => ClientRequest;
  readonly options: RequestOptions;
}

interface NodeResponse extends ExchangeResponse {
  readonly headers: { get(name: string): string | null; entries(): [string, string][] };
}

/** The status is the verdict: a body that is cut short, or stopped by the timeout, changes nothing about it. */
function readResponse(incoming: IncomingMessage, resolve: (response: NodeResponse) => void, settle: () => void): void {
  const status = incoming.statusCode ?? 0;
  const headers = {
    get: (name: string): string | null => {
      const value = incoming.headers[name.toLowerCase()];
      return value === undefined ? null : String(value);
    },
    entries: (): [string, string][] => Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
  };
  let text = "";
  incoming.on("close", () => {
    settle();
    resolve({ status, headers, text });
  });
  // `close` follows; without a listener the error of a cut body would end the process.
  incoming.on("error", () => undefined);
  if (status >= 200 && status < 300) {
    incoming.resume();
    return;
  }
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => {
    if (text.length < MAX_BODY_CHARS) text = (text + chunk).slice(0, MAX_BODY_CHARS);
  });
}

/** The server may close an idle connection in the moment we pick it: then nothing of the request was read. */
function markStale(error: Error, outgoing: ClientRequest): Error {
  return outgoing.reusedSocket && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE")
    ? Object.assign(error, { stale: true })
    : error;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("The request was aborted.", { cause: reason });
}
