import * as http from "node:http";
import { createServer, type AgentOptions, type Server } from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import { EXCHANGE, type ExchangeResponse } from "../../src/transport/exchange.ts";
import { nodeFetch, type NodeFetchOptions } from "../../src/transport/node-fetch.ts";
import { Transport } from "../../src/transport/attempt.ts";
import { startFakeServer } from "../../src/testing/testing.ts";
import { EventsClient } from "mparticle-events";
import { full } from "../full.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** Keeps the body of each request it reads; answers some without reading them. */
async function startServer(answersUnread: (request: number) => boolean = () => false): Promise<{
  readonly url: string;
  readonly bodies: string[];
}> {
  const bodies: string[] = [];
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    if (answersUnread(requests++)) {
      outgoing.writeHead(400).end();
      return;
    }
    void readText(incoming).then((body) => {
      bodies.push(body);
      outgoing.writeHead(202).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address of this kind.
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v2/bulkevents`, bodies };
}

const { [EXCHANGE]: exchange } = nodeFetch();

function post(
  url: string,
  texts: readonly string[],
  bytes = Buffer.byteLength(texts.join("")),
): Promise<ExchangeResponse> {
  return exchange!({ url, headers: {}, body: { texts, bytes }, cancellation: new Cancellation() });
}

describe("nodeFetch", () => {
  it.each([
    ["nothing", []],
    ["a small text", ['{"a":"ü"}']],
    ["a large text", ["ü€😀".repeat(10_000)]],
    ["many texts", Array.from({ length: 2_000 }, (_, index) => `"ü${String(index)} 😀€${"x".repeat(index % 97)}"`)],
    ["more than a bulk request may hold", ["ü".repeat(150_000), "€".repeat(100_000)]],
  ])("sends %s as they are, one after the other", async (_, texts) => {
    const { url, bodies } = await startServer();
    expect((await post(url, texts)).status).toBe(202);
    expect(bodies).toEqual([texts.join("")]);
  });

  it("never writes to memory that is still being sent", async () => {
    const COUNT = full(24, 60);
    const { url, bodies } = await startServer((request) => request % 3 === 0);
    const sent = Array.from({ length: COUNT }, (_, index) => [`${String(index)}:`, String(index % 10).repeat(240_000)]);
    const work = sent.map((texts) => post(url, texts).catch(() => undefined));
    await Promise.all(work);
    for (const body of bodies) {
      const index = Number.parseInt(body, 10);
      expect(body === sent[index]!.join("")).toBe(true);
    }
    expect(bodies.length).toBeGreaterThanOrEqual(COUNT / 2);
  });

  it("sends nothing when the bytes are not those that were counted", async () => {
    const { url, bodies } = await startServer();
    await expect(post(url, ["x".repeat(20_000)], 20_001)).rejects.toThrow("20001 bytes turned out to have 20000");
    expect(bodies).toEqual([]);
  });
});

/** The beginning is what tells PEM from a path. */
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\n…";

describe("what cannot be options of nodeFetch", () => {
  it.each<[object, RegExp]>([
    [{ agent: {} }, /`agent` is an object; expected an agent/],
    [{ agent: true }, /`agent` is true; expected an agent/],
    [{ agent: null }, /`agent` is null; expected an agent/],
    [{ maxSockets: "x" }, /`maxSockets` is "x"; expected a number above 0/],
    [{ ca: "./ca.pem" }, /`ca` holds no PEM; expected the text of the file, not its path/],
    [{ cert: "x", key: "y" }, /`cert` holds no PEM/],
    [{ ca: [CERTIFICATE, Buffer.from("no certificate")] }, /`ca` holds no PEM/],
    ["text" as unknown as object, /The options are "text"; expected an object/],
  ])("is named at once: %j", (options, message) => {
    expect(() => nodeFetch(options as NodeFetchOptions)).toThrow(message);
  });

  it("is no certificate in any of its forms", () => {
    for (const ca of [CERTIFICATE, Buffer.from(CERTIFICATE), [CERTIFICATE, Buffer.from(CERTIFICATE)], undefined])
      expect(nodeFetch({ ca })).toBeTypeOf("function");
    expect(nodeFetch({ key: [{ pem: "of another form", passphrase: "x" }] })).toBeTypeOf("function");
  });
});

describe("nodeFetch as a fetch", () => {
  it.each(["GET", "HEAD", "PUT", "DELETE"])("refuses %s and sends nothing", async (method) => {
    await using server = await startFakeServer();
    await expect(nodeFetch()(new Request(server.url, { method }))).rejects.toThrow(
      `nodeFetch got a ${method} request; it sends POST alone.`,
    );
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ["a lone byte", [0xff]],
    ["a sequence that is cut short", [0x7b, 0xe2, 0x82]],
    ["UTF-16", [...Buffer.from("\ufeff{ü}", "utf16le")]],
  ])("refuses a body that is no text, such as %s", async (_, bytes) => {
    await using server = await startFakeServer();
    const request = new Request(server.url, { method: "POST", body: new Uint8Array(bytes) });
    await expect(nodeFetch()(request)).rejects.toThrow("nodeFetch got a body that is no text in UTF-8.");
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ["with a byte order mark", "\ufeff{}"],
    ["of nothing", ""],
    ["with a replacement character of its own", '{"a":"\ufffd"}'],
  ])("sends a body %s byte by byte", async (_, body) => {
    await using server = await startFakeServer();
    const response = await nodeFetch()(new Request(server.url, { method: "POST", body }));
    expect(response.status).toBe(202);
    expect(server.requests).toMatchObject([{ body, headers: { "content-length": String(Buffer.byteLength(body)) } }]);
  });
});

it("nodeFetch refuses a body whose bytes are no text, though they are as many as those of their replacement", async () => {
  await using server = await startFakeServer();
  const body = new Uint8Array([0xf0, 0x9f, 0x98, 0x61]);
  await expect(nodeFetch()(new Request(server.url, { method: "POST", body }))).rejects.toThrow("no text in UTF-8");
});

describe("what reaches the agents of node:http and node:https", () => {
  /** The options that an agent was made with, for a service that is reached so. */
  async function agentOptionsFor(protocol: "http" | "https", given?: NodeFetchOptions): Promise<object> {
    const original = protocol === "http" ? http : https;
    const Agent = vi.fn(function (options: AgentOptions) {
      return new original.Agent(options);
    });
    const spy = vi.spyOn(process, "getBuiltinModule").mockReturnValue({ ...original, Agent });
    try {
      const { [EXCHANGE]: ask } = nodeFetch(given);
      const body = { texts: ["{}"], bytes: 2 };
      // Nobody listens there.
      const asked = ask!({ url: `${protocol}://127.0.0.1:1/v2`, headers: {}, body, cancellation: new Cancellation() });
      await expect(asked).rejects.toThrow();
      expect(spy).toHaveBeenCalledWith(`node:${protocol}`);
    } finally {
      spy.mockRestore();
    }
    expect(Agent).toHaveBeenCalledTimes(1);
    return Agent.mock.calls[0]![0];
  }

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  describe.each(["http", "https"] as const)("for a service on %s", (protocol) => {
    it("is keep-alive, a bound on sockets and an end for idle ones, and nothing else", async () => {
      vi.stubEnv("NODE_USE_ENV_PROXY", undefined);
      const usual = { keepAlive: true, maxSockets: 64, timeout: 10_000 };
      expect(await agentOptionsFor(protocol)).toEqual(usual);
      expect(await agentOptionsFor(protocol, { maxSockets: 3 })).toEqual({ ...usual, maxSockets: 3 });
      const given = { maxSockets: undefined, rejectUnauthorized: undefined };
      expect(await agentOptionsFor(protocol, given)).toStrictEqual(usual);
      const more = { scheduling: "fifo", servername: "s2s.example" } as const;
      expect(await agentOptionsFor(protocol, more)).toStrictEqual({ ...usual, ...more });
    });

    it("is the environment's proxy where NODE_USE_ENV_PROXY is 1, as for Node's own agents", async () => {
      vi.stubEnv("NODE_USE_ENV_PROXY", "1");
      expect(await agentOptionsFor(protocol)).toHaveProperty("proxyEnv", process.env);
      vi.stubEnv("NODE_USE_ENV_PROXY", "0");
      expect(await agentOptionsFor(protocol)).not.toHaveProperty("proxyEnv");
    });

    it("is the proxy of the caller's choice, whatever the environment says", async () => {
      const proxyEnv = { HTTPS_PROXY: "http://127.0.0.1:3128" };
      // Older ones would ignore it, and send around the proxy.
      if (Number.parseInt(process.versions.node) < 24) {
        expect(() => nodeFetch({ proxyEnv })).toThrow(/`proxyEnv` needs Node 24 or later/);
        return;
      }
      for (const setting of ["1", undefined]) {
        vi.stubEnv("NODE_USE_ENV_PROXY", setting);
        expect(await agentOptionsFor(protocol, { proxyEnv })).toMatchObject({ proxyEnv });
      }
    });
  });
});

