import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import {
  EXCHANGE,
  MAX_ACCEPTED_BYTES,
  MAX_BODY_CHARS,
  StaleConnectionError,
  type Exchange,
  type ExchangeResponse,
} from "../../src/transport/exchange.ts";
import { nodeFetch } from "../../src/transport/node-fetch.ts";
import { startRawServer, type RawServer } from "../faults/raw-server.ts";
import { makeTransport, TRANSPORTS } from "../faults/transports.ts";

/** For what happens in other processes or threads of the runtime: ends a test that would hang. */
const HANG = { timeout: 60_000 };

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection is free for the next request some turns of the event loop after its answer. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await nextTurn();
}

function ask(
  exchange: Exchange,
  url: string,
  {
    texts = ["{}"],
    cancellation = new Cancellation(),
  }: { texts?: readonly string[]; cancellation?: Cancellation } = {},
): Promise<ExchangeResponse> {
  const body = { texts, bytes: Buffer.byteLength(texts.join("")) };
  return exchange({ url, headers: { "x-own": "mine" }, body, cancellation });
}

describe.each(TRANSPORTS)("an exchange over %s", (transport) => {
  let server: RawServer;
  let exchange: Exchange;
  /** The connections on which a request came in, in that order. */
  let sockets: Socket[];

  afterEach(async () => {
    await exchange.close?.();
    await server.close();
  });

  async function start(answer: (socket: Socket, request: number) => void, maxSockets?: number): Promise<void> {
    sockets = [];
    server = await startRawServer((socket, request) => {
      if (!sockets.includes(socket)) sockets.push(socket);
      answer(socket, request);
    });
    exchange = makeTransport(transport, maxSockets)[EXCHANGE]!;
  }

  const ACCEPTED = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

  describe("gives of an answer", () => {
    it("its status and its headers, whose names may be written in any way", async () => {
      await start((socket) => {
        socket.write("HTTP/1.1 418 Teapot\r\nX-Thing: one\r\nx-thing: two\r\ncontent-length: 2\r\n\r\nno");
      });
      const { status, headers, text } = await ask(exchange, server.url);
      expect([status, headers.get("X-THING"), headers.get("x-other"), text]).toEqual([
        418,
        expect.stringMatching(/^one, ?two$/),
        null,
        "no",
      ]);
    });

    it.each([
      [200, ""],
      [299, ""],
      [300, "said"],
      [500, "said"],
    ])("(%i) the text %j: that of an acceptance is read by nobody", async (status, text) => {
      await start((socket) => {
        socket.write(`HTTP/1.1 ${String(status)} X\r\ncontent-length: 4\r\n\r\nsaid`);
      });
      expect(await ask(exchange, server.url)).toMatchObject({ status, text });
    });

    it("the text of an error, whose characters may come in pieces", async () => {
      await start((socket) => {
        const said = Buffer.from("ü€😀");
        socket.write(`HTTP/1.1 400 No\r\ncontent-length: ${String(said.length)}\r\n\r\n`);
        socket.write(said.subarray(0, 3));
        setTimeout(() => socket.write(said.subarray(3, 7)), 5);
        setTimeout(() => socket.write(said.subarray(7)), 10);
      });
      expect(await ask(exchange, server.url)).toMatchObject({ status: 400, text: "ü€😀" });
    });

    it("the beginning of a long text, and uses the connection again", async () => {
      await start((socket) => {
        const long = `${"x".repeat(MAX_BODY_CHARS - 1)}yz`;
        socket.write(`HTTP/1.1 400 No\r\ncontent-length: ${String(long.length)}\r\n\r\n${long}`);
      });
      const { text } = await ask(exchange, server.url);
      expect([text.length, text.slice(-2)]).toEqual([MAX_BODY_CHARS, "xy"]);
      await settle();
      await ask(exchange, server.url);
      expect(sockets).toHaveLength(1);
    });
  });

  describe("of an acceptance", () => {
    it.each([
      ["as much as may follow it, and uses the connection again", 0, 1],
      ["no more than may follow it, and lets the connection go", 1, 2],
    ])("reads %s", async (_, more, connections) => {
      await start((socket) => {
        const bytes = MAX_ACCEPTED_BYTES + more;
        // The last of it comes only if the connection is still there.
        socket.write(`HTTP/1.1 202 Accepted\r\ncontent-length: ${String(bytes + more)}\r\n\r\n`);
        socket.write(Buffer.alloc(bytes));
      });
      for (let n = 0; n < 2; n++) {
        expect(await ask(exchange, server.url)).toMatchObject({ status: 202, text: "" });
        await settle();
      }
      expect(sockets).toHaveLength(connections);
    });

    it("leaves no timer behind, which would keep the process alive", async () => {
      const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
      await start((socket) => {
        socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok");
      });
      const before = timers();
      await ask(exchange, server.url);
      expect(timers()).toBe(before);
    });
  });

  describe("sends", () => {
    it("the length of its body, its headers and its texts one after the other", async () => {
      let received = "";
      await start((socket) => socket.write(ACCEPTED));
      server.onConnection((socket) => socket.on("data", (chunk: Buffer) => (received += chunk.toString())));
      await ask(exchange, server.url.replace("/v2", "/v2/events?a=b"), { texts: ["[", "ü", "]"] });
      expect(received).toMatch(/^POST \/v2\/events\?a=b HTTP\/1\.1\r\n/);
      expect(received).toMatch(/\r\ncontent-length: 4\r\n/i);
      expect(received).toMatch(/\r\nx-own: mine\r\n/i);
      expect(received).toMatch(/\r\n\r\n\[ü\]$/);
    });
  });

  describe("that is cancelled", () => {
    it("before it begins opens no connection", async () => {
      await start((socket) => socket.write(ACCEPTED));
      let opened = 0;
      const cancellation = new Cancellation();
      cancellation.cancel("too late");
      const connect = vi.spyOn(process.getBuiltinModule("node:net").Socket.prototype, "connect");
      try {
        await expect(ask(exchange, server.url, { cancellation })).rejects.toMatchObject({ cause: "too late" });
        await nextTurn();
        opened = connect.mock.calls.length;
      } finally {
        connect.mockRestore();
      }
      expect(opened).toBe(0);
    });

    it("while it waits for its answer rejects with the reason, and lets the connection go", async () => {
      const cancellation = new Cancellation();
      const reason = new Error("enough");
      await start(() => {
        cancellation.cancel(reason);
      });
      await expect(ask(exchange, server.url, { cancellation })).rejects.toBe(reason);
      expect(cancellation.waitsFor).toBeUndefined();
      await vi.waitFor(() => {
        expect(sockets[0]!.destroyed).toBe(true);
      }, HANG);
    });

    it("while it waits for a free socket says so", async () => {
      const holding = new Cancellation();
      const cancellation = new Cancellation();
      await start(() => {
        cancellation.cancel("no longer");
      }, 1);
      const held = ask(exchange, server.url, { cancellation: holding });
      await expect(ask(exchange, server.url, { cancellation })).rejects.toMatchObject({ cause: "no longer" });
      expect(cancellation.waitsFor).toBe("a free socket");
      holding.cancel("done");
      await expect(held).rejects.toMatchObject({ cause: "done" });
      expect(holding.waitsFor).toBeUndefined();
      expect(server.requests).toBe(1);
    });

    it("within an answer has its status for a verdict, and what has come of its text", async () => {
      const cancellation = new Cancellation();
      await start((socket) => {
        socket.write("HTTP/1.1 400 No\r\ncontent-length: 100\r\n\r\nhalf of it");
      });
      const answered = ask(exchange, server.url, { cancellation });
      let text = "";
      const cancelOnceRead = setInterval(() => {
        if (sockets[0]?.bytesWritten === 0) return;
        // The client has had turns enough to read it.
        text += ".";
        if (text.length === 5) cancellation.cancel("enough");
      }, 5);
      expect(await answered).toMatchObject({ status: 400, text: "half of it" });
      clearInterval(cancelOnceRead);
    });
  });

  describe("whose connection is reset", () => {
    it("when it was kept from before is stale, and those that are as old go with it", async () => {
      await start((socket, request) => {
        if (request <= 2) setTimeout(() => socket.write(ACCEPTED), 20);
        else socket.resetAndDestroy();
      });
      await Promise.all([ask(exchange, server.url), ask(exchange, server.url)]);
      await settle();
      expect(sockets).toHaveLength(2);
      const error: unknown = await ask(exchange, server.url).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StaleConnectionError);
      expect((error as StaleConnectionError).code).toMatch(/ECONNRESET|EPIPE|UND_ERR_SOCKET/);
      await vi.waitFor(() => {
        expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
      }, HANG);
    });

    it("at its first request is lost, not stale", async () => {
      await start((socket) => {
        socket.resetAndDestroy();
      });
      const error: unknown = await ask(exchange, server.url).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(StaleConnectionError);
    });

    it("within an answer has its status for a verdict, and those that are idle stay", async () => {
      await start((socket, request) => {
        if (request <= 2) {
          setTimeout(() => socket.write(ACCEPTED), 20);
          return;
        }
        socket.write("HTTP/1.1 400 No\r\ncontent-length: 100\r\n\r\nhalf of it");
        setTimeout(() => socket.resetAndDestroy(), 10);
      });
      await Promise.all([ask(exchange, server.url), ask(exchange, server.url)]);
      await settle();
      expect(await ask(exchange, server.url)).toMatchObject({ status: 400 });
      await settle();
      expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(1);
    });

    it("after something that is no answer is no reason to try again at once", async () => {
      await start((socket, request) => {
        socket.write(request === 1 ? ACCEPTED : "what?\r\n\r\n");
      });
      await ask(exchange, server.url);
      await settle();
      const error: unknown = await ask(exchange, server.url).catch((reason: unknown) => reason);
      expect(sockets).toHaveLength(1);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(StaleConnectionError);
    });
  });

  it("uses one connection for requests that come one after the other, and ends those that are idle when it is closed", async () => {
    await start((socket, request) => {
      if (request !== 4) socket.write(ACCEPTED);
    });
    for (let n = 0; n < 3; n++) {
      await ask(exchange, server.url);
      await settle();
    }
    expect(sockets).toHaveLength(1);
    const cancellation = new Cancellation();
    const underWay = ask(exchange, server.url, { cancellation });
    await vi.waitFor(() => {
      expect(server.requests).toBe(4);
    }, HANG);
    await ask(exchange, server.url);
    expect(sockets).toHaveLength(2);
    await exchange.close?.();
    await vi.waitFor(() => {
      expect(sockets[1]!.destroyed).toBe(true);
    }, HANG);
    expect(sockets[0]!.destroyed).toBe(false);
    cancellation.cancel("done");
    await expect(underWay).rejects.toMatchObject({ cause: "done" });
    await ask(exchange, server.url);
    expect(sockets).toHaveLength(3);
  });
});

