import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file of the page, as it is served. */
export interface PageFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** Nothing from elsewhere, and no script but the page's own: a payload that got into the markup would still be dead. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const FILES: Readonly<Record<string, string>> = {
  "/_/": "index.html",
  ...Object.fromEntries(
    ["page.css", "page.js", "detail.js", "json-lines.js", "profile.js", "snippets.js"].map((name) => [
      `/_/${name}`,
      name,
    ]),
  ),
};

const TYPES: Readonly<Record<string, string>> = { html: "text/html", css: "text/css", js: "text/javascript" };

/** The file behind a path; undefined where there is none. */
export function readPage(pathname: string): PageFile | undefined {
  const name = Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined;
  if (name === undefined) return undefined;
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return {
    headers: {
      "content-type": `${type}; charset=utf-8`,
      "content-security-policy": POLICY,
      "referrer-policy": "no-referrer",
    },
    bytes: readFileSync(locate(name)),
  };
}

/** Beside this file in the repository and in the library; a folder above it in the command. */
function locate(name: string): string {
  const [beside = "", above = ""] = ["./page/", "../page/"].map((folder) =>
    fileURLToPath(new URL(folder + name, import.meta.url)),
  );
  return existsSync(beside) ? beside : above;
}
