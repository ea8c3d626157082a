import { describe, expect, it } from "vitest";
import {
  ApiError,
  checkAll,
  createBatch,
  customEvent,
  EventQueue,
  EventsClient,
  InvalidBatchError,
  type Batch,
  type Outcome,
} from "mparticle-events";
import { planCheck } from "mparticle-events/plan";
import { recordingFetch, startFakeServer, startMockServer } from "mparticle-events/testing";
import { checkBatch } from "mparticle-events/validate";
import { customPoint, planOf } from "./plan-builder.ts";

const plan = planOf([customPoint("Order", { required: ["total"] })]);
const check = checkAll(checkBatch, planCheck(plan));
const CREDENTIALS = { apiKey: "key", apiSecret: "secret" };

const batchOf = (name: string, type: "other" | "nonsense" = "other"): Batch =>
  createBatch(
    { environment: "development", user_identities: { customer_id: "1" }, context: { data_plan: { plan_id: "shop" } } },
    // Wrong on purpose, where it is: nobody could write it otherwise.
    [customEvent(name, type as "other", { custom_attributes: { total: 1 } })],
  );

/** What refuses batches: gives what it says of one, each finding as a text; nothing when it takes it. */
type Refuse = (batch: Batch) => Promise<string>;

async function refusalOf(client: EventsClient, batch: Batch): Promise<string> {
  try {
    await client.upload(batch);
    return "";
  } catch (error) {
    return saidBy(error);
  }
}

function saidBy(error: unknown): string {
  if (error instanceof InvalidBatchError) return JSON.stringify(error.findings);
  if (error instanceof ApiError) return JSON.stringify(error.details);
  throw error;
}

const PLACES: Readonly<Record<string, (use: (refuse: Refuse) => Promise<void>) => Promise<void>>> = {
  "a client": async (use) => {
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202), validate: check });
    await use((batch) => refusalOf(client, batch));
  },
  "a queue": async (use) => {
    await use(async (batch) => {
      const outcomes: Outcome[] = [];
      const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202), validate: check });
      const queue = new EventQueue(client, { onOutcome: (outcome) => outcomes.push(outcome) });
      const { environment, context, user_identities, events } = batch;
      for (const event of events ?? []) {
        // An event that a check refuses never enters the queue.
        const refused = await queue.add({ environment, context, user_identities }, event).then(() => "", saidBy);
        if (refused !== "") return refused;
      }
      await queue.close();
      return outcomes.map((outcome) => (outcome.kind === "accepted" ? "" : saidBy(outcome.error))).join();
    });
  },
  "a fake server": async (use) => {
    await using server = await startFakeServer({ check });
    const client = new EventsClient({ ...CREDENTIALS, baseUrl: server.url });
    await use((batch) => refusalOf(client, batch));
  },
  "a recording fetch": async (use) => {
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202, { check }) });
    await use((batch) => refusalOf(client, batch));
  },
  "the mock": async (use) => {
    // It holds every batch against the contract without being told.
    await using mock = await startMockServer({ plan });
    const client = new EventsClient({ ...CREDENTIALS, baseUrl: mock.url });
    await use((batch) => refusalOf(client, batch));
  },
};

describe("the contract and a plan, checked together", () => {
  it.each(Object.entries(PLACES))("have the same unplanned event refused by its name in %s", async (_, place) => {
    await place(async (refuse) => {
      expect(await refuse(batchOf("Order"))).toBe("");
      const unplanned = await refuse(batchOf("Ordr"));
      expect(unplanned).toContain("plan-unplanned-event");
      expect(unplanned).toContain("Ordr");
      // And the contract has its say beside the plan.
      expect(await refuse(batchOf("Order", "nonsense"))).not.toBe("");
    });
  });
});
