import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Arrivals, type BatchRecord } from "../../src/arrivals/arrivals.ts";
import { serveArrivals } from "../../src/arrivals/serve-arrivals.ts";
import { ContractService } from "../../src/cli/mock/contract-service.ts";
import { listen } from "../../src/cli/mock/mock-server.ts";
import { launchBrowser } from "./browser.ts";

/** Of the documentation. */
const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
});

const custom = (event_name: string, more: object = {}) => ({
  event_type: "custom_event",
  data: { event_name, custom_event_type: "other", ...more },
});
const screen = (screen_name: string) => ({ event_type: "screen_view", data: { screen_name } });
const of = (customer_id: string, events: readonly object[], more: object = {}) => ({
  environment: "development",
  user_identities: { customer_id },
  events,
  ...more,
});

interface PageOptions {
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
}

async function openPage({ width = 1200, colorScheme = "light" }: PageOptions = {}) {
  const arrivals = new Arrivals();
  const check = (batch: unknown): BatchRecord["findings"] =>
    JSON.stringify(batch).includes("Unplanned")
      ? [{ severity: "error", code: "plan-unplanned-event", path: "/events/0", message: "it is not in the plan." }]
      : [];
  const service = new ContractService({
    profile: "canonical",
    failures: [],
    now: () => 1_700_000_000_000,
    random: () => 0.5,
    check,
  });
  service.onBatch((record) => {
    arrivals.add(record);
  });
  const mock = await listen(service, 0, () => undefined, serveArrivals(arrivals));
  const { origin } = new URL(mock.url);
  const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  const requested: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (said) => {
    if (said.type() === "error") errors.push(said.text());
  });
  page.on("request", (request) => requested.push(request.url()));
  onTestFinished(async () => {
    await context.close();
    await mock.close();
  });
  await page.goto(`${origin}/_/`);
  await page.getByText("Connected", { exact: true }).waitFor();
  const send = async (batch: unknown): Promise<number> => {
    const { status } = await fetch(`${mock.url}/events`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("key:secret")}`, "content-type": "application/json" },
      body: JSON.stringify(batch),
    });
    return status;
  };
  return { arrivals, errors, origin, page, requested, send };
}

const rowsOf = (page: Page): Promise<readonly string[]> =>
  page.$$eval("#rows > .row", (rows) =>
    rows.map((row) =>
      Array.from(row.children, (cell) => cell.textContent)
        .slice(1)
        .join(" | "),
    ),
  );

/** Waits until the rows are these: what the page shows follows what is typed and what arrives. */
async function expectRows(page: Page, expected: readonly string[]): Promise<void> {
  await expect.poll(() => rowsOf(page), { timeout: 60_000 }).toEqual(expected);
}

describe("the page", () => {
  it("shows a row for each batch and each event as they arrive, the newest first, and asks nobody else", async () => {
    const { page, send, errors, requested, origin } = await openPage();
    expect(await send(of("ada", [screen("Home"), custom("Bought")]))).toBe(202);
    expect(await send(of("bob", [], { ip: 42 }))).toBe(400);
    await expectRows(page, [
      "batch | 0 events · /v2/events | bob | refused ✗",
      "batch | 2 events · /v2/events | ada | accepted",
      "screen_view | Home | ada | accepted",
      "custom_event | Bought | ada | accepted",
    ]);
    expect(await page.textContent("#counts")).toBe("2 batches kept, 1 good, 1 bad");
    await page.reload();
    await expect.poll(() => rowsOf(page).then(({ length }) => length)).toBe(4);
    expect(errors).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(origin) && !url.startsWith("data:"))).toEqual([]);
  });

  it("shows findings on their lines, with hints, and what a plan says apart", async () => {
    const { page, send } = await openPage();
    await send({ ...of("ada", [custom("Unplanned")]), user_identities: { customerid: "ada" } });
    await page.locator(".row", { hasText: "batch" }).click();
    const line = page.locator(".json-line.error", { hasText: "customerid" });
    await line.waitFor();
    const note = await line.locator("xpath=following-sibling::*[1]").textContent();
    expect(note).toContain("customer_id");
    const plan = page.locator("h2", { hasText: "What the data plan says" }).locator("xpath=following-sibling::*[1]");
    expect(await plan.textContent()).toBe("error plan-unplanned-event /events/0 it is not in the plan.");
    await page.locator(".row", { hasText: "Unplanned" }).click();
    await page.locator("h2", { hasText: /^Event$/ }).waitFor();
    expect(await page.locator(".json-line.error").count()).toBe(1);
    expect(await page.locator(".finding-note").textContent()).toBe("↑ it is not in the plan.");
  });

  it("shows what the real service answered, where requests are passed on", async () => {
    const { page, arrivals } = await openPage();
    const add = (forwarded: BatchRecord["forwarded"], verdict: BatchRecord["verdict"]): void => {
      const batch = of("ada", [screen("Home")]);
      const status = forwarded?.status ?? 502;
      arrivals.add({ index: 0, receivedAtMs: 0, path: "/v2/events", batch, verdict, status, findings: [], forwarded });
    };
    const to = "https://s2s.mparticle.com/v2/events";
    add({ to, status: 429, durationMs: 87, headers: { "retry-after": "3" }, body: "<b>slow down</b>" }, "failed");
    add({ to, durationMs: 30_000, error: "it did not answer within 30 s" }, "failed");
    await page.selectOption("#kind", "batch");
    await expectRows(page, [
      "batch | 1 event · /v2/events → no answer | ada | failed",
      "batch | 1 event · /v2/events → 429 | ada | failed",
    ]);
    await page.locator(".row", { hasText: "429" }).click();
    await page.locator("h2", { hasText: "What the service answered" }).waitFor();
    expect(await page.locator("#forwarded p").textContent()).toBe(`429 after 87 ms · passed on to ${to}`);
    expect(await page.locator("#forwarded table").textContent()).toBe("retry-after3");
    expect(await page.locator("#forwarded pre").textContent()).toBe("<b>slow down</b>");
    await page.locator(".row", { hasText: "no answer" }).click();
    await page.locator("#forwarded", { hasText: "no answer: it did not answer within 30 s" }).waitFor();
  });

  it("filters by text, type, name, user, verdict and kind of row", async () => {
    const { page, send } = await openPage();
    await send(of("ada", [screen("Home"), custom("Bought", { custom_attributes: { colour: "Teal" } })]));
    await send(of("bob", [custom("Looked")]));
    await send(of("eve", [], { ip: 42 }));
    await page.selectOption("#kind", "event");
    await expectRows(page, [
      "custom_event | Looked | bob | accepted",
      "screen_view | Home | ada | accepted",
      "custom_event | Bought | ada | accepted",
    ]);
    await page.selectOption("#type", "custom_event");
    await expectRows(page, ["custom_event | Looked | bob | accepted", "custom_event | Bought | ada | accepted"]);
    await page.fill("#name", "bou");
    await expectRows(page, ["custom_event | Bought | ada | accepted"]);
    await page.fill("#name", "");
    await page.selectOption("#type", "");
    await page.fill("#user", "bob");
    await expectRows(page, ["custom_event | Looked | bob | accepted"]);
    await page.fill("#user", "");
    await page.fill("#search", "teal");
    await expectRows(page, ["custom_event | Bought | ada | accepted"]);
    await page.fill("#search", "(.*");
    await expectRows(page, []);
    await page.fill("#search", "");
    await page.selectOption("#kind", "");
    await page.selectOption("#verdict", "refused");
    await expectRows(page, ["batch | 0 events · /v2/events | eve | refused ✗"]);
  });

  it("stands still while it is paused, and forgets when cleared", async () => {
    const { page, send, arrivals } = await openPage();
    await send(of("ada", [], { user_attributes: { a: 1 } }));
    await expect.poll(() => rowsOf(page).then(({ length }) => length)).toBe(1);
    await page.click("#pause");
    await send(of("bob", []));
    await page.getByText("1 since the pause").waitFor();
    expect(await rowsOf(page)).toHaveLength(1);
    await page.click("#pause");
    await expect.poll(() => rowsOf(page).then(({ length }) => length)).toBe(2);
    await page.click("#clear");
    await expectRows(page, []);
    expect(arrivals.counts().total).toBe(0);
  });

  it("shows markup and scripts of a payload as text, wherever they are", async () => {
    const { page, send, errors } = await openPage();
    const evil = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>'"`;
    await send({
      ...of(evil, [custom(evil, { custom_attributes: { [evil]: evil } }), { event_type: evil }]),
      user_attributes: { [evil]: evil },
      [evil]: evil,
    });
    await send(of(evil, [custom(evil)], { user_attributes: { plain: evil } }));
    await page.locator(".row", { hasText: "onerror" }).first().waitFor();
    for (const row of await page.locator(".row").all()) {
      await row.click();
      await page.getByRole("button", { name: "Copy as curl" }).click();
    }
    expect(await page.locator("#profile").textContent()).toContain(evil);
    expect(await page.locator(":is(main, #filters) :is(img, script)").count()).toBe(0);
    expect(await page.evaluate(() => "hit" in window)).toBe(false);
    expect(errors).toEqual([]);
  });

  it("shows identities, attributes and consent of the user after the accepted batches", async () => {
    const { page, send } = await openPage();
    const consent = (consented: boolean) => ({
      gdpr: { ads: { consented, timestamp_unixtime_ms: 1_700_000_000_000 } },
    });
    const first = of("ada", [], { user_attributes: { tier: "gold", town: "Bern" }, consent_state: consent(true) });
    expect(await send({ ...first, user_identities: { customer_id: "ada", email: "ada@example.com" } })).toBe(202);
    expect(await send(of("bob", [], { user_attributes: { tier: "lead" } }))).toBe(202);
    const second = {
      deleted_user_attributes: ["town"],
      user_attributes: { tier: "iron" },
      consent_state: consent(false),
    };
    expect(await send({ ...of("ada", [], second), user_identities: { email: "ada@example.com" } })).toBe(202);
    expect(await send(of("ada", [], { user_attributes: { tier: "never" }, ip: 42 }))).toBe(400);
    await page.locator(".row", { hasText: "ada" }).first().click();
    const cells = page.locator("#profile tr");
    await expect
      .poll(() => cells.evaluateAll((rows) => rows.map((row) => Array.from(row.children, (cell) => cell.textContent))))
      .toEqual([
        ["customer_id", "ada"],
        ["email", "ada@example.com"],
        ["tier", "iron"],
        ["gdpr ads", "not consented, 2023-11-14T22:13:20.000Z"],
      ]);
  });

  it("copies a batch as curl and an event as a call", async () => {
    const { page, send, origin } = await openPage();
    const batch = of("o'neil", [custom("Bought", { custom_attributes: { n: "1" } })]);
    await send(batch);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.locator(".row", { hasText: "Bought" }).click();
    await page.getByRole("button", { name: "Copy as code" }).click();
    await page.getByText("Copied.").waitFor();
    expect(await copied()).toBe('customEvent("Bought", "other", {\n  "custom_attributes": {\n    "n": "1"\n  }\n})');
    await page.locator(".row", { hasText: "batch" }).click();
    await page.getByRole("button", { name: "Copy as curl" }).click();
    await page.getByText("Copied.").waitFor();
    // As a shell hands it to curl.
    const program = `curl() { printf '%s\\0' "$@"; }; ${await copied()}`;
    const words = execFileSync("sh", ["-c", program], { encoding: "utf8" }).split("\0");
    expect(words).toContain(`${origin}/v2/events`);
    expect(JSON.parse(words[words.indexOf("-d") + 1] ?? "")).toEqual(batch);
  });

  it("is worked by keys", async () => {
    const { page, send } = await openPage();
    await send(of("ada", [screen("Home"), screen("Cart")]));
    await expect.poll(() => rowsOf(page).then(({ length }) => length)).toBe(3);
    const chosen = () => page.locator('.row[aria-selected="true"]').textContent();
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowDown");
    expect(await chosen()).toContain("Home");
    await page.keyboard.press("End");
    expect(await chosen()).toContain("Cart");
    await page.keyboard.press("k");
    expect(await chosen()).toContain("Home");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("detail");
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("rows");
    await page.keyboard.press("/");
    await page.keyboard.type("pj");
    expect(await page.inputValue("#search")).toBe("pj");
    expect(await page.getAttribute("#pause", "aria-pressed")).toBe("false");
  });

  it("fits a phone, where a row opens in place of the list", async () => {
    const { page, send } = await openPage({ width: 360 });
    await send(of("ada", [custom("a-long-name-".repeat(12))], { user_attributes: { a: "long ".repeat(200) } }));
    await page.locator('.row[data-kind="event"]').click();
    expect(await page.locator("#rows").isVisible()).toBe(false);
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Back" }).click();
    expect(await page.locator("#rows").isVisible()).toBe(true);
    expect(await overflow()).toBeLessThanOrEqual(0);
  });

  it("is dark where the system is", async () => {
    const background = async (colorScheme: "light" | "dark") => {
      const { page } = await openPage({ colorScheme });
      return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    };
    expect([await background("light"), await background("dark")]).toEqual(["rgb(255, 255, 255)", "rgb(13, 17, 23)"]);
  });

  it("keeps the newest thousand batches, and a bounded number of rows in the document, for one large batch too", async () => {
    const { page, arrivals } = await openPage();
    const record = (batch: unknown): BatchRecord => ({
      index: 0,
      receivedAtMs: 0,
      path: "/v2/events",
      batch,
      verdict: "accepted",
      status: 202,
      findings: [],
    });
    for (let index = 0; index < 1050; index++) {
      arrivals.add(
        record(
          of(
            String(index),
            Array.from({ length: 10 }, (_, event) => custom(`event ${String(index)}.${String(event)}`)),
          ),
        ),
      );
    }
    await page.getByText("1000 batches kept").waitFor();
    await page.getByText("The newest 300 of 11000 rows").waitFor();
    expect(await page.locator(".row").count()).toBe(300);
    await page.fill("#name", "event 50.9");
    await expectRows(page, ["custom_event | event 50.9 | 50 | accepted"]);
    await page.fill("#name", "event 49.9");
    await expectRows(page, []);
    await page.fill("#name", "");
    arrivals.add(
      record(
        of(
          "large",
          Array.from({ length: 3000 }, (_, event) => custom(String(event))),
        ),
      ),
    );
    await page.locator(".row", { hasText: "3000 events" }).click();
    await page.getByText("more lines: copy the JSON").waitFor();
    expect(await page.locator(".json-line").count()).toBe(2001);
    expect(await page.locator(".row").count()).toBe(300);
  });

  it("looks as the screenshot of the README shows, which `npm run docs:screenshots` takes", async () => {
    const { page, send } = await openPage();
    const lamp = { id: "sku-1", name: "Lamp", price: 19.99, quantity: 1 };
    const bought = {
      event_type: "commerce_event",
      data: { product_action: { action: "purchase", transaction_id: "T-1", total_amount: 19.99, products: [lamp] } },
    };
    const session_uuid = "7b4cf7a3-6b52-4c2e-9d0a-2f7a5a1f3c11";
    await send(of("1234", [screen("Home"), screen("Lamps"), bought], { user_attributes: { plan: "premium" } }));
    await send(of("77", [{ event_type: "session_start", data: { session_uuid } }, custom("Video watched")]));
    await send({ ...of("4711", [screen("Cart")]), envronment: "development" });
    await send(of("1234", [custom("Coupon used", { custom_attributes: { code: "SPRING" } })]));
    await page.getByText("Coupon used").first().waitFor();
    await page.getByText("4711").first().click();
    await page.getByText("Did you mean").first().waitFor();
    const picture = await page.screenshot();
    // Small enough for whoever reads the README, and not one colour alone.
    expect(picture.length).toBeLessThan(150_000);
    expect(picture.length).toBeGreaterThan(20_000);
    if (process.env["SCREENSHOTS"] !== undefined) {
      mkdirSync(IMAGES, { recursive: true });
      writeFileSync(join(IMAGES, "arrivals.png"), picture);
    }
  });

  it("is closed to a page of another origin, and to a name that leads here", async () => {
    const { origin, arrivals, send } = await openPage();
    await send(of("ada", []));
    const other = await openPage();
    // What is no page of ours has no policy that would keep it from asking.
    await other.page.goto(`${other.origin}/v2/nothing`);
    const tried = await other.page.evaluate(async (target) => {
      const attempt = (path: string, init?: RequestInit) =>
        fetch(`${target}${path}`, init).then(
          () => "answered",
          () => "refused",
        );
      return [await attempt("/_/all"), await attempt("/_/reset", { method: "POST" })];
    }, origin);
    expect(tried).toEqual(["refused", "refused"]);
    await fetch(`${origin}/_/reset`, { method: "POST", headers: { origin: "http://evil.test" } });
    expect(arrivals.counts().total).toBe(1);
    const rebound = await launchBrowser(["--host-resolver-rules=MAP evil.test 127.0.0.1"]);
    onTestFinished(() => rebound.close());
    const page = await rebound.newPage();
    const answer = await page.goto(`http://evil.test:${new URL(origin).port}/_/`);
    expect(answer?.status()).toBe(403);
  });
});
