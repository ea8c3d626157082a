import { describe, expect, it } from "vitest";
import { EventsClient, InvalidBatchError, MParticleError, type Batch, type Outcome } from "mparticle-events";
import type { Verdict } from "../../src/delivery/outcome.ts";
import { RequestIds } from "../../src/delivery/request-ids.ts";
import { makeObservedClient } from "./scripted-client.ts";

const TEMPLATE: Batch = { environment: "development", source_request_id: "template" };
const of = (customer_id: string): Batch => ({ ...TEMPLATE, user_identities: { customer_id } });

async function readAll(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all.sort((one, other) => one.index - other.index);
}

const REUSED = { name: "InvalidBatchError", findings: [{ code: "request-id-reused", path: "/source_request_id" }] };

describe("a batch that was used as a template", () => {
  it.each<[string, (client: EventsClient, batches: Batch[]) => Promise<readonly Outcome[]>]>([
    ["uploadBulk", (client, batches) => client.uploadBulk(batches)],
    ["uploadBulk, ordered", (client, batches) => client.uploadBulk(batches, { ordered: true })],
    ["deliver", (client, batches) => readAll(client.deliver(batches))],
  ])("is refused when it has the id of another, in one call of %s", async (_, send) => {
    const { client, fetch, reported } = makeObservedClient();
    const outcomes = await send(client, [of("1"), of("2"), of("3")]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "rejected"]);
    expect(outcomes[1]).toMatchObject({ error: REUSED });
    expect(fetch.accepted()).toEqual([of("1")]);
    expect(reported).toHaveLength(3);
  });

  it("is refused in another call as well, while the first is on its way and after it", async () => {
    const { client, fetch, reported } = makeObservedClient();
    const first = client.upload(of("1"));
    await expect(client.upload(of("2"))).rejects.toMatchObject(REUSED);
    await first;
    const third = client.upload(of("3"));
    await expect(third).rejects.toThrow(InvalidBatchError);
    await expect(third).rejects.toThrow("another batch was sent under this id, and the service would drop this one");
    expect(fetch.accepted()).toHaveLength(1);
    expect(reported).toMatchObject([
      { kind: "rejected", batch: of("2"), error: REUSED },
      { kind: "accepted" },
      { kind: "rejected", batch: of("3"), error: REUSED },
    ]);
  });

  it("is the same batch with its keys in another order, as a store may give it back, down to the last digit", async () => {
    const { client, fetch } = makeObservedClient();
    const [mpid, another] = ["7346244611012968789", "7346244611012968790"];
    const batch: Batch = { ...of("1"), mpid, user_attributes: { a: "1", b: "2" } };
    await client.upload(batch);
    const reordered: Batch = { user_attributes: { b: "2", a: "1" }, mpid, ...of("1") };
    await client.upload(reordered);
    expect(fetch.accepted()).toEqual([batch, batch]);
    await expect(client.upload({ ...reordered, mpid: another })).rejects.toMatchObject(REUSED);
    await expect(client.upload({ ...reordered, user_attributes: { b: "1", a: "2" } })).rejects.toMatchObject(REUSED);
  });

  it("is refused when the very same object has changed", async () => {
    const { client } = makeObservedClient();
    const batch = of("1");
    await client.upload(batch);
    batch.user_identities = { customer_id: "2" };
    await expect(client.upload(batch)).rejects.toMatchObject(REUSED);
  });

  it("may be sent under its id once it is mended, for the service has not got it", async () => {
    const { client, fetch } = makeObservedClient([400, 202]);
    await expect(client.upload(of("1"))).rejects.toMatchObject({ status: 400 });
    await expect(client.upload(of("2"))).resolves.toMatchObject({ status: 202 });
    expect(fetch.accepted()).toEqual([of("2")]);
  });

  it("is refused after one of which nobody knows whether it arrived", async () => {
    const { client } = makeObservedClient([{ fault: "ECONNRESET" }, 202], { retry: false });
    await expect(client.upload(of("1"))).rejects.toMatchObject({ code: "CONNECTION" });
    await expect(client.upload(of("2"))).rejects.toMatchObject(REUSED);
    await expect(client.upload(of("1"))).resolves.toMatchObject({ status: 202 });
  });
});

