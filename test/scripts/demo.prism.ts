import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Batch } from "mparticle-events";
import { recordingFetch, startFakeServer, type FetchStep, type Script } from "mparticle-events/testing";
import type { Output } from "../../scripts/command.ts";
import { runDemo } from "../../scripts/demo/command.ts";
import { onlyInFull } from "../full.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo as npm does, without the credentials that this machine may have. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, preload = ""): Promise<Ended> {
  const loaders = ["--import", import.meta.resolve("tsx/esm"), ...(preload === "" ? [] : ["--import", at(preload)])];
  const child = spawn(process.execPath, [...loaders, at("scripts/demo.ts"), ...args], {
    env: { ...process.env, ...NO_CREDENTIALS, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => {
      resolve({ code, stdout: stripVTControlCharacters(stdout), stderr });
    });
  });
}

const NO_CREDENTIALS = { MPARTICLE_API_KEY: undefined, MPARTICLE_API_SECRET: undefined, MPARTICLE_POD: undefined };
const CREDENTIALS = { MPARTICLE_API_KEY: "us2-key", MPARTICLE_API_SECRET: "secret", MPARTICLE_POD: "us2" };

/** Runs the demo live, while what it sends to mParticle arrives at a fake service. */
async function runLive() {
  await using service = await startFakeServer({ script: 202 });
  const ended = await run(
    ["--live"],
    { ...CREDENTIALS, FAKE_SERVICE_PORT: String(service.port) },
    "test/package/to-fake-service.mjs",
  );
  return { ...ended, requests: service.requests };
}

/** Runs a program in this process, where nothing has to be loaded for it. */
async function call(program: (output: Output) => Promise<number>): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  const code = await program({
    log: (text: string) => (stdout += `${text}\n`),
    error: (text: string) => (stderr += `${text}\n`),
  });
  return { code, stdout: stripVTControlCharacters(stdout), stderr };
}

/** Runs the demo live with a `fetch` that answers as the script says. */
function callLive(script: Script<FetchStep>): Promise<Ended> {
  const fetch = recordingFetch(script);
  return call((output) => runDemo(["--live"], CREDENTIALS, output, { fetch, retry: false }));
}

describe("npm run demo", () => {
  it("shows what the mock took, and that it refused what is wrong", async () => {
    const { code, stdout, stderr } = await call((output) => runDemo([], {}, output));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/✓ accepted 5 events/);
    expect(stdout).toMatch(/✓ 50 of 50 batches accepted/);
    expect(stdout).toMatch(/✗ refused by the service\n {4}ApiError: /);
    expect(stdout).toMatch(/✗ refused by checkBatch, before it is sent\n {4}InvalidBatchError: .*custom_atributes/);
  });
});

describe("npm run demo -- --live", () => {
  const expectTour = ({ code, stdout, stderr }: Ended, batches: readonly Batch[]): void => {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/Sending to mParticle, pod us2, environment development/);
    expect(stdout).toMatch(/! taken by the service, misspelt field and all: 202 is no check/);
    expect(stdout).not.toMatch(/refused by the service/);
    expect(stdout).toMatch(/✗ refused by checkBatch/);
    expect(new Set(batches.map(({ environment }) => environment))).toEqual(new Set(["development"]));
    expect(new Set(batches.map(({ source_request_id }) => source_request_id)).size).toBe(batches.length);
  };

  it("sends all of it to the pod, as development, and says so when the service takes what is wrong", async () => {
    const fetch = recordingFetch(202);
    const ended = await call((output) => runDemo(["--live"], CREDENTIALS, output, { fetch }));
    expectTour(
      ended,
      fetch.requests.flatMap(({ batches }) => batches),
    );
    const paths = ["events", "events", "bulkevents", "events"];
    expect(fetch.requests.map(({ url }) => url)).toEqual(
      paths.map((path) => `https://s2s.us2.mparticle.com/v2/${path}`),
    );
  });

  onlyInFull(() => {
    it("does so as npm runs it", async () => {
      const { requests, ...ended } = await runLive();
      expectTour(
        ended,
        requests.flatMap((request) => request.batches),
      );
      expect(requests.map(({ path }) => path)).toEqual(["/v2/events", "/v2/events", "/v2/bulkevents", "/v2/events"]);
      expect(requests.map(({ headers }) => headers["x-host"])).toEqual(Array(4).fill("s2s.us2.mparticle.com"));
    });
  });

  it("says that the service refused what is wrong when it does", async () => {
    const { code, stdout } = await callLive([202, 202, 202, 400]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/✗ refused by the service\n {4}ApiError: .*400/);
  });

  it.each<[string, Script<FetchStep>, RegExp]>([
    [
      "the credentials are wrong",
      401,
      /^ApiError: POST https:\/\/s2s\.us2\.mparticle\.com\/v2\/events answered 401\. .*\n$/,
    ],
    ["the service is down", 503, /^ApiError: .* answered 503.*\n$/],
    ["the connection breaks", { fault: "ECONNRESET" }, /^NetworkError: .*\n$/],
    ["some of many are not taken", [202, 202, 503], /^ApiError: .*bulkevents answered 503.*\n$/],
    ["the service fails instead of judging what is wrong", [202, 202, 202, 503], /^ApiError: .* answered 503.*\n$/],
  ])("says in one line that %s, and ends with 1", async (_what, script, line) => {
    const { code, stdout, stderr } = await callLive(script);
    expect(stderr).toMatch(line);
    expect(code).toBe(1);
    expect(stdout).not.toMatch(/taken by the service/);
    expect(`${stdout}${stderr}`).not.toContain("secret");
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    [
      "what the environment lacks",
      { MPARTICLE_API_KEY: "us2-key" },
      "--live needs MPARTICLE_API_SECRET, MPARTICLE_POD, which the environment lacks. Try --help.\n",
    ],
    [
      "a pod that there is not",
      { ...CREDENTIALS, MPARTICLE_POD: "us3" },
      'MPARTICLE_POD is "us3"; expected us1, us2, eu1 or au1. Try --help.\n',
    ],
  ])("names %s, and ends with 2", async (_what, env, line) => {
    expect(await call((output) => runDemo(["--live"], env, output))).toEqual({ code: 2, stdout: "", stderr: line });
  });

  it("passes on what the client says of a key that cannot be one", async () => {
    const { code, stdout, stderr } = await call((output) =>
      runDemo(["--live"], { ...CREDENTIALS, MPARTICLE_API_KEY: "us2:key" }, output),
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^`?apiKey`? .*Try --help\.\n$/);
  });
});
