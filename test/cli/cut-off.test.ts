import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { CutOff } from "../../src/cli/cut-off.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { processTerminal } from "../../src/cli/process-terminal.ts";
import { runProgram } from "../../src/cli/program.ts";
import { streamOutput } from "../../src/cli/stream-output.ts";
import type { Output } from "../../src/cli/terminal.ts";
import { testTerminal } from "./test-terminal.ts";

/** A pipe that takes so many writes before its reader goes. */
function pipe(writes: number, code = "EPIPE") {
  const taken: string[] = [];
  const stream = new Writable({
    highWaterMark: 1,
    decodeStrings: false,
    write: (text: string, _, done) => {
      if (taken.length === writes) {
        done(Object.assign(new Error(`write ${code}`), { code }));
        return;
      }
      taken.push(text);
      done();
    },
  });
  return { stream, taken };
}

function outputOver(writes: number, cutOff = new CutOff(), code?: string) {
  const { stream, taken } = pipe(writes, code);
  const faults: string[] = [];
  const output = streamOutput(
    stream,
    () => {
      cutOff.happened();
    },
    (error) => faults.push(error.message),
  );
  return { output, taken, faults, cutOff };
}

describe("an output whose reader goes", () => {
  it("throws the rest away, and keeps nobody waiting for room", async () => {
    const { output, taken, faults } = outputOver(1);
    await output.write("one");
    expect(output.isClosed).toBe(false);
    await output.write("two");
    expect(output.isClosed).toBe(true);
    await output.write("three");
    expect({ taken, faults }).toEqual({ taken: ["one"], faults: [] });
  });

  it("is told apart from a full disk", async () => {
    const { output, faults, cutOff } = outputOver(0, new CutOff(), "ENOSPC");
    void output.write("one");
    await expect.poll(() => faults).toEqual(["write ENOSPC"]);
    expect(output.isClosed).toBe(false);
    cutOff.settle(EXIT.clean);
    expect(cutOff.exitCode).toBe(0);
  });
});

describe("the exit code of a command whose output was cut off", () => {
  it.each([
    [EXIT.clean, 141],
    [EXIT.findings, 1],
    [EXIT.wrongUse, 2],
    [EXIT.undelivered, 3],
  ])("that comes to %d is %d, whichever is known first", (came, ends) => {
    const early = new CutOff();
    early.happened();
    early.settle(came);
    const late = new CutOff();
    late.settle(came);
    expect(late.exitCode).toBe(came);
    late.happened();
    expect([early.exitCode, late.exitCode]).toEqual([ends, ends]);
  });

  it("is that of the findings, and check reads no further", async () => {
    const { output, taken, cutOff } = outputOver(1);
    const line = `${JSON.stringify({ environment: "development", nope: 1 })}\n`.repeat(200);
    let chunks = 0;
    // Without an end: only a check that stops comes back.
    const stdin = (async function* () {
      for (;;) {
        await Promise.resolve();
        chunks++;
        yield new TextEncoder().encode(line);
      }
    })();
    const terminal = testTerminal({ stdin, stdout: output });
    cutOff.settle(await runProgram(["check", "-"], terminal));
    expect(cutOff.exitCode).toBe(1);
    expect(taken).toHaveLength(1);
    expect(chunks).toBeLessThan(10);
    expect(terminal.written.stderr).toMatch(/^Stopped, because nobody reads the findings any more\./);
  });

  it.each([
    ["completion", "bash"],
    ["--help"],
    ["diff", "test/scripts/fixtures/mini.yaml", "test/scripts/fixtures/mini.yaml"],
    ["plan", "infer", "-"],
  ])("is not 0, by %s %s", async (...args) => {
    const { output, cutOff } = outputOver(0);
    const input = JSON.stringify({ environment: "development", events: [] });
    cutOff.settle(await runProgram(args, testTerminal({ stdout: output, input })));
    await expect.poll(() => cutOff.exitCode).toBe(141);
  });
});

describe("a command that goes on until it is interrupted", () => {
  it("is interrupted once when nobody reads on, also when it asks for that later", async () => {
    const cutOff = new CutOff();
    const terminal = processTerminal(cutOff);
    const calls: string[] = [];
    const forget = terminal.onInterrupt(() => calls.push("early"));
    const forgotten = terminal.onInterrupt(() => calls.push("never"));
    forgotten();
    cutOff.happened();
    cutOff.happened();
    const forgetLate = terminal.onInterrupt(() => calls.push("late"));
    terminal.onInterrupt(() => calls.push("never"))();
    expect(calls).toEqual(["early"]);
    await Promise.resolve();
    expect(calls).toEqual(["early", "late"]);
    forget();
    forgetLate();
  });

  it("is the mock, which ends when it cannot say what was asked of it", async () => {
    const { output: stderr, cutOff } = outputOver(0);
    const shown: string[] = [];
    const stdout: Output = { ...testTerminal().stdout, write: (text) => Promise.resolve(void shown.push(text)) };
    const terminal = testTerminal({ stdout, stderr, onInterrupt: (handler) => cutOff.onCutOff(handler) });
    const running = runProgram(["mock", "--port", "0"], terminal);
    await expect.poll(() => shown.length).toBe(1);
    const [, url = ""] = /served at (\S+)/.exec(shown[0] ?? "") ?? [];
    await (await fetch(url)).text();
    cutOff.settle(await running);
    expect(cutOff.exitCode).toBe(141);
  });
});
