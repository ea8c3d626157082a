import { request, type IncomingMessage } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { createBatch, customEvent, EventsClient, screenView, type Batch, type Event } from "mparticle-events";
import { Arrivals, type BatchRecord } from "../../src/arrivals/arrivals.ts";
import { serveArrivals } from "../../src/arrivals/serve-arrivals.ts";
import { ContractService } from "../../src/cli/mock/contract-service.ts";
import { listen } from "../../src/cli/mock/mock-server.ts";
import { full } from "../full.ts";

interface Listed {
  readonly total: number;
  readonly good: number;
  readonly bad: number;
  readonly batches: readonly (Omit<BatchRecord, "batch" | "index" | "receivedAtMs"> & {
    readonly position: number;
    readonly receivedAt: string;
    readonly batch: Batch;
  })[];
}

async function startMock({ arrivals = new Arrivals() } = {}) {
  const service = new ContractService({ profile: "canonical", failures: [], now: () => 7, random: () => 0.5 });
  service.onBatch((record) => {
    arrivals.add(record);
  });
  const mock = await listen(service, 0, () => undefined, serveArrivals(arrivals));
  onTestFinished(() => mock.close());
  const origin = new URL(mock.url).origin;
  const client = new EventsClient({
    apiKey: "key",
    apiSecret: "secret",
    baseUrl: mock.url,
    validate: () => [],
    retry: false,
  });
  const user = (id: string, ...events: Event[]): Batch =>
    createBatch({ environment: "development", user_identities: { customer_id: id } }, events);
  const list = async (path: string): Promise<Listed> => (await (await fetch(`${origin}${path}`)).json()) as Listed;
  return { arrivals, origin, client, user, list };
}

const record = (batch: unknown, more: Partial<BatchRecord> = {}): BatchRecord => ({
  index: 0,
  receivedAtMs: 0,
  path: "/v2/events",
  batch,
  verdict: "accepted",
  status: 202,
  findings: [],
  ...more,
});

/** With headers that `fetch` does not let anybody set. */
function ask(url: string, headers: Readonly<Record<string, string>>, method = "GET"): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The events of a stream, as they come. */
async function* follow(url: string, headers: Readonly<Record<string, string>> = {}) {
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort();
  });
  const answer = await fetch(url, { headers, signal: stop.signal });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  let text = "";
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const members = Object.fromEntries(part.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      yield { ...members, text: part } as { event?: string; id?: string; data?: string; text: string };
    }
  }
}

async function next(stream: ReturnType<typeof follow>) {
  const { value } = await stream.next();
  return value ?? { text: "ended" };
}