describe("the very same batch", () => {
  it("is one delivery while it is on its way, and has an outcome for each time it was handed over", async () => {
    const { client, fetch, reported } = makeObservedClient([503, 202]);
    const batch = of("1");
    const receipts = await Promise.all([client.upload(batch), client.upload(batch), client.upload(batch)]);
    expect(receipts).toMatchObject([{ attempts: 2 }, { attempts: 2 }, { attempts: 2 }]);
    expect(fetch.accepted()).toHaveLength(1);
    expect(reported).toHaveLength(3);
  });

  it.each<[string, (client: EventsClient, batches: Batch[]) => Promise<readonly Outcome[]>]>([
    ["uploadBulk", (client, batches) => client.uploadBulk(batches)],
    ["uploadBulk, ordered", (client, batches) => client.uploadBulk(batches, { ordered: true })],
    ["deliver", (client, batches) => readAll(client.deliver(batches))],
  ])("is sent once by %s, with an outcome for each of its places", async (_, send) => {
    const { client, fetch, reported } = makeObservedClient();
    const batch: Batch = { environment: "development" };
    const outcomes = await send(client, [batch, of("1"), batch]);
    expect(outcomes.map(({ index, kind }) => [index, kind])).toEqual([
      [0, "accepted"],
      [1, "accepted"],
      [2, "accepted"],
    ]);
    expect(outcomes[2]?.batch).toEqual(outcomes[0]?.batch);
    expect(fetch.accepted()).toHaveLength(2);
    expect(reported).toHaveLength(3);
  });

  it("is sent again once it was accepted", async () => {
    const { client, fetch } = makeObservedClient();
    const heartbeat: Batch = { environment: "development" };
    const [one, other] = [await client.upload(heartbeat), await client.upload(heartbeat)];
    expect(one.requestId).not.toBe(other.requestId);
    expect(fetch.accepted()).toHaveLength(2);
  });

  it("goes on when the one that it shares a delivery with is aborted, and ends alone by its own signal", async () => {
    const { client, fetch } = makeObservedClient(["hang", 202]);
    const [first, second] = [new AbortController(), new AbortController()];
    const batch = of("1");
    const uploads = [
      client.upload(batch, { signal: first.signal }),
      client.upload(batch, { signal: second.signal }),
      client.upload(batch),
    ].map((upload) => upload.catch((error: unknown) => error));
    while (fetch.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    second.abort();
    expect(await uploads[1]).toMatchObject({ code: "ABORTED" });
    expect(fetch.requests).toHaveLength(1);
    first.abort();
    expect(await uploads[0]).toMatchObject({ code: "ABORTED" });
    expect(await uploads[2]).toMatchObject({ status: 202 });
  });

  it("in a delivery whose reader has left has an outcome as all others have", async () => {
    const { client, reported } = makeObservedClient(["hang", "hang"]);
    const batch = of("1");
    const controller = new AbortController();
    const upload = client.upload(batch, { signal: controller.signal }).catch((error: unknown) => error);
    const delivery = client.deliver([batch], { signal: controller.signal });
    const reading = readAll(delivery);
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect(await reading).toMatchObject([{ kind: "undelivered", error: { code: "ABORTED" } }]);
    expect(await upload).toBeInstanceOf(MParticleError);
    expect(reported).toHaveLength(2);
  });
});

describe("the memory for ids", () => {
  const accepted = { kind: "accepted", receipt: { status: 202, requestId: "", attempts: 1, durationMs: 0 } } as const;

  it("is bounded: what was sent long ago is forgotten, and what is on its way is not", () => {
    const ids = new RequestIds();
    const text = "x".repeat(10_000);
    const given = {};
    expect(ids.enter("on its way", "[1]", given)).toBe(true);
    expect(ids.enter("sent", "[1]", given)).toBe(true);
    ids.leave("sent", accepted);
    expect(() => ids.enter("sent", "[2]", given)).toThrow(InvalidBatchError);
    for (let id = 0; id < 110; id++) {
      ids.enter(String(id), text, given);
      ids.leave(String(id), accepted);
    }
    expect(ids.enter("sent", "[2]", given)).toBe(true);
    expect(() => ids.enter("on its way", "[2]", given)).toThrow(InvalidBatchError);
    expect(ids.enter("on its way", "[1]", given)).toBe(false);
    // Fifty of them are half a million characters: the last twenty-five at least are known.
    expect(() => ids.enter("85", "[2]", given)).toThrow(InvalidBatchError);
  });

  it("has equal batches sent that are different objects, each with a verdict of its own", () => {
    const ids = new RequestIds();
    expect(ids.enter("1", "[1]", {})).toBe(true);
    expect(ids.enter("1", "[1]", {})).toBe(true);
    const undelivered = { kind: "undelivered", error: new MParticleError("EXPIRED", "Late.") } as const;
    ids.leave("1", undelivered);
    expect(() => ids.enter("1", "[2]", {})).toThrow(InvalidBatchError);
    ids.leave("1", undelivered);
    expect(ids.enter("1", "[2]", {})).toBe(true);
  });
});

describe("the ids of requests", () => {
  const accepted: Verdict = { kind: "accepted", receipt: { status: 202, requestId: "id", attempts: 1, durationMs: 1 } };
  const lost = (code: "ABORTED" | "TIMEOUT"): Verdict => ({
    kind: "undelivered",
    error: new MParticleError(code, "It was lost.", { attempts: 1 }),
  });

  /** Somebody who joins, and all that this one is told. */
  function joined(signal?: AbortSignal) {
    const told: (Verdict | "again")[] = [];
    return {
      told,
      signal,
      settle: (verdict: Verdict) => void told.push(verdict),
      again: () => void told.push("again"),
    };
  }

  it("know which object is on its way until all that are equal to it have their verdict", () => {
    const ids = new RequestIds();
    const [one, other] = [{}, {}];
    expect(ids.enter("id", "text", one)).toBe(true);
    expect(ids.enter("id", "text", other)).toBe(true);
    expect(ids.enter("id", "text", other)).toBe(false);
    ids.leave("id", accepted);
    expect(ids.enter("id", "text", other)).toBe(false);
    ids.leave("id", accepted);
    expect(ids.enter("id", "text", other)).toBe(true);
  });

  it("name themselves in the refusal of another content", () => {
    const ids = new RequestIds();
    ids.enter("id", "text", {});
    expect(() => ids.enter("id", "another text", {})).toThrow(expect.objectContaining({ requestIds: ["id"] }));
  });

  it("have nothing to say of what was never entered", () => {
    const ids = new RequestIds();
    const nobody = joined();
    ids.join("id", nobody);
    ids.leave("id", accepted);
    expect(nobody.told).toEqual([]);
  });

  it.each([
    ["the verdict", accepted, accepted],
    ["the fault", lost("TIMEOUT"), lost("TIMEOUT")],
    ["that it begins anew, for the other was aborted,", lost("ABORTED"), "again"],
  ])("tell %s to those who joined, once", (_, verdict, expected) => {
    const ids = new RequestIds();
    const one = joined();
    ids.enter("id", "text", {});
    ids.join("id", one);
    ids.leave("id", verdict);
    ids.leave("id", accepted);
    expect(one.told).toEqual([expected]);
  });

  it("tell the one who aborts nothing else, also when another who is told aborts it", () => {
    const ids = new RequestIds();
    const [early, late] = [new AbortController(), new AbortController()];
    const aborted = joined(early.signal);
    const abortedByFirst = joined(late.signal);
    ids.enter("id", "text", {});
    ids.join("id", aborted);
    early.abort("enough");
    ids.join("id", {
      signal: undefined,
      again: () => undefined,
      settle: () => {
        late.abort();
      },
    });
    ids.join("id", abortedByFirst);
    ids.leave("id", accepted);
    const facts = { requestIds: ["id"], attempts: 1 };
    expect(aborted.told).toMatchObject([
      { kind: "undelivered", error: { code: "ABORTED", ...facts, cause: "enough" } },
    ]);
    expect(abortedByFirst.told).toMatchObject([{ kind: "undelivered", error: { code: "ABORTED", ...facts } }]);
  });
});
