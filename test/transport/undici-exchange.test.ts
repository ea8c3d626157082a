import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import {
  EXCHANGE,
  MAX_ACCEPTED_BYTES,
  MAX_BODY_CHARS,
  StaleConnectionError,
  type Exchange,
} from "../../src/transport/exchange.ts";
import { undiciFetch, type UndiciFetchOptions } from "../../src/transport/undici-fetch.ts";
import { startRawServer } from "../faults/raw-server.ts";
import { ask, countTimers, settle } from "./ask.ts";

/** The part of undici that our exchange is on, in the hands of a test. */
class StandIn {
  readonly require = createRequire(import.meta.url);
  readonly #originals = new Map<string, unknown>();
  /** What the pools were made with. */
  readonly pools: Readonly<Record<string, unknown>>[] = [];
  /** Connections, with what each was asked to do. */
  readonly clients: StandInClient[] = [];
  /** Whether a request waits in the pool, and gets no connection. */
  isFull = false;

  constructor() {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- two classes that are made by somebody else
    const standIn = this;
    this.#replace("undici/lib/dispatcher/client.js", StandInClient);
    this.#replace(
      "undici/lib/dispatcher/pool.js",
      class {
        readonly #client: StandInClient;

        constructor(origin: string, options: { factory: (at: string, given: object) => StandInClient }) {
          standIn.pools.push({ origin, ...options });
          const connect: Connect = (_, done) => {
            done(null, standIn.clients[0]!.socket);
          };
          this.#client = options.factory(origin, { connect });
          standIn.clients.push(this.#client);
        }

        dispatch(request: object, handler: Handler): boolean {
          if (standIn.isFull) this.#client.waiting.push(handler);
          else this.#client.dispatch(request, handler);
          return true;
        }
      },
    );
  }

  restore(): void {
    for (const [path, original] of this.#originals) this.require.cache[path]!.exports = original;
  }

  #replace(name: string, exports: unknown): void {
    const path = this.require.resolve(name);
    this.#originals.set(path, this.require(name));
    this.require.cache[path]!.exports = exports;
  }
}

type Connect = (options: object, done: (error: Error | null, socket?: StandInSocket) => void) => void;

/** What undici calls of a request. */
interface Handler {
  onRequestStart(controller: { abort: (reason: Error) => void }): void;
  onResponseStart(controller: unknown, status: number, headers: object): void;
  onResponseData(controller: unknown, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: unknown, error: Error): void;
}

class StandInSocket {
  writableLength = 0;
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

class StandInClient {
  readonly socket = new StandInSocket();
  readonly handlers: Handler[] = [];
  readonly waiting: Handler[] = [];
  readonly requests: object[] = [];
  readonly #options: { readonly connect: Connect };

  constructor(_: string, options: { readonly connect: Connect }) {
    this.#options = options;
  }

  connect(): void {
    this.#options.connect({}, () => undefined);
  }

