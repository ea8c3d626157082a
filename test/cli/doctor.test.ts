import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { startFakeServer, type FakeServerOptions } from "mparticle-events/testing";
import type { Terminal } from "../../src/cli/terminal.ts";
import { run } from "./test-terminal.ts";

const CREDENTIALS = { MPARTICLE_API_KEY: "us1-abcdef", MPARTICLE_API_SECRET: "secret-of-the-input" };
const CWD = new URL(".", import.meta.url).pathname;

async function examine(
  args: readonly string[],
  server: FakeServerOptions,
  more: Partial<Terminal> = {},
): Promise<{ code: number; stdout: string }> {
  const fake = await startFakeServer(server);
  onTestFinished(() => fake.close());
  const env = { ...CREDENTIALS, MPARTICLE_BASE_URL: fake.url, ...more.env };
  const ran = await run(["doctor", ...args], { cwd: CWD, ...more, env });
  expect(ran.stdout + ran.stderr).not.toContain("secret-of-the-input");
  expect(ran.stdout + ran.stderr).not.toContain(btoa("us1-abcdef:secret-of-the-input"));
  return ran;
}

describe("doctor", () => {
  it("says that all is well, line by line", async () => {
    const { code, stdout } = await examine([], {});
    expect(code).toBe(0);
    expect(stdout.split("\n").map((line) => line.slice(0, 13).trim())).toEqual([
      "✓ credentials",
      "✓ pod",
      "✓ host",
      "✓ proxy",
      "– certificate",
      "✓ clock",
      "✓ batch",
      "",
    ]);
    expect(stdout).toContain("key us1-…, and a secret of 19 characters, from the environment.");
  });

  it.each([
    [
      "a secret that is empty",
      { env: { MPARTICLE_API_SECRET: "" } },
      202,
      /✗ credentials MPARTICLE_API_SECRET is set, and is empty\.\n +Set[^]*– batch +not sent/,
    ],
    ["a key with quotes", { env: { MPARTICLE_API_KEY: '"k"' } }, 202, /✗ credentials .* spaces or quotes/],
    ["a refusal", {}, 401, /✗ batch +the key or the secret is not valid here \(401\)\.\n +Are they/],
    ["a service in trouble", {}, 503, /✗ batch .*\n +The service is in trouble/],
    ["a proxy", { env: { HTTP_PROXY: "http://x" } }, 202, /– proxy +HTTP_PROXY is set, and is not used by itself\.\n/],
    [
      "a clock that is wrong",
      { now: () => Date.now() + 600_000 },
      202,
      /✗ clock +(599|60\d) s ahead of the service.*\n +Let this machine/,
    ],
  ] as const)("names %s, and what to do about it", async (_, terminal, script, expected) => {
    const { code, stdout } = await examine([], { script }, terminal);
    expect(stdout).toMatch(expected);
    expect(code).toBe(stdout.includes("✗") ? 1 : 0);
  });

  it("names a certificate that does not verify", async () => {
    const [key, cert] = ["key", "cert"].map((name) =>
      readFileSync(new URL(`../fixtures/self-signed.${name}.pem`, import.meta.url)),
    );
    const { code, stdout } = await examine(["--no-send"], { tls: { key: key!, cert: cert! } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ certificate it does not verify: .*\n +.*NODE_EXTRA_CA_CERTS/);
    expect(stdout).toMatch(/– batch +not sent, because of --no-send/);
  });

  it("names a host that does not exist, and looks no further", async () => {
    const ran = await run(["doctor", "--base-url", "https://host.invalid/v2"], { cwd: CWD, env: CREDENTIALS });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/✗ host +host\.invalid: .*\n/);
    expect(ran.stdout).not.toContain("batch");
  });

  it("finds the pod that the credentials are of", async () => {
    const asked: string[] = [];
    const fetch = (request: Request): Promise<Response> => {
      const { host } = new URL(request.url);
      asked.push(host);
      return Promise.resolve(new Response(null, { status: host.includes("eu1") ? 202 : 401 }));
    };
    const ran = await run(["doctor", "--pod", "us1"], { cwd: CWD, env: CREDENTIALS, fetch });
    // Where there is no network, the host is what is wrong.
    if (asked.length > 0) {
      expect(ran.stdout).toMatch(/✗ batch +the credentials are of pod eu1\.\n +Set MPARTICLE_POD=eu1/);
      expect(asked).toHaveLength(4);
    } else expect(ran.stdout).toMatch(/✗ host/);
  });
});
