import type { Agent as HttpAgent, AgentOptions, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { AgentOptions as HttpsAgentOptions } from "node:https";
import type { Socket } from "node:net";
import { BodyMemory } from "./node-body-memory.ts";
import { asError } from "./abort.ts";
import {
  MAX_ACCEPTED_BYTES,
  MAX_ACCEPTED_MS,
  MAX_BODY_CHARS,
  noStatus,
  StaleConnectionError,
  type ExchangeRequest,
  type ListedExchange,
  type ListedResponse,
} from "./exchange.ts";
import { listHeaders } from "./listed-headers.ts";
import { clearTimeout, setImmediate, setTimeout } from "./node-timers.ts";

/** How connections are made: an agent of the caller's own, or the options of ours. */
export type NodeConnections =
  | { readonly agent: HttpAgent }
  | { readonly agentOptions: AgentOptions & HttpsAgentOptions & { readonly proxyEnv?: NodeJS.ProcessEnv | undefined } };

/** Where requests to one URL go. */
interface Target {
  /** Its `request` is looked up at each call: tests and tracing replace it at any time. */
  readonly module: { readonly request: (options: RequestOptions) => ClientRequest };
  readonly agent: HttpAgent;
  readonly protocol: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  /** How the names of connections to the same place begin. */
  readonly place: string;
}

/** The exchange that `nodeFetch` offers. */
export function createNodeExchange(connections: NodeConnections): ListedExchange {
  const targets = new Map<string, Target>();
  const agents = new Map<string, HttpAgent>();
  const memory = new BodyMemory();

  const agentFor = (protocol: string): HttpAgent => {
    if ("agent" in connections) return connections.agent;
    let agent = agents.get(protocol);
    if (agent === undefined) {
      agent = new (loadModule(protocol).Agent)(connections.agentOptions);
      setIdleTimersOnce(agent);
      agents.set(protocol, agent);
    }
    return agent;
  };

  const findTarget = (url: string): Target => {
    let target = targets.get(url);
    if (target === undefined) targets.set(url, (target = makeTarget(url, agentFor(new URL(url).protocol))));
    return target;
  };

  const exchange = ({ url, headers, body, cancellation }: ExchangeRequest): Promise<ListedResponse> =>
    new Promise((resolve, reject) => {
      if (cancellation.cancelled) {
        reject(asError(cancellation.reason));
        return;
      }
      const { module, agent, protocol, hostname, port, path, place } = findTarget(url);
      const { payload, lent } = memory.write(body);
      // One by one: V8 before version 12 takes ten times as long to copy them, and to add to what was copied.
      const outgoing = module.request({
        method: "POST",
        agent,
        protocol,
        hostname,
        port,
        path,
        headers: { "content-length": String(body.bytes), ...headers },
      });
      /** From its status on an answer is the verdict, whatever becomes of the rest of it. */
      let answer: Answer | undefined;
      const fail = (error: Error): void => {
        if (answer === undefined) reject(error);
        else resolve(answer.read());
      };
      cancellation.onCancel((reason) => {
        const error = asError(reason);
        if (outgoing.socket === null) cancellation.waitsFor = "a free socket";
        outgoing.destroy(error);
        // Without a socket, in the queue of its agent, a request that is destroyed says nothing.
        fail(error);
      });
      outgoing.on("response", (incoming) => {
        // Words of patience never get here; what does, and is no answer either, may be anything.
        if ((incoming.statusCode ?? 0) < 200) {
          incoming.on("error", ignore);
          fail(new Error(noStatus(incoming.statusCode ?? 0)));
          outgoing.destroy();
          return;
        }
        answer = new Answer(incoming);
        if (!outgoing.writableFinished) ignoreErrors(outgoing.socket);
        incoming.on("close", () => {
          // What has not left yet is still read from.
          if (outgoing.writableFinished) memory.giveBack(lent);
          else endUnread(outgoing);
          fail(CLOSED);
        });
      });
      outgoing.on("error", (error) => {
        if (answer === undefined && isStale(error, outgoing)) {
          // The other idle connections to the same place are as old, so they go as well.
          destroyIdle(agent, place);
          fail(new StaleConnectionError(error.message, error.code));
        } else fail(error);
      });
      // An answer that changes protocols ends the request without an error.
      outgoing.on("close", () => {
        fail(CLOSED);
      });
      outgoing.end(payload);
    });

  const close = async (): Promise<void> => {
    // The connection of an answer that came a moment ago is handed back by then.
    await new Promise((resolve) => setImmediate(resolve));
    // An agent of the caller's own may have other users.
    for (const agent of agents.values()) destroyIdle(agent);
  };

  return Object.assign(exchange, { close });
}

const CLOSED = new Error("The connection was closed without an answer.");

function makeTarget(url: string, agent: HttpAgent): Target {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  // An IPv6 host is bracketed in a URL and bare in the options.
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    module: loadModule(protocol),
    agent,
    protocol,
    hostname: host,
    port,
    path: pathname + search,
    place: `${host}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}:`,
  };
}

