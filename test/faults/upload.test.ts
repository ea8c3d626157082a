import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  ApiError,
  EventsClient,
  InvalidBatchError,
  MParticleError,
  NetworkError,
  createBatch,
  customEvent,
  type Batch,
  type EventsClientOptions,
  type Outcome,
} from "mparticle-events";
import { nodeFetch } from "../../src/transport/node-fetch.ts";
import { full } from "../full.ts";
import { makeTransport, TRANSPORTS } from "./transports.ts";
import { startFakeServer, type FakeServer, type FakeServerOptions } from "../../src/testing/testing.ts";

const SECRET = "s3cr3t-of-the-input";
const CERTIFICATE = {
  key: readFileSync(new URL("../fixtures/self-signed.key.pem", import.meta.url), "utf8"),
  cert: readFileSync(new URL("../fixtures/self-signed.cert.pem", import.meta.url), "utf8"),
};
describe.each(full(["node"], TRANSPORTS))("over %s", (transport) => {
  /** Of the test that runs; those that run side by side have each their own. */
  let server: FakeServer;

  async function serve(options: FakeServerOptions = {}): Promise<void> {
    const started = await startFakeServer(options);
    onTestFinished(() => started.close());
    server = started;
  }

  function makeClient({ url }: FakeServer, options: Partial<EventsClientOptions> = {}): EventsClient {
    return new EventsClient({
      ...{ apiKey: "us1-key", apiSecret: SECRET, baseUrl: url, fetch: makeTransport(transport) },
      ...options,
    });
  }

  async function start(
    script: NonNullable<FakeServerOptions["script"]>,
    options: Partial<EventsClientOptions> = {},
  ): Promise<EventsClient> {
    await serve({ script });
    return makeClient(server, options);
  }

  function makeBatch(name = "opened"): Batch {
    return createBatch({ environment: "development", user_identities: { customer_id: name } }, [
      customEvent(name, "other"),
    ]);
  }

  async function errorOf(promise: Promise<unknown>): Promise<MParticleError> {
    try {
      await promise;
    } catch (error) {
      if (error instanceof MParticleError) return error;
      throw error;
    }
    throw new Error("it was accepted");
  }

  function kinds(outcomes: readonly Outcome[]): string[] {
    return outcomes.map(({ kind }) => kind);
  }

  describe("an upload that the service takes in the end", () => {
    it.concurrent.each<[string, NonNullable<FakeServerOptions["script"]>, number]>([
      ["at once", 202, 1],
      ["with another 2xx", 204, 1],
      ["with an HTML body", { status: 202, body: "<html>ok</html>" }, 1],
      ["with a body that is cut short", { status: 202, body: "x".repeat(100), reset: "within-body" }, 1],
      ["after two 503", [503, 503, 202], 3],
      [
        "after 500 and 502 with HTML bodies",
        [{ status: 500, body: "<html>" }, { status: 502, body: "<html>" }, 202],
        3,
      ],
      ["after a 429 without Retry-After", [429, 202], 2],
      ["after a 429 with a nonsense Retry-After", [{ status: 429, headers: { "retry-after": "soon" } }, 202], 2],
      ["after a reset before the request was read", [{ reset: "before-request" }, 202], 2],
      ["after a reset within the request", [{ reset: "within-request" }, 202], 2],
      ["after a reset before the answer", ["reset", 202], 2],
      ["after an answer that was cut in its head", [{ status: 202, reset: "within-head" }, 202], 2],
      ["after an answer that is not HTTP", ["garbage", 202], 2],
    ])("is accepted %s", async (_, script, requests) => {
      await using own = await startFakeServer({ script });
      const client = makeClient(own);
      const batch = makeBatch();
      const receipt = await client.upload(batch);
      expect(receipt).toMatchObject({ requestId: batch.source_request_id, attempts: requests });
      expect(own.requests).toHaveLength(requests);
      // The same bytes and ids each time.
      const bodies = new Set(own.requests.map(({ body }) => body).filter((body) => body !== ""));
      expect(bodies).toEqual(new Set([JSON.stringify(batch)]));
      expect(own.acceptedOnce()).toHaveLength(1);
    });

    it.each<[string, Partial<EventsClientOptions>]>([
      ["at once", {}],
      ["and does not count it as a try", { retry: false }],
    ])("survives a keep-alive connection that the server closes under it, %s", async (_, options) => {
      const delays: number[] = [];
      const client = await start([{ status: 202, close: "at-next-request" }, 202], {
        onRetry: ({ delayMs }) => delays.push(delayMs),
        ...options,
      });
      await client.upload(makeBatch("first"));
      // undici takes a connection back in the next turn of the loop.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(await client.upload(makeBatch("second"))).toMatchObject({ attempts: 2 });
      expect(delays).toEqual([0]);
      expect(server.sockets.staleRequests).toBe(1);
      expect(server.acceptedOnce()).toHaveLength(2);
    });

    it.each<[string, Partial<EventsClientOptions>]>([
      ["", {}],
      [" and a single try", { retry: false }],
    ])("survives twenty of them that went stale together, with one more request%s", async (_, options) => {
      const delays: number[] = [];
      const client = await start(
        [...Array.from({ length: 20 }, () => ({ status: 202, delayMs: 50, close: "at-next-request" }) as const), 202],
        { onRetry: ({ delayMs }) => delays.push(delayMs), ...options },
      );
      await Promise.all(Array.from({ length: 20 }, (__, n) => client.upload(makeBatch(String(n)))));
      expect(server.sockets).toMatchObject({ opened: 20, open: 20 });
      expect(await client.upload(makeBatch("last"))).toMatchObject({ attempts: 2 });
      expect(delays).toEqual([0]);
      // The one that failed tells of the others, which are as old: none of them is tried.
      expect(server.sockets).toMatchObject({ opened: 21, staleRequests: 1 });
      expect(server.acceptedOnce()).toHaveLength(21);
    });

    it("reads the rate limit's percentage into the receipt", async () => {
      const client = await start({ status: 202, headers: { "x-mp-rate-limit-percentage-used": "42" } });
      expect(await client.upload(makeBatch())).toMatchObject({ rateLimitPercentageUsed: 42 });
    });
  });

  // Side by side: each of them waits for seconds.
  describe.concurrent("an upload that waits", () => {
    it("waits until the date that Retry-After names", async () => {
      const date = new Date(Date.now() + 2_000).toUTCString();
      await using own = await startFakeServer({ script: [{ status: 503, headers: { "retry-after": date } }, 202] });
      await makeClient(own).upload(makeBatch());
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(date));
    });

    it("waits at least as long as Retry-After says in seconds, and hardly longer", async () => {
      const delays: number[] = [];
      await using own = await startFakeServer({ script: [{ status: 429, headers: { "retry-after": "1" } }, 202] });
      const client = makeClient(own, { onRetry: ({ delayMs }) => delays.push(delayMs) });
      const { durationMs } = await client.upload(makeBatch());
      expect(durationMs).toBeGreaterThanOrEqual(1_000);
      expect(delays).toHaveLength(1);
      expect(delays[0]).toBeLessThan(1_600);
    });

    it("is tried again when no answer comes within timeoutMs", async () => {
      await using own = await startFakeServer({ script: ["hang", 202] });
      expect(await makeClient(own, { timeoutMs: 2_000 }).upload(makeBatch())).toMatchObject({ attempts: 2 });
    });

    it("takes an error's status although its body never ends", async () => {
      await using own = await startFakeServer({
        script: [{ status: 503, body: "x".repeat(1_000), dripBytesPerMs: 0.01 }, 202],
      });
      expect(await makeClient(own, { timeoutMs: 2_000 }).upload(makeBatch())).toMatchObject({ attempts: 2 });
    });

    it("ends when its age is reached, with the last answer as the reason", async () => {
      await using own = await startFakeServer({ script: 503 });
      const client = makeClient(own, { retry: { baseDelayMs: 200, maxElapsedMs: 2_000 } });
      const error = await errorOf(client.upload(makeBatch()));
      expect(error).toMatchObject({ retryable: true });
      expect(error.attempts).toBeGreaterThan(1);
      expect(error.message).toContain("503");
    });

    it("ends for those, too, who never got a turn during an outage", async () => {
      await using own = await startFakeServer({ script: "reset" });
      const client = makeClient(own, { retry: { maxElapsedMs: 500 }, concurrency: 1 });
      const errors = await Promise.all([1, 2, 3, 4].map((n) => errorOf(client.upload(makeBatch(String(n))))));
      for (const error of errors) expect(error.retryable).toBe(true);
    });

    it("outlasts a service that refuses connections for a while", async () => {
      const delays: number[] = [];
      await using own = await startFakeServer();
      const client = makeClient(own, { onRetry: ({ delayMs }) => delays.push(delayMs) });
      await own.pause();
      const upload = client.upload(makeBatch());
      await vi.waitFor(
        () => {
          expect(delays.length).toBeGreaterThanOrEqual(2);
        },
        { timeout: 60_000 },
      );
      await own.resume();
      expect(await upload).toMatchObject({ status: 202 });
      expect(Math.max(...delays)).toBeLessThan(2_000);
    });
  });

  describe("an upload that the service refuses", () => {
    it.each([
      [400, "BAD_REQUEST"],
      [401, "UNAUTHORIZED"],
      [403, "UNAUTHORIZED"],
      [404, "BAD_REQUEST"],
      [413, "TOO_LARGE"],
    ])("is not repeated after a %d", async (status, code) => {
      const body = { errors: [{ code: "BAD_REQUEST", message: "event_type is missing" }] };
      const client = await start({ status, body });
      const batch = makeBatch();
      const error = await errorOf(client.upload(batch));
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({
        status,
        code,
        attempts: 1,
        retryable: false,
        details: body.errors,
        requestIds: [batch.source_request_id],
      });
      expect(error.message).toContain("event_type is missing");
      expect(server.requests).toHaveLength(1);
    });

    it("says of an HTML answer that it is one, and quotes nothing of it", async () => {
      const client = await start({
        status: 400,
        body: "<html>refused",
        headers: { "content-type": "text/html; charset=x" },
      });
      const error = await errorOf(client.upload(makeBatch()));
      expect(error).toMatchObject({ details: [] });
      expect(error.message).toMatch(/The body is text\/html, which the service never sends\.$/);
      expect(inspect(error)).not.toContain("refused\n");
    });

    it("says of a proxy's refusal that it was the proxy, and does not repeat it", async () => {
      const client = await start(407);
      const error = await errorOf(client.upload(makeBatch()));
      expect(error).toMatchObject({ status: 407, code: "BAD_REQUEST", retryable: false });
      expect(error.message).toContain("A proxy on the way refused the request, and not the service");
      expect(server.requests).toHaveLength(1);
    });

    it("follows no redirect, and keeps the credentials from the other host", async () => {
      await using other = await startFakeServer();
      for (const status of [301, 302, 307, 308] as const) {
        const client = await start({ redirect: other.url, status });
        expect(await errorOf(client.upload(makeBatch()))).toMatchObject({ status, code: "REDIRECTED" });
        await server.close();
      }
      expect(other.requests).toHaveLength(0);
    });

    it("does so through the global fetch as well", async () => {
      await using other = await startFakeServer();
      const client = await start({ redirect: other.url }, { fetch: (request) => globalThis.fetch(request) });
      expect(await errorOf(client.upload(makeBatch()))).toMatchObject({ code: "REDIRECTED" });
      expect(other.requests).toHaveLength(0);
    });
  });

  describe("an upload that runs out of time", () => {
    it("ends at once when Retry-After lies beyond it", async () => {
      const client = await start(
        { status: 429, headers: { "retry-after": "3600" } },
        { retry: { maxElapsedMs: 60_000 } },
      );
      const error = await errorOf(client.upload(makeBatch()));
      expect(error).toMatchObject({ status: 429, retryAfterMs: 3_600_000, attempts: 1 });
    });

    it("takes the first answer when told not to retry", async () => {
      const client = await start(503, { retry: false });
      expect(await errorOf(client.upload(makeBatch()))).toMatchObject({ status: 503, attempts: 1 });
    });
  });

  describe("an abort", () => {
    it.each<[string, FakeServerOptions["script"]]>([
      ["a request in flight", "hang"],
      ["a wait for the next attempt", { status: 429, headers: { "retry-after": "30" } }],
    ])("ends %s at once and leaves no listener", async (_, script) => {
      const client = await start(script!);
      const controller = new AbortController();
      const upload = errorOf(client.upload(makeBatch(), { signal: controller.signal }));
      await vi.waitFor(() => {
        expect(server.requests.length).toBeGreaterThan(0);
      });
      await sleep(30);
      const abortedAt = performance.now();
      controller.abort(new Error("the user left"));
      expect(await upload).toMatchObject({ code: "ABORTED", cause: expect.anything() as unknown });
      expect(performance.now() - abortedAt).toBeLessThan(25_000); // before either would end by itself
      expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    });

    it("before the call sends nothing", async () => {
      const client = await start(202);
      expect(await errorOf(client.upload(makeBatch(), { signal: AbortSignal.abort() }))).toMatchObject({
        code: "ABORTED",
        attempts: 0,
      });
      expect(server.requests).toHaveLength(0);
    });

    it("may come from one signal for many uploads without a warning", async () => {
      const client = await start(202);
      const warned = vi.fn();
      process.on("warning", warned);
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: full(70, 1_000) }, () => client.upload(makeBatch(), { signal })));
      process.off("warning", warned);
      expect(warned).not.toHaveBeenCalled();
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
      expect(server.sockets.maxOpen).toBeLessThanOrEqual(64);
    });

    it("of a bulk upload gives every batch an outcome", async () => {
      const client = await start("hang");
      const batches = Array.from({ length: full(100, 1_000) }, (_, n) => makeBatch(String(n)));
      const controller = new AbortController();
      const upload = client.uploadBulk(batches, { signal: controller.signal, concurrency: 2 });
      await sleep(100);
      controller.abort();
      const outcomes = await upload;
      expect(outcomes.map(({ index }) => index)).toEqual(batches.map((_, index) => index));
      expect(new Set(kinds(outcomes))).toEqual(new Set(["undelivered"]));
    });
  });

  describe("a bulk upload", () => {
    it("isolates bad batches among good ones", async () => {
      const client = await start(({ body }) => (body.includes("poison") ? 400 : 202));
      const batches = Array.from({ length: 250 }, (_, n) =>
        makeBatch(n % 60 === 7 ? `poison-${String(n)}` : `good-${String(n)}`),
      );
      const outcomes = await client.uploadBulk(batches);
      for (const { batch, kind, index } of outcomes) {
        expect(batch).toBe(batches[index]);
        expect(kind).toBe(index % 60 === 7 ? "rejected" : "accepted");
      }
      expect(server.acceptedOnce()).toHaveLength(245);
      expect(server.duplicates()).toHaveLength(0);
      expect(server.requests.length).toBeLessThan(80);
    });

    it("keeps every request within 100 batches and 256,000 bytes", async () => {
      const client = await start(202);
      const batches = Array.from({ length: 300 }, (_, n) =>
        createBatch({ environment: "development" }, [
          customEvent("e", "other", { custom_attributes: { text: "ü".repeat(n * 10) } }),
        ]),
      );
      const outcomes = await client.uploadBulk(batches);
      expect(new Set(kinds(outcomes))).toEqual(new Set(["accepted"]));
      for (const { body, batches: sent } of server.requests) {
        expect(Buffer.byteLength(body)).toBeLessThan(256_000);
        expect(sent.length).toBeLessThanOrEqual(100);
      }
    });

    it("splits a batch that is too large by its events, and accepts it as one", async () => {
      const client = await start(202);
      const events = Array.from({ length: 100 }, (_, n) =>
        customEvent(`e${String(n)}`, "other", { custom_attributes: { text: "x".repeat(4_000) } }),
      );
      const batch = createBatch({ environment: "development" }, events);
      expect(await client.uploadBulk([batch])).toMatchObject([
        { kind: "accepted", batch, receipt: { requestId: batch.source_request_id } },
      ]);
      const sent = server.acceptedOnce();
      expect(sent.length).toBeGreaterThan(3);
    });

    it("refuses an event that no batch can hold, naming it", async () => {
      const client = await start(202);
      const big = customEvent("the big one", "other", { custom_flags: { text: "x".repeat(130_000) } });
      const error = await errorOf(
        client.upload(createBatch({ environment: "development" }, [customEvent("a", "other"), big])),
      );
      expect(error).toBeInstanceOf(InvalidBatchError);
      expect(error.message).toMatch(/expected less than 128000.*\/events\/1 \(the big one\)/);
      expect(server.requests).toHaveLength(0);
    });

    it("refuses what only JavaScript can pass, and sends the others", async () => {
      const client = await start(202);
      const wrong = [undefined, null, "batch", {}, { environment: "development", mpid: 2 ** 60 }] as unknown as Batch[];
      const outcomes = await client.uploadBulk([...wrong, makeBatch()]);
      expect(kinds(outcomes)).toEqual(["rejected", "rejected", "rejected", "rejected", "rejected", "accepted"]);
    });
  });

  describe("a historical upload", () => {
    const hour = 60 * 60 * 1000;

    it("takes events of 72 hours and more, and refuses what the service would silently drop", async () => {
      const client = await start(202);
      const aged = (...hours: (number | null)[]): Batch =>
        createBatch(
          { environment: "development" },
          hours.map((age) =>
            customEvent("e", "other", { timestamp_unixtime_ms: age === null ? null : Date.now() - age * hour }),
          ),
        );
      const outcomes = await client.uploadHistorical([aged(73, 1_000), aged(73, 71), aged(), aged(100, null)]);
      expect(kinds(outcomes)).toEqual(["accepted", "rejected", "rejected", "rejected"]);
      const codes = outcomes.map((outcome) =>
        outcome.kind === "rejected" && outcome.error instanceof InvalidBatchError
          ? outcome.error.findings[0]?.code
          : undefined,
      );
      expect(codes).toEqual([
        undefined,
        "historical-too-recent",
        "historical-without-events",
        "historical-timestamp-missing",
      ]);
      expect(server.requests.map(({ path }) => path)).toEqual(["/v2/bulkevents/historical"]);
    });
  });

  describe("deliver", () => {
    it("pulls no further than what is in flight, and no faster than outcomes are taken", async () => {
      const client = await start(202);
      let pulled = 0;
      function* source(): Generator<Batch> {
        for (;;) {
          pulled++;
          yield makeBatch();
        }
      }
      let taken = 0;
      for await (const outcome of client.deliver(source(), { concurrency: 2 })) {
        expect(outcome.kind).toBe("accepted");
        taken++;
        if (taken % 100 === 0) await sleep(5);
        expect(pulled - taken).toBeLessThanOrEqual(400);
        if (taken === full(400, 2_000)) break;
      }
      const pulledAtBreak = pulled;
      await sleep(50);
      expect(pulled).toBe(pulledAtBreak);
    });

    it("sends what a slow source has yielded without waiting for its end", async () => {
      const client = await start(202);
      async function* source(): AsyncGenerator<Batch> {
        yield makeBatch("a");
        yield makeBatch("b");
        await sleep(300);
        yield makeBatch("c");
      }
      const sizes: number[] = [];
      for await (const { index } of client.deliver(source())) if (index >= 0) sizes.push(server.requests.length);
      expect(server.requests.map(({ batches }) => batches.length)).toEqual([2, 1]);
    });

    it("settles what it took when the source throws, then throws its error", async () => {
      const client = await start(202);
      const own = new Error("cursor lost");
      async function* source(): AsyncGenerator<Batch> {
        yield makeBatch();
        await sleep(1);
        throw own;
      }
      const outcomes: Outcome[] = [];
      const run = async (): Promise<void> => {
        for await (const outcome of client.deliver(source())) outcomes.push(outcome);
      };
      await expect(run()).rejects.toBe(own);
      expect(kinds(outcomes)).toEqual(["accepted"]);
    });

    it("tells a source that its reader has left", async () => {
      const client = await start(202);
      const left = vi.fn();
      async function* source(): AsyncGenerator<Batch> {
        try {
          for (;;) {
            await sleep(0);
            yield makeBatch();
          }
        } finally {
          left();
        }
      }
      for await (const { kind } of client.deliver(source(), { lingerMs: 1 })) if (kind === "accepted") break;
      await vi.waitFor(() => {
        expect(left).toHaveBeenCalledTimes(1);
      });
    });
  });

  describe("coalesce", () => {
    it("lets concurrent uploads share requests and keeps their receipts apart", async () => {
      const client = await start(202, { coalesce: true });
      const batches = Array.from({ length: full(700, 5_000) }, (_, n) => makeBatch(String(n)));
      const receipts = await Promise.all(batches.map((batch) => client.upload(batch)));
      expect(receipts.map(({ requestId }) => requestId)).toEqual(batches.map((batch) => batch.source_request_id));
      expect(server.requests.length).toBeLessThanOrEqual(batches.length / 100 + 10);
      // undici opens another one for the turn of the loop in which it does not yet use the first again.
      expect(server.sockets.maxOpen).toBeLessThanOrEqual(transport === "undici" ? 16 : 8);
      expect(server.acceptedOnce()).toHaveLength(batches.length);
    });

    it("never fails an upload for its neighbour's bad batch", async () => {
      const client = await start((request) => (request.body.includes("poison") ? 400 : 202), { coalesce: true });
      const results = await Promise.allSettled(["a", "poison", "b", "c"].map((name) => client.upload(makeBatch(name))));
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    });

    it("ends one upload by its signal and leaves the others alone", async () => {
      const client = await start({ status: 202, delayMs: 100 }, { coalesce: true });
      const controller = new AbortController();
      const aborted = errorOf(client.upload(makeBatch("a"), { signal: controller.signal }));
      const other = client.upload(makeBatch("b"));
      await sleep(30);
      controller.abort();
      expect(await aborted).toMatchObject({ code: "ABORTED" });
      expect(await other).toMatchObject({ attempts: 1 });
    });
  });

  describe("what a client keeps to itself", () => {
    it("never shows the secret, in whatever way it is looked at", async () => {
      const authorization = Buffer.from(`us1-key:${SECRET}`).toString("base64");
      const client = await start({
        status: 400,
        body: { errors: [{ code: "ECHO", message: `you sent ${SECRET} and Basic ${authorization}` }] },
      });
      const logged: unknown[] = [];
      const log = (...args: unknown[]): void => void logged.push(args);
      const logging = new EventsClient({
        apiKey: "us1-key",
        apiSecret: SECRET,
        baseUrl: server.url,
        logger: { debug: log, info: log, warn: log, error: log },
        onAttempt: log,
        onOutcome: log,
      });
      expect(logging.raw).toBe(logging.raw);
      const refused = await errorOf(logging.upload(makeBatch()));
      await server.pause();
      const lost = await errorOf(
        new EventsClient({ apiKey: "us1-key", apiSecret: SECRET, baseUrl: server.url, retry: false }).upload(
          makeBatch(),
        ),
      );
      expect(lost).toBeInstanceOf(NetworkError);
      const seen = [client, logging, refused, lost, logged]
        .flatMap((thing) => [
          inspect(thing, { depth: Infinity, showHidden: true }),
          JSON.stringify(thing),
          (thing as Error).stack,
        ])
        .join("\n");
      expect(seen).not.toContain(SECRET);
      expect(seen).not.toContain(authorization);
      expect(seen).toContain("[redacted]");
    });
  });

  describe("client.raw", () => {
    it("shows every upload to a middleware, headers and all", async () => {
      const client = await start(202);
      const paths: string[] = [];
      client.raw.use({
        onRequest({ request, schemaPath }) {
          paths.push(schemaPath);
          request.headers.set("x-trace", "t-1");
          return request;
        },
      });
      const batch = makeBatch();
      await client.upload(batch);
      await client.uploadBulk([makeBatch()]);
      expect(paths).toEqual(["/events", "/bulkevents"]);
      expect(server.requests[0]).toMatchObject({
        body: JSON.stringify(batch),
        headers: { "x-trace": "t-1", "content-type": "application/json" },
      });
    });

    it("sends a batch typed by the contract, with exact ids", async () => {
      const client = await start({ status: 202, body: "OK" });
      const { response } = await client.raw.POST("/events", {
        body: { environment: "development", mpid: 7346244611012968789n },
        parseAs: "text",
      });
      expect(response.status).toBe(202);
      expect(server.requests[0]?.body).toBe('{"environment":"development","mpid":7346244611012968789}');
    });
  });

  describe("transports", () => {
    it.each<[string, Partial<EventsClientOptions>]>([
      ["node:http", {}],
      ["the global fetch", { fetch: (request: Request) => globalThis.fetch(request) }],
    ])("%s sends credentials, type, length and agent", async (_, options) => {
      const client = await start(202, { ...options, userAgent: "checkout/2.1" });
      const batch = makeBatch("ü");
      await client.upload(batch);
      expect(server.requests[0]).toMatchObject({
        method: "POST",
        headers: {
          authorization: `Basic ${Buffer.from(`us1-key:${SECRET}`).toString("base64")}`,
          "content-type": "application/json",
          "content-length": String(Buffer.byteLength(JSON.stringify(batch))),
          "user-agent": expect.stringMatching(/^checkout\/2\.1 mparticle-events\/\d/) as unknown,
        },
      });
    });

    it("refuses a certificate that does not verify, at once and with advice", async () => {
      await serve({ tls: CERTIFICATE });
      const client = new EventsClient({ apiKey: "k", apiSecret: SECRET, baseUrl: server.url });
      const error = await errorOf(client.upload(makeBatch()));
      expect(error).toMatchObject({ name: "NetworkError", code: "TLS", attempts: 1 });
      expect(error.message).toMatch(/certificate does not verify.*nodeFetch\(\{ ca \}\)/);
    });

    it("trusts an authority that nodeFetch was given", async () => {
      await serve({ tls: CERTIFICATE });
      const client = new EventsClient({
        apiKey: "k",
        apiSecret: SECRET,
        baseUrl: server.url,
        fetch: nodeFetch({ ca: CERTIFICATE.cert }),
      });
      expect(await client.upload(makeBatch())).toMatchObject({ status: 202 });
    });

    it("goes through an agent of the caller's own, such as a proxy's", async () => {
      const agent = new Agent({ keepAlive: true });
      const client = await start(202, { fetch: nodeFetch({ agent }) });
      await client.upload(makeBatch());
      expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    });

    it.each<[string, object]>([
      ["has no list of idle sockets", { freeSockets: undefined }],
      ["has something else in its place", { freeSockets: { "127.0.0.1:": 5 } }],
      [
        "fails when it is asked for idle sockets",
        Object.defineProperty({}, "freeSockets", {
          get: () => {
            throw new Error("mine");
          },
          enumerable: true,
        }),
      ],
    ])("survives a reset of a kept connection with an agent that %s", async (_, members) => {
      const agent = new Agent({ keepAlive: true });
      const client = await start([{ status: 202, close: "at-next-request" }, 202], { fetch: nodeFetch({ agent }) });
      await client.upload(makeBatch("first"));
      // One that hands on the socket it kept, as other agents do.
      const [socket] = Object.values(agent.freeSockets).flat();
      const proxy = Object.create(agent, Object.getOwnPropertyDescriptors(members)) as Agent;
      const foreign = new EventsClient({
        ...{ apiKey: "us1-key", apiSecret: SECRET, baseUrl: server.url },
        fetch: nodeFetch({
          agent: Object.assign(proxy, {
            addRequest: (request: { reusedSocket: boolean; onSocket: (socket: unknown) => void }) => {
              if (socket?.destroyed !== false) {
                (agent as unknown as { addRequest: (...given: unknown[]) => void }).addRequest(request, {
                  host: "127.0.0.1",
                  port: new URL(server.url).port,
                });
                return;
              }
              request.reusedSocket = true;
              request.onSocket(socket);
            },
          }),
        }),
      });
      await expect(foreign.upload(makeBatch("second"))).resolves.toMatchObject({ attempts: 2 });
    });

    it.each<[string, () => unknown]>([
      [
        "throws when it gets a request",
        () => {
          throw new Error("mine");
        },
      ],
      [
        "breaks off each request",
        (...[request]: unknown[]) => {
          (request as { destroy: (error: Error) => void }).destroy(new Error("mine"));
        },
      ],
    ])("reports an agent that %s", async (_, addRequest) => {
      const agent = Object.assign(new Agent(), { addRequest });
      const client = await start(202, { fetch: nodeFetch({ agent }), retry: false, timeoutMs: 100 });
      expect(await errorOf(client.upload(makeBatch()))).toMatchObject({ name: "NetworkError", attempts: 1 });
    });

    it("says that a service that does not speak TLS is not reached", async () => {
      await serve();
      const client = new EventsClient({
        apiKey: "k",
        apiSecret: "s",
        baseUrl: server.url.replace("http:", "https:"),
        retry: false,
      });
      expect(await errorOf(client.upload(makeBatch()))).toBeInstanceOf(NetworkError);
    });
  });
});
