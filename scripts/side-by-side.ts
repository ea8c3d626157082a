/**
 * Runs scripts of package.json, as many at a time as there are processors: `side-by-side.ts SCRIPT…`. The longest go first,
 * because the others fit beside them. Exit code 1 when one of them fails; the others are run all the same.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Result {
  readonly script: string;
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a script, and keeps what it says until it ends: two that talk at once cannot be read. */
function run(script: string): Promise<Result> {
  const started = performance.now();
  const child = spawn("npm", ["run", "--silent", script], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => {
      resolve({ script, code, output, seconds: (performance.now() - started) / 1000 });
    });
  });
}

/** Takes the next script until there is none. */
async function work(waiting: string[]): Promise<void> {
  for (let script = waiting.shift(); script !== undefined; script = waiting.shift()) {
    const { code, output, seconds } = await run(script);
    console.log(`${code === 0 ? "✓" : "✗"} npm run ${script.padEnd(14)} ${seconds.toFixed(0).padStart(3)} s`);
    if (code === 0) continue;
    console.log(output);
    process.exitCode = 1;
  }
}

const scripts = process.argv.slice(2);
console.log(`Running ${scripts.join(", ")}, side by side …`);
await Promise.all(Array.from({ length: availableParallelism() }, () => work(scripts)));
