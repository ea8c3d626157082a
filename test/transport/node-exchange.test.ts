import type { ClientRequest } from "node:http";
import { PassThrough, Readable } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import { EXCHANGE, MAX_ACCEPTED_BYTES, StaleConnectionError } from "../../src/transport/exchange.ts";
import { nodeFetch } from "../../src/transport/node-fetch.ts";
import { startRawServer } from "../faults/raw-server.ts";
import { ask, countTimers, HANG, settle } from "./ask.ts";

/** A request of `node:http` that is answered by the test. */
class Outgoing extends PassThrough {
  socket: unknown = null;
  reusedSocket = false;

  answer(statusCode: number | undefined, headers = {}): Readable {
    const incoming = Object.assign(new Readable({ read: () => undefined }), { statusCode, headers });
    this.emit("response", incoming);
    return incoming;
  }
}

/** What `node:http` makes of requests, none of which leaves. */
function intercept(protocol: "http" | "https" = "http"): Outgoing[] {
  const made: Outgoing[] = [];
  const module = process.getBuiltinModule(`node:${protocol}`);
  vi.spyOn(module, "request").mockImplementation((): ClientRequest => {
    const outgoing = new Outgoing();
    made.push(outgoing);
    return outgoing as unknown as ClientRequest; // as far as it is used
  });
  return made;
}

describe("an exchange over node, below what a server can do", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  interface Idle {
    destroyed: boolean;
    destroy(): void;
  }

  function idle(): Idle {
    return {
      destroyed: false,
      destroy() {
        this.destroyed = true;
      },
    };
  }

  it.each<["http" | "https", string, string]>([
    ["http", "127.0.0.1", "127.0.0.1:80:"],
    ["http", "127.0.0.1:8080", "127.0.0.1:8080:"],
    ["https", "service.test", "service.test:443:"],
    ["https", "service.test:444", "service.test:444:"],
    ["http", "[::1]", "::1:80:"],
    ["https", "[::1]:444", "::1:444:"],
  ])(
    "ends, with a stale connection to %s://%s, the idle ones to the same place alone",
    async (protocol, host, place) => {
      const made = intercept(protocol);
      const [same, sameByAddress, other] = [idle(), idle(), idle()];
      const freeSockets = {
        [`${place}0`]: undefined,
        [place]: [same],
        [`${place}127.0.0.2:4`]: [sameByAddress],
        [`1${place}`]: [other],
      };
      const agent = { addRequest: () => undefined, freeSockets };
      const exchange = nodeFetch({ agent: agent as never })[EXCHANGE]!;
      const asked = ask(exchange, `${protocol}://${host}/v2`);
      made[0]!.reusedSocket = true;
      made[0]!.emit("error", Object.assign(new Error("broken"), { code: "EPIPE" }));
      await expect(asked).rejects.toMatchObject({ code: "EPIPE", message: "broken" });
      await expect(asked).rejects.toBeInstanceOf(StaleConnectionError);
      expect([same.destroyed, sameByAddress.destroyed, other.destroyed]).toEqual([true, true, false]);
      expect(vi.mocked(process.getBuiltinModule(`node:${protocol}`).request).mock.calls[0]![0]).toMatchObject({
        hostname: place.slice(0, place.lastIndexOf(":", place.length - 2)),
        path: "/v2",
      });
    },
  );

  it.each([
    ["no list of idle connections", {}],
    ["idle connections of another kind", { freeSockets: { "127.0.0.1:80:": [{}] } }],
  ])("tells of a stale connection also where an agent of the caller's has %s", async (_, members) => {
    const made = intercept();
    const agent = { addRequest: () => undefined, ...members };
    const asked = ask(nodeFetch({ agent: agent as never })[EXCHANGE]!, "http://127.0.0.1/v2");
    made[0]!.reusedSocket = true;
    made[0]!.emit("error", Object.assign(new Error("reset"), { code: "ECONNRESET" }));
    await expect(asked).rejects.toBeInstanceOf(StaleConnectionError);
  });

  it.each<[string, boolean, Error]>([
    ["on a new connection", false, Object.assign(new Error("reset"), { code: "ECONNRESET" })],
    ["of another kind", true, Object.assign(new Error("reset"), { code: "ECONNREFUSED" })],
    ["without a code", true, new Error("reset")],
  ])("passes an error on as it is that comes %s", async (_, reusedSocket, error) => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    made[0]!.reusedSocket = reusedSocket;
    made[0]!.emit("error", error);
    await expect(asked).rejects.toBe(error);
  });

  it.each([
    [undefined, 0],
    [0, 0],
    [101, 101],
    [199, 199],
  ])("takes an answer with the status %s for none, and ends its request", async (statusCode, said) => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    const incoming = made[0]!.answer(statusCode);
    await expect(asked).rejects.toThrow(`the status is ${String(said)}; expected one from 200 to 599`);
    expect(made[0]!.destroyed).toBe(true);
    // What is left of it may break, and nobody else listens.
    expect(() => incoming.emit("error", new Error("cut"))).not.toThrow();
  });

  it("has failed where its request closes without an answer, as one does whose protocol is changed", async () => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    made[0]!.emit("close");
    await expect(asked).rejects.toThrow("The connection was closed without an answer.");
  });

  it("takes an answer with the status 200 for one", async () => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    made[0]!.answer(200).push(null);
    expect(await asked).toMatchObject({ status: 200 });
  });

  it.each([
    [202, {}, 1],
    [202, { "content-length": "5" }, 1],
    [202, { "content-length": "0" }, 0],
    [400, {}, 0],
  ])("has for an answer with %i and %j so many timers until it is over: %i", async (status, headers, timers) => {
    const made = intercept();
    const before = countTimers();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    const incoming = made[0]!.answer(status, headers);
    expect(countTimers()).toBe(before + timers);
    incoming.emit("close");
    expect(countTimers()).toBe(before);
    expect(await asked).toMatchObject({ status });
  });

  it.each(["is cancelled", "breaks"])(
    "has its status for a verdict when its answer %s, and what has come of its text",
    async (how) => {
      const made = intercept();
      const cancellation = new Cancellation();
      const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2", { cancellation });
      const incoming = made[0]!.answer(400);
      incoming.push("half of it");
      await settle();
      if (how === "is cancelled") cancellation.cancel("enough");
      else made[0]!.emit("error", Object.assign(new Error("reset"), { code: "ECONNRESET" }));
      expect(await asked).toMatchObject({ status: 400, text: "half of it" });
    },
  );

  it.each([
    [0, false],
    [1, true],
  ])("lets go what follows an acceptance beyond what is read of it: %i bytes", async (more, isLetGo) => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    const incoming = made[0]!.answer(202);
    incoming.push(Buffer.alloc(MAX_ACCEPTED_BYTES));
    if (more > 0) incoming.push(Buffer.alloc(more));
    await settle();
    expect(incoming.destroyed).toBe(isLetGo);
    incoming.destroy();
    expect(await asked).toMatchObject({ status: 202, text: "" });
  });

  it("ends a request whose answer is complete and whose body nobody reads, a moment later", async () => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    Object.defineProperty(made[0], "writableFinished", { value: false, configurable: true });
    made[0]!.answer(413).push(null);
    expect(await asked).toMatchObject({ status: 413 });
    expect(made[0]!.destroyed).toBe(false);
    await vi.waitFor(() => {
      expect(made[0]!.destroyed).toBe(true);
    }, HANG);
  });

  it("leaves a request alone whose last write is reported a moment after its answer", async () => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    let isFinished = false;
    Object.defineProperty(made[0], "writableFinished", { get: () => isFinished });
    made[0]!.answer(202).push(null);
    expect(await asked).toMatchObject({ status: 202 });
    isFinished = true;
    await settle();
    expect(made[0]!.destroyed).toBe(false);
  });

  it("lets no error of a write end the process that comes after the answer, and listens for it once", async () => {
    const made = intercept();
    const socket = new PassThrough();
    const exchange = nodeFetch()[EXCHANGE]!;
    for (const n of [0, 1]) {
      const asked = ask(exchange, "http://127.0.0.1/v2");
      made[n]!.socket = socket;
      Object.defineProperty(made[n], "writableFinished", { value: false });
      made[n]!.answer(413).push(null);
      await asked;
    }
    expect(socket.listenerCount("error")).toBe(1);
    expect(() => socket.emit("error", new Error("cut"))).not.toThrow();
  });

  it("listens to no socket whose request has left", async () => {
    const made = intercept();
    const socket = new PassThrough();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    made[0]!.socket = socket;
    Object.defineProperty(made[0], "writableFinished", { value: true });
    made[0]!.answer(202).push(null);
    await asked;
    await settle();
    expect(socket.listenerCount("error")).toBe(0);
    expect(made[0]!.destroyed).toBe(false);
  });

  it("finds its agent and its target once for a URL", async () => {
    const made = intercept();
    const exchange = nodeFetch()[EXCHANGE]!;
    for (const n of [0, 1, 2]) {
      const asked = ask(exchange, n === 2 ? "http://127.0.0.1/v2/other" : "http://127.0.0.1/v2");
      made[n]!.answer(202).push(null);
      await asked;
    }
    const agents = vi
      .mocked(process.getBuiltinModule("node:http").request)
      .mock.calls.map(([options]) => (options as unknown as { agent: unknown }).agent);
    expect(new Set(agents).size).toBe(1);
  });
});

