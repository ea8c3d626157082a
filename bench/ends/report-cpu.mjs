/** Loaded before a program: says in the end what CPU all of it took, in milliseconds, on a line of its own. */
import { writeSync } from "node:fs";

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  writeSync(2, `\ncpu ${(user + system) / 1_000}\n`);
});
