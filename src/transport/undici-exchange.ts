import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { pathToFileURL } from "node:url";
import { MissingPeerError } from "../rules/optional-peer.ts";
import { asError } from "./abort.ts";
import {
  MAX_ACCEPTED_BYTES,
  MAX_ACCEPTED_MS,
  MAX_BODY_CHARS,
  StaleConnectionError,
  type ExchangeRequest,
  type ListedExchange,
  type ListedResponse,
} from "./exchange.ts";
import { listHeaders, type HeaderRecord } from "./listed-headers.ts";
import { clearTimeout, setImmediate, setTimeout } from "./node-timers.ts";

/** What is used of undici 7, for which its types need not be there. */
interface Undici {
  readonly Pool: new (origin: string, options: object) => Dispatcher;
  readonly Client: new (origin: string, options: object) => Dispatcher;
}

interface Dispatcher {
  dispatch(options: Dispatch, handler: object): boolean;
}

interface Dispatch {
  readonly origin: string;
  readonly path: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Called with the connection that the request gets, when it gets one of ours. */
  readonly onConnection: (connection: Connection) => void;
}

interface Controller {
  abort(reason: Error): void;
}

type Connect = (options: object, done: (error: Error | null, socket?: Socket) => void) => void;

/** One connection of a pool, and what became of it. */
interface Connection {
  socket: Socket | undefined;
  /** Whether an answer came on this socket before. */
  hasServed: boolean;
  isBusy: boolean;
}

/** How connections are made, in the terms of undici's `Pool`. */
export interface UndiciConnections {
  readonly connections: number;
  readonly keepAliveTimeout: number;
  readonly connect: object;
}

/** The exchange that `undiciFetch` offers. */
export function createUndiciExchange(options: UndiciConnections): ListedExchange {
  const load = findUndici();
  const pools = new Map<string, ConnectionPool>();
  const targets = new Map<string, { readonly origin: string; readonly path: string; readonly pool: ConnectionPool }>();

  const findTarget = (url: string) => {
    let target = targets.get(url);
    if (target === undefined) {
      const { origin, pathname, search } = new URL(url);
      let pool = pools.get(origin);
      if (pool === undefined) pools.set(origin, (pool = new ConnectionPool(load(), origin, options)));
      targets.set(url, (target = { origin, path: pathname + search, pool }));
    }
    return target;
  };

  const exchange = ({ url, headers, body, cancellation }: ExchangeRequest): Promise<ListedResponse> =>
    new Promise((resolve, reject) => {
      if (cancellation.cancelled) {
        reject(asError(cancellation.reason));
        return;
      }
      const { origin, path, pool } = findTarget(url);
      const request = new UndiciRequest(pool, resolve, reject);
      cancellation.onCancel((reason) => {
        if (!request.hasStarted) cancellation.waitsFor = "a free socket";
        request.end(asError(reason));
      });
      const text = body.texts.length === 1 ? (body.texts[0] ?? "") : body.texts.join("");
      pool.dispatch({ origin, path, method: "POST", headers, body: text, onConnection: request.onConnection }, request);
    });

  const close = async (): Promise<void> => {
    // The connection of an answer that came a moment ago is free by then.
    await new Promise((resolve) => setImmediate(resolve));
    for (const pool of pools.values()) pool.destroyIdle();
  };

  return Object.assign(exchange, { close });
}

/** A pool that knows its sockets. */
class ConnectionPool {
  readonly #pool: Dispatcher;
  readonly #connections = new Set<Connection>();

  constructor({ Pool, Client }: Undici, origin: string, options: UndiciConnections) {
    this.#pool = new Pool(origin, {
      ...options,
      // A server that would keep connections for longer says so, and undici would believe it.
      keepAliveMaxTimeout: options.keepAliveTimeout,
      // Of time there is one limit, that of the attempt.
      ...{ headersTimeout: 0, bodyTimeout: 0, connectTimeout: 0 },
      factory: (at: string, clientOptions: { readonly connect: Connect }) => {
        const connection: Connection = { socket: undefined, hasServed: false, isBusy: false };
        this.#connections.add(connection);
        const connect: Connect = (given, done) => {
          clientOptions.connect(given, (error, socket) => {
            Object.assign(connection, { socket, hasServed: false });
            done(error, socket);
          });
        };
        const client = new Client(at, { ...clientOptions, connect });
        const dispatch = client.dispatch.bind(client);
        return Object.assign(client, {
          dispatch: (request: Dispatch, handler: object): boolean => {
            connection.isBusy = true;
            request.onConnection(connection);
            return dispatch(request, handler);
          },
        });
      },
    });
  }

  dispatch(request: Dispatch, handler: object): void {
    this.#pool.dispatch(request, handler);
  }

  destroyIdle(): void {
    for (const { isBusy, socket } of this.#connections) if (!isBusy) socket?.destroy();
  }
}

