import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { show } from "../rules/show.ts";
import { untilAborted } from "../transport/abort.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";
import { listenOnLoopback, readBody } from "./loopback.ts";
import { Recorder, type RecordOptions, type Recording, type RequestRecord } from "./recorder.ts";
import { checkOf, planChecked } from "./refusal.ts";
import {
  isStepFunction,
  planStep,
  SCRIPT_FAILED,
  scriptFailed,
  ScriptRunner,
  stepFor,
  type AnswerPlan,
  type FullStep,
  type Script,
  type Step,
} from "./step.ts";

/** What a fake server answers, and how it listens. */
export interface FakeServerOptions extends RecordOptions {
  /** What to do with each request. `@default 202` */
  readonly script?: Script | undefined;
  /** `@default a free one` */
  readonly port?: number | undefined;
  /** Serves https with this key and certificate, in PEM: a self-signed one shows how a client takes what does not verify. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer } | undefined;
  /** Larger requests are answered 413 and not kept. `@default 16_000_000` */
  readonly maxRequestBytes?: number | undefined;
}

/** Connections from the server's side. */
export interface SocketStats {
  /** All that were ever accepted. */
  readonly opened: number;
  /** Those that are open now. */
  readonly open: number;
  /** The most that were open at once. */
  readonly maxOpen: number;
  /** Requests that came in on a connection gone stale; they are not recorded and take no entry of the script. */
  readonly staleRequests: number;
}

/** A service on this machine that misbehaves as told and keeps books. */
export interface FakeServer extends Recording {
  /** For the `baseUrl` of a client, with its `/v2`. */
  readonly url: string;
  /** The port that it listens on, on 127.0.0.1. */
  readonly port: number;
  /** What became of the connections. */
  readonly sockets: SocketStats;
  /** Starts another script with the next request. */
  script(script: Script): void;
  /** Breaks all connections and refuses new ones, until {@link resume}. */
  pause(): Promise<void>;
  /** Listens again, on the same port. */
  resume(): Promise<void>;
  /**
   * Breaks all connections and stops. Nothing is left behind: no socket, no timer.
   *
   * @throws unknown - the first thing that a function of the script or `check` threw, or what is wrong with the step that it
   * gave: its request was answered 422, with the same message, and the console was told.
   */
  close(): Promise<void>;
  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts an HTTP server on 127.0.0.1 that answers by a script, fails on demand at every stage of a request, and records
 * what it was sent: for testing how a sender behaves when the service does not.
 *
 * @param options - see {@link FakeServerOptions}.
 * @example
 * await using server = await startFakeServer({ script: [503, "reset", { status: 429, headers: { "retry-after": "1" } }, 202] });
 * const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: server.url });
 * await client.upload(batch);
 * assert.equal(server.requests.length, 4);
 * assert.equal(server.acceptedOnce().length, 1);
 * @throws TypeError, RangeError - for a script that is empty or holds what is no step, or a step with anything in it that would
 * go unheard, such as a misspelt name.
 */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  checkOptions(options, {
    script: "any",
    port: "any",
    tls: "any",
    maxRequestBytes: "any",
    record: "any",
    check: "function",
    plan: "any",
  });
  const service = new Service(options);
  const { tls } = options;
  if (tls !== undefined) checkTls(tls);
  const server: Server = tls === undefined ? createServer() : createSecureServer({ key: tls.key, cert: tls.cert });
  // Connections stay open until a step, the client or close() ends them; the default would cut idle ones after 5 s.
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => {
    service.accept(socket);
  });
  server.on("secureConnection", (socket: Socket) => {
    service.secure(socket);
  });
  server.on("request", (request, response) => {
    void service.handle(request, response);
  });
  const port = await listenOnLoopback(server, options.port ?? 0);

  const stop = async (): Promise<void> => {
    const stopped = new Promise<void>((resolve) => {
      // Its only error says that it does not listen, which is what was asked for.
      server.close(() => {
        resolve();
      });
    });
    await service.dropAll();
    await stopped;
  };
  const close = async (): Promise<void> => {
    await stop();
    service.rethrow();
  };
  return {
    ...service.recorder.recording(),
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${String(port)}/v2`,
    port,
    get sockets() {
      return service.sockets();
    },
    script: (script) => {
      service.runner.replace(script);
    },
    pause: stop,
    resume: async () => {
      if (!server.listening) await listenOnLoopback(server, port);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Without either, each handshake fails: that is a fault, and not the one that was asked for. */
function checkTls(tls: NonNullable<FakeServerOptions["tls"]>): void {
  checkOptions(tls, { key: "any", cert: "any" }, "`tls` is");
  for (const [name, value] of Object.entries<unknown>({ key: tls.key, cert: tls.cert })) {
    if (typeof value === "string" || value instanceof Uint8Array) continue;
    throw new TypeError(`\`${name}\` of \`tls\` is ${show(value)}; expected PEM.`);
  }
}