describe("what arrived", () => {
  it("is listed with counts, the good apart from the bad with the reasons", async () => {
    const { client, user, list } = await startMock();
    await client.upload(user("ada", screenView("Home")));
    const wrong = { ...user("bob"), ip: 42 } as unknown as Batch;
    await expect(client.upload(wrong)).rejects.toMatchObject({ status: 400 });
    const all = await list("/_/all");
    expect(all).toMatchObject({ total: 2, good: 1, bad: 1 });
    expect(all.batches.map(({ verdict, status, position }) => [verdict, status, position])).toEqual([
      ["accepted", 202, 1],
      ["refused", 400, 2],
    ]);
    expect(all.batches[0]).toMatchObject({ path: "/v2/events", receivedAt: "1970-01-01T00:00:00.007Z" });
    expect((await list("/_/good")).batches.map(({ batch }) => batch.user_identities?.customer_id)).toEqual(["ada"]);
    const bad = await list("/_/bad");
    expect(bad.batches.map(({ batch }) => batch.user_identities?.customer_id)).toEqual(["bob"]);
    expect(bad.batches[0]?.findings).toContainEqual(expect.objectContaining({ path: "/ip", severity: "error" }));
  });

  it("is filtered by type, name, user and verdict; type and name are of the same event", async () => {
    const { client, user, list } = await startMock();
    await client.upload(user("ada", screenView("Home"), customEvent("Bought", "other")));
    await client.upload(user("bob", screenView("Bought")));
    const users = async (query: string) =>
      (await list(`/_/all?${query}`)).batches.map(({ batch }) => batch.user_identities?.customer_id);
    expect(await users("type=custom_event")).toEqual(["ada"]);
    expect(await users("name=Bought")).toEqual(["ada", "bob"]);
    expect(await users("type=screen_view&name=Bought")).toEqual(["bob"]);
    expect(await users("user=bob&user=eve")).toEqual(["bob"]);
    expect(await users("verdict=refused")).toEqual([]);
    expect(await users("user=ada&name=Home&name=Cart&verdict=accepted")).toEqual(["ada"]);
  });

  it.each([
    ["/_/all?typ=custom_event", 400, "expected type, name, user, verdict"],
    ["/_/good?verdict=failed", 400, "expected type, name, user."],
    ["/_/all?verdict=good", 400, "expected accepted, refused, failed"],
    ["/_/everything", 404, "there are /_/, /_/all"],
    ["/_/reset", 405, "takes POST"],
  ])("answers %s by %i and a sentence", async (path, status, sentence) => {
    const { origin } = await startMock();
    const answer = await fetch(`${origin}${path}`);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(sentence);
  });

  it("is shown by a page that loads nothing from elsewhere and runs no script but its own", async () => {
    const { origin } = await startMock();
    const answer = await fetch(`${origin}/_`);
    expect(answer.url).toBe(`${origin}/_/`);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    const html = await answer.text();
    expect(html).not.toMatch(/https?:|<script(?! type="module" src=)| style=| on\w+=/);
    const parts = Array.from(html.matchAll(/(?:href|src)="([\w.-]+)"/g), ([, path = ""]) => path);
    expect(parts).toEqual(["page.css", "page.js"]);
    for (const path of parts) expect((await fetch(`${origin}/_/${path}`)).status).toBe(200);
    expect((await fetch(`${origin}/_/..%2fpage-files.ts`)).status).toBe(404);
  });

  it("is forgotten on request, and the mock goes on", async () => {
    const { client, user, list, origin } = await startMock();
    await client.upload(user("ada", screenView("Home")));
    expect((await fetch(`${origin}/_/reset`, { method: "POST", body: "{}" })).status).toBe(204);
    expect(await list("/_/all")).toEqual({ total: 0, good: 0, bad: 0, batches: [] });
    await client.upload(user("bob", screenView("Home")));
    expect(await list("/_/all")).toMatchObject({ total: 1, batches: [{ position: 2 }] });
  });

  it("is shown to this server's own names alone, whatever a foreign page has them resolve to", async () => {
    const { origin, arrivals } = await startMock();
    arrivals.add(record({}));
    const { port } = new URL(origin);
    const status = async (headers: Readonly<Record<string, string>>, path = "/_/all", method = "GET") =>
      (await ask(`${origin}${path}`, headers, method)).statusCode;
    expect(await status({ host: `evil.test:${port}` })).toBe(403);
    expect(await status({ host: `127.0.0.1` })).toBe(403);
    expect(await status({ host: `evil.test:${port}` }, "/_/reset", "POST")).toBe(403);
    expect(await status({ origin: "https://evil.test" }, "/_/reset", "POST")).toBe(403);
    expect(await status({ origin: "null" }, "/_/stream")).toBe(403);
    expect(await status({ origin: "http://127.0.0.1:1" })).toBe(403);
    expect(arrivals.counts().total).toBe(1);
    expect(await status({ host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200);
    expect(await status({ origin }, "/_/reset", "POST")).toBe(204);
  });

  it("is kept up to a number of batches and of characters, the newest always", () => {
    const arrivals = new Arrivals();
    for (let index = 0; index < 1500; index++) arrivals.add(record({ index }));
    const kept = arrivals.select({ type: [], name: [], user: [], verdict: [] });
    expect(kept).toHaveLength(1000);
    expect(kept[0]?.position).toBe(501);
    expect(arrivals.counts()).toEqual({ total: 1500, good: 1500, bad: 0 });
    const small = new Arrivals({ maxCharacters: 10_000 });
    for (let index = 0; index < 20; index++) small.add(record({ text: "x".repeat(3000) }));
    expect(small.select({ type: [], name: [], user: [], verdict: [] }).map(({ position }) => position)).toEqual([
      18, 19, 20,
    ]);
    small.add(record({ text: "x".repeat(30_000) }));
    expect(small.select({ type: [], name: [], user: [], verdict: [] }).map(({ position }) => position)).toEqual([21]);
  });

  it("is found whatever was sent in place of a batch", () => {
    const arrivals = new Arrivals();
    const strange = [null, 7, "text", [], { events: 7 }, { events: [null, { event_type: 7 }] }, { user_identities: 1 }];
    for (const batch of strange) arrivals.add(record(batch, { verdict: "refused" }));
    expect(arrivals.select({ type: [], name: [], user: [], verdict: ["refused"] })).toHaveLength(strange.length);
    expect(arrivals.select({ type: ["7"], name: [], user: [], verdict: [] })).toHaveLength(1);
  });
});

describe("the stream", () => {
  it("tells of what arrives from now on, and of a reset", async () => {
    const { arrivals, origin } = await startMock();
    arrivals.add(record({ mpid: "1" }));
    const stream = follow(`${origin}/_/stream?user=3`);
    expect((await next(stream)).text).toBe(": open");
    arrivals.add(record({ mpid: "2" }));
    arrivals.add(record({ mpid: "3", note: "two\nlines" }));
    const told = await next(stream);
    expect(told.event).toBe("batch");
    expect(JSON.parse(told.data!)).toMatchObject({ position: 3, batch: { mpid: "3", note: "two\nlines" } });
    arrivals.reset();
    expect((await next(stream)).event).toBe("reset");
  });

  it("replays what came after the last id, and all that is kept to who asks since=0", async () => {
    const { arrivals, origin } = await startMock();
    for (const mpid of ["1", "2", "3"]) arrivals.add(record({ mpid }));
    const stream = follow(`${origin}/_/stream?since=0`);
    await next(stream);
    const seen = [await next(stream), await next(stream), await next(stream)];
    expect(seen.map(({ data }) => (JSON.parse(data!) as { position: number }).position)).toEqual([1, 2, 3]);
    const again = follow(`${origin}/_/stream`, { "last-event-id": seen[0]!.id! });
    await next(again);
    expect((await next(again)).id).toBe(seen[1]!.id);
    expect((await next(again)).id).toBe(seen[2]!.id);
  });

  it("begins by a reset for an id from before a reset, or of another start of the mock", async () => {
    const { arrivals, origin } = await startMock();
    arrivals.add(record({ mpid: "1" }));
    const stream = follow(`${origin}/_/stream?since=0`);
    await next(stream);
    const { id } = await next(stream);
    arrivals.reset();
    arrivals.add(record({ mpid: "2" }));
    for (const stale of [id!, "other.0.57"]) {
      const later = follow(`${origin}/_/stream`, { "last-event-id": stale });
      await next(later);
      expect((await next(later)).event).toBe("reset");
      expect((await next(later)).data).toContain('"mpid":"2"');
    }
  });

  it("keeps nothing for a reader that does not read, which goes on with what is still there", async () => {
    const { arrivals, origin } = await startMock({ arrivals: new Arrivals({ maxCharacters: 1_000_000 }) });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(`${origin}/_/stream`, resolve).on("error", reject);
      asked.end();
      onTestFinished(() => {
        asked.destroy();
      });
    });
    // More than the buffers of a connection take.
    const count = full(200, 400);
    for (let index = 0; index < count; index++) arrivals.add(record({ text: "x".repeat(100_000) }));
    let text = "";
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.includes(`"position":${String(count)},`) && text.endsWith("\n\n")) break;
    }
    const positions = Array.from(text.matchAll(/"position":(\d+)/g), ([, position]) => Number(position));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(positions.at(-1)).toBe(count);
    expect(positions.length).toBeLessThan(count);
  });

  it("is open to fifty readers at once, and to others once they have gone", async () => {
    const { origin } = await startMock();
    const stop = new AbortController();
    const open = () => fetch(`${origin}/_/stream`, { signal: stop.signal });
    const answers = await Promise.all(Array.from({ length: 50 }, open));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await fetch(`${origin}/_/stream`)).status).toBe(503);
    stop.abort();
    const again = new AbortController();
    let status = 503;
    while (status === 503) status = (await fetch(`${origin}/_/stream`, { signal: again.signal })).status;
    again.abort();
    expect(status).toBe(200);
  });
});
