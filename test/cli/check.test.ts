import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, screen, testTerminal } from "./test-terminal.ts";
import { runProgram } from "../../src/cli/program.ts";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "cli-check-"));
});
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

const good = {
  environment: "development",
  user_identities: { customer_id: "1" },
  events: [{ event_type: "opt_out", data: { is_opted_out: true } }],
};
const misspelt = { ...good, user_identities: { customerId: "1" } };
const lines = (...values: readonly unknown[]): string =>
  values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join("\n");

describe("check", () => {
  it("says nothing of what is right", async () => {
    const ran = await run(["check", "-"], { input: lines(good, good) });
    expect(ran).toEqual({ code: 0, stdout: "", stderr: "✓ 2 records checked, nothing found.\n" });
  });

  it.each([
    ["no bytes", "json", ""],
    ["an empty list", "json", "[]"],
    ["a header alone", "csv", "user_identities.email\n"],
  ])("warns that there was nothing to check in %s", async (_, format, input) => {
    const stderr = "! There was nothing to check: the input holds no record.\n";
    expect(await run(["check", "-", "--input", format], { input })).toEqual({ code: 0, stdout: "", stderr });
  });

  it("names each finding by its place, and at the end what is most frequent", async () => {
    writeFileSync(join(cwd, "a.ndjson"), lines(good, "{bad", misspelt, misspelt));
    const ran = await run(["check", "a.ndjson"], { cwd });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toBe(
      [
        'a.ndjson:2:2 / broken-json expected a key in double quotes, found "bad". Mend the JSON; the other records are read.',
        ...[3, 4].map(
          (line) =>
            `a.ndjson:${String(line)} /user_identities/customerId unknown-key "customerId" is not a key of UserIdentities. Did you mean "customer_id"?`,
        ),
        "",
      ].join("\n"),
    );
    expect(ran.stderr).toMatch(
      /4 records checked: 3 findings in 3 of them\.\n {2}2 × unknown-key\n {4}such as a\.ndjson:3 .*\n {2}1 × broken-json/,
    );
  });

  it("names both places of an id that two batches have, unless that is switched off", async () => {
    const same = { source_request_id: "same" };
    // The third says what the first does, and was only written otherwise.
    const again = lines({ ...same, ...good }).replaceAll(":", ": ");
    writeFileSync(join(cwd, "1.ndjson"), lines({ ...good, ...same }, { ...good, source_request_id: "other" }, again));
    writeFileSync(join(cwd, "2.ndjson"), lines({ ...good, user_identities: { customer_id: "2" }, ...same }));
    const check = (...args: readonly string[]) => run(["check", "1.ndjson", "2.ndjson", ...args], { cwd });
    const ran = await check();
    expect(ran.stdout).toMatch(
      /^2\.ndjson:1 \/source_request_id duplicate-request-id 1\.ndjson:1 has the same id and says something else: .*, unless it refuses that one\. .*\n$/,
    );
    expect(ran.code).toBe(1);
    for (const off of [["--off", "duplicate-request-id"], ["--no-lints"]]) expect((await check(...off)).code).toBe(0);
  });

  it("stops at the first broken line when told to", async () => {
    const ran = await run(["check", "-", "--strict"], { input: lines(good, "{bad", misspelt) });
    expect(ran.code).toBe(1);
    expect(ran.stdout.split("\n")).toHaveLength(2);
    expect(ran.stderr).toContain("--strict");
  });

  it("checks by profile, endpoint and lints", async () => {
    const legacy = { ...good, user_identities: { customerid: "1" } };
    expect((await run(["check", "-"], { input: lines(legacy) })).stdout).toContain("wire-only-key");
    expect((await run(["check", "-", "--profile", "wire", "--no-lints"], { input: lines(legacy) })).code).toBe(0);
    expect((await run(["check", "-", "--endpoint", "historical"], { input: lines(good) })).stdout).toContain(
      "historical-timestamp-missing",
    );
    expect((await run(["check", "-", "--endpoint", "bulk"], { input: lines(good) })).code).toBe(0);
    const nobody = { ...good, user_identities: {} };
    expect((await run(["check", "-"], { input: lines(nobody) })).stdout).toContain("no-identity");
    expect((await run(["check", "-", "--off", "no-identity"], { input: lines(nobody) })).code).toBe(0);
    expect(await run(["check", "-", "--off", "no-identiti"], { input: lines(nobody) })).toMatchObject({
      code: 2,
      stderr: "--off no-identiti: there is no such lint.\nIs no-identity meant?\n",
    });
  });

  it("says how a time is written in CSV, where it has no zone", async () => {
    const header = "user_identities.email,events.data.is_opted_out,events.data.timestamp_unixtime_ms";
    writeFileSync(join(cwd, "t-opt_out.csv"), `${header}\na@b.c,true,2026-11-28 10:00\n`);
    const { stdout } = await run(["check", "t-opt_out.csv", "--environment", "development"], { cwd });
    expect(stdout).toMatch(
      /wrong-type expected an integer, got "2026-11-28 10:00"\. Write the time with its zone, such as/,
    );
    expect(stdout).not.toContain("Date.parse");
  });

  it("fills the environment in for rows that have none", async () => {
    const input = "user_identities.customer_id\n1\n";
    expect((await run(["check", "-", "--input", "csv", "--set", "user_attributes.a=b"], { input })).stdout).toContain(
      "environment-missing",
    );
    const filled = ["check", "-", "--input", "csv", "--set", "user_attributes.a=b", "--environment", "development"];
    expect(await run(filled, { input })).toMatchObject({ code: 0 });
  });

  it("writes JSON, annotations, JUnit and SARIF for machines", async () => {
    writeFileSync(join(cwd, "b,c.ndjson"), lines(good, { ...good, user_identities: { "<&>%": "1" } }));
    writeFileSync(join(cwd, "clean.ndjson"), lines(good));
    const asked = async (...flags: string[]) =>
      (await run(["check", "b,c.ndjson", "clean.ndjson", ...flags], { cwd })).stdout;
    expect(
      (await asked("--json"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { file: "b,c.ndjson", line: 2, severity: "error", code: "unknown-key", path: "/user_identities/<&>%" },
    ]);
    expect(await asked("--format", "github")).toMatch(
      /^::error file=b%2Cc\.ndjson,line=2,title=unknown-key::\/user_identities\/<&>%25 /,
    );
    const junit = await asked("--format", "junit");
    expect(junit).toContain('<testsuites name="mparticle-events check" tests="2" failures="1">');
    expect(junit).toContain('<testcase classname="clean.ndjson" name="no findings"/>');
    expect(junit).toContain("/user_identities/&lt;&amp;&gt;%");
    const sarif = JSON.parse(await asked("--format", "sarif")) as { runs: [{ results: unknown[]; tool: unknown }] };
    expect(sarif.runs[0].results).toMatchObject([
      { ruleId: "unknown-key", level: "error", locations: [{ physicalLocation: { region: { startLine: 2 } } }] },
    ]);
    expect(sarif.runs[0].tool).toMatchObject({ driver: { rules: [{ id: "unknown-key" }] } });
    const none = JSON.parse(
      (await run(["check", "clean.ndjson", "--format", "sarif"], { cwd })).stdout,
    ) as typeof sarif;
    expect(none.runs[0].results).toEqual([]);
  });

  it("is in colours on a terminal, unless NO_COLOR says otherwise", async () => {
    const terminal = testTerminal({ input: lines(misspelt) });
    const onScreen = { ...terminal, stderr: screen(terminal.written) };
    await runProgram(["check", "-"], onScreen);
    expect(terminal.written.stderr).toContain("\u001b[");
    const plain = testTerminal({ input: lines(misspelt), env: { NO_COLOR: "1" } });
    await runProgram(["check", "-"], { ...plain, stderr: screen(plain.written) });
    expect(plain.written.stderr).not.toContain("\u001b[");
  });
});

describe("the command line", () => {
  it.each([
    [["chek"], "Unknown command 'chek'.\nDid you mean check? See mparticle-events --help.\n"],
    [
      ["check", "-", "--fromat", "sarif"],
      "Unknown option '--fromat'.\nDid you mean --format? See mparticle-events check --help.\n",
    ],
    [["check"], "Missing required argument 'input'.\nSee mparticle-events check --help.\n"],
    [
      ["plan", "fetch", "check", "--plan-versoin", "3"],
      "Unknown option '--plan-versoin'.\nDid you mean --plan-version? See mparticle-events plan fetch --help.\n",
    ],
    [["plan", "fetch"], "Missing required argument 'id'.\nSee mparticle-events plan fetch --help.\n"],
    [["plan", "fetsh", "x"], "Unknown command 'fetsh'.\nDid you mean fetch? See mparticle-events plan --help.\n"],
    [["plan"], "Which command?\nSee mparticle-events plan --help.\n"],
    [
      ["check", "nothing.json"],
      "nothing.json: there is no such file or folder.\nCheck the name, and the folder it starts from.\n",
    ],
    [
      ["check", "-", "--map", "x"],
      '--map x has no name before an equals sign.\nWrite it as --map "Email=user_identities.email".\n',
    ],
  ])("answers %j with a line of what is wrong and a line of what to do", async (args, stderr) => {
    expect(await run(args)).toEqual({ code: 2, stdout: "", stderr });
  });

  it.each([
    ["--api-secret", "hunter2hunter2"],
    ["--api-secret=hunter2hunter2"],
    ["--secret=hunter2hunter2"],
    ["--password", "hunter2hunter2"],
    ["MPARTICLE_API_SECRET=hunter2hunter2"],
    ["--base-url", "https://key:hunter2hunter2@example.com/v2"],
  ])("refuses a secret in an argument, and does not repeat it: %s", async (...args) => {
    const ran = await run(["check", "-", ...args], { env: { MPARTICLE_API_SECRET: "hunter2hunter2" } });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/every process of this machine can read them.*\nSet MPARTICLE_API_KEY/s);
    expect(ran.stderr).not.toContain("hunter2");
  });

  it("teaches by examples, and says what the exit codes mean", async () => {
    const help = await run(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/Examples:.*Exit codes/s);
    expect((await run(["check", "--help"])).stdout).toMatch(/Examples:/);
    expect(await run([])).toMatchObject({ code: 2 });
  });
});
