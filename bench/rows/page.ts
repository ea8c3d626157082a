import type { Browser, Page } from "playwright-core";
import { createBatch, customEvent, EventsClient } from "../../src/index.ts";
import { startMockServer } from "../../src/testing/testing.ts";
import { launchBrowser } from "../../test/page/browser.ts";
import { medianOf } from "../measure.ts";
import { digits, times, type Row } from "../row.ts";

const BATCHES = 500;
const EVENTS_PER_BATCH = 20;
const ROUNDS = 3;

/** Runs in the page: how long each frame takes from here on. */
const START_CLOCK = `
  globalThis.frames = [];
  let last = performance.now();
  const next = (now) => { globalThis.frames.push(now - last); last = now; requestAnimationFrame(next); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(next); });
`;

async function longestFrameMs(page: Page): Promise<number> {
  return page.evaluate<number>("globalThis.frames.reduce((longest, frame) => Math.max(longest, frame), 0)");
}

interface Round {
  readonly pageMs: number;
  readonly emptyMs: number;
  /** How long both were looked at. */
  readonly seconds: number;
}

/** The longest frame while all events arrive, and while as many seconds pass in a document with nothing in it. */
async function measure(browser: Browser): Promise<Round> {
  const mock = await startMockServer({ page: true });
  const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", baseUrl: mock.url });
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(mock.arrivalsUrl ?? "");
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.evaluate(START_CLOCK);
    const startedMs = performance.now();
    for (let index = 0; index < BATCHES; index++) {
      const names = Array.from({ length: EVENTS_PER_BATCH }, (_, event) => `event ${String(index)}.${String(event)}`);
      const user = { environment: "development", user_identities: { customer_id: String(index) } } as const;
      await client.upload(
        createBatch(
          user,
          names.map((name) => customEvent(name, "other")),
        ),
      );
    }
    await page.getByText(`${String(BATCHES)} batches kept`).waitFor();
    const lastedMs = performance.now() - startedMs;
    const pageMs = await longestFrameMs(page);
    await page.goto("about:blank");
    await page.evaluate(START_CLOCK);
    await page.waitForTimeout(lastedMs);
    return { pageMs, emptyMs: await longestFrameMs(page), seconds: lastedMs / 1_000 };
  } finally {
    await context.close();
    await client.close();
    await mock.close();
  }
}

export const page: Row = {
  number: 13,
  name: "page",
  title: "The live page of the mock",
  how: "500 batches of 20 events uploaded one after the other, while the page shows them in Chromium; beside it an empty document for as long. Three rounds, without a target: the longest frame is for the reader.",
  attempts: 1,
  async run() {
    const browser = await launchBrowser();
    const rounds: Round[] = [];
    try {
      for (let count = 0; count < ROUNDS; count++) rounds.push(await measure(browser));
    } finally {
      await browser.close();
    }
    const [pageMs, emptyMs, seconds] = [
      medianOf(rounds.map((measured) => measured.pageMs)),
      medianOf(rounds.map((measured) => measured.emptyMs)),
      medianOf(rounds.map((measured) => measured.seconds)),
    ];
    return {
      checks: [],
      tables: [
        {
          title: "Longest frame",
          columns: ["", "ms", "of the empty document", "for s"],
          rows: [
            ["the page", digits(pageMs), times(pageMs / emptyMs), digits(seconds)],
            ["an empty document", digits(emptyMs), times(1), digits(seconds)],
          ],
        },
      ],
    };
  },
};
