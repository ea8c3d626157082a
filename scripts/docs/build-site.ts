/**
 * Builds the site of the documentation into `docs/site/dist`: VitePress over the Markdown of the repository, with the
 * reference of every public name, the contract as HTML, and what pages link to. With `--serve` it shows the pages as they
 * are being written instead.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PublicNames, readEntries } from "./public-names.ts";
import { referencePages } from "./reference-pages.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SITE = join(ROOT, "docs/site");

/** Installs what builds the site, when that is missing: it is of no use to anybody else. */
function installSite(): void {
  const { dependencies } = JSON.parse(readFileSync(join(SITE, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const isInstalled = Object.entries(dependencies).every(([name, version]) => {
    const manifest = join(SITE, "node_modules", name, "package.json");
    if (!existsSync(manifest)) return false;
    return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version === version;
  });
  if (isInstalled) return;
  console.log("Installing what builds the site …");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
  execFileSync("npm", ["ci", "--prefix", SITE, ...options], { stdio: "inherit", shell: process.platform === "win32" });
}

function writeReference(): void {
  const folder = join(SITE, "reference");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const names = new PublicNames(ROOT);
  const entries = new Map([...readEntries(ROOT)].map(([entry, file]) => [entry, names.exportsOf(file)]));
  const pages = referencePages(entries);
  for (const { name, markdown } of pages) writeFileSync(join(folder, `${name}.md`), markdown);
  const titles = pages.filter(({ name }) => name !== "index").map(({ name, title }) => ({ name, title }));
  writeFileSync(join(folder, "pages.json"), JSON.stringify(titles));
}

/** The contract as one page that needs nothing of the net. */
function writeContract(): void {
  const arguments_ = ["build-docs", "spec/events-api.yaml", "--config", "spec/redocly.yaml", "--inlineBundle"];
  execFileSync(
    process.execPath,
    [join(ROOT, "node_modules/@redocly/cli/bin/cli.js"), ...arguments_, "--output", join(SITE, "public/contract.html")],
    { cwd: ROOT, stdio: "pipe" }, // its advice about itself is for nobody here; an error holds what it said
  );
}

/** What assistants read: its links lead to the pages of the site. */
function writeLlmsText(): void {
  const text = readFileSync(join(ROOT, "llms.txt"), "utf8")
    .replaceAll("](README.md)", "](index.html)")
    .replace(/\]\(docs\/([^)]+)\.md\)/g, "]($1.html)");
  writeFileSync(join(SITE, "public/llms.txt"), text);
}

/** What pages link to and is no page itself; `docs/site/.vitepress/config.mjs` makes the links to it. */
const FILES = ["LICENSE", "spec/events-api.yaml", "docs/grafana.json"];

function copyFiles(): void {
  for (const file of FILES) {
    const target = join(SITE, "public/files", file === "LICENSE" ? "LICENSE.txt" : file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(ROOT, file), target);
  }
}

/** Runs VitePress, which ends well also where a page could not be rendered: it only says so. */
function runVitePress(command: "build" | "dev"): void {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(SITE, "node_modules/vitepress/bin/vitepress.js"), command, SITE],
    { stdio: ["inherit", "inherit", "pipe"], encoding: "utf8" },
  );
  process.stderr.write(stderr);
  if (status !== 0 || /^\w*Error: /m.test(stderr)) throw new Error("The site could not be built.");
}

installSite();
rmSync(join(SITE, "public"), { recursive: true, force: true });
mkdirSync(join(SITE, "public"), { recursive: true });
writeReference();
writeContract();
writeLlmsText();
copyFiles();
runVitePress(process.argv.includes("--serve") ? "dev" : "build");