  dispatch(request: object, handler: Handler): boolean {
    this.requests.push(request);
    this.handlers.push(handler);
    return true;
  }
}

describe("an exchange over undici, below what a server can do", () => {
  let standIn: StandIn;
  beforeEach(() => {
    standIn = new StandIn();
  });
  afterEach(() => {
    standIn.restore();
  });

  function make(options: UndiciFetchOptions = {}): Exchange {
    return undiciFetch(options)[EXCHANGE]!;
  }

  /** Sends a request, which has begun on the one connection. */
  function begin(exchange: Exchange, cancellation = new Cancellation()) {
    const asked = ask(exchange, "http://127.0.0.1/v2?a=b", { cancellation });
    asked.catch(() => undefined);
    const client = standIn.clients[0]!;
    if (client.handlers.length === 1) client.connect();
    const handler = client.handlers.at(-1)!;
    const controller = { abort: vi.fn() };
    handler.onRequestStart(controller);
    return { asked, client, handler, controller, cancellation };
  }

  /** A connection that has served a request. */
  async function serve(exchange: Exchange): Promise<StandInClient> {
    const { asked, client, handler } = begin(exchange);
    handler.onResponseStart({}, 202, { "content-length": "0" });
    handler.onResponseEnd();
    await asked;
    return client;
  }

  it("makes pools with its own limits and none of undici's on time, one for each origin", async () => {
    const connect = { ca: "-----BEGIN CERTIFICATE-----" };
    const exchange = make({ connections: 3, keepAliveTimeout: 700, connect });
    await serve(exchange);
    await serve(exchange);
    const other = ask(exchange, "http://127.0.0.1/other");
    standIn.clients[0]!.handlers.at(-1)!.onResponseStart({}, 202, { "content-length": "0" });
    standIn.clients[0]!.handlers.at(-1)!.onResponseEnd();
    await other;
    expect(standIn.pools).toMatchObject([
      {
        ...{ origin: "http://127.0.0.1", connections: 3, keepAliveTimeout: 700, keepAliveMaxTimeout: 700, connect },
        ...{ headersTimeout: 0, bodyTimeout: 0, connectTimeout: 0 },
      },
    ]);
    expect(standIn.clients[0]!.requests[1]).toMatchObject({
      ...{ origin: "http://127.0.0.1", path: "/v2?a=b", method: "POST", headers: { "x-own": "mine" }, body: "{}" },
    });
  });

  it("makes pools of 64 connections that may be idle for ten seconds, where nothing is said", async () => {
    await serve(make());
    expect(standIn.pools).toMatchObject([{ connections: 64, keepAliveTimeout: 10_000, connect: {} }]);
  });

  it("begins no request that was cancelled while it waited for a connection", async () => {
    const exchange = make();
    await serve(exchange);
    standIn.isFull = true;
    const cancellation = new Cancellation();
    const asked = ask(exchange, "http://127.0.0.1/v2?a=b", { cancellation });
    const reason = new Error("enough");
    cancellation.cancel(reason);
    await expect(asked).rejects.toBe(reason);
    expect(cancellation.waitsFor).toBe("a free socket");
    const controller = { abort: vi.fn() };
    standIn.clients[0]!.waiting[0]!.onRequestStart(controller);
    expect(controller.abort.mock.calls).toEqual([[reason]]);
  });

  it("breaks a request off that has begun", async () => {
    const { asked, controller, cancellation } = begin(make());
    expect(controller.abort).not.toHaveBeenCalled();
    const reason = new Error("enough");
    cancellation.cancel(reason);
    await expect(asked).rejects.toBe(reason);
    expect(controller.abort.mock.calls).toEqual([[reason]]);
    expect(cancellation.waitsFor).toBeUndefined();
  });

  it.each([
    [199, 418],
    [200, 200],
  ])("takes an answer with the status %i, and 418 behind it, for one with %i", async (first, status) => {
    const { asked, handler } = begin(make());
    handler.onResponseStart({}, first, { "content-length": "0" });
    if (status !== first) handler.onResponseStart({}, status, {});
    handler.onResponseEnd();
    expect(await asked).toMatchObject({ status });
  });

  it.each([
    [202, {}, 1],
    [299, { "content-length": "5" }, 1],
    [202, { "content-length": "0" }, 0],
    [300, {}, 0],
  ])("has for an answer with %i and %j so many timers until it is over: %i", async (status, headers, timers) => {
    const { asked, handler } = begin(make());
    const before = countTimers();
    handler.onResponseStart({}, status, headers);
    expect(countTimers()).toBe(before + timers);
    handler.onResponseEnd();
    expect(countTimers()).toBe(before);
    expect(await asked).toMatchObject({ status });
  });

  it("has its status for a verdict when it is cancelled within its answer, and what has come of its text", async () => {
    const { asked, handler, cancellation, controller } = begin(make());
    handler.onResponseStart({}, 400, {});
    handler.onResponseData({}, Buffer.from("half of it"));
    cancellation.cancel("enough");
    expect(await asked).toMatchObject({ status: 400, text: "half of it" });
    expect(controller.abort).toHaveBeenCalledTimes(1);
  });

  it("has failed when its connection breaks behind a word of patience", async () => {
    const { asked, handler } = begin(make());
    handler.onResponseStart({}, 103, {});
    const broken = new Error("broken");
    handler.onResponseError({}, broken);
    await expect(asked).rejects.toBe(broken);
  });

  it("calls no connection stale that could not be made", async () => {
    const exchange = make();
    const asked = ask(exchange, "http://127.0.0.1/v2");
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
    standIn.clients[0]!.handlers[0]!.onResponseError({}, reset);
    await expect(asked).rejects.toBe(reset);
  });

  it("reads of a long text what may be needed, and lets the rest go", async () => {
    const { asked, handler, controller } = begin(make());
    handler.onResponseStart({}, 500, {});
    for (const text of ["x".repeat(MAX_BODY_CHARS - 1), "yz", "more"]) handler.onResponseData({}, Buffer.from(text));
    handler.onResponseEnd();
    expect((await asked).text).toBe(`${"x".repeat(MAX_BODY_CHARS - 1)}y`);
    expect(controller.abort).not.toHaveBeenCalled();
  });

  it("lets go what follows an acceptance and has no end", async () => {
    const { asked, handler, controller } = begin(make());
    handler.onResponseStart({}, 299, {});
    handler.onResponseData({}, Buffer.alloc(MAX_ACCEPTED_BYTES));
    expect(controller.abort).not.toHaveBeenCalled();
    handler.onResponseData({}, Buffer.alloc(1));
    expect(controller.abort).toHaveBeenCalledTimes(1);
    expect(await asked).toMatchObject({ status: 299, text: "" });
  });

  it("reads the text of a refusal however long it is", async () => {
    const { asked, handler, controller } = begin(make());
    handler.onResponseStart({}, 300, {});
    handler.onResponseData({}, Buffer.alloc(MAX_ACCEPTED_BYTES + 1, "x"));
    expect(controller.abort).not.toHaveBeenCalled();
    handler.onResponseEnd();
    expect((await asked).text).toHaveLength(MAX_BODY_CHARS);
  });

  it.each([
    ["at once, for what the server has not read", 5, 5, true],
    ["not for a last write that is reported a moment late", 5, 0, false],
    ["not for what was read", 0, 0, false],
  ])("ends a connection whose answer is complete: %s", async (_, unread, unreadLater, isDestroyed) => {
    const { asked, handler, client } = begin(make());
    handler.onResponseStart({}, 413, {});
    client.socket.writableLength = unread;
    handler.onResponseEnd();
    expect(await asked).toMatchObject({ status: 413 });
    expect(client.socket.destroyed).toBe(false);
    client.socket.writableLength = unreadLater;
    await settle();
    expect(client.socket.destroyed).toBe(isDestroyed);
  });

  it.each<[string, Error, boolean]>([
    ["reset", Object.assign(new Error("broken"), { code: "ECONNRESET" }), true],
    ["written to in vain", Object.assign(new Error("broken"), { code: "EPIPE" }), true],
    ["closed by the other side", Object.assign(new Error("broken"), { code: "UND_ERR_SOCKET" }), true],
    ["broken in another way", Object.assign(new Error("broken"), { code: "ETIMEDOUT" }), false],
    ["broken without a code", new Error("broken"), false],
    ["broken with a code that is no text", Object.assign(new Error("broken"), { code: 5 }), false],
  ])("knows whether a connection that it has used before was stale, when that is %s", async (_, error, isStale) => {
    const exchange = make();
    await serve(exchange);
    const { asked, handler, client } = begin(exchange);
    handler.onResponseError({}, error);
    const reason: unknown = await asked.catch((thrown: unknown) => thrown);
    expect(reason instanceof StaleConnectionError).toBe(isStale);
    expect(reason).toMatchObject({ message: "broken", ...(isStale && { code: (error as { code?: string }).code }) });
    // It is idle then: it goes with those that are as old.
    expect(client.socket.destroyed).toBe(isStale);
  });

  it("calls no connection stale that has served nothing, nor one that has answered", async () => {
    const reset = Object.assign(new Error("broken"), { code: "ECONNRESET" });
    const exchange = make();
    const first = begin(exchange);
    first.handler.onResponseError({}, reset);
    await expect(first.asked).rejects.toBe(reset);
    await serve(exchange);
    const { asked, handler, client } = begin(exchange);
    handler.onResponseStart({}, 400, {});
    handler.onResponseError({}, reset);
    expect(await asked).toMatchObject({ status: 400 });
    expect(client.socket.destroyed).toBe(false);
    // A new socket in place of the old one has served nothing.
    client.connect();
    const again = begin(exchange);
    again.handler.onResponseError({}, reset);
    await expect(again.asked).rejects.toBe(reset);
  });

  it("rejects where no connection was made, and where a request ends without an answer", async () => {
    const exchange = make();
    await serve(exchange);
    standIn.isFull = true;
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const asked = ask(exchange, "http://127.0.0.1/v2?a=b");
    standIn.clients[0]!.waiting[0]!.onResponseError({}, refused);
    await expect(asked).rejects.toBe(refused);
    standIn.isFull = false;
    const { asked: other, handler } = begin(exchange);
    handler.onResponseEnd();
    await expect(other).rejects.toThrow("The connection was closed without an answer.");
  });

  it("ends the connections that nobody uses, when it is closed", async () => {
    const exchange = make();
    const client = await serve(exchange);
    const { asked, handler } = begin(exchange);
    await exchange.close!();
    expect(client.socket.destroyed).toBe(false);
    handler.onResponseStart({}, 202, { "content-length": "0" });
    handler.onResponseEnd();
    await asked;
    await exchange.close!();
    expect(client.socket.destroyed).toBe(true);
  });
});

describe("where undici is found", () => {
  type Resolve = (name: string, parent: { readonly filename: string }, ...more: unknown[]) => string;

  /** Finds no module for which `isHidden` says so. */
  async function sendWhere(isHidden: (name: string, parent: string) => boolean): Promise<number> {
    const module = createRequire(import.meta.url)("node:module") as { _resolveFilename: Resolve };
    const resolve = module._resolveFilename;
    const server = await startRawServer((socket) => socket.write("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n"));
    const spy = vi.spyOn(module, "_resolveFilename");
    spy.mockImplementation((name, parent, ...more) => {
      if (isHidden(name, parent.filename)) throw Object.assign(new Error("hidden"), { code: "MODULE_NOT_FOUND" });
      return resolve(name, parent, ...more);
    });
    try {
      const exchange = undiciFetch()[EXCHANGE]!;
      const { status } = await ask(exchange, server.url);
      await exchange.close?.();
      return status;
    } finally {
      spy.mockRestore();
      await server.close();
    }
  }

  it("may be the folder of the application, where a package manager shows it to that alone", async () => {
    expect(await sendWhere((name, parent) => name === "undici" && parent.includes("undici-exchange"))).toBe(202);
  });

  it("is all of it, where its parts cannot be loaded by themselves", async () => {
    expect(await sendWhere((name) => name.startsWith("undici/lib/dispatcher"))).toBe(202);
  });
});
