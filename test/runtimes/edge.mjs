/**
 * Plays the program in the edge runtime: `node edge.mjs SCRIPT` prints a line of JSON.
 * In JavaScript, and in a process of its own: the runtime and its types are there only once the runtimes are installed.
 */
import { readFileSync } from "node:fs";
import { EdgeVM } from "@edge-runtime/vm";

const [, , script] = process.argv;
const vm = new EdgeVM();
vm.evaluate(readFileSync(script, "utf8"));
console.log(JSON.stringify(await vm.evaluate("program.facts")));
