import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startFakeServer, type FakeServerOptions } from "mparticle-events/testing";
import { createProgram } from "../../src/cli/program.ts";
import { FULL, full, onlyInFull } from "../full.ts";
import { build, CLI } from "../package/packed.ts";
import { run, testTerminal } from "./test-terminal.ts";

const SECRET = "secret-of-the-input";
const GOOD = {
  environment: "development",
  user_identities: { customer_id: "7" },
  events: [{ event_type: "opt_out", data: { is_opted_out: true } }],
};

let cwd: string;
beforeAll(build);
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "cli-terminal-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

/** util-linux has it, which every Debian is made with; other systems have another program of that name. */
const SCRIPT = spawnSync("script", ["--version"], { encoding: "utf8" });
const HAS_SCRIPT = SCRIPT.status === 0 && SCRIPT.stdout.includes("util-linux");

/** The built command on a pseudo-terminal of `script`, with a keyboard and a screen. */
function onTerminal(args: readonly string[], env: Readonly<Record<string, string>>) {
  const command = [process.execPath, CLI, ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", `stty cols 120; exec ${command}`, "/dev/null"], {
    cwd,
    env: { ...process.env, NO_COLOR: "", TERM: "xterm", SHELL: "/bin/sh", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let screen = "";
  const changed = new Set<() => void>();
  child.stdout.on("data", (chunk) => {
    screen += String(chunk);
    for (const tell of [...changed]) tell();
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  return {
    type: (keys: string) => child.stdin.write(keys),
    shows: (text: string | RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (typeof text === "string" ? !screen.includes(text) : !text.test(screen)) return;
          changed.delete(look);
          resolve();
        };
        changed.add(look);
        look();
        void closed.then(() => {
          reject(new Error(`It ended, and never showed ${String(text)}: ${screen}`));
        });
      }),
    ended: async () => ({ code: (await closed)[0], screen }),
  };
}

async function serve(options: FakeServerOptions) {
  const server = await startFakeServer(options);
  onTestFinished(() => server.close());
  return {
    server,
    env: { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: SECRET, MPARTICLE_BASE_URL: server.url },
  };
}

function writeBatches(count: number): void {
  writeFileSync(join(cwd, "a.ndjson"), `${JSON.stringify(GOOD)}\n`.repeat(count));
}

describe.runIf(HAS_SCRIPT)("on a pseudo-terminal", () => {
  it("an upload has a bar, shows a pause of the service as such, and ends at Ctrl+C with what to do", async () => {
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    const { server, env } = await serve({
      script: async ({ index }) => {
        if (index === 0) return { status: 429, headers: { "retry-after": "1" } };
        if (index > 1) await held;
        return 202;
      },
    });
    writeBatches(full(1000, 3000));
    const terminal = onTerminal(["upload", "a.ndjson", "--concurrency", "1", "--rate", "1000"], env);
    await terminal.shows(/\[█*░*\] +\d+ % · /);
    await terminal.shows(/\u001b\[31m.*paused by the service for \d s/);
    await terminal.shows(/accepted 100 /);
    terminal.type("\u0003");
    await terminal.shows("Stopping: what is in flight is being finished. Once more ends at once.");
    answer();
    const { code, screen } = await terminal.ended();
    expect(code).toBe(3);
    expect(screen).toContain("Go on with: mparticle-events upload a.ndjson --concurrency 1 --rate 1000 --resume");
    // The line of the bar is taken away before anything else is written.
    expect(screen).toMatch(/\r\u001b\[Krecords/);
    expect(screen).not.toContain(SECRET);
    const checkpoint = JSON.parse(readFileSync(join(cwd, "upload.checkpoint.json"), "utf8")) as { records: number };
    expect(checkpoint.records).toBe(server.acceptedOnce().length);
  });

  onlyInFull(() => {
    it("a second Ctrl+C ends an upload at once, whoever does not answer", async () => {
      const { env } = await serve({ script: () => new Promise(() => undefined) });
      writeBatches(500);
      const terminal = onTerminal(["upload", "a.ndjson"], env);
      await terminal.shows(/waiting [1-9]/);
      terminal.type("\u0003");
      await terminal.shows("Stopping:");
      terminal.type("\u0003");
      await terminal.shows("Ending at once: what is in flight will be sent again, with its ids.");
      expect((await terminal.ended()).code).toBe(3);
    });

    it("the mock ends at Ctrl+C, and findings are in colours unless NO_COLOR says otherwise", async () => {
      const mock = onTerminal(["mock", "--port", "0"], {});
      await mock.shows("Ctrl+C ends it");
      mock.type("\u0003");
      expect((await mock.ended()).code).toBe(0);
      writeFileSync(join(cwd, "bad.ndjson"), JSON.stringify({ ...GOOD, nope: 1 }));
      expect((await onTerminal(["check", "bad.ndjson"], {}).ended()).screen).toContain("\u001b[31m✗");
      expect((await onTerminal(["check", "bad.ndjson"], { NO_COLOR: "1" }).ended()).screen).not.toContain("\u001b[");
    });
  });
});

describe("in a pipe", () => {
  it("results that cannot be written are told in two lines", () => {
    writeFileSync(join(cwd, "bad.ndjson"), JSON.stringify({ ...GOOD, nope: 1 }));
    if (!existsSync("/dev/full")) return;
    const ran = spawnSync("sh", ["-c", `${process.execPath} ${CLI} check bad.ndjson --json > /dev/full`], {
      cwd,
      encoding: "utf8",
    });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/The output cannot be written: ENOSPC.*\nMake room, or write it elsewhere\.\n$/);
  });

  /** Each flag with a value that it takes, or the word that says that it takes none. */
  const VALUES: Readonly<Record<string, string>> = {
    "--input": "json",
    "--map": "a=user_attributes.a",
    "--set": "environment=development",
    "--manifest": "manifest.json",
    "--event-type": "custom_event",
    "--profile": "wire",
    "--endpoint": "bulk",
    "--environment": "development",
    "--off": "no-identity",
    "--plan": "plan.json",
    "--plan-version": "3",
    "--format": "sarif",
    "--pod": "eu1",
    "--base-url": "http://127.0.0.1:9/v2",
    "--env-file": "some.env",
    "--id-from": "user_identities.customer_id",
    "--rate": "100",
    "--concurrency": "2",
    "--give-up-after": "1",
    "--rejected": "r.ndjson",
    "--checkpoint": "c.json",
    "--port": "0",
    "--fail": "503:0.5",
    "--out": "out.txt",
    "--plan-id": "shop",
    "--workspace": "1",
    "--auth-url": "http://127.0.0.1:9",
    "--api-url": "http://127.0.0.1:9",
    "--old-version": "3",
    "--new-version": "3",
    "--max-enum": "3",
  };
  /** What a command needs besides, and what keeps it from the network and from waiting. */
  const CALLS: Readonly<Record<string, readonly string[]>> = {
    check: ["a.ndjson"],
    upload: ["a.ndjson", "--dry-run"],
    mock: ["--forward", "--port", "0"],
    doctor: ["--no-send", "--base-url", "http://127.0.0.1:9/v2"],
    diff: ["api.yaml", "api.yaml"],
    "plan generate": ["plan.json"],
    "plan fetch": ["shop"],
    "plan diff": ["plan.json", "plan.json"],
    "plan infer": ["a.ndjson"],
    "plan coverage": ["a.ndjson", "--plan", "plan.json"],
    completion: ["bash"],
  };
  /** The least that can be compared. */
  const API = `
openapi: 3.1.0
info: { title: an API, version: "1" }
paths:
  /events:
    post:
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "202": { description: taken } }
`;
  const commandsOf = (command: Command, above = ""): readonly (readonly [string, Command])[] =>
    command.commands.flatMap((child) => {
      const path = `${above} ${child.name()}`.trim();
      return child.commands.length > 0 ? commandsOf(child, path) : [[path, child] as const];
    });
  const commands = commandsOf(createProgram(testTerminal()));

  function writeFiles(): void {
    writeFileSync(join(cwd, "a.ndjson"), JSON.stringify(GOOD));
    const point = {
      match: { type: "custom_event", criteria: { event_name: "A", custom_event_type: "other" } },
      validator: { type: "json_schema", definition: {} },
    };
    const plan = { data_plan_id: "shop", version: 3, version_document: { data_points: [point] } };
    writeFileSync(join(cwd, "plan.json"), JSON.stringify(plan));
    writeFileSync(join(cwd, "manifest.json"), JSON.stringify({ hasHeaderRow: true, columns: [] }));
    writeFileSync(join(cwd, "some.env"), "");
    writeFileSync(join(cwd, "api.yaml"), API);
  }

  it.each(commands.map(([path, command]) => [path, command] as const))(
    "%s takes each of its flags, and refuses one that it does not have",
    async (path, command) => {
      writeFiles();
      const words = path.split(" ");
      const base = CALLS[path];
      if (base === undefined) throw new Error(`The table has no call of \`${path}\`.`);
      const env = { MPARTICLE_CLIENT_ID: "i", MPARTICLE_CLIENT_SECRET: "s" };
      // The mock would wait for its end.
      const onOrphaned = (end: () => void) => (setImmediate(end), () => undefined);
      const call = (flags: readonly string[]) => run([...words, ...base, ...flags], { cwd, env, onOrphaned });
      for (const { long, short, required, optional } of command.options) {
        const flag = long ?? short ?? "";
        const value = VALUES[flag];
        if ((required || optional) && value === undefined) throw new Error(`The table has no value of \`${flag}\`.`);
        const flags = required || optional ? [flag, value ?? ""] : [flag];
        const { stderr } = await call(flags);
        expect([path, flag, stderr]).not.toEqual([
          path,
          flag,
          expect.stringMatching(/nknown option|argument missing|is invalid|should not have/),
        ]);
        // A flag with a value is nothing without it.
        if (required) expect([flag, await run([...words, ...base, flag], { cwd })]).toMatchObject([flag, { code: 2 }]);
      }
      const unknown = await call(["--no-such-flag"]);
      expect(unknown).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("Unknown option '--no-such-flag'.") as string,
      });
      const help = await run([...words, "--help"], { cwd });
      expect(help.code).toBe(0);
      for (const { long } of command.options) expect(help.stdout).toContain(long);
      expect(help.stdout).toContain("xamples:");
    },
  );

  it.each(
    full(
      ["upload"],
      commands.map(([path]) => path),
    ),
  )("%s as a process says in two lines what is wrong, and nothing on the standard output", (path) => {
    const ran = spawnSync(process.execPath, [CLI, ...path.split(" "), "--no-such-flag"], { cwd, encoding: "utf8" });
    expect(ran).toMatchObject({ status: 2, stdout: "" });
    expect(ran.stderr.trimEnd().split("\n")).toHaveLength(2);
    if (FULL) expect(ran.stderr).not.toContain("\u001b[");
  });
});
