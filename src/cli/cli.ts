#!/usr/bin/env node
import { processTerminal } from "./process-terminal.ts";
import { runProgram } from "./program.ts";

// Not `process.exit`: what was written to a pipe may still be on its way.
process.exitCode = await runProgram(process.argv.slice(2), processTerminal());
