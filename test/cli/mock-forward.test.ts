import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { EventsClient } from "mparticle-events";
import { startFakeServer, type FakeServer, type FakeServerOptions } from "mparticle-events/testing";
import type { BatchRecord } from "../../src/arrivals/arrivals.ts";
import { ContractService, type MockAnswer, type MockRequest } from "../../src/cli/mock/contract-service.ts";
import { ForwardingService, type ForwardingOptions } from "../../src/cli/mock/forwarding-service.ts";
import { findRepeatedKey } from "../../src/cli/mock/repeated-key.ts";
import { runProgram } from "../../src/cli/program.ts";
import { run, testTerminal } from "./test-terminal.ts";

const SECRET = "secret-of-the-input";
const AUTHORIZATION = `Basic ${btoa(`key:${SECRET}`)}`;
const GOOD = {
  environment: "development",
  user_identities: { customer_id: "1" },
  events: [{ event_type: "opt_out", data: { is_opted_out: true } }],
};

const post = (path: string, body: unknown, headers: MockRequest["headers"] = {}): MockRequest => ({
  method: "POST",
  path,
  headers: { authorization: AUTHORIZATION, "content-type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

async function upstream(options: FakeServerOptions = {}): Promise<FakeServer> {
  const server = await startFakeServer(options);
  onTestFinished(() => server.close());
  return server;
}

function forwarding(
  baseUrl: string,
  options: Partial<ForwardingOptions> = {},
  profile: "canonical" | "wire" = "canonical",
) {
  const records: BatchRecord[] = [];
  const contract = new ContractService({ profile, failures: [], now: () => 7, random: () => 0.5 });
  contract.onBatch((record) => records.push(record));
  const service = new ForwardingService(contract, {
    baseUrl,
    authorization: undefined,
    fetch: globalThis.fetch,
    now: () => 7,
    ...options,
  });
  const answer = (request: MockRequest): Promise<MockAnswer> => service.answer(request);
  return { service, answer, records };
}

const errorsOf = (answer: MockAnswer): readonly { code: string; path?: string; message: string }[] =>
  (JSON.parse(answer.body) as { errors: { code: string; path?: string; message: string }[] }).errors;

describe("mock --forward", () => {
  it("passes single and bulk requests on as they came, and answers what the service answered", async () => {
    const server = await upstream({
      script: [
        { status: 202, headers: { "x-mp-rate-limit-percentage-used": "42" } },
        { status: 400, body: { errors: [{ code: "BAD_REQUEST", message: "no such input" }] } },
        202,
      ],
    });
    const { answer, records } = forwarding(server.url);
    // As text: an id that a number would round, and spaces, arrive as they were sent.
    const text = `{ "environment": "development", "mpid": 9007199254740993, "events": [] }`;
    const sent = {
      "user-agent": "my-sdk/1",
      "x-trace": "t",
      cookie: "c=1",
      prefer: "respond-async",
      traceparent: "00-1",
    };
    expect(await answer(post("/v2/events", text, sent))).toMatchObject({
      status: 202,
      headers: { "x-mp-rate-limit-percentage-used": "42" },
    });
    const refused = await answer(post("/v2/bulkevents", [GOOD, GOOD]));
    expect(refused).toMatchObject({ status: 400, headers: { "content-type": "application/json" } });
    expect(errorsOf(refused)).toEqual([{ code: "BAD_REQUEST", message: "no such input" }]);
    const old = {
      ...GOOD,
      events: [{ event_type: "opt_out", data: { is_opted_out: true, timestamp_unixtime_ms: 1 } }],
    };
    expect(await answer(post("/v2/bulkevents/historical", [old]))).toMatchObject({ status: 202 });

    expect(server.requests.map(({ path }) => path)).toEqual([
      "/v2/events",
      "/v2/bulkevents",
      "/v2/bulkevents/historical",
    ]);
    const [first] = server.requests;
    expect(first?.body).toBe(text);
    expect(first?.headers).toMatchObject({
      authorization: AUTHORIZATION,
      "content-type": "application/json",
      "user-agent": "my-sdk/1",
      "x-trace": "t",
      traceparent: "00-1",
    });
    expect(first?.headers).not.toHaveProperty("cookie");
    expect(first?.headers).not.toHaveProperty("prefer");
    expect(records.map(({ verdict, status }) => [verdict, status])).toEqual([
      ["accepted", 202],
      ["refused", 400],
      ["refused", 400],
      ["accepted", 202],
    ]);
    expect(records[0]?.forwarded).toMatchObject({ to: `${server.url}/events`, status: 202, durationMs: 0 });
    expect(records[1]?.forwarded).toMatchObject({
      status: 400,
      body: expect.stringContaining("no such input") as string,
    });
  });

  it("passes on nothing for production, nor what may be taken for it", async () => {
    const server = await upstream();
    const { answer, records } = forwarding(server.url, {}, "wire");
    const refusals: readonly [string, MockRequest, string][] = [
      ["production", post("/v2/events", { ...GOOD, environment: "production" }), "/environment"],
      ["one of several", post("/v2/bulkevents", [GOOD, { ...GOOD, environment: "production" }]), "/1/environment"],
      ["no environment", post("/v2/events", { ...GOOD, environment: undefined }), "/environment"],
      ["two of them", post("/v2/events", JSON.stringify(GOOD).replace("{", '{"environment":"production",')), ""],
      ["two, escaped", post("/v2/events", JSON.stringify(GOOD).replace("{", '{"\\u0065nvironment":"production",')), ""],
      ["another case", post("/v2/events", { ...GOOD, Environment: "production" }), "/environment"],
    ];
    for (const [name, request, path] of refusals) {
      const refused = await answer(request);
      expect([name, refused.status]).toEqual([name, 400]);
      expect([name, errorsOf(refused)[0]?.path]).toEqual([name, path]);
    }
    expect(server.requests).toEqual([]);
    expect(records.map(({ verdict }) => verdict)).toEqual(Array(7).fill("refused"));
    // Each batch is told what is wrong with it, and not with its neighbour.
    expect(
      records.map(({ findings }) => findings.filter(({ code }) => code === "environment-not-forwarded").length),
    ).toEqual([1, 0, 1, 1, 0, 0, 1]);
    expect(records[2]?.findings.at(-1)).toMatchObject({ path: "/environment", severity: "error" });
  });

  it("answers itself what the contract refuses and what --fail and Prefer ask for", async () => {
    const server = await upstream();
    const { answer, records } = forwarding(server.url);
    expect((await answer(post("/v2/events", { ...GOOD, nope: 1 }))).status).toBe(400);
    expect((await answer(post("/v2/events", GOOD, { prefer: "code=503" }))).status).toBe(503);
    expect((await answer(post("/v2/events", GOOD, { authorization: undefined }))).status).toBe(401);
    expect((await answer({ ...post("/v2/events", ""), method: "GET" })).status).toBe(405);
    expect(server.requests).toEqual([]);
    expect(records.map(({ verdict }) => verdict)).toEqual(["refused", "failed"]);
    expect(records.every(({ forwarded }) => forwarded === undefined)).toBe(true);
  });

  it("hands a 429 with its Retry-After and a 503 to the caller, whose client waits as it would", async () => {
    const server = await upstream({
      script: [{ status: 429, headers: { "retry-after": "3", "x-mp-rate-limit-exceeded": "account" } }, 503],
    });
    const { answer, records } = forwarding(server.url);
    expect(await answer(post("/v2/events", GOOD))).toMatchObject({
      status: 429,
      headers: { "retry-after": "3", "x-mp-rate-limit-exceeded": "account" },
    });
    expect((await answer(post("/v2/events", GOOD))).status).toBe(503);
    expect(records.map(({ verdict, status }) => [verdict, status])).toEqual([
      ["failed", 429],
      ["failed", 503],
    ]);
  });

  it("says in the envelope of the service why there is no answer: a timeout, a reset, a redirect, its own end", async () => {
    const silent = (request: Request) =>
      new Promise<Response>((_, reject) => {
        request.signal.addEventListener("abort", () => {
          reject(request.signal.reason as Error);
        });
      });
    const late = forwarding("http://service.test/v2", { fetch: silent, timeoutMs: 20 });
    const lateAnswer = await late.answer(post("/v2/events", GOOD));
    expect(lateAnswer.status).toBe(504);
    expect(errorsOf(lateAnswer)[0]?.message).toBe("service.test was not reached: it did not answer within 0.02 s.");

    const ended = forwarding("http://service.test/v2", { fetch: silent });
    const waiting = ended.answer(post("/v2/events", GOOD));
    ended.service.close();
    expect(errorsOf(await waiting)[0]?.message).toContain("the mock was ended");

    const server = await upstream({
      script: ["reset", { status: 302, headers: { location: "http://elsewhere.test/" } }],
    });
    const { answer, records } = forwarding(server.url);
    expect((await answer(post("/v2/events", GOOD))).status).toBe(502);
    const redirected = await answer(post("/v2/events", GOOD));
    expect(redirected.status).toBe(502);
    expect(errorsOf(redirected)[0]?.message).toContain("answers 302, which is not followed");
    expect(records.map(({ verdict, forwarded }) => [verdict, forwarded?.status])).toEqual([
      ["failed", undefined],
      ["failed", 302],
    ]);
    expect(records[0]?.forwarded?.error).toBeTypeOf("string");
  });

  it("shows the secret nowhere, whatever the service repeats of it", async () => {
    const server = await upstream({
      script: {
        status: 401,
        headers: { "x-you-sent": AUTHORIZATION },
        body: { errors: [{ code: "UNAUTHORIZED", message: `no such secret: ${SECRET}, ${AUTHORIZATION}` }] },
      },
    });
    const { answer, records } = forwarding(server.url);
    const shown = JSON.stringify([await answer(post("/v2/events", GOOD)), records]);
    expect(shown).toContain("[redacted]");
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain(btoa(`key:${SECRET}`));
  });
});

describe("the command mock --forward", () => {
  async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const cwd = mkdtempSync(join(tmpdir(), "forward-"));
    const terminal = testTerminal({ cwd, env });
    const ended = runProgram(["mock", "--port", "0", "--forward", ...args], terminal);
    onTestFinished(async () => {
      terminal.interrupt();
      await ended;
      rmSync(cwd, { recursive: true });
    });
    while (!terminal.written.stdout.includes("Ctrl+C ends it")) await new Promise((resolve) => setTimeout(resolve, 5));
    return { url: /served at (\S+)/.exec(terminal.written.stdout)?.[1] ?? "", written: terminal.written };
  }

  it("goes with the credentials of the environment, or with those of each request where there are none", async () => {
    const server = await upstream();
    const own = await start(["--base-url", server.url], { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: SECRET });
    const send = (url: string) => new EventsClient({ apiKey: "a", apiSecret: "b", baseUrl: url }).upload(GOOD as never);
    expect(await send(own.url)).toMatchObject({ status: 202 });
    const given = await start([], { MPARTICLE_BASE_URL: server.url });
    await send(given.url);
    expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual([
      AUTHORIZATION,
      `Basic ${btoa("a:b")}`,
    ]);
    expect(own.written.stdout).toContain(
      `passed on to ${new URL(server.url).host}, with the credentials from the environment`,
    );
    expect(given.written.stdout).toContain("with the credentials that each request brings");
    expect(own.written.stderr).toBe(`POST /v2/events 202 from ${new URL(server.url).host}\n`);
    const all = await (await fetch(new URL("/_/all", own.url))).text();
    expect(JSON.parse(all)).toMatchObject({ batches: [{ forwarded: { to: `${server.url}/events`, status: 202 } }] });
    expect(all + JSON.stringify(own.written)).not.toContain(SECRET);
  });

  it("refuses what cannot be meant: itself, half of the credentials, a pod without --forward", async () => {
    const refused = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      (await run(["mock", ...args], { cwd: tmpdir(), env })).stderr;
    expect(await refused(["--forward"], { MPARTICLE_BASE_URL: "http://localhost:4010/v2" })).toMatch(
      /which is this mock itself\.\nSay where the service is/,
    );
    expect(await refused(["--forward"], { MPARTICLE_API_KEY: "k" })).toContain("MPARTICLE_API_SECRET is not set");
    expect(await refused(["--pod", "eu1"])).toContain("Add --forward");
    expect(await refused(["--forward", "--base-url", "ftp://a"])).toContain("not an http(s) URL");
    const url = `http://key:${SECRET}@service.test/v2`;
    expect(await refused(["--forward", "--base-url", url])).toMatch(/must hold no credentials(?![^]*secret-of)/);
  });
});

describe("a repeated key", () => {
  it.each([
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', undefined],
    ['{"a":"\\"a\\":{","b":"}"}', undefined],
    ['{"a":1,"b":2,"a":3}', "a"],
    ['[{"x":{"k":1, "\\u006b" : 2}}]', "k"],
    ['{"":1,"":2}', ""],
    ['["a","a"]', undefined],
  ])("of %s is %s", (text, expected) => {
    expect(findRepeatedKey(text)).toBe(expected);
  });
});