describe("a request of node:http that is replaced after the first", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("is the one that sends from then on, and the original after it", async () => {
    await using server = await startFakeServer();
    const client = new EventsClient({ apiKey: "key", apiSecret: "s3cr3t-s3cr3t", baseUrl: server.url });
    const upload = (): Promise<unknown> => client.upload({ environment: "development" });
    await upload();
    const original = process.getBuiltinModule("node:http");
    const request = vi.spyOn(original, "request");
    await upload();
    expect(request).toHaveBeenCalledTimes(1);
    expect(request.mock.calls[0]![0]).toMatchObject({ method: "POST", path: "/v2/events", hostname: "127.0.0.1" });
    request.mockRestore();
    await upload();
    expect(server.requests).toHaveLength(3);
  });

  it("may answer in place of the service, as tools that mock it do", async () => {
    await using server = await startFakeServer();
    const client = new EventsClient({ apiKey: "key", apiSecret: "s3cr3t-s3cr3t", baseUrl: server.url, retry: false });
    await client.upload({ environment: "development" });
    const original = process.getBuiltinModule("node:http");
    const bodies: string[] = [];
    vi.spyOn(original, "request").mockImplementation(((): unknown => {
      const outgoing = Object.assign(new PassThrough(), { socket: null, reusedSocket: false });
      outgoing.on("finish", () => {
        bodies.push(String(outgoing.read()));
        const incoming = Object.assign(Readable.from(['{"errors":[{"code":"MOCKED"}]}']), {
          statusCode: 418,
          headers: {},
        });
        outgoing.emit("response", incoming);
      });
      return outgoing;
    }) as never);
    await expect(client.upload({ environment: "development", source_request_id: "r" })).rejects.toMatchObject({
      status: 418,
      details: [{ code: "MOCKED" }],
    });
    expect(bodies).toEqual(['{"environment":"development","source_request_id":"r"}']);
    expect(server.requests).toHaveLength(1);
  });
});

