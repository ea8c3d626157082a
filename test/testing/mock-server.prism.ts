import { request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { ApiError, EventsClient, createBatch, customEvent, type Batch } from "mparticle-events";
import { startMockServer, type MockServer } from "../../src/testing/testing.ts";

const AUTHORIZATION = `Basic ${btoa("key:secret")}`;
const BATCH = { environment: "development", user_identities: { customer_id: "42" } } satisfies Batch;

let mock: MockServer;

beforeAll(async () => {
  mock = await startMockServer();
});

afterAll(async () => {
  await mock.close();
});

interface PostOptions {
  readonly server?: MockServer;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function post(body: unknown, { server = mock, path = "/events", headers = {} }: PostOptions = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: "POST",
    headers: {
      authorization: AUTHORIZATION,
      "content-type": "application/json",
      // A kept connection may be closed by the server just as the next request is sent, if that is long after the last one.
      connection: "close",
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("the mock server", () => {
  it("is reached by a client through its url", async () => {
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: mock.url });
    expect(mock.url).toBe(`http://127.0.0.1:${String(mock.port)}/v2`);
    expect(await client.upload(createBatch(BATCH, [customEvent("opened", "other")]))).toMatchObject({ status: 202 });
    const outcomes = await client.uploadBulk([createBatch(BATCH, []), createBatch(BATCH, [])]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "accepted"]);
  });

  it("says that little of the limit is used, so that no client goes slower with it than it has to", async () => {
    const response = await post(BATCH);
    expect(Number(response.headers.get("x-mp-rate-limit-percentage-used"))).toBeLessThan(50);
  });

  it("refuses what does not fit the contract, and lists what is wrong in a header", async () => {
    const misspelt = await post({ ...BATCH, user_identites: {} });
    expect(misspelt.status).toBe(400);
    expect(misspelt.headers.get("sl-violations")).toContain("user_identites");
    const response = await post({ ...BATCH, ip: 42 });
    expect(response.status).toBe(400);
    const violations: unknown = JSON.parse(response.headers.get("sl-violations") ?? "");
    expect(violations).toContainEqual(
      expect.objectContaining({ location: ["request", "body", "ip"], severity: "Error" }) as unknown,
    );
  });

  it("keeps that header readable, whatever is wrong and however much of it", async () => {
    const user_attributes = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`é-${String(index)}`, { no: 1 }]),
    );
    const response = await post({ ...BATCH, user_attributes });
    expect(response.status).toBe(400);
    const header = response.headers.get("sl-violations") ?? "";
    expect(header.length).toBeLessThanOrEqual(8_000);
    const violations: unknown = JSON.parse(header);
    expect(violations).toEqual(expect.arrayContaining([expect.objectContaining({ severity: "Error" })]));
    expect(header).toContain("\\u00e9-");
  });

  it("throws at who uses a client, with the findings of the service's answer", async () => {
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: mock.url });
    // What only JavaScript can pass.
    const wrong = { ...BATCH, ip: 42 } as unknown as Batch;
    const error: unknown = await client.upload(wrong).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 400 });
  });

  it.each([401, 403, 429, 500, 503])("answers %d when `Prefer` asks for it", async (status) => {
    const response = await post(BATCH, { headers: { prefer: `code=${String(status)}` } });
    expect(response.status).toBe(status);
    if (status === 429) expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
  });

  it.each(['code="503"', "code=503; wait=1", "wait=1, code=503"])("understands `Prefer: %s`", async (prefer) => {
    expect((await post(BATCH, { headers: { prefer } })).status).toBe(503);
  });

  it("checks a request that prefers an answer nevertheless, and its credentials", async () => {
    const prefer = "code=429";
    expect((await post({ ...BATCH, ip: 42 }, { headers: { prefer } })).status).not.toBe(429);
    expect((await post(BATCH, { headers: { prefer, authorization: "" } })).status).toBe(401);
  });

  it("refuses a body that is no JSON, and one too large to keep", async () => {
    expect((await post("{")).status).toBe(400);
    expect((await post("")).status).toBe(400);
    expect((await post(`"${"x".repeat(10_000_000)}"`)).status).toBe(413);
    expect((await post(BATCH)).status).toBe(202);
  });

  it("answers 404 where the contract has nothing, and 405 to another method", async () => {
    const response = await post(BATCH, { path: "/nothing" });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect((await fetch(`${mock.url}/events`)).status).toBe(405);
  });

  it("answers 404 to a base URL without its /v2, as the service does, and says what it has to be", async () => {
    const origin = mock.url.slice(0, -"/v2".length);
    const baseUrl = { url: origin } as MockServer;
    const response = await post(BATCH, { server: baseUrl });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      detail: `There is no /events: each path begins with /v2. The base URL is ${mock.url}.`,
    });
    expect((await post(BATCH, { path: "/v2/events" })).status).toBe(404);
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: origin });
    await expect(client.upload(createBatch(BATCH, []))).rejects.toThrow("Check `baseUrl`: it ends with /v2.");
  });

  it("answers 415 to a body that is compressed, because the service documents none", async () => {
    const response = await post("\u001f", { headers: { "content-encoding": "gzip" } });
    expect(response.status).toBe(415);
    expect(await response.text()).toContain('The body has the content encoding \\"gzip\\".');
    expect((await post(BATCH, { headers: { "content-encoding": "identity" } })).status).toBe(202);
  });

  it.each([
    ["code=777", 400, 'asks for the code \\"777\\"'],
    ["code=abc", 400, 'asks for the code \\"abc\\"'],
    ["code=", 400, 'asks for the code \\"\\"'],
    ["code=418", 404, "Requested status code 418 is not defined"],
    ["code=400, example=nothing", 400, 'no example \\"nothing\\" of an answer 400'],
  ])("refuses `Prefer: %s`, which it cannot answer", async (prefer, status, says) => {
    const response = await post(BATCH, { headers: { prefer } });
    expect([response.status, response.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
    expect(await response.text()).toContain(says);
  });

  it("answers with an example by its name", async () => {
    const response = await post(BATCH, { headers: { prefer: "code=400, example=missingEventType" } });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("event_type must not be null");
  });

  it("says nothing on the console", async () => {
    const spies = (["log", "info", "warn", "error"] as const).map((method) => vi.spyOn(console, method));
    const written = vi.spyOn(process.stdout, "write");
    await post(BATCH);
    await post("{");
    const calls = [...spies, written].map((spy) => spy.mock.calls.length);
    for (const spy of [...spies, written]) spy.mockRestore();
    expect(calls).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("the made-up words that Prism brings", () => {
  const { cache, resolve } = createRequire(createRequire(import.meta.url).resolve("@stoplight/prism-http"));

  it("are not loaded for the mock, and are there for who asks for them", () => {
    // Of its sixty languages, the one that another part of Prism needs.
    const loaded = Object.keys(cache).filter((path) => path.includes("@faker-js"));
    expect(loaded.length).toBeLessThan(500);
    expect(loaded).not.toContain(resolve("@faker-js/faker"));
  });
});

describe("its profile", () => {
  it("is the canonical one unless told otherwise; the wire profile takes what an official source permits", async () => {
    await using wire = await startMockServer({ profile: "wire" });
    // No environment: the service takes it for production, a well-behaved sender never leaves it out.
    const careless = { user_identities: { customer_id: "42" } };
    expect((await post(careless)).status).toBe(400);
    expect((await post(careless, { server: wire })).status).toBe(202);
    expect((await post({ ...BATCH, ip: 42 }, { server: wire })).status).toBe(400);
  });

  it("that does not exist is refused, naming those that do", async () => {
    // From JavaScript, where a name may be misspelt.
    const profile = "strict" as "wire";
    await expect(startMockServer({ profile })).rejects.toThrow(
      '`profile` is "strict"; expected "canonical" or "wire".',
    );
  });
});

describe("closing", () => {
  const others: MockServer[] = [];
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
  });

  it("breaks connections, also those in the middle of a request, and frees the port", async () => {
    const first = await startMockServer();
    const { port } = first;
    const outgoing = httpRequest(`${first.url}/events`, { method: "POST", headers: { "content-length": 1_000 } });
    const broken = new Promise<NodeJS.ErrnoException>((resolve) => outgoing.on("error", resolve));
    await new Promise<void>((resolve) => {
      outgoing.on("socket", (socket) => socket.once("connect", resolve));
      outgoing.write("{");
    });
    await first.close();
    expect((await broken).code).toBe("ECONNRESET");
    const second = await startMockServer({ port });
    others.push(second);
    expect(second.port).toBe(port);
    expect((await post(BATCH, { server: second })).status).toBe(202);
  });

  it("happens at the end of a block, and twice without harm", async () => {
    let url: string;
    {
      await using scoped = await startMockServer();
      ({ url } = scoped);
      await scoped.close();
    }
    await expect(fetch(`${url}/events`)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });
});
