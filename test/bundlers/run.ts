/**
 * Bundles a Worker by each bundler that people take, and lets what comes out serve a request: `npm run test:bundlers`.
 * Installs the bundlers when they are missing. Exit code 1 when one fails.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { startFakeServer } from "../../src/testing/testing.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = fileURLToPath(new URL("./", import.meta.url));
const require = createRequire(join(HERE, "package.json"));

function installBundlers(): void {
  const { dependencies } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  if (Object.keys(dependencies).every((name) => existsSync(join(HERE, "node_modules", name)))) return;
  console.log("Installing the bundlers …");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
  execFileSync("npm", ["ci", "--prefix", HERE, ...options], { stdio: "inherit", shell: process.platform === "win32" });
}

/** The package as it is installed, and the Worker of the examples beside it. */
function makeWorkerProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-bundlers-"));
  const arguments_ = ["pack", "--ignore-scripts", "--json", "--loglevel", "error", "--pack-destination", folder];
  const [packed] = JSON.parse(execFileSync("npm", arguments_, { cwd: ROOT, encoding: "utf8" })) as readonly {
    readonly filename: string;
  }[]; // as npm documents
  const target = join(folder, "node_modules/mparticle-events");
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, packed?.filename ?? ""), "-C", target, "--strip-components=1"]);
  for (const name of ["webpack", "rollup", "vite", "esbuild"]) {
    symlinkSync(join(HERE, "node_modules", name), join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-worker", private: true, type: "module" }));
  return folder;
}

type Bundle = (entry: string, into: string) => Promise<void>;

/** As the tools of the platform set them: the conditions of a Worker, and one file of modern JavaScript. */
const CONDITIONS = ["workerd", "worker", "browser", "import"];

/** Each writes `into/worker.js`. The interfaces of the bundlers are typed as far as they are used here. */
const BUNDLERS: Readonly<Record<string, Bundle>> = {
  async esbuild(entry, into) {
    const { build } = require("esbuild") as { build: (options: object) => Promise<unknown> };
    const outfile = join(into, "worker.js");
    await build({ entryPoints: [entry], bundle: true, format: "esm", minify: true, outfile, conditions: CONDITIONS });
  },
  async webpack(entry, into) {
    const webpack = require("webpack") as (
      options: object,
      done: (error: Error | null, stats?: { hasErrors: () => boolean; toString: () => string }) => void,
    ) => void;
    await new Promise<void>((resolve, reject) => {
      const options = {
        entry,
        mode: "production",
        target: "webworker",
        experiments: { outputModule: true },
        output: { path: into, filename: "worker.js", library: { type: "module" } },
        resolve: { conditionNames: CONDITIONS },
      };
      webpack(options, (error, stats) => {
        if (error !== null || stats === undefined || stats.hasErrors()) reject(error ?? new Error(String(stats)));
        else resolve();
      });
    });
  },
  async rollup(entry, into) {
    const { rollup } = require("rollup") as {
      rollup: (options: object) => Promise<{ write: (options: object) => Promise<unknown> }>;
    };
    const { nodeResolve } = require("@rollup/plugin-node-resolve") as { nodeResolve: (options: object) => unknown };
    const plugins = [nodeResolve({ browser: true, exportConditions: CONDITIONS })];
    const bundle = await rollup({ input: entry, plugins });
    await bundle.write({ file: join(into, "worker.js"), format: "es", inlineDynamicImports: true });
  },
  async vite(entry, into) {
    const { build } = (await import(pathToFileURL(require.resolve("vite")).href)) as {
      build: (options: object) => Promise<unknown>;
    };
    await build({
      root: dirname(entry),
      logLevel: "warn",
      resolve: { conditions: CONDITIONS },
      build: { outDir: into, emptyOutDir: false, lib: { entry, formats: ["es"], fileName: () => "worker.js" } },
    });
  },
};

/** What a platform does with a Worker: one request, and what it waits for. */
async function serve(file: string): Promise<void> {
  await using service = await startFakeServer();
  const { default: worker } = (await import(pathToFileURL(file).href)) as {
    readonly default: { fetch(request: Request, env: object, context: object): Response | Promise<Response> };
  };
  const waiting: Promise<unknown>[] = [];
  const env = { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret", MPARTICLE_BASE_URL: service.url };
  const context = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise) };
  const answer = await worker.fetch(new Request("https://shop.example/lamps"), env, context);
  await Promise.all(waiting);
  const names = service.accepted().flatMap(({ events = [] }) => events?.map(({ event_type }) => event_type) ?? []);
  if (answer.status !== 200 || names.join() !== "screen_view") throw new Error(`It sent ${names.join() || "nothing"}.`);
}

installBundlers();
const folder = makeWorkerProject();
let failed = 0;
try {
  const entry = join(folder, "worker.js");
  const { build } = require("esbuild") as { build: (options: object) => Promise<unknown> };
  // Types away, and nothing else: the bundlers get what a compiler would leave.
  await build({ entryPoints: [join(ROOT, "examples/worker/worker.ts")], format: "esm", outfile: entry });
  for (const [name, bundle] of Object.entries(BUNDLERS)) {
    const into = join(folder, name);
    mkdirSync(into);
    try {
      await bundle(entry, into);
      const text = readFileSync(join(into, "worker.js"), "utf8");
      if (/\bfrom ?"node:|import\("node:|require\("node:/.test(text))
        throw new Error("There is a module of Node in it.");
      await serve(join(into, "worker.js"));
      console.log(`✓ ${name}: ${(text.length / 1000).toFixed(0)} kB`);
    } catch (error) {
      failed++;
      console.log(`✗ ${name}:`, error);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
const total = Object.keys(BUNDLERS).length;
console.log(`${String(total - failed)} passed, ${String(failed)} failed`);
if (failed > 0) process.exitCode = 1;
