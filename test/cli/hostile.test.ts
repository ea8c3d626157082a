import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startFakeServer } from "mparticle-events/testing";
import { full } from "../full.ts";
import { run, testTerminal } from "./test-terminal.ts";
import { Arrivals } from "../../src/arrivals/arrivals.ts";
import { ContractService } from "../../src/cli/mock/contract-service.ts";
import { listen } from "../../src/cli/mock/mock-server.ts";
import { runProgram } from "../../src/cli/program.ts";

const GOOD = JSON.stringify({
  environment: "development",
  user_identities: { customer_id: "7" },
  events: [{ event_type: "opt_out", data: { is_opted_out: true } }],
});
const BAD = JSON.stringify({ ...(JSON.parse(GOOD) as object), nope: 1 });
const SECRET = "secret-of-the-input";

/** A point of a plan. */
const custom = (event_name: string): object => ({
  match: { type: "custom_event", criteria: { event_name, custom_event_type: "other" } },
  validator: { type: "json_schema", definition: {} },
});

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "cli-hostile-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});
const write = (name: string, content: string | Buffer): void => {
  mkdirSync(join(cwd, name, ".."), { recursive: true });
  writeFileSync(join(cwd, name), content);
};

describe("files as strangers have them", () => {
  it("are read with a mark, CRLF, empty lines and gzip at once, in folders among other files", async () => {
    write("in/sub/a.ndjson.gz", gzipSync(`\uFEFF${GOOD}\r\n\r\n${GOOD}`));
    write("in/b.json", `[${GOOD}, ${GOOD}]`);
    write("in/readme.txt", "hello");
    write("in/empty.ndjson", "");
    write("in/empty.csv", "");
    // Named, and in a folder that is named: it is one file.
    const ran = await run(["check", "in", "in/b.json", "in/*.json"], { cwd });
    expect(ran).toEqual({ code: 0, stdout: "", stderr: "✓ 4 records checked, nothing found.\n" });
  });

  it("give a terminal no orders, and a log of CI no lines, by what stands in them or by their names", async () => {
    const name = "a\u001b[2J\u202Eb.ndjson";
    const attributes = { "\u001b[31mred": {}, "x\n::error::forged\n": {}, "\u009b1m": {} };
    write(name, `${JSON.stringify({ ...(JSON.parse(GOOD) as object), user_attributes: attributes })}\n{`);
    write("plan.json", JSON.stringify({ data_points: [custom("\u001b[31mred\n::error::forged\u2028\u009b")] }));
    write("none.json", JSON.stringify({ data_points: [] }));
    for (const args of [
      ["check", name],
      ["check", "--format", "github", name],
      ["check", "--json", name],
      ["check", "--format", "sarif", name],
      ["check", "missing\u001b[31m.ndjson"],
      ["plan", "coverage", "--plan", "plan.json", name],
      ["plan", "coverage", "--json", "--plan", "plan.json", name],
      ["plan", "diff", "--json", "plan.json", "none.json"],
      ["upload", "--dry-run", name],
    ]) {
      const { stdout, stderr } = await run(args, { cwd });
      const said = stdout + stderr;
      expect(said.length).toBeGreaterThan(20);
      expect(said).not.toMatch(/[\u001b\u009b\u202e]|^::error::forged/m);
    }
    const { stdout } = await run(["plan", "coverage", "--json", "--plan", "plan.json", name], { cwd });
    const [point = ""] = stdout.split("\n");
    expect(JSON.parse(point)).toMatchObject({ key: expect.stringContaining("forged\u2028") as string });
  });

  it("may nest one record deeper than JSON can be written: it is rejected, and the others are sent", async () => {
    const service = new ContractService({
      profile: "canonical",
      failures: [],
      now: () => 0,
      random: () => 0,
    });
    const arrivals = new Arrivals();
    service.onBatch((record) => {
      arrivals.add(record);
    });
    const deep = (levels: number): string =>
      `{"environment":"development","user_attributes":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
    const mock = await listen(service, 0, () => undefined);
    onTestFinished(() => mock.close());
    write("a.ndjson", `${GOOD}\n${deep(20_000)}\n${GOOD}\n`);
    const env = { MPARTICLE_API_KEY: "k", MPARTICLE_API_SECRET: SECRET };
    const ran = await run(["upload", "a.ndjson", "--base-url", mock.url], { cwd, env });
    expect(ran).toMatchObject({ code: 1, stdout: expect.stringMatching(/accepted +2 .*\nrejected +1 /) as string });
    expect(readFileSync(join(cwd, "rejected.ndjson"), "utf8")).toContain('"from":"a.ndjson:2"');
    // Whoever sends it without this package has an answer, and the page of the mock shows that it came.
    const headers = { authorization: `Basic ${btoa("a:b")}`, "content-type": "application/json" };
    const answer = await fetch(`${mock.url}/events`, { method: "POST", headers, body: deep(20_000) });
    expect(answer.status).toBe(400);
    expect(arrivals.counts()).toEqual({ total: 3, good: 2, bad: 1 });
  });

  it("cost a line for each one of junk, and nothing of what is around it", async () => {
    write(
      "a.ndjson",
      Buffer.concat([Buffer.from(`${GOOD}\n`), Buffer.from([0, 1, 0xff, 0xfe, 10]), Buffer.from(GOOD)]),
    );
    const ran = await run(["check", "a.ndjson"], { cwd });
    expect(ran).toMatchObject({ code: 1, stdout: expect.stringMatching(/^a\.ndjson:2 \/ not-utf8 .*\n$/) as string });
    expect(ran.stderr).toContain("3 records checked: 1 finding in 1 of them");
  });

  const places = [
    ["a line", (middle: string) => `${GOOD}\n${middle}\n${GOOD}\n`, "a.ndjson"],
    ["a member of an array", (middle: string) => `[${GOOD},{"a":"${middle}"},${GOOD}]`, "a.json"],
  ] as const;
  // input.test.ts has both, with a memory that is soon too small.
  it.each(places.slice(0, full(1, places.length)))(
    "may have %s that is longer than memory should be",
    async (_, around, name) => {
      write(name, around("x".repeat(full(17_000_000, 200_000_000))));
      const ran = await run(["check", name], { cwd });
      expect(ran.stdout.split("\n")).toHaveLength(2);
      expect(ran.stdout).toContain("record-too-long");
      expect(ran.stderr).toContain("3 records checked: 1 finding in 1 of them");
    },
  );

  it("count findings with commas, however many there are", async () => {
    const ran = await run(["check", "-"], { cwd, input: `${BAD}\n`.repeat(1234) });
    expect(ran.stderr).toMatch(/1,234 records checked: 1,234 findings in 1,234 of them\.\n {2}1,234 × unknown-key/);
  });

  it("end with what a standard input that is closed has: nothing", async () => {
    expect((await run(["check", "-"], { cwd })).code).toBe(0);
  });
});

describe("an upload that cannot keep its books", () => {
  const env = { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: SECRET };
  async function upload(...args: readonly string[]) {
    const server = await startFakeServer();
    onTestFinished(() => server.close());
    const ran = await run(["upload", ...args, "--base-url", server.url], { cwd, env });
    return { ...ran, requests: server.requests.length };
  }

  it("says so before anything is sent", async () => {
    write("a.ndjson", GOOD);
    write("foreign.json", '{"a":1}');
    const cases: readonly (readonly [flag: string, value: string, told: RegExp])[] = [
      ["--rejected", "no/such/folder/r.ndjson", /it cannot be written: ENOENT/],
      ["--rejected", "/dev/null", /it cannot be written: it is no file/],
      ["--checkpoint", "no/such/folder/c.json", /it cannot be written: ENOENT/],
      ["--checkpoint", "foreign.json", /it is no checkpoint/],
      ["--checkpoint", "a.ndjson", /it is no checkpoint/],
      // It has no end.
      ["--checkpoint", "/dev/zero", /it is no checkpoint/],
    ];
    for (const [flag, value, told] of cases) {
      const ran = await upload("a.ndjson", flag, value);
      expect([flag, value, ran.code, ran.requests]).toEqual([flag, value, 2, 0]);
      expect(ran.stderr).toMatch(told);
      expect(ran.stderr.trimEnd().split("\n")).toHaveLength(2);
    }
    expect(readFileSync(join(cwd, "a.ndjson"), "utf8")).toBe(GOOD);
  });

  it("reads a file to its end while somebody writes on", async () => {
    write("a.ndjson", `${GOOD}\n`.repeat(300));
    let isGrown = false;
    const server = await startFakeServer({
      script: () => {
        if (!isGrown) writeFileSync(join(cwd, "a.ndjson"), `${GOOD}\n`, { flag: "a" });
        isGrown = true;
        return 202;
      },
    });
    onTestFinished(() => server.close());
    const args = ["upload", "a.ndjson", "--base-url", server.url, "--concurrency", "1"];
    const first = await run([...args, "--json"], { cwd, env });
    const { records, accepted } = JSON.parse(first.stdout) as { records: number; accepted: number };
    expect([300, 301]).toContain(records);
    expect(accepted).toBe(records);
    expect(existsSync(join(cwd, "rejected.ndjson"))).toBe(false);
  });
});

describe("credentials in a file", () => {
  const doctor = async (content: string | Buffer, args: readonly string[] = []) => {
    write(".env", content);
    return run(["doctor", "--no-send", "--base-url", "http://127.0.0.1:1/v2", ...args], { cwd });
  };

  it("are found behind a mark, with CRLF, quotes, export, comments and spaces", async () => {
    const ran = await doctor(
      `\uFEFFexport MPARTICLE_API_KEY = "abcdefgh" # of the shop\r\n\r\n# MPARTICLE_API_KEY=no\r\nMPARTICLE_API_SECRET='${SECRET}'\r\n`,
    );
    expect(ran.stdout).toContain(
      `✓ credentials key abcd…, and a secret of ${String(SECRET.length)} characters, from .env.`,
    );
    expect(ran.stdout + ran.stderr).not.toContain(SECRET);
  });

  it("are not taken for missing where the file is in another encoding", async () => {
    const text = `MPARTICLE_API_KEY=abcdefgh\nMPARTICLE_API_SECRET=${SECRET}\n`;
    expect(await doctor(Buffer.from(text, "utf16le"))).toMatchObject({
      code: 2,
      stderr: ".env: it is not UTF-8.\nSave it as UTF-8.\n",
    });
  });

  it("say where they were not found", async () => {
    const { stderr, code } = await doctor("", ["--env-file", "other.env"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^other\.env: it cannot be read: ENOENT.*\nCheck --env-file\.\n$/);
  });

  it("are refused as arguments, however the flag is spelt, and not repeated", async () => {
    const spellings = ["--api-secret", "--apiSecret", "--secret", "-secret", "--api_key", "--token", "--password"];
    for (const flag of [...spellings, ...spellings.map((one) => `${one}=${SECRET}`)]) {
      for (const command of [["upload", "a.ndjson"], ["doctor"], ["mock", "--forward"]]) {
        const ran = await run([...command, flag, ...(flag.includes("=") ? [] : [SECRET])], { cwd });
        expect([flag, ran.code]).toEqual([flag, 2]);
        expect(ran.stderr).toContain("Credentials are not taken as arguments");
        expect(ran.stderr).not.toContain(SECRET);
      }
    }
    const terminal = testTerminal({ cwd, env: { MPARTICLE_API_SECRET: SECRET } });
    expect(await runProgram(["upload", `a-${SECRET}.ndjson`], terminal)).toBe(2);
    expect(terminal.written.stderr).not.toContain(SECRET);
  });
});
