import { spawn, type ChildProcess } from "node:child_process";
import { request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { EventsClient } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import type { BatchRecord } from "../../src/arrivals/arrivals.ts";
import { ContractService, type MockRequest } from "../../src/cli/mock/contract-service.ts";
import { decideFailure, readFailures } from "../../src/cli/mock/failures.ts";
import { runProgram } from "../../src/cli/program.ts";
import { full } from "../full.ts";
import { build, CLI } from "../package/packed.ts";
import { run, testTerminal } from "./test-terminal.ts";

const GOOD = {
  environment: "development",
  user_identities: { customer_id: "1" },
  events: [{ event_type: "opt_out", data: { is_opted_out: true } }],
};
const BAD = {
  ...GOOD,
  user_identities: { customerId: "1" },
  events: [{ event_type: "opt_out", data: { is_opted_out: "x" } }],
};

const service = (options: Partial<ConstructorParameters<typeof ContractService>[0]> = {}): ContractService =>
  new ContractService({ profile: "canonical", failures: [], now: () => 7, random: () => 0.5, ...options });

const post = (path: string, body: unknown, more: Partial<MockRequest> = {}): MockRequest => ({
  method: "POST",
  path,
  headers: { authorization: `Basic ${btoa("key:secret")}`, "content-type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...more,
});

interface Envelope {
  readonly errors: readonly {
    readonly code?: string;
    readonly path?: string;
    readonly message: string;
    readonly hint?: string;
  }[];
}
const errorsOf = (answer: { readonly body: string }): Envelope["errors"] =>
  (JSON.parse(answer.body) as Envelope).errors;

describe("the mock", () => {
  it("says in the envelope of the service what checkBatch says", () => {
    const answer = service().answer(post("/v2/events", BAD));
    const errors = checkBatch(BAD).filter(({ severity }) => severity === "error");
    expect(answer.status).toBe(400);
    expect(errors).toHaveLength(2);
    expect(errorsOf(answer)).toEqual(
      errors.map(({ code, path, message, hint }) => ({ code, path, message, ...(hint !== undefined && { hint }) })),
    );
    const bulk = errorsOf(service().answer(post("/v2/bulkevents", [GOOD, BAD])));
    expect(bulk.map(({ path }) => path)).toEqual(errors.map(({ path }) => `/1${path}`));
    expect(
      service({ profile: "wire" }).answer(post("/v2/events", { ...GOOD, user_identities: { customerid: "1" } })).status,
    ).toBe(202);
  });

  it.each([
    [post("/v2/events", GOOD), 202, ""],
    [post("/v2/bulkevents", [GOOD, GOOD]), 202, ""],
    [post("/v2/bulkevents/historical", [GOOD]), 400, "historical"],
    [post("/v2/bulkevents", GOOD), 400, "one batch goes to /v2/events"],
    [
      post(
        "/v2/bulkevents",
        Array.from({ length: 101 }, () => GOOD),
      ),
      400,
      "101 batches; expected 100 at most",
    ],
    [post("/v2/events", '{"a":bad}'), 400, "malformed, at character 6"],
    [post("/v2/events", `"${"x".repeat(256_000)}"`), 413, "too large"],
    [post("/events", GOOD), 404, "Is /v2/events meant?"],
    [post("/v2/bulkevent", [GOOD]), 404, "Is /v2/bulkevents meant?"],
    [post("/v2/events", "", { method: "GET" }), 405, "takes POST"],
    [post("/v2/events", GOOD, { headers: {} }), 401, "no credentials"],
    [post("/v2/events", GOOD, { headers: { authorization: `Basic ${btoa("key:")}` } }), 401, "no credentials"],
    [
      post("/v2/events", GOOD, { headers: { authorization: `Basic ${btoa("a:b")}`, "content-type": "text/plain" } }),
      400,
      "text/plain",
    ],
    [
      post("/v2/events", GOOD, {
        headers: { authorization: `Basic ${btoa("a:b")}`, "content-type": "application/json", prefer: "code=503" },
      }),
      503,
      "could not be handled",
    ],
    [
      post("/v2/events", "\u001f", { headers: { ...post("/v2/events", "").headers, "content-encoding": "gzip" } }),
      415,
      'encoding \\"gzip\\"',
    ],
    [
      post("/v2/events", GOOD, { headers: { ...post("/v2/events", "").headers, "content-encoding": "Identity" } }),
      202,
      "",
    ],
    ...["777", "99", "200", "abc", ""].map((code): [MockRequest, number, string] => [
      post("/v2/events", GOOD, { headers: { ...post("/v2/events", "").headers, prefer: `code=${code}` } }),
      400,
      `asks for the code \\"${code}\\"; expected 202, or one from 300 to 599.`,
    ]),
    [post("/v2/events", GOOD, { headers: { ...post("/v2/events", "").headers, prefer: "wait=1, code=202" } }), 202, ""],
  ])("answers %# as the service would", (asked, status, says) => {
    const answer = service().answer(asked);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(says);
  });

  it("fails as often as it is told to", () => {
    expect(readFailures(["429:0.1,503:5%", "500"].slice(0, 1))).toEqual([
      { status: 429, share: 0.1 },
      { status: 503, share: 0.05 },
    ]);
    const rules = readFailures(["429:0.1", "503:0.2"]);
    expect([0, 0.09, 0.1, 0.29, 0.31, 0.99].map((drawn) => decideFailure(rules, () => drawn))).toEqual([
      429,
      429,
      503,
      503,
      undefined,
      undefined,
    ]);
    expect(() => readFailures(["202:0.1"])).toThrow(/is no failure/);
    expect(() => readFailures(["429:0.6", "503:0.6"])).toThrow(/more failures than there are requests/);
    const failing = service({ failures: readFailures(["429"]) }).answer(post("/v2/events", GOOD));
    expect(failing).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  });

  it("tells of each batch that arrived, with the verdict and the findings", () => {
    const seen: BatchRecord[] = [];
    const one = service();
    const end = one.onBatch((record) => seen.push(record));
    one.answer(post("/v2/bulkevents", [GOOD, BAD]));
    end();
    one.answer(post("/v2/events", GOOD));
    expect(seen).toMatchObject([
      { index: 0, receivedAtMs: 7, path: "/v2/bulkevents", batch: GOOD, verdict: "refused", status: 400, findings: [] },
      { index: 1, batch: BAD, verdict: "refused", findings: [{ code: "unknown-key" }, { code: "wrong-type" }] },
    ]);
  });

  it("listens until Ctrl+C, takes what a client sends, and has one Content-Type", async () => {
    const opened: string[] = [];
    const terminal = testTerminal({ openPage: (page) => opened.push(page) });
    const running = runProgram(["mock", "--port", "0", "--open"], terminal);
    while (!terminal.written.stdout.includes("Ctrl+C ends it")) await new Promise((resolve) => setTimeout(resolve, 5));
    const url = /served at (\S+)/.exec(terminal.written.stdout)?.[1] ?? "";
    const client = new EventsClient({ apiKey: "a", apiSecret: "b", baseUrl: url });
    expect(await client.upload(GOOD as never)).toMatchObject({ status: 202 });
    expect(opened).toEqual([new URL("/_/", url).href]);
    expect(await (await fetch(new URL("/_/all", url))).json()).toMatchObject({ total: 1, good: 1 });
    const headers = await new Promise<readonly string[]>((resolve, reject) => {
      const sent = request(`${url}/nothing`, { method: "POST" }, (response) => {
        response.resume();
        resolve(response.rawHeaders);
      });
      sent.on("error", reject);
      sent.end();
    });
    expect(headers.filter((name) => name.toLowerCase() === "content-type")).toHaveLength(1);
    expect(await run(["mock", "--port", new URL(url).port])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is taken\.\nChoose another/) as string,
    });
    terminal.interrupt();
    expect(await running).toBe(0);
    expect(terminal.written.stderr).toMatch(/POST \/v2\/events 202\nPOST \/v2\/nothing 404\n/);
    await expect(fetch(url)).rejects.toThrow();
  });

  // Whatever ends the package manager: the mock hears nothing of it.
  it.each(full(["SIGKILL"] as const, ["SIGTERM", "SIGKILL"] as const))(
    "ends when the package manager that started it has gone, by %s",
    async (signal) => {
      await build();
      // As npm does it: a process called npm runs a shell, and the shell runs us.
      const npm = spawn("sh", ["-c", 'sh -c "$SCRIPT" & wait', "npm", "run", "mock"], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, SCRIPT, npm_config_user_agent: "npm/10 node/v20" },
      });
      onTestFinished(() => void npm.kill("SIGKILL"));
      const id = await readMockId(npm);
      expect(isAlive(id)).toBe(true);
      npm.kill(signal);
      while (isAlive(id)) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  );
});

const SCRIPT = `"${process.execPath}" "${CLI}" mock --port 0 & echo pid $!; wait`;

/** Once it is ready. */
async function readMockId(npm: ChildProcess): Promise<number> {
  let text = "";
  for await (const chunk of npm.stdout ?? []) {
    text += String(chunk);
    if (text.includes("Ctrl+C ends it")) break;
  }
  return Number(/pid (\d+)/.exec(text)?.[1]);
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}