/** One connection of a client. */
class Connection {
  readonly id: number;
  readonly #socket: Socket;
  readonly #closing = new AbortController();
  /** The next request on it finds it closed. */
  doomed = false;

  constructor(id: number, socket: Socket) {
    this.id = id;
    this.#socket = socket;
    socket.once("close", () => {
      this.#closing.abort();
    });
  }

  /** Aborts when the connection is gone, so that nothing waits for it. */
  get gone(): AbortSignal {
    return this.#closing.signal;
  }

  isGone(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Ends it after what was sent; resolves once it is gone. */
  end(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#socket.once("close", resolve);
    });
    this.#socket.destroy();
    return this.isGone() ? Promise.resolve() : ended;
  }

  /** Ends it the rude way, with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** The part of the server that knows about requests. */
class Service {
  readonly recorder: Recorder;
  readonly runner: ScriptRunner<Step, FullStep>;
  readonly #check: RecordOptions["check"];
  readonly #maxRequestBytes: number;
  readonly #connections = new Map<Socket, Connection>();
  /** TLS wraps a socket; requests and connections then name different ones. */
  readonly #wrapped = new WeakMap<Socket, Connection>();
  #opened = 0;
  #maxOpen = 0;
  #staleRequests = 0;
  #thrown: { readonly error: unknown } | undefined;

  constructor({ script = 202, record = "all", check, plan, maxRequestBytes = 16_000_000 }: FakeServerOptions) {
    this.recorder = new Recorder(record);
    this.runner = new ScriptRunner(script, planStep);
    this.#check = checkOf({ check, plan });
    this.#maxRequestBytes = positive("maxRequestBytes", maxRequestBytes);
  }

  sockets(): SocketStats {
    return {
      opened: this.#opened,
      open: this.#connections.size,
      maxOpen: this.#maxOpen,
      staleRequests: this.#staleRequests,
    };
  }

