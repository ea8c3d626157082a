import { describe, expect, it } from "vitest";
import { EventsClient, type Batch, type Outcome } from "mparticle-events";
import { recordingFetch } from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { makeObservedClient } from "./scripted-client.ts";
import { virtualTime } from "./virtual-time.ts";

const batchOf = (id: string): Batch => ({ environment: "development", source_request_id: id });

/** A batch of events with names of so many characters. */
function batchOfEvents(names: readonly string[], characters: number): Batch {
  const events = names.map((name) => ({
    event_type: "custom_event" as const,
    data: { event_name: name.padEnd(characters), custom_event_type: "other" as const },
  }));
  return { environment: "development", source_request_id: "large", events };
}

async function readAll(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all.sort((one, other) => one.index - other.index);
}

type Send = (client: EventsClient, batches: Batch[], signal?: AbortSignal) => Promise<readonly Outcome[]>;

const WAYS: readonly (readonly [string, Send])[] = [
  ["uploadBulk", (client, batches, signal) => client.uploadBulk(batches, { signal })],
  ["uploadBulk in order", (client, batches, signal) => client.uploadBulk(batches, { signal, ordered: true })],
  ["deliver", (client, batches, signal) => readAll(client.deliver(batches, { signal }))],
];

describe.each(WAYS)("a batch that %s gets", (_, send) => {
  it("has its outcome with that of another call, in which it is on its way", async () => {
    const { client, fetch, reported } = makeObservedClient([{ status: 503 }, 202]);
    const batch = batchOf("1");
    const upload = client.upload(batch);
    const [outcome] = await send(client, [batch]);
    expect(outcome).toMatchObject({ kind: "accepted", index: 0, batch, receipt: { attempts: 2 } });
    await upload;
    expect(fetch.acceptedOnce()).toHaveLength(1);
    expect(reported).toHaveLength(2);
  });

  it("is sent by itself when the other call is aborted, beside others of its list", async () => {
    const { client, fetch } = makeObservedClient(["hang", 202]);
    const batch = batchOf("1");
    const controller = new AbortController();
    const upload = client.upload(batch, { signal: controller.signal }).catch((error: unknown) => error);
    const outcomes = send(client, [batch, batchOf("2")]);
    while (fetch.accepted().length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(fetch.accepted()).toEqual([batchOf("2")]);
    controller.abort();
    expect(await upload).toMatchObject({ code: "ABORTED" });
    expect((await outcomes).map(({ index, kind }) => [index, kind])).toEqual([
      [0, "accepted"],
      [1, "accepted"],
    ]);
    expect(fetch.accepted()).toEqual([batchOf("2"), batch]);
  });

  it("keeps the id that it was given while nobody has accepted it, and has another one after that", async () => {
    const { client, fetch } = makeObservedClient([503, 202, 202], { retry: false });
    const heartbeat: Batch = { environment: "development" };
    for (const kind of ["undelivered", "accepted", "accepted"]) {
      expect(await send(client, [heartbeat])).toMatchObject([{ kind, index: 0 }]);
    }
    const ids = fetch.requests.map(({ body }) => (JSON.parse(body) as Batch[])[0]!.source_request_id);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it("is settled once, as the worst of its parts, when it travels in several", async () => {
    const { client, fetch, reported } = makeObservedClient(({ body }) => (body.includes("poison") ? 400 : 202));
    const batch = batchOfEvents(["fine", "fine too", "poison"], 90_000);
    const outcomes = await send(client, [batch, batchOf("2")]);
    expect(outcomes).toMatchObject([
      { kind: "rejected", index: 0, error: { status: 400 }, batch: { source_request_id: "large" } },
      { kind: "accepted", index: 1 },
    ]);
    expect(reported).toHaveLength(2);
    expect(fetch.accepted()).toHaveLength(3);
  });

  it("arrives whole where its parts fill requests to the last place", async () => {
    const { client, fetch } = makeObservedClient(202, { maxBatchBytes: 400 });
    const COUNT = full(120, 200);
    const names = Array.from({ length: COUNT }, (_, index) => String(index));
    expect(await send(client, [batchOfEvents(names, 20)])).toMatchObject([{ kind: "accepted" }]);
    expect(fetch.counts()).toMatchObject({ batches: COUNT, acceptedEvents: COUNT });
  });

  it("is the last to be read where it makes the signal abort", async () => {
    const controller = new AbortController();
    const checked: unknown[] = [];
    const validate = ({ source_request_id: id }: Batch): [] => {
      checked.push(id);
      if (id === "3") controller.abort(new Error("enough"));
      return [];
    };
    const { client, fetch, reported } = makeObservedClient(202, { validate });
    const batches = Array.from({ length: 10 }, (_, index) => batchOf(String(index)));
    const outcomes = await send(client, batches, controller.signal);
    expect(checked).toEqual(["0", "1", "2", "3"]);
    expect(fetch.requests).toHaveLength(0);
    expect(outcomes.every(({ kind }) => kind === "undelivered")).toBe(true);
    expect(outcomes[0]).toMatchObject({ error: { code: "ABORTED", cause: new Error("enough") } });
    expect(reported).toHaveLength(outcomes.length);
  });
});

describe("a wait that the service asks for, and that is longer than a call may take", () => {
  it.each(WAYS)("ends a call of %s at once, but for a delivery, which waits", async (way, send) => {
    const time = virtualTime();
    const fetch = recordingFetch([{ status: 503, headers: { "retry-after": "600" } }, 202]);
    const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch }, time);
    const [outcome] = await send(client, [batchOf("1")]);
    expect([outcome?.kind, time.now() >= 600_000]).toEqual(
      way === "deliver" ? ["accepted", true] : ["undelivered", false],
    );
  });
});
