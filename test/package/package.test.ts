import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onlyInFull } from "../full.ts";
import { makeOwnProject } from "./own-project.ts";
import { packedBeside, ROOT } from "./packed.ts";

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
};

const packed = packedBeside();

/** All of the documentation but the reference, which `npm run docs` makes. */
const DOCUMENTS = ["docs", "docs/guides", "docs/images"]
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
  .filter((path) => /\.(json|md|svg|png)$/.test(path))
  .sort();

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the package", () => {
  it("holds the build, the contract and the papers, and nothing else", () => {
    expect(packed.paths.filter((path) => !path.startsWith("dist/")).sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      ...DOCUMENTS,
      "generated/openapi.json",
      "generated/openapi.wire.json",
      "llms.txt",
      "package.json",
    ]);
    expect(
      packed.paths.filter((path) => !/\.(js|cjs|d\.ts|d\.cts)$/.test(path) && path.startsWith("dist/")).sort(),
    ).toEqual([
      "dist/commander.LICENSE",
      "dist/noble-hashes.LICENSE",
      "dist/openapi-fetch.LICENSE",
      "dist/page/index.html",
      "dist/page/page.css",
      "dist/yaml.LICENSE",
    ]);
  });

  it("has what its papers link to, but for what is of use in the repository alone", () => {
    const papers = packed.paths.filter((path) => path.endsWith(".md"));
    const links = papers.flatMap((paper) =>
      Array.from(
        readFileSync(join(ROOT, paper), "utf8").matchAll(
          /\]\((?!https?:|#)([^)#]+)|^\[[^\]]+\]: (?!https?:)([^#\s]+)/gm,
        ),
        ([, inline, reference = ""]) => posix.join(posix.dirname(paper), inline ?? reference),
      ),
    );
    expect(links.length).toBeGreaterThan(5);
    const dangling = links.filter((link) => !packed.paths.includes(link));
    expect(
      dangling.filter(
        (link) => !["CONTRIBUTING.md", "bench/README.md", "examples/README.md", "spec/events-api.yaml"].includes(link),
      ),
    ).toEqual([]);
  });

  it("has nothing that publint would change", async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(readFileSync(packed.file)).buffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  onlyInFull(() => {
    it("resolves to types for every module system that Node has", async () => {
      const { stdout } = await run(
        process.execPath,
        [
          join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js"),
          packed.file,
          "--profile",
          "strict",
          "--format",
          "json",
        ],
        { maxBuffer: 1 << 28 },
      );
      const { analysis } = JSON.parse(stdout) as {
        readonly analysis: { readonly problems: readonly { resolutionKind?: string }[] };
      };
      // With "node10", resolution without `exports`, which is what `module: commonjs` means to older services.
      expect(analysis.problems).toEqual([]);
    });
  });

  it("gives every entry to import, and to require", async () => {
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
    const names = entries.map((entry) => `mparticle-events${entry.slice(1)}`);
    const program = `
      import { createRequire } from "node:module";
      const names = ${JSON.stringify(names)};
      const require = createRequire(import.meta.url);
      const required = names.map((name) => require(name));
      const imported = await Promise.all(names.map((name) => import(name)));
      console.log(JSON.stringify([imported, required].map((all) => all.map((one) => Object.keys(one)))));`;
    writeFileSync(join(folder, "entries.mjs"), program);
    const { stdout } = await run(process.execPath, ["entries.mjs"], { cwd: folder });
    const [imported, required] = JSON.parse(stdout) as readonly (readonly (readonly string[])[])[];
    const exported = await exportedBySource(entries);
    expect(exported.every((names) => names.length > 0)).toBe(true);
    expect(imported?.map((keys) => keys.toSorted())).toEqual(exported);
    expect(required?.map((keys) => keys.toSorted())).toEqual(exported);
  });

  it("has one version", async () => {
    const { VERSION } = await import("../../src/version.ts");
    expect(VERSION).toBe(manifest.version);
    expect(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")).toMatch(
      new RegExp(`^## ${manifest.version.replaceAll(".", "\\.")} - 20\\d\\d-\\d\\d-\\d\\d$`, "m"),
    );
  });

  it("runs without Node's modules where the platform is the web's", async () => {
    expect(await bundle('export * from "mparticle-events"')).not.toMatch(/"node:/);
  });

  it("has its optional peers bundled with it, where they are loaded by name", async () => {
    expect(await bundle('export * from "mparticle-events/otel"')).toContain("opentelemetry.js.api");
  });
});

/** The names that the source of each entry exports, without running it. */
async function exportedBySource(entries: readonly string[]): Promise<readonly (readonly string[])[]> {
  const sources = entries.map((entry) =>
    entry === "." ? "src/index.ts" : `src/${entry.slice(2)}/${entry.slice(2)}.ts`,
  );
  const { metafile } = await build({
    entryPoints: sources,
    absWorkingDir: ROOT,
    outdir: folder,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
    alias: { "#platform": join(ROOT, "src/transport/platform-node.ts") },
    logLevel: "error",
  });
  const made = Object.values(metafile.outputs);
  return sources.map((source) => made.find(({ entryPoint }) => entryPoint === source)?.exports.toSorted() ?? []);
}

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: packed.folder },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
  });
  const [file] = outputFiles;
  return file?.text ?? "";
}
