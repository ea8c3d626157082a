import type { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import {
  EXCHANGE,
  MAX_ACCEPTED_BYTES,
  MAX_BODY_CHARS,
  StaleConnectionError,
  type Exchange,
} from "../../src/transport/exchange.ts";
import { startRawServer, type RawServer } from "../faults/raw-server.ts";
import { makeTransport, TRANSPORTS } from "../faults/transports.ts";
import { ask, HANG, nextTurn, settle } from "./ask.ts";

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
        void settle().then(async () => {
          socket.write(said.subarray(3, 7));
          await settle();
          socket.write(said.subarray(7));
        });
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
  });

  describe("whose connection is reset", () => {
    it("when it was kept from before is stale, and those that are as old go with it", async () => {
      await start((socket, request) => {
        if (request <= 2) void settle().then(() => socket.write(ACCEPTED));
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
          void settle().then(() => socket.write(ACCEPTED));
          return;
        }
        socket.write("HTTP/1.1 400 No\r\ncontent-length: 100\r\n\r\nhalf of it");
        // By then it is read: a reset overtakes what is not.
        void settle().then(() => socket.resetAndDestroy());
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