  accept(socket: Socket): void {
    this.#connections.set(socket, new Connection(++this.#opened, socket));
    this.#maxOpen = Math.max(this.#maxOpen, this.#connections.size);
    socket.once("close", () => this.#connections.delete(socket));
  }

  secure(socket: Socket): void {
    // Client ports are unique among the connections that are open.
    for (const [raw, connection] of this.#connections) {
      if (raw.remotePort === socket.remotePort) this.#wrapped.set(socket, connection);
    }
  }

  async dropAll(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.end()));
  }

  /** @throws unknown - what a function of the script threw first. */
  rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.#connections.get(request.socket) ?? this.#wrapped.get(request.socket);
    if (connection === undefined || connection.isGone()) return;
    if (connection.doomed) {
      this.#staleRequests++;
      connection.reset();
      return;
    }
    const path = request.url ?? "/";
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const record = this.recorder.open({
      method: request.method ?? "",
      url: `${"encrypted" in request.socket ? "https" : "http"}://${headers["host"] ?? ""}${path}`,
      path,
      headers,
      receivedAtMs: Date.now(),
      socketId: connection.id,
    });
    try {
      await this.#perform(await this.#decide(record, request, connection), record, response, connection);
    } catch (error) {
      // A client that goes away ends every wait and read; nothing is left to do then.
      if (connection.isGone() || request.errored !== null) return;
      const isFirst = this.#thrown === undefined;
      this.#thrown ??= { error };
      if (record.status === undefined) this.recorder.decide(record, SCRIPT_FAILED);
      const answer = scriptFailed(error, isFirst);
      if (response.headersSent) connection.reset();
      else await sendAnswer(answer, response, connection.gone);
    }
  }

  /** The step for this request, whose body is read unless the step says to break off before. */
  async #decide(record: RequestRecord, request: IncomingMessage, connection: Connection): Promise<FullStep> {
    const entry = this.runner.take();
    if (!isStepFunction(entry) && entry.kind === "reset" && entry.reset !== "before-answer") {
      if (entry.reset === "within-request") record.body = await readFirstBytes(request);
      return entry;
    }
    const body = await readBody(request, this.#maxRequestBytes);
    if (body === undefined) return planStep(413);
    this.recorder.read(record, body);
    const plan = isStepFunction(entry)
      ? planStep(await untilAborted(Promise.resolve(entry(record)), connection.gone), stepFor(record))
      : entry;
    return planChecked(plan, record, this.#check);
  }

  async #perform(
    plan: FullStep,
    record: RequestRecord,
    response: ServerResponse,
    connection: Connection,
  ): Promise<void> {
    // Decided before any delay: a slow service has taken the batch even if the client no longer waits for the answer.
    if (plan.kind === "answer") this.recorder.decide(record, plan.status);
    if (plan.kind === "hang") return;
    const { delayMs = 0 } = plan;
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: connection.gone });
    if (plan.kind === "reset" || (plan.kind === "answer" && plan.reset === "before-answer")) {
      connection.reset();
      return;
    }
    if (plan.kind === "raw") {
      await sendRaw(response, plan.raw);
      await connection.end();
      return;
    }
    await sendAnswer(plan, response, connection.gone);
    record.answered = response.writableFinished;
    if (plan.close === "at-next-request") connection.doomed = true;
    if (plan.close === "after-answer" || plan.reset !== undefined) await connection.end();
  }
}

/** Resolves when everything is handed to the system, or the client has gone. */
async function sendAnswer(plan: AnswerPlan, response: ServerResponse, gone: AbortSignal): Promise<void> {
  const { status, text, headers, reset, dripBytesPerMs } = plan;
  if (reset === "within-head") {
    await sendRaw(response, `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ""}\r\ncontent-ty`);
    return;
  }
  const whole = Buffer.from(text);
  const body = reset === "within-body" ? whole.subarray(0, Math.ceil(whole.length / 2)) : whole;
  const hasNoBody = status === 204 || status === 304;
  response.writeHead(status, {
    ...(!hasNoBody && { "content-length": whole.length + (reset === "within-body" ? 1 : 0) }),
    ...headers,
  });
  response.flushHeaders();
  if (dripBytesPerMs === undefined) {
    if (body.length > 0) response.write(body);
  } else {
    for (let sent = 0; sent < body.length;) {
      // A timer is no finer than a millisecond: fast drips send several bytes at a time, slow ones wait longer for one.
      await sleep(Math.max(1, 1 / dripBytesPerMs), undefined, { signal: gone });
      const end = sent + Math.max(1, Math.floor(dripBytesPerMs));
      response.write(body.subarray(sent, end));
      sent = end;
    }
  }
  if (reset === "within-body") {
    await sendRaw(response, "");
    return;
  }
  await new Promise<void>((resolve) => {
    response.once("close", resolve);
    response.end();
  });
}

/** Past the HTTP machinery, onto its connection. */
function sendRaw(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => {
    const { socket } = response;
    if (socket === null || socket.destroyed) resolve();
    else
      socket.write(text, () => {
        resolve();
      });
  });
}

/** As much of a body as comes in at once. */
function readFirstBytes(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    request.once("data", (chunk: Buffer) => {
      request.pause();
      resolve(chunk.toString("utf8"));
    });
    request.once("close", () => {
      resolve("");
    });
    request.once("end", () => {
      resolve("");
    });
  });
}
