import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { transform } from "esbuild";
import { defineConfig } from "tsdown";

const BEFORE = 'type ResponseObjectMap<T> = T extends {\n  responses: any;\n} ? T["responses"] : unknown;';
const AFTER = BEFORE.replace("unknown", "never");

/**
 * TypeScript 5.0 sees that openapi-fetch's helpers hand `unknown` to what takes records; they never get there. The files
 * are mended, because plugins do not see the declarations for CommonJS.
 */
function mendDeclarations(): void {
  const names = readdirSync("dist").filter((name) => /\.d\.c?ts$/.test(name));
  const texts = names.map((name) => [`dist/${name}`, readFileSync(`dist/${name}`, "utf8")] as const);
  // Called after each format, with the files of both.
  for (const [path, text] of texts.filter(
    ([, text]) => text.includes("ResponseObjectMap<T> =") && !text.includes(AFTER),
  )) {
    if (!text.includes(BEFORE))
      throw new Error(`${path}: openapi-fetch's declarations have changed; is this mending still needed?`);
    writeFileSync(path, text.replace(BEFORE, AFTER));
  }
}

/** Code that nobody reads here, generated or of others, and that would be a third of the whole package. */
async function minifyUnread(_: unknown, bundle: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [fileName, file] of Object.entries(bundle) as [string, { name?: string; code?: string }][]) {
    if (file.name === undefined || !UNREAD.includes(file.name) || file.code === undefined) continue;
    const format = fileName.endsWith(".cjs") ? "cjs" : "esm";
    file.code = (await transform(file.code, { minify: true, target: "es2022", format })).code;
  }
}

/**
 * Writes what is not ASCII as escapes. V8 reads a file with a single `…` in it as text of two bytes a character: all of it
 * takes longer to decode and to parse, and twice the memory.
 */
