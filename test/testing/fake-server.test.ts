import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Agent as SecureAgent, request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  poison,
  startFakeServer,
  startMockServer,
  type FakeServer,
  type FakeServerOptions,
  type MockServerOptions,
  type Step,
} from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { selfSigned } from "./self-signed.ts";

const BATCH = { environment: "development", source_request_id: "r-1", events: [] };

let server: FakeServer;
const agents: Agent[] = [];

afterEach(async () => {
  await server.close();
  for (const agent of agents.splice(0)) agent.destroy();
});

async function start(options: FakeServerOptions = {}): Promise<void> {
  server = await startFakeServer(options);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of an answer that broke off. */
  readonly fault: string | undefined;
}

interface PostOptions {
  readonly path?: string;
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
  readonly headers?: Record<string, string>;
}

/** Rejects when no head of an answer arrives. */
function post(body: unknown, { path = "/events", agent, signal, headers }: PostOptions = {}): Promise<Answer> {
  const send = server.url.startsWith("https:") ? httpsRequest : httpRequest;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = send(`${server.url}${path}`, { method: "POST", agent: agent ?? false, signal, headers });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      let received = "";
      let fault: string | undefined;
      incoming.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
      incoming.on("error", (error: NodeJS.ErrnoException) => (fault = error.code ?? error.message));
      incoming.on("close", () => {
        resolve({ status: incoming.statusCode!, headers: incoming.headers, text: received, fault });
      });
    });
    outgoing.end(text);
  });
}

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
}

describe("what is answered", () => {
  it("accepts everything unless told otherwise", async () => {
    await start();
    expect(await post(BATCH)).toMatchObject({ status: 202, text: "" });
  });

  it("goes through the steps of a script in order of arrival, and stays at the last", async () => {
    await start({ script: [503, { status: 429, headers: { "Retry-After": 2 } }, 202] });
    const answers = [await post(BATCH), await post(BATCH), await post(BATCH), await post(BATCH)];
    expect(answers.map(({ status }) => status)).toEqual([503, 429, 202, 202]);
    expect(answers[1]!.headers["retry-after"]).toBe("2");
  });

  it("asks a function with the whole request", async () => {
    await start({ script: async (request) => Promise.resolve(request.batches.length === 2 ? 202 : 400) });
    expect((await post([BATCH, BATCH], { path: "/bulkevents" })).status).toBe(202);
    expect((await post(BATCH)).status).toBe(400);
  });

  it("starts a new script at its beginning", async () => {
    await start({ script: [500, 501] });
    await post(BATCH);
    server.script([503, 202]);
    expect([(await post(BATCH)).status, (await post(BATCH)).status]).toEqual([503, 202]);
  });

  it("types bodies by what they are", async () => {
    await start({
      script: [
        { status: 502, body: "<html>Bad gateway</html>" },
        { status: 400, body: { errors: [] } },
        { status: 500, body: "odd", headers: { "Content-Type": "text/odd" } },
      ],
    });
    expect(await post(BATCH)).toMatchObject({
      headers: { "content-type": "text/html" },
      text: "<html>Bad gateway</html>",
    });
    expect(await post(BATCH)).toMatchObject({ headers: { "content-type": "application/json" }, text: '{"errors":[]}' });
    expect(await post(BATCH)).toMatchObject({ headers: { "content-type": "text/odd" }, text: "odd" });
  });

  it("redirects with 307 unless another status is named", async () => {
    await start({ script: [{ redirect: "http://127.0.0.1:1/v2/events" }, { redirect: "/x", status: 301 }] });
    expect(await post(BATCH)).toMatchObject({ status: 307, headers: { location: "http://127.0.0.1:1/v2/events" } });
    expect(await post(BATCH)).toMatchObject({ status: 301, headers: { location: "/x" } });
  });

  it("answers late", async () => {
    await start({ script: { status: 202, delayMs: 120 } });
    const startedAt = performance.now();
    expect((await post(BATCH)).status).toBe(202);
    expect(performance.now() - startedAt).toBeGreaterThan(110);
  });

  it("drips a body", async () => {
    await start({ script: { status: 500, body: "0123456789", dripBytesPerMs: 0.1 } });
    const startedAt = performance.now();
    expect(await post(BATCH)).toMatchObject({ status: 500, text: "0123456789" });
    expect(performance.now() - startedAt).toBeGreaterThan(90);
  });

  it("answers 413 to more than it is willing to keep, and keeps nothing of it", async () => {
    await start({ maxRequestBytes: 1000 });
    expect((await post("x".repeat(1_000_000))).status).toBe(413);
    expect(server.requests[0]).toMatchObject({ status: 413, body: "", batchCount: 0 });
    expect((await post("x".repeat(1000))).status).toBe(202);
  });

  it("refuses options that are none, naming the culprit", async () => {
    await start();
    const fake: unknown = { check: true };
    await expect(startFakeServer(fake as FakeServerOptions)).rejects.toThrow(/`check` is true; expected a function/);
    for (const [options, message] of [
      [null, /The options are null/],
      [{ port: "x" }, /`port` is "x"/],
    ] as const) {
      const both: unknown = options;
      await expect(startFakeServer(both as FakeServerOptions)).rejects.toThrow(message);
      await expect(startMockServer(both as MockServerOptions)).rejects.toThrow(message);
    }
  });

  it("refuses scripts that are none, naming the culprit", async () => {
    await start();
    await expect(startFakeServer({ script: [] })).rejects.toThrow("empty");
    await expect(startFakeServer({ script: [202, 42] })).rejects.toThrow("42");
    await expect(startFakeServer({ script: "rest" as "reset" })).rejects.toThrow("script: 'rest' is no step");
    await expect(
      startFakeServer({ script: [202, { status: 202, reset: "after" as "before-answer" }] }),
    ).rejects.toThrow('script[1]: `reset` is "after"');
    expect(() => {
      server.script({ status: 202, dripBytesPerMs: 0 });
    }).toThrow("script: `dripBytesPerMs` is 0");
  });

  it.each<[string, () => Step, string]>([
    [
      "throws",
      () => {
        throw new Error("expected 2 batches");
      },
      "expected 2 batches",
    ],
    [
      "gives a step with a misspelt name",
      () => ({ status: 202, dealyMs: 3000 }) as Step,
      "The function of the script, for request 0: There is no option `dealyMs`; expected `delayMs`.",
    ],
    [
      "gives nothing",
      () => undefined as unknown as Step,
      "The function of the script, for request 0: undefined is no step",
    ],
  ])("says so in a 422, and rejects close() with it, where a function of the script %s", async (_, script, message) => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    await start({ script });
    const answer = await post(BATCH);
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toMatchObject({
      errors: [
        {
          code: "SCRIPT_FAILED",
          message: expect.stringContaining(`The script of this test failed. ${message}`) as string,
        },
      ],
    });
    await expect(server.close()).rejects.toThrow(message);
    expect(said.mock.calls).toEqual([[expect.stringContaining(message)]]);
    said.mockRestore();
  });

  it.each<[unknown, string]>([
    [5, "`tls` is 5; expected an object."],
    [{ kye: "", cert: "" }, "There is no option `kye`; expected `key`."],
    [{ key: "" }, "`cert` of `tls` is undefined; expected PEM."],
  ])("does not serve https with %j", async (tls, message) => {
    await start();
    await expect(startFakeServer({ tls } as FakeServerOptions)).rejects.toThrow(message);
  });
});

