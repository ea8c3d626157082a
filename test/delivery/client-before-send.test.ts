import {
  createBatch,
  customEvent,
  EventsClient,
  InvalidBatchError,
  type Batch,
  type BeforeSend,
  type EventsClientOptions,
  type Outcome,
} from "mparticle-events";
import { recordingFetch } from "mparticle-events/testing";
import { describe, expect, it } from "vitest";

function setUp(options: Partial<EventsClientOptions>): {
  readonly client: EventsClient;
  readonly fetch: ReturnType<typeof recordingFetch>;
  readonly outcomes: Outcome[];
} {
  const fetch = recordingFetch();
  const outcomes: Outcome[] = [];
  const onOutcome = (outcome: Outcome): void => {
    outcomes.push(outcome);
  };
  const client = new EventsClient({ apiKey: "key", apiSecret: "secret-of-tests", fetch, onOutcome, ...options });
  return { client, fetch, outcomes };
}

const batchOf = (customer_id: string): Batch =>
  createBatch({ environment: "development", user_identities: { customer_id } }, [customEvent("watched", "media")]);

const dropTwo: BeforeSend = (batch, { drop }) =>
  batch.user_identities?.customer_id === "2" ? drop("customer 2 is a test") : batch;

describe("beforeSend of a client", () => {
  it("decides what is sent, under the ids that the batch had before", async () => {
    const { client, fetch } = setUp({
      beforeSend: (given) => ({ ...given, source_request_id: "other", user_attributes: { added: true } }),
    });
    const batch = batchOf("1");
    const receipt = await client.upload(batch);
    expect(receipt.requestId).toBe(batch.source_request_id);
    expect(fetch.accepted()).toMatchObject([
      { source_request_id: batch.source_request_id, user_attributes: { added: true } },
    ]);
  });

  it("comes before validate, which checks what is sent", async () => {
    const checked: unknown[] = [];
    const { client } = setUp({
      beforeSend: (given) => ({ ...given, user_attributes: { added: true } }),
      validate: (given) => {
        checked.push(given.user_attributes);
        return [];
      },
    });
    await client.upload(batchOf("1"));
    expect(checked).toEqual([{ added: true }]);
  });

  it("gives what it adds its ids and times as well", async () => {
    const { client, fetch } = setUp({
      beforeSend: (given) => ({
        ...given,
        events: [{ event_type: "screen_view", data: { screen_name: "Home" } }],
      }),
    });
    await client.upload(batchOf("1"));
    expect(fetch.accepted()[0]?.events?.[0]?.data).toMatchObject({
      screen_name: "Home",
      source_message_id: expect.any(String) as string,
      timestamp_unixtime_ms: expect.any(Number) as number,
    });
  });

  it("drops a batch with an error and an outcome of its own, and sends nothing", async () => {
    const { client, fetch, outcomes } = setUp({ beforeSend: dropTwo });
    const batch = batchOf("2");
    const error = await client.upload(batch).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidBatchError);
    expect(error).toMatchObject({
      code: "DROPPED",
      findings: [{ code: "dropped", message: "dropped before it was sent: customer 2 is a test." }],
      message: "The batch: dropped before it was sent: customer 2 is a test.",
      requestIds: [batch.source_request_id],
      retryable: false,
    });
    expect(outcomes).toMatchObject([{ kind: "rejected", error }]);
    expect(fetch.requests).toHaveLength(0);
  });

  it("drops one batch of many, and the others arrive", async () => {
    const { client, fetch } = setUp({ beforeSend: dropTwo });
    const outcomes = await client.uploadBulk(["1", "2", "3"].map(batchOf));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "accepted"]);
    expect(fetch.accepted()).toHaveLength(2);
  });

  it("rejects the batch alone for which it throws", async () => {
    const { client } = setUp({
      beforeSend: (given) => {
        if (given.user_identities?.customer_id === "2") throw new Error("no such customer");
        return given;
      },
    });
    const outcomes = await client.uploadBulk(["1", "2", "3"].map(batchOf));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "accepted"]);
    expect(outcomes[1]).toMatchObject({ error: { code: "INVALID_BATCH" } });
    expect(outcomes[1]?.kind === "rejected" && outcomes[1].error.message).toContain("no such customer");
  });

  it("cannot hold a batch in a client: it is undelivered, and may be handed over again", async () => {
    const { client, outcomes } = setUp({
      beforeSend: (_, { hold }) => hold("the user was not asked yet"),
    });
    await expect(client.upload(batchOf("1"))).rejects.toMatchObject({
      code: "HELD",
      message: "Held back before it was sent: the user was not asked yet. Hand it over again later.",
      retryable: true,
    });
    expect(outcomes).toMatchObject([{ kind: "undelivered" }]);
  });

  it("runs once for each handing over, however often it is tried", async () => {
    let runs = 0;
    const fetch = recordingFetch([503, 503, 202]);
    const { client } = setUp({
      fetch,
      retry: { baseDelayMs: 1 },
      beforeSend: (given) => {
        runs++;
        return given;
      },
    });
    await client.upload(batchOf("1"));
    expect([runs, fetch.requests.length]).toEqual([1, 3]);
  });

  it("cannot make a batch that would be refused look accepted", async () => {
    const { client, fetch } = setUp({ beforeSend: ({ environment: _, ...rest }) => rest as Batch });
    await expect(client.upload(batchOf("1"))).rejects.toThrow(InvalidBatchError);
    expect(fetch.requests).toHaveLength(0);
  });

  it("is refused when it is no step", () => {
    expect(() => setUp({ beforeSend: "hash" as never })).toThrow(
      '`beforeSend` has "hash"; expected a function or a list of functions.',
    );
  });
});
