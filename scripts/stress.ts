/** Runs the tests three times on a machine that has better things to do: `npm run test:stress`. */
import { spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PASSES = 3;
/** A busy loop that outlives whoever started it would never be noticed: each ends with the pipe to its parent. */
const BUSY =
  "process.stdin.resume().on('end', () => process.exit()); (function spin() { const until = Date.now() + 100; while (Date.now() < until); setImmediate(spin); })();";

const loops = Array.from({ length: availableParallelism() }, () =>
  spawn(process.execPath, ["-e", BUSY], { stdio: ["pipe", "ignore", "ignore"] }),
);
try {
  for (let pass = 1; pass <= PASSES; pass++) {
    console.log(`Pass ${String(pass)} of ${String(PASSES)}, beside ${String(loops.length)} busy loops …`);
    const vitest = [fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url)), "run"];
    const { status } = spawnSync(process.execPath, [...vitest, ...process.argv.slice(2)], {
      cwd: ROOT,
      stdio: "inherit",
    });
    if (status === 0) continue;
    process.exitCode = 1;
    break;
  }
} finally {
  for (const loop of loops) loop.kill("SIGKILL");
}
