import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventsClient, ccpaOptOut, createBatch, gdprConsent, mergeConsent, type UserContext } from "mparticle-events";
import { startMockServer, type MockServer } from "mparticle-events/testing";
import { everyEvent } from "../../examples/every-event/every-event.ts";
import { onlyInFull } from "../full.ts";
import { FACTORY_CASES } from "../model/factory-table.ts";
import { FULL_EVENT_DATA, FULL_USER } from "./full-batch.ts";

/** The contract as it is written: what it accepts is what a well-behaved sender sends. */
let mock: MockServer;
let client: EventsClient;

beforeAll(async () => {
  mock = await startMockServer();
  client = new EventsClient({
    apiKey: "us1-key",
    apiSecret: "secret",
    baseUrl: mock.url,
    retry: false,
    timeoutMs: 100_000,
  });
});
afterAll(() => mock.close());

const USER: UserContext = { environment: "development", user_identities: { customer_id: "1234" } };

describe("the strict mock accepts", () => {
  it.each(FACTORY_CASES)("the $type that $name makes", async ({ make }) => {
    const batch = createBatch(USER, [make()]);
    const receipt = await client.upload(batch);
    expect(receipt).toMatchObject({ status: 202, attempts: 1, requestId: batch.source_request_id });
  });

  it("all of them with all that any event may say", async () => {
    const events = FACTORY_CASES.map(({ make }) => make(FULL_EVENT_DATA));
    await expect(client.upload(createBatch(USER, events))).resolves.toMatchObject({ status: 202 });
  });

  it("a batch of everything: each fact about a user, each kind of event", async () => {
    const receipt = await client.upload(createBatch(FULL_USER, everyEvent));
    expect(receipt.status).toBe(202);
  });

  it("a batch without events, which updates the profile alone", async () => {
    await expect(client.upload(createBatch({ ...FULL_USER, source_request_id: null }))).resolves.toMatchObject({
      status: 202,
    });
  });

  it("what the consent functions make and merge", async () => {
    const consent_state = mergeConsent(
      gdprConsent("marketing", true, { document: "terms-7", location: "/signup", hardware_id: "id-1" }),
      gdprConsent("analytics", false),
      ccpaOptOut(true),
    );
    await expect(client.upload(createBatch({ ...USER, consent_state }))).resolves.toMatchObject({ status: 202 });
  });

  it("many batches in one request", async () => {
    const batches = FACTORY_CASES.map(({ make }) => createBatch(USER, [make()]));
    const outcomes = await client.uploadBulk(batches);
    expect(outcomes.map(({ kind }) => kind)).toEqual(batches.map(() => "accepted"));
    expect(outcomes[0]).toMatchObject({ receipt: { status: 202, requestId: batches[0]!.source_request_id } });
  });

  // The mock compiles the contract for each path that it is first asked for.
  onlyInFull(() => {
    it("old batches on the historical path", async () => {
      const data = { ...FULL_EVENT_DATA, timestamp_unixtime_ms: Date.now() - 40 * 24 * 60 * 60 * 1000 };
      const batches = FACTORY_CASES.map(({ make }) => createBatch(USER, [make(data)]));
      const outcomes = await client.uploadHistorical(batches);
      expect(outcomes.map(({ kind }) => kind)).toEqual(batches.map(() => "accepted"));
    });
  });
});