/** A request of `node:http` that is answered by the test. */
class Outgoing extends PassThrough {
  socket: unknown = null;
  reusedSocket = false;

  answer(statusCode: number | undefined): Readable {
    const incoming = Object.assign(new Readable({ read: () => undefined }), { statusCode, headers: {} });
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
        [place]: [same],
        [`${place}127.0.0.2:4`]: [sameByAddress],
        [`1${place}`]: [other],
        none: undefined,
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

  it("takes an answer with the status 200 for one", async () => {
    const made = intercept();
    const asked = ask(nodeFetch()[EXCHANGE]!, "http://127.0.0.1/v2");
    made[0]!.answer(200).push(null);
    expect(await asked).toMatchObject({ status: 200 });
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
  it("sets no timer of its own: the one of its connection runs only while nobody uses that", async () => {
    const server = await startRawServer((socket) => socket.write("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n"));
    const request = vi.spyOn(process.getBuiltinModule("node:http"), "request");
    const exchange = nodeFetch({ timeout: 30_000 })[EXCHANGE]!;
    try {
      for (let n = 0; n < 2; n++) {
        await ask(exchange, server.url);
        const outgoing = request.mock.results[n]!.value as ClientRequest & { timeout?: number };
        expect(outgoing.timeout).toBeUndefined();
        expect(outgoing.reusedSocket).toBe(n === 1);
        await vi.waitFor(() => {
          expect(outgoing.socket?.timeout).toBe(30_000);
        }, HANG);
      }
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
