import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { describe, expect, it, vi } from "vitest";
import { EventsClient } from "mparticle-events";
import { Cancellation } from "../../src/transport/abort.ts";
import { EXCHANGE } from "../../src/transport/exchange.ts";
import { undiciFetch, type UndiciFetchOptions } from "../../src/transport/undici-fetch.ts";
import { startFakeServer } from "../../src/testing/testing.ts";

const HANG = { timeout: 60_000 };
const CREDENTIALS = { apiKey: "key", apiSecret: "s3cr3t-s3cr3t" } as const;

describe("undiciFetch", () => {
  it("opens no more connections than it may, and sends everything", async () => {
    await using server = await startFakeServer({ script: { status: 202, delayMs: 5 } });
    const client = new EventsClient({ ...CREDENTIALS, baseUrl: server.url, fetch: undiciFetch({ connections: 3 }) });
    await Promise.all(Array.from({ length: 30 }, () => client.upload({ environment: "development" })));
    expect(server.requests).toHaveLength(30);
    expect(server.sockets.maxOpen).toBeLessThanOrEqual(3);
  });

  it("ends connections that nobody uses, by itself and when it is closed", async () => {
    await using server = await startFakeServer();
    const ask = async (options: UndiciFetchOptions) => {
      const exchange = undiciFetch(options)[EXCHANGE]!;
      const body = { texts: ["{", "}"], bytes: 2 };
      await exchange({ url: `${server.url}/events`, headers: {}, body, cancellation: new Cancellation() });
      return exchange;
    };
    const closes = await ask({});
    expect(server.sockets.open).toBe(1);
    await closes.close!();
    await vi.waitFor(() => {
      expect(server.sockets.open).toBe(0);
    }, HANG);
    // undici takes a second off what it is given.
    await ask({ keepAliveTimeout: 1_050 });
    await vi.waitFor(() => {
      expect(server.sockets).toMatchObject({ opened: 2, open: 0 });
    }, HANG);
    expect(server.requests.map(({ body }) => body)).toEqual(["{}", "{}"]);
  });

  it("ends connections that nobody uses also where the server offers to keep them for longer", async () => {
    const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
      request.resume().on("end", () => response.writeHead(202, { "Keep-Alive": "timeout=600" }).end());
    });
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`; // as one that listens on a port has
    const client = new EventsClient({ ...CREDENTIALS, baseUrl, fetch: undiciFetch({ keepAliveTimeout: 50 }) });
    await client.upload({ environment: "development" });
    await vi.waitFor(() => {
      expect(sockets.size).toBe(0);
    }, HANG);
    await client.close();
    server.close();
  });

  it("sends nothing that was cancelled before", async () => {
    await using server = await startFakeServer();
    const cancellation = new Cancellation();
    cancellation.cancel("too late");
    const sent = undiciFetch()[EXCHANGE]!({
      url: `${server.url}/events`,
      headers: {},
      body: { texts: ["{}"], bytes: 2 },
      cancellation,
    });
    await expect(sent).rejects.toMatchObject({ cause: "too late" });
    expect(server.requests).toHaveLength(0);
  });

  it("works as the fetch that it is", async () => {
    await using server = await startFakeServer({ script: { status: 400, body: "no" } });
    const fetch = undiciFetch();
    const response = await fetch(new Request(server.url, { method: "POST", body: '{"a":"ü"}' }));
    expect([response.status, await response.text()]).toEqual([400, "no"]);
    expect(server.requests).toMatchObject([{ body: '{"a":"ü"}' }]);
    await expect(fetch(new Request(server.url))).rejects.toThrow("undiciFetch got a GET request; it sends POST alone.");
  });

  it.each<[object, RegExp]>([
    [{ connections: 0 }, /`connections` is 0; expected a whole number above 0/],
    [{ keepAliveTimeout: "1s" }, /`keepAliveTimeout` is "1s"; expected a number above 0/],
  ])("names what cannot be an option: %j", (options, message) => {
    expect(() => undiciFetch(options as UndiciFetchOptions)).toThrow(message);
  });

  it("names the package and the version where it is not installed", () => {
    const require = createRequire(import.meta.url);
    const elsewhere = mkdtempSync(join(tmpdir(), "no-undici-"));
    expect(require.resolve("undici")).toContain("undici");
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(elsewhere);
    const resolve = vi.spyOn(
      require("node:module") as { _resolveFilename: (name: string) => string } & Record<string, unknown>,
      "_resolveFilename",
    );
    resolve.mockImplementation((name) => {
      throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
    });
    try {
      expect(() => undiciFetch()).toThrow(
        "undiciFetch needs undici, an optional peer: run `npm install undici@^7.0.0`.",
      );
    } finally {
      resolve.mockRestore();
      cwd.mockRestore();
    }
  });
});
