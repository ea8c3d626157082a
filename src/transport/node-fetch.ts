import type { Agent as HttpAgent } from "node:http";
import type { AgentOptions as HttpsAgentOptions } from "node:https";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import type { Fetch } from "./exchange.ts";
import { createNodeExchange } from "./node-exchange.ts";
import { fetchThrough } from "./node-posted.ts";
import { positive } from "./option-checks.ts";

/**
 * How connections are made, in the terms of `node:https`: `ca`, `cert`, `key`, `maxSockets`, `keepAliveMsecs`.
 */
export interface NodeFetchOptions extends HttpsAgentOptions {
  /** Whether connections are kept for the next request. `@default true` */
  readonly keepAlive?: boolean | undefined;
  /** Connections to one host at most. `@default 64` */
  readonly maxSockets?: number | undefined;
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
 * @param options - see {@link NodeFetchOptions}.
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 * @example new EventsClient({ apiKey, apiSecret, fetch: nodeFetch({ ca: readFileSync("corporate-ca.pem") }) })
 */
export function nodeFetch(options: NodeFetchOptions = {}): Fetch {
  const given: unknown = options;
  if (!isObject(given)) throw new TypeError(`The options are ${show(given)}; expected an object.`);
  const { agent, ...agentOptions } = options;
  requireUsable(options);
  const exchange = createNodeExchange(agent === undefined ? { agentOptions: withDefaults(agentOptions) } : { agent });
  return fetchThrough("nodeFetch", exchange);
}

/**
 * A connection that nobody uses ends after this long, so that a client that is forgotten leaves none behind. It is longer
 * than a queue waits between two requests. Node's timer for it does not keep the process alive.
 */
const IDLE_TIMEOUT_MS = 10_000;

function withDefaults(options: NodeFetchOptions) {
  const { keepAlive = true, maxSockets = 64, timeout = IDLE_TIMEOUT_MS } = options;
  return {
    // As Node does for its own agents.
    ...(process.env["NODE_USE_ENV_PROXY"] === "1" && { proxyEnv: process.env }),
    // An option that is given as undefined is left to its default.
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    ...{ keepAlive, maxSockets, timeout },
  };
}

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
