import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { Cancellation } from "../../src/transport/abort.ts";
import { EXCHANGE, type ExchangeResponse } from "../../src/transport/exchange.ts";
import { nodeFetch } from "../../src/transport/node-fetch.ts";

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
    const { url, bodies } = await startServer((request) => request % 3 === 0);
    const sent = Array.from({ length: 60 }, (_, index) => [`${String(index)}:`, String(index % 10).repeat(240_000)]);
    const work = sent.map((texts) => post(url, texts).catch(() => undefined));
    await Promise.all(work);
    for (const body of bodies) {
      const index = Number.parseInt(body, 10);
      expect(body === sent[index]!.join("")).toBe(true);
    }
    expect(bodies.length).toBeGreaterThanOrEqual(30);
  });

  it("sends nothing when the bytes are not those that were counted", async () => {
    const { url, bodies } = await startServer();
    await expect(post(url, ["x".repeat(20_000)], 20_001)).rejects.toThrow("20001 bytes turned out to have 20000");
    expect(bodies).toEqual([]);
  });
});
