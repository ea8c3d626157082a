import type {
  Agent as HttpAgent,
  AgentOptions as HttpAgentOptions,
  ClientRequest,
  IncomingMessage,
  RequestOptions,
} from "node:http";
import type { AgentOptions as HttpsAgentOptions } from "node:https";
import { show } from "../rules/show.ts";
import { Cancellation, onAbort } from "./abort.ts";
import { positive } from "./option-checks.ts";
import {
  EXCHANGE,
  MAX_BODY_CHARS,
  type ExchangeRequest,
  type ExchangeResponse,
  type Fetch,
  type RequestBody,
} from "./exchange.ts";

/**
 * How connections are made, in the terms of `node:https`: `ca`, `cert`, `key`, `maxSockets`, `keepAliveMsecs`.
 */
export interface NodeFetchOptions extends HttpsAgentOptions {
  /** Ends a connection that nobody has used for so long, in milliseconds; it never ends a request. `@default 10_000` */
  readonly timeout?: number | undefined;
  /** Where to read `HTTPS_PROXY` and the like from, on Node 24 and later. `@default process.env` with `NODE_USE_ENV_PROXY=1` */
  readonly proxyEnv?: NodeJS.ProcessEnv | undefined;
  /** An agent of your own, for example of `https-proxy-agent`; every other option is its business then. */
  readonly agent?: HttpAgent | undefined;
}

/**
 * A `fetch` on `node:http(s)` with keep-alive and bounded sockets, for the `fetch` option of the client.
 *
 * Takes what openapi-fetch passes: one `Request`, which posts text. Follows no redirect, stores no cookie, unpacks no
 * compression.
 *
 * @param options - see {@link NodeFetchOptions}. `@default { keepAlive: true, maxSockets: 64, timeout: 10_000 }`
 * @example new EventsClient({ apiKey, apiSecret, fetch: nodeFetch({ ca: readFileSync("corporate-ca.pem") }) })
 */
export function nodeFetch(options: NodeFetchOptions = {}): Fetch {
  const exchange = createExchange(options);
  const fetch = async (request: Request): Promise<Response> => {
    const sent = await readPosted(request);
    const cancellation = new Cancellation();
    const ignoreAbort = onAbort(request.signal, () => {
      cancellation.cancel(request.signal.reason);
    });
    try {
      const { status, headers, text } = await exchange({
        url: request.url,
        headers: Object.fromEntries(request.headers),
        body: { texts: [sent], bytes: Buffer.byteLength(sent) },
        cancellation,
      });
      // A Response refuses a body on these.
      const body = status === 204 || status === 205 || status === 304 ? null : text;
      return new Response(body, { status, headers: headers.entries() });
    } finally {
      ignoreAbort();
    }
  };
  return Object.assign(fetch, { [EXCHANGE]: exchange });
}

interface NodeExchange {
  (request: ExchangeRequest): Promise<NodeResponse>;
  close(): Promise<void>;
}

function createExchange({ agent, ...agentOptions }: NodeFetchOptions): NodeExchange {
  requireUsable({ agent, ...agentOptions });
  const pooled: HttpAgentOptions & HttpsAgentOptions & Pick<NodeFetchOptions, "proxyEnv"> = {
    keepAlive: true,
    maxSockets: 64,
    timeout: IDLE_TIMEOUT_MS,
    // As Node does for its own agents.
    ...(process.env["NODE_USE_ENV_PROXY"] === "1" && { proxyEnv: process.env }),
    // An option that is given as undefined is left to its default.
    ...Object.fromEntries(Object.entries(agentOptions).filter(([, value]) => value !== undefined)),
  };
  const targets = new Map<string, Target>();
  const slabs = new Slabs();

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

  const close = async (): Promise<void> => {
    // The connection of an answer that came a moment ago is handed back by then.
    await new Promise((resolve) => setImmediate(resolve));
    // An agent of the caller's own may have other users.
    if (agent === undefined) for (const { options } of targets.values()) destroyIdle(options.agent);
  };

  const exchange = ({ url, headers, body, cancellation }: ExchangeRequest): Promise<NodeResponse> =>
    new Promise((resolve, reject) => {
      if (cancellation.cancelled) {
        cancellation.onCancel((reason) => {
          reject(asError(reason));
        });
        return;
      }
      const slab = body.bytes > MAX_TEXT_BYTES ? slabs.take(body.bytes) : undefined;
      const payload = slab === undefined ? body.texts.join("") : writeBody(body, slab);
      const target = findTarget(url);
      // What is spread comes last: V8 before version 12 takes twenty times as long to add to what was spread.
      const outgoing = target.request({
        headers: { "content-length": String(body.bytes), ...headers },
        ...target.options,
      });
      cancellation.onCancel((reason) => {
        outgoing.destroy(asError(reason));
      });
      // From its status on an answer is the verdict, whatever becomes of the rest of it.
      let answered = false;
      outgoing.on("response", (incoming) => {
        answered = true;
        readResponse(incoming, (response) => {
          // What has not left yet is still read from.
          if (slab !== undefined && outgoing.writableFinished) slabs.give(slab);
          resolve(response);
        });
      });
      outgoing.on("error", (error) => {
        if (!answered) reject(markStale(error, outgoing, target.options.agent));
      });
      // An answer that changes protocols ends the request without an error.
      outgoing.on("close", () => {
        if (!answered) reject(new Error("The connection was closed without an answer."));
      });
      outgoing.end(payload);
    });
  return Object.assign(exchange, { close });
}