/** One request: told by undici what becomes of it. */
class UndiciRequest {
  readonly #pool: ConnectionPool;
  readonly #resolve: (response: ListedResponse) => void;
  readonly #reject: (error: Error) => void;
  #connection: Connection | undefined;
  #controller: Controller | undefined;
  #ended: Error | undefined;
  #status = 0;
  #headers: HeaderRecord = {};
  /** Of the answer to one that failed: to make one costs as much as the rest of this class. */
  #decoder: StringDecoder | undefined;
  #text = "";
  /** Of the body of an acceptance, which matters to nobody. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #acceptedBytes = 0;

  constructor(pool: ConnectionPool, resolve: (response: ListedResponse) => void, reject: (error: Error) => void) {
    this.#pool = pool;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get hasStarted(): boolean {
    return this.#controller !== undefined;
  }

  readonly onConnection = (connection: Connection): void => {
    this.#connection = connection;
  };

  /** Ends it, whatever its stage; from its status on an answer is the verdict. */
  end(error: Error): void {
    this.#ended = error;
    this.#controller?.abort(error);
    this.#settle(error);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#ended !== undefined) controller.abort(this.#ended);
  }

  onResponseStart(_: Controller, status: number, headers: HeaderRecord): void {
    // Below 200 it is a word of patience.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    // Without a body, as a rule: a timer for each request would cost more than the rest of this.
    if (status >= 300 || headers["content-length"] === "0") return;
    this.#timer = setTimeout(() => {
      this.end(ENDLESS);
    }, MAX_ACCEPTED_MS);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.#status < 300 && (this.#acceptedBytes += chunk.length) > MAX_ACCEPTED_BYTES) this.end(ENDLESS);
    if (this.#status >= 300 && this.#text.length < MAX_BODY_CHARS) {
      this.#text += (this.#decoder ??= new StringDecoder("utf8")).write(chunk);
    }
  }

  onResponseEnd(): void {
    const connection = this.#connection;
    if (connection !== undefined) {
      connection.hasServed = true;
      connection.isBusy = false;
      if (connection.socket !== undefined && connection.socket.writableLength > 0) endUnread(connection.socket);
    }
    this.#settle(CLOSED);
  }

  onResponseError(_: Controller, error: Error): void {
    const connection = this.#connection;
    if (connection !== undefined) connection.isBusy = false;
    const code = "code" in error && typeof error.code === "string" ? error.code : "";
    const isStale = connection?.hasServed === true && this.#status === 0 && STALE.includes(code);
    // The other idle connections are as old, so they go as well.
    if (isStale) this.#pool.destroyIdle();
    this.#settle(isStale ? new StaleConnectionError(error.message, code) : error);
  }

  #settle(error: Error): void {
    clearTimeout(this.#timer);
    if (this.#status === 0) this.#reject(error);
    else
      this.#resolve({
        status: this.#status,
        headers: listHeaders(this.#headers),
        text: this.#text.slice(0, MAX_BODY_CHARS),
      });
  }
}

/** Made once: its stack would cost every answer a tenth of its request. */
const CLOSED = new Error("The connection was closed without an answer.");

const ENDLESS = new Error("The body of an acceptance has no end.");

const STALE: readonly string[] = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"];

/** A server may answer before it has read the request, and never read the rest: the next request would wait behind it. */
function endUnread(socket: Socket): void {
  setImmediate(() => {
    setImmediate(() => {
      if (socket.writableLength > 0) socket.destroy();
    });
  });
}

/**
 * Finds undici now, and loads it later: of its Pool and Client alone, which take a third of the time of the whole.
 *
 * @throws MissingPeerError - when it is not installed.
 */
function findUndici(): () => Undici {
  let cause: unknown;
  // A package manager that links packages together may show the peer to the application alone.
  for (const base of [import.meta.url, pathToFileURL(`${process.cwd()}/`)]) {
    const require = createRequire(base);
    try {
      require.resolve("undici");
    } catch (error) {
      cause = error;
      continue;
    }
    return () => {
      try {
        return {
          Pool: require("undici/lib/dispatcher/pool.js") as Undici["Pool"],
          Client: require("undici/lib/dispatcher/client.js") as Undici["Client"],
        };
      } catch {
        return require("undici") as Undici; // as its types have it
      }
    };
  }
  throw new MissingPeerError("undiciFetch", "undici", "^7.0.0", cause);
}
