import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { launchBrowser } from "../page/browser.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILT = join(ROOT, "docs/site/dist");

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ["--import", "tsx/esm", "scripts/docs/build-site.ts"], { cwd: ROOT });
});

function pages(): readonly string[] {
  return readdirSync(BUILT, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".html") && path !== "contract.html");
}

const read = (path: string): string => readFileSync(join(BUILT, path), "utf8");

describe("the site", () => {
  it("has every page of the documentation, and the reference of every entry", () => {
    const written = ["docs", "docs/guides"].flatMap((folder) =>
      readdirSync(join(ROOT, folder))
        .filter((name) => name.endsWith(".md"))
        .map((name) => posix.join(folder.replace(/^docs\/?/, ""), name.replace(/md$/, "html"))),
    );
    expect(written.filter((page) => !pages().includes(page))).toEqual([]);
    expect(pages().filter((page) => page.startsWith("reference/")).length).toBeGreaterThan(10);
    expect(read("contract.html")).toContain("source_request_id");
  });

  it("leads nowhere that is not there: no link, no picture, no heading", () => {
    const ids = new Map(
      pages().map((page) => [page, new Set(Array.from(read(page).matchAll(/ id="([^"]*)"/g), ([, id = ""]) => id))]),
    );
    const dead = pages().flatMap((page) =>
      Array.from(read(page).matchAll(/ (?:href|src)="([^"]*)"/g), ([, link = ""]) => link)
        .filter((link) => !/^(https?:|mailto:|data:)/.test(link))
        .filter((link) => {
          const [path = "", anchor = ""] = link.replaceAll("&amp;", "&").split("#");
          const from = path.startsWith("/") ? path.slice(1) : posix.join(posix.dirname(page), path);
          const target = path === "" ? page : [from, `${from}.html`, posix.join(from, "index.html")].find(isFile);
          if (target === undefined) return true;
          return anchor !== "" && ids.get(target)?.has(decodeURIComponent(anchor)) !== true;
        })
        .map((link) => `${page}: ${link}`),
    );
    expect(dead).toEqual([]);
  });
});

function isFile(path: string): boolean {
  return extname(path) !== "" && existsSync(join(BUILT, path));
}

describe("a reader", () => {
  let browser: Browser;
  let origin: string;
  const TYPES: Readonly<Record<string, string>> = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://site").pathname.replace(/\/$/, "/index.html");
    const file = [path, `${path}.html`].find(isFile);
    if (file === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    response.end(readFileSync(join(BUILT, file)));
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  async function open(path: string, width: number): Promise<{ readonly page: Page; readonly wrong: string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("pageerror", ({ message }) => wrong.push(message));
    page.on("request", (request) => {
      if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url())) wrong.push(request.url());
    });
    page.on("response", (response) => {
      if (response.status() >= 400) wrong.push(`${String(response.status())} ${response.url()}`);
    });
    onTestFinished(() => context.close());
    await page.goto(`${origin}${path}`);
    return { page, wrong };
  }

  it.each([
    [1280, "a desk"],
    [390, "a phone"],
  ])("sees pages of %i pixels whole, at %s, and nothing from elsewhere", async (width) => {
    for (const path of ["/", "/guides/web-service.html", "/lints.html", "/pacing.html", "/reference/root.html"]) {
      const { page, wrong } = await open(path, width);
      await page.locator("h1").first().waitFor();
      const wide = await page.evaluate("document.documentElement.scrollWidth");
      expect(wide, path).toBeLessThanOrEqual(width);
      expect(wrong, path).toEqual([]);
    }
  });

  it("finds a name by searching for it", async () => {
    const { page, wrong } = await open("/", 1280);
    await page.locator(".DocSearch-Button").click();
    await page.locator("#localsearch-input").fill("drainOnExit");
    const found = page.locator(".VPLocalSearchBox .results a").first();
    await found.waitFor();
    expect(await found.getAttribute("href")).toMatch(/reference\/node|web-service|containers/);
    expect(wrong).toEqual([]);
  });

  it("reads the contract beside the guides", async () => {
    const { page } = await open("/", 1280);
    await page.getByRole("link", { name: "Contract", exact: true }).first().click();
    await page.getByText("source_request_id").first().waitFor();
    expect(page.url()).toBe(`${origin}/contract.html`);
  });
});