function escapeBeyondAscii(_: unknown, bundle: Readonly<Record<string, unknown>>): void {
  for (const [fileName, file] of Object.entries(bundle) as [string, { code?: string }][]) {
    if (!/\.c?js$/.test(fileName) || file.code === undefined) continue;
    file.code = file.code.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
}

/**
 * TypeScript 7 for this machine, which writes the same declarations as 5.9 in a third of the time. Its program itself,
 * because it is started as one, and Windows does not start scripts.
 */
const COMPILER = `node_modules/@typescript/typescript-${process.platform}-${process.arch}/lib/tsc${process.platform === "win32" ? ".exe" : ""}`;

const VALIDATORS = "validators";
const UNREAD = [VALIDATORS, "yaml", "commander"];

/** What the command shares with the library: loaded from beside it, so that there is one copy of each. */
const SHARED: Readonly<Record<string, string>> = {
  "src/index.ts": "mparticle-events",
  "src/validate/validate.ts": "mparticle-events/validate",
  "src/consent/consent.ts": "mparticle-events/consent",
  "src/plan/plan.ts": "mparticle-events/plan",
  "src/node/node.ts": "mparticle-events/node",
  "src/testing/testing.ts": "mparticle-events/testing",
};

/** An entry of the library stays outside of the command, under the name that the package itself resolves. */
function shareWithLibrary(
  this: { resolve: (source: string, importer?: string) => Promise<{ readonly id: string } | null> },
  source: string,
  importer: string | undefined,
) {
  if (importer === undefined || !source.startsWith(".")) return undefined;
  return this.resolve(source, importer).then((resolved) => {
    const entry = Object.keys(SHARED).find((path) => resolved?.id.replaceAll("\\", "/").endsWith(`/${path}`) === true);
    return entry === undefined ? undefined : { id: SHARED[entry] ?? "", external: true };
  });
}

/** The command: small files that are loaded when their command is called, with the packages it needs inside. */
const command = defineConfig({
  entry: { cli: "src/cli/cli.ts" },
  format: "esm",
  dts: false,
  platform: "node",
  target: "es2022",
  fixedExtension: false,
  deps: { onlyBundle: ["commander", "yaml"] },
  plugins: [
    { name: "shared-with-library", resolveId: { order: "pre", handler: shareWithLibrary } },
    { name: "minified", generateBundle: minifyUnread },
  ],
  copy: [
    { from: "node_modules/commander/LICENSE", rename: "commander.LICENSE" },
    { from: "node_modules/yaml/LICENSE", rename: "yaml.LICENSE" },
  ],
  inputOptions: { checks: { pluginTimings: false } },
  outputOptions: {
    comments: { jsdoc: false },
    chunkFileNames: "cli/[name].js",
    codeSplitting: {
      groups: [
        { name: "yaml", test: /node_modules\/yaml\// },
        { name: "commander", test: /node_modules\/commander\// },
      ],
    },
  },
});

const library = defineConfig({
  entry: {
    index: "src/index.ts",
    validate: "src/validate/validate.ts",
    consent: "src/consent/consent.ts",
    plan: "src/plan/plan.ts",
    bullmq: "src/bullmq/bullmq.ts",
    postgres: "src/postgres/postgres.ts",
    otel: "src/otel/otel.ts",
    node: "src/node/node.ts",
    testing: "src/testing/testing.ts",
    "platform-node": "src/transport/platform-node.ts",
    "platform-web": "src/transport/platform-web.ts",
  },
  format: ["esm", "cjs"],
  dts: { tsconfig: "tsconfig.build.json", tsgo: { path: COMPILER } },
  platform: "neutral",
  target: "es2022",
  deps: {
    // `#platform` is chosen at run time by `imports` in package.json: bundling it would settle the runtime at build time.
    neverBundle: [/^#/, /^node:/, /^@iab/, "bullmq", "ioredis", "@opentelemetry/api", "./opentelemetry-api.cjs"],
    // The typed transport is part of the package: finding two more packages would take every start longer than loading them.
    onlyBundle: ["openapi-fetch", "openapi-typescript-helpers", "@noble/hashes"],
  },
  plugins: [
    { name: "minified", generateBundle: minifyUnread },
    { name: "ascii", generateBundle: escapeBeyondAscii },
  ],
  hooks: { "build:done": mendDeclarations },
  // As the MIT licence asks of whoever passes it on.
  copy: [
    { from: "node_modules/openapi-fetch/LICENSE", rename: "openapi-fetch.LICENSE" },
    // The page of the mock is served as it is written.
    { from: "src/arrivals/page" },
    // The one file that has to be CommonJS in both builds.
    { from: "src/otel/opentelemetry-api.cjs", to: "dist/otel" },
    { from: "node_modules/@noble/hashes/LICENSE", rename: "noble-hashes.LICENSE" },
  ],
  // What Node has of its own may lie with the platform that it is chosen by: one file less to find.
  inputOptions: { preserveEntrySignatures: "allow-extension", checks: { pluginTimings: false } },
  outputOptions: {
    // The declarations have them.
    comments: { jsdoc: false },
    // Few files: each one more to find and open costs a start up to a millisecond.
    codeSplitting: {
      groups: [
        {
          // First, because a group takes with it what its files import, and the validators import what all do.
          name: "core",
          test: (id) =>
            !/\.d\.[mc]?ts$|platform-node|transport\/node-|src\/(validate|plan|fleet)\/|validators\/(canonical|wire)/.test(
              id,
            ),
          minShareCount: 2,
        },
        { name: VALIDATORS, test: /generated\/validators\/(canonical|wire)\.js$/ },
        // What the root is not made of must not come with it: a chunk is loaded whole.
        { name: "checks", test: /src\/validate\/.*(?<!\.d)\.ts$/, minShareCount: 2 },
        { name: "plans", test: /src\/plan\/(?!plan\.).*(?<!\.d)\.ts$/, minShareCount: 2 },
        { name: "fleets", test: /src\/fleet\/.*(?<!\.d)\.ts$/, minShareCount: 2 },
        { name: "platform-node", test: /(platform-node|transport\/node-[a-z-]+)\.ts$/ },
      ],
    },
  },
});

export default [library, command].flat();
