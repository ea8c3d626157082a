import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, it } from "vitest";
import { onlyInFull } from "../full.ts";
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

  it.each(["import", "require"] as const)("gives every entry to %s", async (kind) => {
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
    const names = entries.map((entry) => `mparticle-events${entry.slice(1)}`);
    const program =
      kind === "import"
        ? `Promise.all(${JSON.stringify(names)}.map((name) => import(name))).then((all) => console.log(JSON.stringify(all.map((one) => Object.keys(one)))))`
        : `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => Object.keys(require(name)))))`;
    const { stdout } = await run(
      process.execPath,
      [`--input-type=${kind === "import" ? "module" : "commonjs"}`, "-e", program],
      {
        cwd: packed.folder,
      },
    );
    const exported = JSON.parse(stdout) as readonly (readonly string[])[];
    const sources = [
      await import("mparticle-events"),
      await import("mparticle-events/validate"),
      await import("mparticle-events/consent"),
      await import("mparticle-events/plan"),
      await import("mparticle-events/node"),
      await import("mparticle-events/testing"),
      await import("mparticle-events/bullmq"),
      await import("mparticle-events/postgres"),
      await import("mparticle-events/otel"),
    ];
    expect(exported.map((keys) => keys.toSorted())).toEqual(sources.map((source) => Object.keys(source).sort()));
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