describe("a connection that nobody uses", () => {
  it("ends by itself, and so does one whose client is forgotten", async () => {
    await using server = await startFakeServer();
    const idle = { fetch: nodeFetch({ timeout: 50 }), baseUrl: server.url, apiKey: "key", apiSecret: "s3cr3t-s3cr3t" };
    await new EventsClient(idle).upload({ environment: "development" });
    expect(server.sockets).toMatchObject({ opened: 1 });
    await vi.waitFor(() => {
      expect(server.sockets.open).toBe(0);
    }, HANG);
  });

  it("outlives a request that takes longer than it may be idle", async () => {
    await using server = await startFakeServer({ script: { status: 202, delayMs: 150 } });
    const ask = nodeFetch({ timeout: 20 })[EXCHANGE]!;
    const body = { texts: ["{}"], bytes: 2 };
    const cancellation = new Cancellation();
    expect(await ask({ url: `${server.url}/events`, headers: {}, body, cancellation })).toMatchObject({ status: 202 });
  });

  it("ends with its transport, and a request that comes later opens another", async () => {
    await using server = await startFakeServer();
    const transport = new Transport({ apiKey: "key", apiSecret: "secret", baseUrl: server.url, maxSockets: 3 });
    const send = (): Promise<unknown> =>
      transport.attempt({ path: "/events", body: { texts: ["{}"], bytes: 2 }, requestIds: [], attempt: 1 });
    await Promise.all([send(), send(), send()]);
    await transport.close();
    await vi.waitFor(() => {
      expect(server.sockets).toMatchObject({ opened: 3, open: 0 });
    }, HANG);
    expect(await send()).toMatchObject({ kind: "accepted" });
    expect(server.sockets.opened).toBe(4);
    await transport.close();
  });

  it("is left alone in an agent of the caller's own, which may have other users", async () => {
    await using server = await startFakeServer();
    const agent = new http.Agent({ keepAlive: true });
    const ask = nodeFetch({ agent })[EXCHANGE]!;
    const body = { texts: ["{}"], bytes: 2 };
    await ask({ url: `${server.url}/events`, headers: {}, body, cancellation: new Cancellation() });
    await ask.close!();
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    agent.destroy();
  });
});

/** For what happens in other processes or threads of the runtime: ends a test that would hang. */
const HANG = { timeout: 60_000 };