describe("what breaks", () => {
  it.each(["before-request", "within-request", "before-answer"] as const)(
    "resets the connection %s, and counts nothing as accepted",
    async (stage) => {
      await start({ script: [{ reset: stage }, 202] });
      // Larger than what the system buffers, so that the middle of it is no figure of speech.
      const size = stage === "within-request" ? 8_000_000 : full(100_000, 8_000_000);
      const large = { ...BATCH, filler: "x".repeat(size) };
      await expect(post(large)).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) as string });
      expect(server.requests[0]).toMatchObject({ status: undefined, answered: false });
      const { length } = server.requests[0]!.body;
      if (stage === "before-request") expect(length).toBe(0);
      if (stage === "within-request") expect(length > 0 && length < size).toBe(true);
      if (stage === "before-answer") expect(length).toBeGreaterThan(size);
      expect(server.accepted()).toHaveLength(0);
      expect((await post(BATCH)).status).toBe(202);
    },
  );

  it("takes a batch and loses the answer", async () => {
    await start({ script: [{ status: 202, reset: "before-answer" }, 202] });
    await expect(post(BATCH)).rejects.toMatchObject({ code: "ECONNRESET" });
    await post(BATCH);
    expect(server.accepted()).toHaveLength(2);
    expect(server.acceptedOnce()).toHaveLength(1);
    expect([...server.duplicates()]).toEqual([["r-1", 2]]);
    expect(server.requests.map(({ answered }) => answered)).toEqual([false, true]);
  });

  it("breaks off within the head of an answer", async () => {
    await start({ script: { status: 202, reset: "within-head" } });
    await expect(post(BATCH)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it.each(["", "0123456789"])("breaks off within the body %j", async (body) => {
    await start({ script: { status: 503, body, reset: "within-body" } });
    expect(await post(BATCH)).toMatchObject({ status: 503, text: body.slice(0, 5), fault: "ECONNRESET" });
    expect(server.requests[0]!.answered).toBe(false);
  });

  it("hangs until the client gives up", async () => {
    await start({ script: ["hang", 202] });
    const controller = new AbortController();
    const hanging = post(BATCH, { signal: controller.signal });
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    controller.abort();
    await expect(hanging).rejects.toMatchObject({ code: "ABORT_ERR" });
    await vi.waitFor(() => {
      expect(server.sockets.open).toBe(0);
    });
    expect((await post(BATCH)).status).toBe(202);
  });

  it("speaks something that is not HTTP", async () => {
    await start({ script: ["garbage", { raw: "HTTP/1.1 abc\r\n\r\n" }] });
    await expect(post(BATCH)).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) as string });
    await expect(post(BATCH)).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) as string });
  });

  it("closes a kept-alive connection right after an answer", async () => {
    await start({ script: [{ status: 202, close: "after-answer" }, 202] });
    const agent = keepAlive();
    expect((await post(BATCH, { agent })).headers.connection).toBe("keep-alive");
    await vi.waitFor(() => {
      expect(server.sockets.open).toBe(0);
      expect(agent.freeSockets).toEqual({}); // the client has heard of it, too
    });
    expect((await post(BATCH, { agent })).status).toBe(202);
    expect(server.requests.map(({ socketId }) => socketId)).toEqual([1, 2]);
  });

  it("closes a kept-alive connection just as the next request comes in on it", async () => {
    await start({ script: [{ status: 202, close: "at-next-request" }, 202] });
    const agent = keepAlive();
    await post(BATCH, { agent });
    await expect(post(BATCH, { agent })).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(server.sockets).toMatchObject({ opened: 1, staleRequests: 1 });
    expect(server.requests).toHaveLength(1);
    expect((await post(BATCH, { agent })).status).toBe(202);
  });

  it("refuses connections while it pauses, and listens on the same port afterwards", async () => {
    await start({ script: "hang" });
    const hanging = expect(post(BATCH)).rejects.toMatchObject({ code: "ECONNRESET" });
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await server.pause();
    await hanging;
    await expect(post(BATCH)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    server.script(202);
    await server.resume();
    expect((await post(BATCH)).status).toBe(202);
  });

  it("serves https with a certificate of the caller's", async () => {
    const tls = selfSigned();
    await start({ tls, script: [202, "reset", 202] });
    expect(server.url).toMatch(/^https:/);
    const agent = new SecureAgent({ ca: tls.cert });
    agents.push(agent);
    await expect(post(BATCH)).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect((await post(BATCH, { agent })).status).toBe(202);
    await expect(post(BATCH, { agent })).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await post(BATCH, { agent })).status).toBe(202);
    expect(server.requests.map(({ socketId, url }) => [socketId, url])).toEqual([
      [2, `${server.url}/events`],
      [3, `${server.url}/events`],
      [4, `${server.url}/events`],
    ]);
  });
});

