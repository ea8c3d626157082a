import { describe, expect, it } from "vitest";
import { EventsClient, type Batch } from "mparticle-events";
import { startFakeServer } from "../../src/testing/testing.ts";

/** A request travels through the plain exchange, or through openapi-fetch once somebody listens there with a middleware. */
describe("the two ways of a request", () => {
  const DATA = {
    event_name: "ü \ud83d\ude00 \u2028",
    custom_event_type: "other",
    timestamp_unixtime_ms: 1_700_000_000_000,
  };
  const BATCHES = [
    { environment: "development", source_request_id: "plain" },
    { environment: "production", source_request_id: "exact", mpid: 7_346_244_611_012_968_789n },
    {
      environment: "development",
      source_request_id: "events",
      user_attributes: { tags: ["a", '\\ " \ud800'] },
      events: [{ event_type: "custom_event", data: { ...DATA, source_message_id: "m", session_id: "18" } }],
    },
    { environment: "development", source_request_id: "large", user_attributes: { text: "€".repeat(30_000) } },
  ] as unknown as readonly Batch[]; // as JavaScript may hand them over

  it("lead to the same path, headers and bytes at the server", async () => {
    await using server = await startFakeServer();
    const options = { apiKey: "key", apiSecret: "s3cr3t-s3cr3t", baseUrl: server.url, userAgent: "checkout/2.1" };
    const send = async (client: EventsClient): Promise<unknown[]> => {
      const before = server.requests.length;
      for (const batch of BATCHES) await client.upload(batch);
      await client.uploadBulk(BATCHES);
      return server.requests.slice(before).map(({ method, path, headers, body }) => ({ method, path, headers, body }));
    };
    const plain = new EventsClient(options);
    const seen: string[] = [];
    const withMiddleware = new EventsClient(options);
    withMiddleware.raw.use({
      onRequest: ({ schemaPath }) => {
        seen.push(schemaPath);
        return undefined;
      },
    });
    const throughExchange = await send(plain);
    expect(throughExchange).toHaveLength(5);
    expect(await send(withMiddleware)).toEqual(throughExchange);
    expect(seen).toEqual(["/events", "/events", "/events", "/events", "/bulkevents"]);
    expect(throughExchange[0]).toMatchObject({
      path: "/v2/events",
      headers: { accept: "application/json", "content-type": "application/json", connection: "keep-alive" },
      body: '{"environment":"development","source_request_id":"plain"}',
    });
  });
});
