import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { full } from "../full.ts";
import { makeOwnProject } from "./own-project.ts";

/** What each program does with a client and a recording `fetch`, wherever the two come from. */
const USE = `
async function use({ EventsClient, createBatch, customEvent, ApiError }, { recordingFetch }, { checkBatch }) {
  const fetch = recordingFetch([503, 202, 202, 400]);
  const client = new EventsClient({ apiKey: "key", apiSecret: "secret", retry: { baseDelayMs: 1 }, validate: checkBatch, fetch });
  const batch = createBatch({ environment: "development", user_identities: { customer_id: "1234" } }, [customEvent("opened", "other")]);
  const { attempts } = await client.upload(batch);
  const seen = [];
  client.raw.use({ onRequest: ({ schemaPath }) => void seen.push(schemaPath) });
  const { response } = await client.raw.POST("/events", { body: batch });
  const error = await client.upload(batch).catch((error) => error);
  console.log(JSON.stringify({
    attempts,
    rawStatus: response.status,
    seen,
    error: [error.name, error.status],
    known: error instanceof ApiError,
    sent: fetch.batches().map(({ source_request_id }) => source_request_id === batch.source_request_id),
  }));
}
`;

const PROGRAMS = {
  "require alone": [
    "program.cjs",
    `use(require("mparticle-events"), require("mparticle-events/testing"), require("mparticle-events/validate"));`,
  ],
  "import alone": [
    "program.mjs",
    `use(await import("mparticle-events"), await import("mparticle-events/testing"), await import("mparticle-events/validate"));`,
  ],
  "require, and import for its tests": [
    "mixed.cjs",
    `import("mparticle-events/testing").then((testing) => use(require("mparticle-events"), testing, require("mparticle-events/validate")));`,
  ],
  "import, and require in what it depends on": [
    "mixed.mjs",
    `import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    await use(await import("mparticle-events"), require("mparticle-events/testing"), require("mparticle-events/validate"));`,
  ],
} as const;

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
  for (const [name, code] of Object.values(PROGRAMS)) writeFileSync(join(folder, name), `${USE}\n${code}`);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("a program that asks for the branch of another runtime, as Jest does under jsdom", () => {
  it.each(full(["browser"], ["browser", "edge-light", "workerd"]))(
    "%s, gets CommonJS by require",
    async (condition) => {
      const [name] = PROGRAMS["require alone"];
      const args = ["--conditions", condition, name];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 100_000 });
      expect(JSON.parse(stdout)).toMatchObject({ attempts: 2, known: true });
    },
  );
});

/** How a process is started; one runs both programs that mix, as each of them has other copies of the modules. */
const RUNS = full<readonly (readonly [string, readonly string[]])[]>(
  [["import and require, and by require and import in turn,", ["--import", "./mixed.mjs", "mixed.cjs"]]],
  Object.entries(PROGRAMS).map(([how, [name]]) => [how, [name]]),
);

describe("a program that gets the package by", () => {
  it.each(RUNS)("%s uploads through its own fetch, and by the raw client", async (_how, args) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 100_000 });
    expect(stderr).toBe("");
    const told = stdout.trimEnd().split("\n");
    expect(told).toHaveLength(full(2, 1));
    for (const line of told) {
      expect(JSON.parse(line)).toEqual({
        attempts: 2,
        rawStatus: 202,
        seen: ["/events", "/events"],
        error: ["ApiError", 400],
        known: true,
        sent: [true, true, true, true],
      });
    }
  });
});
