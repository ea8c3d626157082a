// The site over the Markdown that the repository has anyway: no page of it is written twice.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { headingAnchor } from "../../../scripts/docs/heading-anchor.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SITE = join(ROOT, "docs/site");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const references = JSON.parse(readFileSync(join(SITE, "reference/pages.json"), "utf8"));

/** Papers that are no pages of the site, and folders that have none. */
const LEFT_OUT = [
  "*/**/node_modules/**",
  "dist/**",
  "coverage/**",
  "reports/**",
  ".github/**",
  "src/**",
  "scripts/**",
  "spec/**",
  "generated/**",
  "test/**",
  "bench/**/!(README).md",
];

/**
 * Where a file of the repository is on the site: the README first, the pages of `docs/` beside it.
 *
 * @param {string} file - from the root of the repository.
 */
function placeOf(file) {
  if (file === "README.md") return "index.md";
  if (file === "bench/README.md") return "benchmark.md";
  if (file === "examples/README.md") return "examples/index.md";
  if (file.startsWith("examples/")) return file.replace(/\/README\.md$/, ".md");
  if (/^[A-Z_]+\.md$/.test(file)) return file.toLowerCase().replaceAll("_", "-");
  return file.replace(/^docs\/(site\/)?/, "");
}

/** Links are written for who reads the files; here they lead to where the pages are, and to copies of other files. */
function mendLinks(markdown) {
  const render = markdown.renderer.rules.link_open;
  markdown.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const [, path, anchor] = /^([^#]*)(#.*)?$/.exec(token.attrGet("href") ?? "") ?? [];
    if (path && !/^([a-z]+:|\/)/.test(path)) {
      const page = env.realPath ?? env.path;
      const file = relative(ROOT, join(dirname(page), decodeURI(path))).replaceAll("\\", "/");
      if (file.endsWith(".md")) {
        token.attrSet("href", `/${placeOf(file)}${anchor ?? ""}`);
      } else {
        const copy = file === "LICENSE" ? "/files/LICENSE.txt" : `/files/${file}`;
        if (!existsSync(join(SITE, "public", copy))) {
          throw new Error(`${relative(ROOT, page)} links to ${path}: name it in FILES of scripts/docs/build-site.ts.`);
        }
        token.attrSet("href", copy);
        token.attrSet("target", "_self");
      }
    }
    return render(tokens, index, options, env, self);
  };
}

/** Braces are text in our pages, never an expression of Vue. */
function escapeBraces(markdown) {
  for (const rule of ["text", "code_inline"]) {
    const render = markdown.renderer.rules[rule];
    markdown.renderer.rules[rule] = (...of) => render(...of).replaceAll("{{", "&#123;&#123;");
  }
}

const guide = (text, page) => ({ text, link: `/guides/${page}` });

export default defineConfig({
  title: "mparticle-events",
  description: "The typed server-side client for the mParticle Events API.",
  lang: "en",
  srcDir: ROOT,
  srcExclude: LEFT_OUT,
  outDir: join(SITE, "dist"),
  cacheDir: join(SITE, ".vitepress/cache"),
  rewrites: placeOf,
  base: process.env.SITE_BASE ?? "/",
  vite: { publicDir: join(SITE, "public") },
  markdown: {
    anchor: { slugify: headingAnchor },
    config(markdown) {
      mendLinks(markdown);
      escapeBraces(markdown);
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guides", link: "/guides/web-service", activeMatch: "/guides/" },
      { text: "Reference", link: "/reference/", activeMatch: "/reference/" },
      { text: "Contract", link: "/contract.html", target: "_self" },
      { text: version, link: "/changelog" },
    ],
    sidebar: [
      {
        text: "Start",
        items: [
          { text: "Which call do I need?", link: "/" },
          { text: "Events", link: "/events" },
          { text: "Options", link: "/options" },
          { text: "Errors", link: "/errors" },
          { text: "Limits", link: "/limits" },
          { text: "Command line", link: "/cli" },
          { text: "Examples", link: "/examples/" },
        ],
      },
      {
        text: "Where it runs",
        items: [
          guide("A web service", "web-service"),
          guide("Containers", "containers"),
          guide("AWS Lambda", "lambda"),
          guide("Cloudflare Workers", "workers"),
          guide("A fleet", "fleet"),
          guide("Backfills and history", "backfills"),
        ],
      },
      {
        text: "What is sent",
        items: [
          guide("Attributes", "attributes"),
          guide("Sessions", "sessions"),
          guide("Commerce", "commerce"),
          guide("Consent", "consent"),
          guide("Data plans", "data-plans"),
          { text: "Lints", link: "/lints" },
        ],
      },
      {
        text: "In operation",
        items: [
          guide("What is guaranteed", "guarantees"),
          guide("Rate limits", "rate-limits"),
          { text: "Pacing", link: "/pacing" },
          guide("Observability", "observability"),
          { text: "Transports", link: "/transports" },
          { text: "Testing your service", link: "/testing" },
          guide("Other languages", "other-languages"),
          guide("Moving from another SDK", "migrating"),
        ],
      },
      {
        text: "Reference",
        collapsed: true,
        items: [
          ...references.map(({ name, title }) => ({ text: title, link: `/reference/${name}` })),
          { text: "The contract", link: "/contract.html", target: "_self" },
        ],
      },
      {
        text: "The project",
        collapsed: true,
        items: [
          { text: "Architecture", link: "/architecture" },
          { text: "Decisions", link: "/decisions" },
          { text: "Benchmark", link: "/benchmark" },
          { text: "Changes", link: "/changelog" },
          { text: "Contributing", link: "/contributing" },
          { text: "Security", link: "/security" },
        ],
      },
    ],
    footer: { message: "Apache-2.0. Not made or endorsed by mParticle." },
  },
});
