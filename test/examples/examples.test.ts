import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Batch } from "mparticle-events";
import { exampleNames, runExample } from "../../scripts/examples/run-example.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

beforeEach(() => {
  vi.spyOn(console, "log").mockReturnValue();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** What arrived, all of it accepted. */
async function batchesOf(name: string): Promise<readonly Batch[]> {
  for (const setting of ["MPARTICLE_API_KEY", "MPARTICLE_API_SECRET", "MPARTICLE_BASE_URL"]) vi.stubEnv(setting, "");
  const records = await runExample(name, (file) => import(file));
  expect(records.filter(({ verdict }) => verdict !== "accepted")).toEqual([]);
  expect(records.flatMap(({ findings }) => findings)).toEqual([]);
  return records.map(({ batch }) => batch as Batch); // the contract has accepted it
}

const eventsOf = (batches: readonly Batch[]) => batches.flatMap(({ events }) => events ?? []);

describe("an example", () => {
  it("is in the list, with the command that runs it", () => {
    const list = readFileSync(`${EXAMPLES}README.md`, "utf8");
    const listed = Array.from(list.matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\)/gm), ([, name]) => name);
    expect(listed.toSorted()).toEqual(exampleNames());
    for (const name of exampleNames()) {
      expect(readFileSync(`${EXAMPLES}${name}/README.md`, "utf8")).toContain(`npm run example ${name}\n`);
    }
  });

  it("of a shop sells and takes back, and sends what the customer decided with it", async () => {
    const batches = await batchesOf("shop");
    expect(eventsOf(batches)).toMatchObject([
      { data: { product_action: { action: "purchase", transaction_id: "T-1" } } },
      { data: { product_action: { action: "refund", transaction_id: "T-1" } } },
    ]);
    expect(batches.every(({ consent_state }) => consent_state?.gdpr?.["analytics"]?.consented === true)).toBe(true);
  });

  it("of Lambda has sent the events of a call when it returns", async () => {
    const batches = await batchesOf("lambda");
    expect(eventsOf(batches)).toMatchObject([
      { data: { source_message_id: "r-1", custom_attributes: { title: "Fado" } } },
      { data: { source_message_id: "r-2", custom_attributes: { title: "Morna" } } },
    ]);
  });

  it("of a Worker sends what was looked at", async () => {
    const names = eventsOf(await batchesOf("worker")).map(({ data }) => "screen_name" in data && data.screen_name);
    expect(names.toSorted()).toEqual(["/cart", "/lamps"]);
  });

  it("of a stream loses nothing while the network is down, and sends nothing twice", async () => {
    const ids = eventsOf(await batchesOf("stream")).map(({ data }) => data.source_message_id);
    expect(ids.toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((offset) => `songs-0-${String(offset)}`));
  });

  it("of a backfill sends each row that can be read once, and names the one that cannot", async () => {
    const said = vi.spyOn(console, "log");
    const events = eventsOf(await batchesOf("backfill"));
    expect(events).toHaveLength(4);
    expect(new Set(events.map(({ data }) => data.timestamp_unixtime_ms)).size).toBe(4);
    expect(said.mock.calls).toMatchObject([
      ["first run:", { accepted: 4, failed: [expect.stringMatching(/^row 4: .*timestamp_unixtime_ms/)] }],
      ["second run:", { accepted: 0, failed: [] }],
    ]);
  });

  it("of every event has each of them accepted", async () => {
    expect(eventsOf(await batchesOf("every-event")).length).toBeGreaterThan(20);
  });

  it("of Kafka loses nothing while the network is down, and keeps each user's order", async () => {
    const pages = new Map<string, string[]>();
    for (const { user_identities, events } of await batchesOf("kafka")) {
      const [event] = events ?? [];
      const name = String(user_identities?.customer_id);
      if (event?.event_type === "screen_view") {
        pages.set(name, [...(pages.get(name) ?? []), String(event.data.screen_name)]);
      }
    }
    const inOrder = ["Page 1", "Page 2", "Page 3"];
    expect(pages).toEqual(
      new Map([
        ["2", inOrder],
        ["1", inOrder],
      ]),
    );
  });

  it("of SQS sends what can be sent", async () => {
    expect(eventsOf(await batchesOf("sqs"))).toHaveLength(5);
  });

  it("in Python holds its service to the contract", async () => {
    const records = await runExample("python-service");
    expect(records.map(({ verdict }) => verdict)).toEqual(["refused", "accepted"]);
  });
});