describe("a request over node", () => {
  it("has no timer on its connection, which has one while nobody uses it, and is used again", async () => {
    const request = vi.spyOn(process.getBuiltinModule("node:http"), "request");
    const outgoing = (n: number): ClientRequest => request.mock.results[n]!.value as ClientRequest;
    const timeoutsMs: number[] = [];
    const server = await startRawServer((socket, n) => {
      timeoutsMs.push(outgoing(n - 1).socket?.timeout ?? 0);
      socket.write("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n");
    });
    const exchange = nodeFetch({ timeout: 30_000 })[EXCHANGE]!;
    try {
      await ask(exchange, server.url);
      expect(timeoutsMs).toEqual([0]);
      await vi.waitFor(() => {
        expect(outgoing(0).socket?.timeout).toBe(30_000);
      }, HANG);
      await ask(exchange, server.url);
      expect([outgoing(0).reusedSocket, outgoing(1).reusedSocket]).toEqual([false, true]);
    } finally {
      request.mockRestore();
      await exchange.close?.();
      await server.close();
    }
  });

  it("uses an agent without a time for idle connections as it is", async () => {
    const server = await startRawServer((socket) => socket.write("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n"));
    const exchange = nodeFetch({ timeout: 0 })[EXCHANGE]!;
    for (let n = 0; n < 2; n++) expect(await ask(exchange, server.url)).toMatchObject({ status: 202 });
    await exchange.close?.();
    await server.close();
  });
});