describe("what is recorded", () => {
  it("keeps the exact text, and 64-bit ids as digits", async () => {
    await start();
    const text = '{ "mpid": 7346244611012968789, "small": 12, "text": "7346244611012968789é", "n": 1e2 }';
    await post(text, { headers: { "X-Test": "a" } });
    expect(server.requests[0]).toMatchObject({
      index: 0,
      method: "POST",
      path: "/v2/events",
      url: `${server.url}/events`,
      body: text,
      headers: expect.objectContaining({ "x-test": "a" }) as object,
      batches: [{ mpid: "7346244611012968789", small: 12, text: "7346244611012968789é", n: 100 }],
      status: 202,
      answered: true,
    });
    expect(Math.abs(server.requests[0]!.receivedAtMs - Date.now())).toBeLessThan(5000);
  });

  it("takes what is no JSON for no batches", async () => {
    await start({ script: 400 });
    await post("{");
    expect(server.requests[0]).toMatchObject({ body: "{", batches: [], batchCount: 0 });
  });

  it("keeps books by batch and by event", async () => {
    await start({ script: [202, 202, 500, 202] });
    const event = (id: string) => ({ event_type: "session_start", data: { source_message_id: id } });
    const one = { ...BATCH, events: [event("a"), event("b")] };
    const two = { ...BATCH, source_request_id: "r-2", events: [event("b")] };
    const path = "/bulkevents";
    await post([one, two], { path });
    await post([one], { path });
    await post([{ ...one, source_request_id: "r-3" }], { path });
    await post({ environment: "development" });
    expect(server.counts()).toEqual({
      requests: 4,
      batches: 5,
      events: 7,
      acceptedBatches: 4,
      acceptedEvents: 5,
      acceptedBatchesOnce: 3,
      acceptedEventsOnce: 3,
      byStatus: { 202: 3, 500: 1 },
    });
    expect(server.batches()).toHaveLength(5);
    expect(server.acceptedOnce()).toEqual([one, two, { environment: "development" }]);
    expect([...server.acceptedIds()]).toEqual([
      ["r-1", 2],
      ["r-2", 1],
    ]);
    expect([...server.acceptedEventIds()]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    server.clear();
    expect(server.requests).toHaveLength(0);
    expect(server.counts().requests).toBe(0);
    expect(server.acceptedIds().size).toBe(0);
  });

  it("keeps the books alone when asked to", async () => {
    await start({ record: "counts", script: [202, (request) => (request.batches.length === 1 ? 202 : 500)] });
    await post(BATCH);
    await post(BATCH);
    expect(server.requests).toHaveLength(0);
    expect(server.counts()).toMatchObject({ requests: 2, acceptedBatches: 2, acceptedBatchesOnce: 1 });
    expect([...server.duplicates()]).toEqual([["r-1", 2]]);
    expect(() => server.accepted()).toThrow('accepted() needs record: "all"');
  });

  it("tells how many connections there are and were", async () => {
    await start({ script: { status: 202, delayMs: 30 } });
    await Promise.all([post(BATCH), post(BATCH), post(BATCH)]);
    await vi.waitFor(() => {
      expect(server.sockets).toEqual({ opened: 3, open: 0, maxOpen: 3, staleRequests: 0 });
    });
  });
});

describe("what is refused", () => {
  it("answers 400 with the findings of a check, and only where it would have accepted", async () => {
    await start({
      script: [202, 202, 503],
      check: ({ mpid }) =>
        mpid === undefined
          ? [{ severity: "warning", code: "no-mpid", path: "/mpid", message: "it is missing." }]
          : [{ severity: "error", code: "odd-mpid", path: "/mpid", message: "it is odd.", hint: "Make it even." }],
    });
    const path = "/bulkevents";
    expect((await post([BATCH], { path })).status).toBe(202);
    expect(await post([BATCH, { ...BATCH, mpid: 1 }], { path })).toMatchObject({
      status: 400,
      text: JSON.stringify({
        errors: [{ code: "odd-mpid", path: "/1/mpid", message: "it is odd.", hint: "Make it even." }],
      }),
    });
    expect((await post([{ ...BATCH, mpid: 1 }], { path })).status).toBe(503);
    expect(server.accepted()).toEqual([BATCH]);
  });

  it("refuses a request for the one poisonous batch in it", async () => {
    await start({ script: poison((batch) => batch.source_request_id === "bad") });
    const bad = { ...BATCH, source_request_id: "bad" };
    const refused = await post([BATCH, bad], { path: "/bulkevents" });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({ errors: [{ code: "BAD_REQUEST" }] });
    expect((await post([BATCH], { path: "/bulkevents" })).status).toBe(202);
  });
});

describe("what is left behind", () => {
  it("closes in the middle of everything, leaving no connection and no timer", async () => {
    await start({
      script: [
        "hang",
        { status: 202, delayMs: 60_000 },
        { status: 500, body: "x".repeat(1000), dripBytesPerMs: 0.001 },
      ],
    });
    const silent = connect(server.port, "127.0.0.1").on("error", () => {});
    const faults = [0, 1, 2].map(() => post(BATCH, { agent: keepAlive() }).catch((error: unknown) => error));
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(3);
      expect(server.sockets.open).toBe(4);
    });
    await server.close();
    await Promise.all(faults);
    silent.destroy();
    expect(server.sockets.open).toBe(0);
    await vi.waitFor(() => {
      expect(process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap")).toEqual([]);
    });
    await expect(post(BATCH)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await server.close();
  });

  it("closes at the end of a block", async () => {
    {
      await using other = await startFakeServer();
      server = other;
      expect((await post(BATCH)).status).toBe(202);
    }
    await expect(post(BATCH)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
