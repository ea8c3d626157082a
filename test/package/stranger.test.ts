import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FULL, onlyInFull } from "../full.ts";
import { packedBeside, ROOT } from "./packed.ts";

const run = promisify(execFile);
const { version, peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/** Uses everything that needs an optional peer, and prints what it was told. */
const PROGRAM = `
import { createRequire } from "node:module";
import { consentFromTcf, ccpaFromGpp } from "mparticle-events/consent";
import { FleetQueue } from "mparticle-events/bullmq";
import { sqliteOutbox, undiciFetch } from "mparticle-events/node";
import { instrumentEvents } from "mparticle-events/otel";
import { startMockServer } from "mparticle-events/testing";

const require = createRequire(import.meta.url);
const uses = {
  tcf: () => consentFromTcf("COtwN4AOtwN4AAfABBENB-CAAKAAAAAAAAYgAOAAAABAAAAA", { purposes: { 1: "storage" } }),
  gpp: () => ccpaFromGpp("DBABLA~CEAQAAAAAABA.QA"),
  queue: () => new FleetQueue({ connection: { host: "127.0.0.1", port: 1 } }).add({ environment: "development" }),
  outbox: () => sqliteOutbox("./none.db"), // at once, and not at the first event
  undici: () => undiciFetch(),
  otel: () => instrumentEvents(),
  "otel, required": () => require("mparticle-events/otel").instrumentEvents(),
  mock: () => startMockServer(),
};
const told = {};
for (const [name, use] of Object.entries(uses)) {
  told[name] = await Promise.resolve().then(use).then(() => "nothing", (error) => error.message);
}
console.log(JSON.stringify(told));
`;

let folder: string;
/** Where npx has put the package, and nothing beside it: no optional peer. */
let bare: string;
let help: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mparticle-events-"));
  if (!FULL) {
    // What npx would do, which takes it two seconds.
    bare = join(folder, "bare");
    mkdirSync(join(bare, "node_modules/mparticle-events"), { recursive: true });
    await run("tar", ["-xzf", packedBeside().file, "-C", "node_modules/mparticle-events", "--strip-components=1"], {
      cwd: bare,
    });
    return;
  }
  const cache = join(folder, "cache");
  const of = ["--yes", "--offline", "--no-update-notifier", "--cache", cache, "--package", packedBeside().file];
  const { stdout } = await run("npx", [...of, "--", "mparticle-events", "--help"], { cwd: folder });
  help = stdout;
  const [project = ""] = readdirSync(join(cache, "_npx"));
  bare = join(cache, "_npx", project);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the package, alone on a machine that is offline", () => {
  onlyInFull(() => {
    it("gives its command to npx", () => {
      expect(help).toMatch(/^Usage: mparticle-events /);
      expect(readdirSync(join(bare, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
        "mparticle-events",
      ]);
      const installed = join(bare, "node_modules/mparticle-events/package.json");
      expect((JSON.parse(readFileSync(installed, "utf8")) as { readonly version: string }).version).toBe(version);
    });
  });

  it("names each optional peer and the version to install, where it is used for the first time", async () => {
    writeFileSync(join(bare, "program.mjs"), PROGRAM);
    // Where Node has SQLite of its own, nobody needs a peer for it.
    const flag = process.allowedNodeEnvironmentFlags.has("--experimental-sqlite") ? ["--no-experimental-sqlite"] : [];
    const { stdout, stderr } = await run(process.execPath, [...flag, "program.mjs"], { cwd: bare });
    expect(stderr).toBe("");
    const told = JSON.parse(stdout) as Readonly<Record<string, string>>;
    const named = Object.fromEntries(
      Object.entries(told).map(([use, message]) => [use, /`npm install (?:--save-dev )?(\S+)`/.exec(message)?.[1]]),
    );
    const wanted = (name: string): string => `${name}@${peerDependencies[name] ?? "?"}`;
    expect(named).toEqual({
      tcf: wanted("@iabtcf/core"),
      gpp: wanted("@iabgpp/cmpapi"),
      queue: wanted("bullmq"),
      outbox: wanted("libsql"),
      undici: wanted("undici"),
      otel: wanted("@opentelemetry/api"),
      "otel, required": wanted("@opentelemetry/api"),
      mock: wanted("@stoplight/prism-cli"),
    });
  });
});
