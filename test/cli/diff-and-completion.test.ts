import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, testTerminal } from "./test-terminal.ts";
import { createProgram } from "../../src/cli/program.ts";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "cli-diff-"));
});
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

describe("diff", () => {
  it("compares with the contract of this package, and says whether that breaks who sends", async () => {
    const schema = {
      $defs: { Batch: { type: "object", properties: { environment: { type: "string" }, gone: { type: "string" } } } },
    };
    writeFileSync(
      join(cwd, "old.json"),
      JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", ...schema }),
    );
    const ran = await run(["diff", "old.json"], { cwd });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(
      /^old\.json \(JSON Schema 2020-12\) → mparticle-events\/openapi\.json \(OpenAPI 3\.1\.0\)\n\nBreaking/,
    );
    expect(ran.stdout).toContain("gone");
    const json = JSON.parse((await run(["diff", "old.json", "old.json", "--json"], { cwd })).stdout) as {
      verdict: string;
    };
    expect(json.verdict).toBe("same");
    expect((await run(["diff", "old.json", "--profile", "wire"], { cwd })).stdout).toContain("openapi.wire.json");
  });

  it("says what cannot be compared, and what to do", async () => {
    expect(await run(["diff", "nothing.yaml"], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^nothing\.yaml: no such file\.\nName a file/) as string,
    });
    writeFileSync(join(cwd, "page.html"), "<!doctype html>");
    expect(await run(["diff", "page.html"], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/HTML page/) as string,
    });
  });
});

describe("completion", () => {
  it("knows every command and every flag, in every shell", async () => {
    const commands = createProgram(testTerminal()).commands;
    expect(commands.length).toBeGreaterThan(5);
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout } = await run(["completion", shell]);
      expect(code).toBe(0);
      for (const command of commands) {
        expect(stdout).toContain(command.name());
        for (const { long } of command.options)
          expect(stdout).toContain(shell === "fish" ? `-l ${long!.slice(2)}` : long);
      }
    }
    expect(await run(["completion", "tcsh"])).toMatchObject({ code: 2 });
  });

  it("completes commands, flags and the values of flags in bash", async () => {
    const { stdout } = await run(["completion", "bash"]);
    const complete = (...words: readonly string[]): string => {
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const script = `${stdout}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${String(words.length - 1)}; _mparticle_events; echo "\${COMPREPLY[@]}"`;
      return execFileSync("bash", ["-c", script], { encoding: "utf8", cwd }).trim();
    };
    expect(complete("mparticle-events", "up")).toBe("upload");
    expect(complete("mparticle-events", "upload", "--hist")).toBe("--historical");
    expect(complete("mparticle-events", "check", "--format", "")).toBe("github junit sarif");
    expect(complete("mparticle-events", "check", "old")).toBe("old.json");
  });
});
