import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { createBatch, customEvent, EventsClient, type Batch, type EventsClientOptions } from "mparticle-events";
import { makeTransport, TRANSPORTS } from "./transports.ts";
import { startRawServer, type RawServer } from "./raw-server.ts";

const servers: RawServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});

// They wait more than they work: for a body that never comes, until time is up.
describe.concurrent.each(TRANSPORTS)("over %s", (transport) => {
  async function start(
    answer: (socket: Socket, request: number) => void,
    options: Partial<EventsClientOptions> = {},
  ): Promise<{ readonly client: EventsClient; readonly server: RawServer }> {
    const server = await startRawServer(answer);
    servers.push(server);
    const client = new EventsClient({
      apiKey: "us1-key",
      apiSecret: "s3cr3t",
      baseUrl: server.url,
      // Enough for a status line on a machine that is busy: only a body that never comes ends by it.
      timeoutMs: 3_000,
      retry: { baseDelayMs: 5, maxDelayMs: 5, maxElapsedMs: 60_000 },
      fetch: makeTransport(transport),
      ...options,
    });
    return { client, server };
  }

  function makeBatch(): Batch {
    return createBatch({ environment: "development" }, [customEvent("opened", "other")]);
  }

  const ACCEPTED = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

  /** What becomes of an answer after its status line. */
  const ENDINGS: readonly (readonly [string, (socket: Socket, statusLine: string) => void])[] = [
    [
      "whose body never comes",
      (socket, statusLine) => {
        socket.write(`${statusLine}content-length: 100\r\n\r\n`);
      },
    ],
    [
      "whose body drips past timeoutMs",
      (socket, statusLine) => {
        socket.write(`${statusLine}content-length: 100\r\n\r\n`);
        const drip = setInterval(() => socket.write("x"), 10);
        socket.once("close", () => {
          clearInterval(drip);
        });
      },
    ],
    [
      "whose body is no chunk, in the same packet",
      (socket, statusLine) => {
        socket.write(`${statusLine}transfer-encoding: chunked\r\n\r\nno chunk\r\n`);
      },
    ],
    [
      "whose second chunk is none",
      (socket, statusLine) => {
        socket.write(`${statusLine}transfer-encoding: chunked\r\n\r\n3\r\nyes\r\n`);
        void sleep(20).then(() => socket.write("no chunk\r\n"));
      },
    ],
    [
      "that is cut by a reset before its body",
      (socket, statusLine) => {
        socket.write(`${statusLine}content-length: 100\r\n\r\n`);
        // A reset overtakes what the client has not read.
        void sleep(20).then(() => socket.resetAndDestroy());
      },
    ],
    [
      "that is cut by a reset within its body",
      (socket, statusLine) => {
        socket.write(`${statusLine}content-length: 100\r\n\r\nhalf of it`);
        void sleep(20).then(() => socket.resetAndDestroy());
      },
    ],
    [
      "that ends before its body does",
      (socket, statusLine) => {
        socket.end(`${statusLine}content-length: 100\r\n\r\nhalf of it`);
      },
    ],
  ];

  describe.each(ENDINGS)("an answer %s", (_, end) => {
    it("has accepted with its 202, and is not asked for again", async () => {
      const { client, server } = await start((socket) => {
        end(socket, "HTTP/1.1 202 Accepted\r\n");
      });
      await expect(client.upload(makeBatch())).resolves.toMatchObject({ status: 202, attempts: 1 });
      expect(server.requests).toBe(1);
    });

    it("has refused with its 400, and is not asked for again", async () => {
      const { client, server } = await start((socket) => {
        end(socket, "HTTP/1.1 400 Bad Request\r\n");
      });
      const [outcome] = await client.uploadBulk([makeBatch()]);
      expect(outcome).toMatchObject({ kind: "rejected", error: { name: "ApiError", status: 400, attempts: 1 } });
      expect(server.requests).toBe(1);
    });
  });

  describe("an answer without a status", () => {
    it("is none: it is tried again", async () => {
      const { client } = await start((socket, request) => {
        socket.write(request === 1 ? "HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n" : ACCEPTED);
      });
      await expect(client.upload(makeBatch())).resolves.toMatchObject({ status: 202, attempts: 2 });
    });
  });

  describe("an acceptance whose body never ends", () => {
    it("is told soon, because the verdict is in its head, and costs its connection alone", async () => {
      const closed: number[] = [];
      const { client } = await start(
        (socket, request) => {
          socket.once("close", () => closed.push(request));
          socket.write(
            request === 1 ? "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n" : ACCEPTED,
          );
        },
        { timeoutMs: 600_000 },
      );
      await expect(client.upload(makeBatch())).resolves.toMatchObject({ status: 202, attempts: 1 });
      await expect(client.upload(makeBatch())).resolves.toMatchObject({ status: 202, attempts: 1 });
      expect(closed).toEqual([1]);
    });
  });

  describe("an answer that changes protocols", () => {
    const UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

    it("is none, and the upload is tried again at once", async () => {
      const { client } = await start((socket, request) => socket.write(request === 1 ? UPGRADE : ACCEPTED));
      await expect(client.upload(makeBatch())).resolves.toMatchObject({ status: 202, attempts: 2 });
    });

    it("settles the upload, however often it comes", async () => {
      const { client } = await start((socket) => socket.write(UPGRADE), { retry: false });
      await expect(client.upload(makeBatch())).rejects.toMatchObject({ code: "CONNECTION", attempts: 1 });
    });

    it("frees its place in flight for the next upload", async () => {
      const { client } = await start((socket, request) => socket.write(request === 1 ? UPGRADE : ACCEPTED), {
        concurrency: 1,
        retry: false,
      });
      const results = await Promise.allSettled([client.upload(makeBatch()), client.upload(makeBatch())]);
      expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    });
  });

  describe("an answer that comes after a word of patience", () => {
    // undici takes a "100 Continue" that it did not ask for as a fault, and the upload is tried again.
    it.each([...(transport === "node" ? ["100 Continue"] : []), "102 Processing", "103 Early Hints"])(
      "(%s) is the one that counts",
      async (word) => {
        const { client } = await start((socket) => socket.write(`HTTP/1.1 ${word}\r\n\r\n${ACCEPTED}`));
        await expect(client.upload(makeBatch())).resolves.toMatchObject({ status: 202, attempts: 1 });
      },
    );
  });
});
