import { once } from "node:events";
import * as http from "node:http";
import { createServer, Socket, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EventsClient, type Batch, type EventsClientOptions } from "mparticle-events";
import { full } from "../full.ts";
import { makeTransport, TRANSPORTS } from "./transports.ts";
import { nodeFetch, type NodeFetchOptions } from "../../src/transport/node-fetch.ts";

/*
 * A wait ends in its time, wherever it waits. Nothing here answers, so each wait would last until the test is ended.
 */

describe.each(TRANSPORTS)("over %s", (transport) => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  /** A service that does with each connection what the test wants. */
  async function listen(onConnection: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      onConnection(socket);
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // A server that listens on a port has an address of this kind.
    return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  }

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    for (const server of servers.splice(0)) server.close();
  });

  const reads = (socket: Socket): void => void socket.resume();
  const batch = (text = ""): Batch => ({ environment: "development", user_attributes: { text } });

  interface Wait {
    /** The service that the request is sent to. */
    readonly serve: () => Promise<string>;
    readonly connections?: () => NodeFetchOptions;
    /** Bytes of the request, about. */
    readonly bytes?: number;
  }

  /** An agent that never has a socket. */
  class IdleAgent extends http.Agent {
    addRequest(): void {
      return;
    }
  }

  const WAITS: Readonly<Record<string, Wait>> = {
    "for the address of the host": {
      serve: () => Promise.resolve("service.test"),
      connections: () => ({ lookup: () => undefined }),
    },
    "for the connection": {
      serve: () => Promise.resolve("service.test"),
      connections: () => {
        const agent = new http.Agent();
        Object.assign(agent, { createConnection: () => Object.assign(new Socket(), { connecting: true }) });
        return { agent };
      },
    },
    "for TLS": { serve: async () => `https://${await listen(reads)}` },
    "for a socket of an agent that never gives one": {
      serve: () => Promise.resolve("service.test"),
      connections: () => ({ agent: new IdleAgent() }),
    },
    "for the server to read": {
      serve: () => listen((socket) => void socket.pause()),
      bytes: 100_000,
      connections: () => {
        const agent = new http.Agent();
        // One that takes no more than the head.
        Object.assign(agent, {
          createConnection: (options: { port: number; host: string }) => {
            const socket = new Socket();
            socket._write = () => undefined;
            socket.connect(options.port, options.host);
            return socket;
          },
        });
        return { agent };
      },
    },
    "for an answer": { serve: () => listen(reads) },
    "for the rest of a head": { serve: () => listen((socket) => void socket.resume().write("HTTP/1.1 202 Acc")) },
    "for another answer than one of patience": {
      serve: () => listen((socket) => void socket.resume().write("HTTP/1.1 103 Early Hints\r\n\r\n")),
    },
  };

  async function start(wait: Wait, options: Partial<EventsClientOptions> = {}): Promise<EventsClient> {
    const place = await wait.serve();
    return new EventsClient({
      apiKey: "key",
      apiSecret: "s3cr3t-s3cr3t",
      baseUrl: `${place.startsWith("http") ? "" : "http://"}${place}/v2`,
      retry: false,
      fetch: wait.connections === undefined ? makeTransport(transport) : nodeFetch(wait.connections()),
      ...options,
    });
  }

  /** Those with an agent of their own are about node:http alone. */
  const OF_TRANSPORT = Object.entries(WAITS).filter(
    ([, { connections }]) => transport === "node" || connections === undefined,
  );

  describe.each(OF_TRANSPORT)("a request that waits %s", (_, wait) => {
    it("ends at its timeout", async () => {
      const client = await start(wait, { timeoutMs: 60 });
      await expect(client.upload(batch("x".repeat(wait.bytes ?? 0)))).rejects.toMatchObject({
        code: "TIMEOUT",
        attempts: 1,
      });
    });

    it("ends at an abort, before its start and after", async () => {
      const client = await start(wait);
      for (const delayMs of [0, 40]) {
        const controller = new AbortController();
        const upload = client.upload(batch("x".repeat(wait.bytes ?? 0)), { signal: controller.signal });
        const reason = new Error("the user left");
        setTimeout(() => {
          controller.abort(reason);
        }, delayMs);
        await expect(upload).rejects.toMatchObject({ code: "ABORTED", cause: reason });
      }
    });
  });

  describe("an agent with one socket, which another request holds", () => {
    it.each(["one client", "two clients"])("keeps no request beyond its time: %s", async (clients) => {
      const fetch = makeTransport(transport, 1);
      const baseUrl = `http://${await listen(reads)}/v2`;
      const options = { apiKey: "key", apiSecret: "s3cr3t-s3cr3t", baseUrl, fetch, retry: false } as const;
      const holder = new EventsClient({ ...options, timeoutMs: 60_000 });
      const waiter = clients === "one client" ? holder : new EventsClient({ ...options, timeoutMs: 50 });
      const held = new AbortController();
      const holding = holder.upload(batch(), { signal: held.signal });
      const aborted = new AbortController();
      const waiting = waiter.upload(batch(), { signal: aborted.signal });
      if (clients === "one client") {
        setTimeout(() => {
          aborted.abort();
        }, 20);
        await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
      } else {
        await expect(waiting).rejects.toMatchObject({
          code: "TIMEOUT",
          message: expect.stringContaining("was not sent: it waited for a free socket in vain") as string,
        });
      }
      held.abort();
      await expect(holding).rejects.toMatchObject({ code: "ABORTED" });
    });

    it("serves who waited once it is free, past those who gave up", async () => {
      let answer = (): void => undefined;
      const place = await listen((socket) => {
        socket.on("data", () => {
          answer = () => socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
          if (requests++ > 0) answer();
        });
      });
      let requests = 0;
      const client = await start({ serve: () => Promise.resolve(place) }, { fetch: makeTransport(transport, 1) });
      const first = client.upload(batch());
      const controller = new AbortController();
      const gaveUp = Promise.allSettled([1, 2, 3].map(() => client.upload(batch(), { signal: controller.signal })));
      const last = client.upload(batch());
      await vi.waitFor(() => {
        expect(requests).toBe(1);
      }, 60_000);
      controller.abort();
      expect((await gaveUp).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      answer();
      await expect(Promise.all([first, last])).resolves.toMatchObject([{ status: 202 }, { status: 202 }]);
      expect(requests).toBe(2);
    });
  });

  describe("an answer that comes before the request was read", () => {
    /** More than the system takes of it while nobody reads: 4 MB of what is sent, and some of what arrives. */
    const LARGE = full(6_000_000, 12_000_000);
    const REQUESTS = full(2, 3);

    const ANSWERS: readonly (readonly [number, string])[] = [
      [413, ""],
      [401, "connection: close\r\n"],
      [202, ""],
    ];
    it.each(ANSWERS.slice(0, full(1, ANSWERS.length)))(
      "(%d, %s) is the verdict, and gives its socket back",
      async (status, header) => {
        let opened = 0;
        const place = await listen((socket) => {
          opened++;
          socket.once("data", () => {
            // It reads no more of it.
            socket.pause();
            socket.write(`HTTP/1.1 ${String(status)} Early\r\n${header}content-length: 2\r\n\r\nno`);
          });
        });
        const fetch = makeTransport(transport, 1);
        const post = (): Promise<number> =>
          fetch(new Request(`http://${place}/v2`, { method: "POST", body: "x".repeat(LARGE) })).then(
            (one) => one.status,
          );
        const statuses: number[] = [];
        for (let request = 0; request < REQUESTS; request++) statuses.push(await post());
        expect(statuses).toEqual(new Array(REQUESTS).fill(status));
        expect(opened).toBe(REQUESTS);
      },
    );

    it("is the verdict also when the connection is reset behind it", async () => {
      const place = await listen((socket) => {
        socket.once("data", () => {
          socket.pause();
          socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n", () => socket.resetAndDestroy());
        });
      });
      const send = makeTransport(transport)(
        new Request(`http://${place}/v2`, { method: "POST", body: "x".repeat(LARGE) }),
      );
      // A reset may overtake the answer: then it is a lost connection, and tried again.
      const status = await send.then(
        (response) => response.status,
        (error: unknown) => (error as { code: string }).code,
      );
      expect([413, "ECONNRESET", "EPIPE"]).toContain(status);
    });
  });
});