/**
 * A connection that nobody uses ends after this long, so that a client that is forgotten leaves none behind. It is longer
 * than a queue waits between two requests. Node's timer for it does not keep the process alive.
 */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * What would fail every request, and look like a fault of the network.
 *
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 */
function requireUsable({ agent, proxyEnv, maxSockets, ca, cert, key }: NodeFetchOptions): void {
  if (agent !== undefined && typeof (agent as { addRequest?: unknown } | null)?.addRequest !== "function") {
    throw new TypeError(`\`agent\` is ${show(agent)}; expected an agent of \`node:http\` or one like it.`);
  }
  if (maxSockets !== undefined) positive("maxSockets", maxSockets);
  if (proxyEnv !== undefined && Number.parseInt(process.versions.node) < 24) {
    throw new TypeError(
      `\`proxyEnv\` needs Node 24 or later, and this is ${process.version}; pass an \`agent\` that speaks to your proxy.`,
    );
  }
  for (const [name, value] of Object.entries({ ca, cert, key })) {
    for (const one of [value].flat()) {
      // A key may come as an object with its passphrase.
      if (typeof one !== "string" && !Buffer.isBuffer(one)) continue;
      if (!one.includes("-----BEGIN "))
        throw new TypeError(`\`${name}\` holds no PEM; expected the text of the file, not its path.`);
    }
  }
}

/** Node joins a text to the head and encodes both: the better for a small body, and a fifth of what a large one costs. */
const MAX_TEXT_BYTES = 8 * 1024;

const COMMA = 0x2c;

function writeBody({ texts, bytes }: RequestBody, slab: Buffer): Buffer {
  let written = 0;
  for (const text of texts) {
    // A third of all texts, for which a call of `write` would take longest.
    if (text === ",") slab[written++] = COMMA;
    else written += slab.write(text, written);
  }
  if (written !== bytes) throw new Error(`a body of ${String(bytes)} bytes turned out to have ${String(written)}`);
  return slab.subarray(0, bytes);
}

/** Memory for bodies: to write to what was written to before takes a fraction of the time that new memory takes. */
class Slabs {
  readonly #free: Buffer[] = [];

  take(bytes: number): Buffer {
    if (bytes > SLAB_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  give(slab: Buffer): void {
    if (slab.length === SLAB_BYTES && this.#free.length < MAX_FREE_SLABS) this.#free.push(slab);
  }
}

/** Room for the largest bulk request. */
const SLAB_BYTES = 256_000;
/** As many as are in flight in one delivery, or one queue, by default. */
const MAX_FREE_SLABS = 4;

interface Target {
  readonly secure: boolean;
  readonly request: (options: RequestOptions) => ClientRequest;
  readonly options: RequestOptions & { readonly agent: HttpAgent };
}

interface NodeResponse extends ExchangeResponse {
  readonly headers: { get(name: string): string | null; entries(): [string, string][] };
}

/** The status is the verdict: a body that is cut short, or stopped by the timeout, changes nothing about it. */
function readResponse(incoming: IncomingMessage, resolve: (response: NodeResponse) => void): void {
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

/**
 * The server may close an idle connection in the moment we pick it: then, as a rule, nothing of the request was read, and
 * its id makes it safe to send again where something was. The other idle ones are as old, so they go as well, and what is tried again gets a new one.
 */
function markStale(error: Error, outgoing: ClientRequest, agent: HttpAgent): Error {
  const isStale = outgoing.reusedSocket && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
  if (!isStale) return error;
  destroyIdle(agent);
  return Object.assign(error, { stale: true });
}

function destroyIdle(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/** @throws TypeError - for what is not sent here: another method than POST, and a body that is no text. */
async function readPosted(request: Request): Promise<string> {
  if (request.method !== "POST") throw new TypeError(`nodeFetch got a ${request.method} request; it sends POST alone.`);
  const bytes = Buffer.from(await request.arrayBuffer());
  const text = bytes.toString();
  if (!Buffer.from(text).equals(bytes)) throw new TypeError("nodeFetch got a body that is no text in UTF-8.");
  return text;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("The request was aborted.", { cause: reason });
}