/** Not imported: TLS takes longer to load than all of this package, and a program may have it loaded, or not need it. */
function loadModule(protocol: string) {
  return process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http");
}

/** What Node documents of an agent, and its types lack. */
interface KeepingAgent {
  readonly options?: { timeout?: number };
  keepSocketAlive: (socket: Socket) => boolean;
}

/**
 * Ends what is idle after the `timeout` of the agent, as Node does, by one timer for each connection. Where Node finds that
 * option when a request begins, it listens to the timer for the request, takes it away at the end and sets another one,
 * which is a thirtieth of what a small request costs.
 */
function setIdleTimersOnce(agent: HttpAgent): void {
  const keeping = agent as unknown as KeepingAgent;
  const { options, keepSocketAlive } = keeping;
  const timeout = options?.timeout ?? 0;
  if (options === undefined || timeout === 0) return;
  options.timeout = 0;
  keeping.keepSocketAlive = (socket) => {
    // Here it is read again: a server may keep its connections for a shorter time, and say so.
    options.timeout = timeout;
    try {
      return keepSocketAlive.call(agent, socket);
    } finally {
      options.timeout = 0;
    }
  };
}

const ignore = (): void => undefined;

/** An answer whose status has come. */
class Answer {
  readonly #incoming: IncomingMessage;
  #text = "";

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    // `close` follows; without a listener the error of a cut body would end the process.
    incoming.on("error", ignore);
    if (this.#status < 300) {
      this.#drain();
      return;
    }
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      if (this.#text.length < MAX_BODY_CHARS) this.#text = (this.#text + chunk).slice(0, MAX_BODY_CHARS);
    });
  }

  /** What follows a 2xx matters to nobody: it is let go with its connection where it has no end. */
  #drain(): void {
    const incoming = this.#incoming;
    // What the service sends, as a rule: a timer for each request would cost more than the rest of this.
    if (incoming.headers["content-length"] === "0") {
      incoming.resume();
      return;
    }
    const timer = setTimeout(() => incoming.destroy(), MAX_ACCEPTED_MS);
    incoming.on("close", () => {
      clearTimeout(timer);
    });
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ACCEPTED_BYTES) incoming.destroy();
    });
  }

  get #status(): number {
    return this.#incoming.statusCode ?? 0;
  }

  /** As far as it has come. */
  read(): ListedResponse {
    return { status: this.#status, headers: listHeaders(this.#incoming.headers), text: this.#text };
  }
}

/**
 * A server may answer before it has read the request, and never read the rest: nothing would end that connection, and it
 * would count as one in use. A last write that is reported a moment late is waited for.
 */
function endUnread(outgoing: ClientRequest): void {
  setImmediate(() => {
    setImmediate(() => {
      if (!outgoing.writableFinished) outgoing.destroy();
    });
  });
}

/**
 * When an answer is complete, Node takes its own listener off the socket, though the request may still be written: the
 * error of that write would end the process.
 */
function ignoreErrors(socket: Socket | null): void {
  if (socket !== null && !socket.listeners("error").includes(ignore)) socket.on("error", ignore);
}

/**
 * Whether the server may have closed an idle connection in the moment we picked it. As a rule nothing of the request was
 * read then, and its id makes it safe to send again where something was.
 */
function isStale(error: Error, outgoing: ClientRequest): error is Error & { readonly code: string } {
  return outgoing.reusedSocket && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

/** An agent of the caller's own need not have such a list, nor sockets in it. */
function destroyIdle(agent: HttpAgent, place = ""): void {
  try {
    for (const [name, sockets] of Object.entries<readonly Socket[] | undefined>(agent.freeSockets)) {
      // The list changes as its sockets go.
      if (name.startsWith(place)) for (const socket of [...(sockets ?? [])]) socket.destroy();
    }
  } catch {
    // What is idle there ends by itself, or at the next request.
  }
}
