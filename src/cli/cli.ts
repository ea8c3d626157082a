#!/usr/bin/env node
import { CutOff } from "./cut-off.ts";
import { processTerminal } from "./process-terminal.ts";
import { runProgram } from "./program.ts";

const cutOff = new CutOff();
cutOff.settle(await runProgram(process.argv.slice(2), processTerminal(cutOff)));
// Not `process.exit`: what was written to a pipe may still be on its way, or fail.
process.on("exit", () => {
  process.exitCode ??= cutOff.exitCode;
});
