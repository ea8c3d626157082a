/** Loaded before a program: says in the end, on a line each, what CPU it took in milliseconds, and MB at most. */
import { writeSync } from "node:fs";

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  const megabytes = process.resourceUsage().maxRSS / 1_024;
  writeSync(2, `\ncpu ${(user + system) / 1_000}\nmemory ${megabytes}\n`);
});
