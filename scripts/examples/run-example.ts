import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Arrivals, type BatchRecord } from "../../src/arrivals/arrivals.ts";
import { serveArrivals } from "../../src/arrivals/serve-arrivals.ts";
import { ContractService } from "../../src/cli/mock/contract-service.ts";
import { listen } from "../../src/cli/mock/mock-server.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/** The examples that there are. */
export function exampleNames(): readonly string[] {
  return readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/**
 * Runs an example against a mock of its own. A process runs an example once: its program is a module, and runs when it is
 * loaded.
 *
 * @param load - loads `main.ts`; a test runner has its own way.
 * @returns what arrived at the mock, in order.
 */
export async function runExample(
  name: string,
  load: (file: string) => Promise<unknown> = (file) => import(pathToFileURL(file).href),
): Promise<readonly BatchRecord[]> {
  const arrivals = new Arrivals();
  const records: BatchRecord[] = [];
  const service = new ContractService({ profile: "canonical", failures: [], now: Date.now, random: Math.random });
  service.onBatch((record) => {
    arrivals.add(record);
    records.push(record);
  });
  const mock = await listen(service, 0, () => undefined, serveArrivals(arrivals));
  const settings = { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret", MPARTICLE_BASE_URL: mock.url };
  try {
    const folder = join(EXAMPLES, name);
    if (existsSync(join(folder, "main.ts"))) {
      Object.assign(process.env, settings);
      await load(join(folder, "main.ts"));
    } else {
      await runPythonTests(folder, settings);
    }
  } finally {
    await mock.close();
  }
  return records;
}

async function runPythonTests(folder: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const python = process.platform === "win32" ? "python" : "python3";
  const child = spawn(python, ["-B", "-m", "unittest", "--verbose"], {
    cwd: folder,
    env: { ...process.env, ...settings },
    stdio: ["ignore", "inherit", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`The tests of ${folder} do not pass:\n${said}`);
  console.log(said.trimEnd());
}
