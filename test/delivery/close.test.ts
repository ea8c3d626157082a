import { describe, expect, it, onTestFinished, vi } from "vitest";
import { EventQueue, EventsClient, screenView, type Batch, type Outcome } from "mparticle-events";
import { recordingFetch, startFakeServer } from "../../src/testing/testing.ts";
import { heldTime } from "./held-time.ts";
import { virtualTime } from "./virtual-time.ts";

const CREDENTIALS = { apiKey: "k", apiSecret: "s3cr3t" };
const good = (id = "1"): Batch => ({ environment: "development", source_request_id: id });

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a client that is closed", () => {
  it("settles what is in flight first, retries included, and lets nothing more in", async () => {
    const reported: Outcome[] = [];
    const fetch = recordingFetch([503, 202]);
    const onOutcome = (outcome: Outcome): void => void reported.push(outcome);
    const client = new EventsClient({ ...CREDENTIALS, fetch, onOutcome }, virtualTime());
    const uploads = [client.upload(good("1")), client.upload(good("2"))];
    const bulk = client.uploadBulk([good("3"), good("4")]);
    const closing = client.close();
    await expect(client.upload(good("late"))).rejects.toMatchObject({ code: "CLOSED", requestIds: ["late"] });
    const late = await client.uploadBulk([good("late")]);
    expect(late).toMatchObject([{ kind: "undelivered", index: 0, error: { code: "CLOSED", requestIds: ["late"] } }]);
    await closing;
    for (const upload of uploads) await expect(upload).resolves.toMatchObject({ status: 202 });
    expect((await bulk).map(({ kind }) => kind)).toEqual(["accepted", "accepted"]);
    expect(reported).toHaveLength(6);
    expect(reported.slice(0, 2)).toMatchObject(
      Array.from({ length: 2 }, () => ({
        batch: good("late"),
        index: 0,
        kind: "undelivered",
        error: { code: "CLOSED" },
      })),
    );
    expect(fetch.acceptedIds().has("late")).toBe(false);
  });

  it("waits for what is coalesced, too", async () => {
    const fetch = recordingFetch(202);
    const client = new EventsClient({ ...CREDENTIALS, fetch, coalesce: true }, virtualTime());
    const upload = client.upload(good());
    await client.close();
    await expect(upload).resolves.toMatchObject({ status: 202 });
  });

  it("gives up what takes too long: it is undelivered, and the call is over", async () => {
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch("hang") }, virtualTime());
    const upload = client.upload(good()).catch((error: unknown) => error);
    const signalled = client.upload(good("2"), { signal: new AbortController().signal }).catch((e: unknown) => e);
    const bulk = client.uploadBulk([good("3")]);
    await turns();
    await client.close({ timeoutMs: 10 });
    const message = "The client was closed before this was accepted; sending it again is safe.";
    expect(await upload).toMatchObject({ code: "CLOSED", message, attempts: 1, requestIds: ["1"] });
    expect(await signalled).toMatchObject({ code: "CLOSED" });
    expect(await bulk).toMatchObject([{ kind: "undelivered", error: { code: "CLOSED" } }]);
  });

  it("has its delivery read no further, and settle what was read", async () => {
    const fetch = recordingFetch(202);
    const client = new EventsClient({ ...CREDENTIALS, fetch }, virtualTime());
    let pulled = 0;
    function* source(): Generator<Batch> {
      for (;;) yield good(String(pulled++));
    }
    const outcomes: Outcome[] = [];
    let closing: Promise<void> | undefined;
    for await (const outcome of client.deliver(source())) {
      outcomes.push(outcome);
      closing ??= client.close();
    }
    await closing;
    expect(outcomes).toHaveLength(pulled);
    expect(pulled).toBeLessThan(1_000);
  });

  it("ends its delivery from a source that hangs, and sends what was read", async () => {
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202) }, heldTime());
    let isAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => (isAsked = resolve));
    async function* source(): AsyncGenerator<Batch> {
      yield good("1");
      yield good("2");
      isAsked();
      await new Promise(() => undefined);
    }
    const reading = (async () => {
      const outcomes: Outcome[] = [];
      for await (const outcome of client.deliver(source(), { lingerMs: 2 ** 40 })) outcomes.push(outcome);
      return outcomes;
    })();
    await asked;
    await client.close();
    expect(await reading).toMatchObject([
      { index: 0, kind: "accepted" },
      { index: 1, kind: "accepted" },
    ]);
  });

  it("hands back what a queue still gives it, and the queue does not try for ever", async () => {
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202) });
    const outcomes: Outcome[] = [];
    const queue = new EventQueue(client, { onOutcome: (outcome) => outcomes.push(outcome) });
    await client.close();
    await queue.add({ environment: "development" }, screenView("Home"));
    expect(await queue.close()).toMatchObject({ accepted: 0, undelivered: 1 });
    expect(outcomes).toMatchObject([{ kind: "undelivered", error: { code: "CLOSED" } }]);
  });

  it("tells of what its queue had in flight that the queue was closed, and warns of nothing", async () => {
    const warn = vi.spyOn(console, "warn");
    onTestFinished(() => {
      warn.mockRestore();
    });
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch("hang") });
    const queue = new EventQueue(client);
    await queue.add({ environment: "development" }, screenView("Home"));
    void queue.flush();
    await turns();
    const { unsent } = await queue.close({ timeoutMs: 0 });
    expect(unsent).toHaveLength(1);
    expect(warn).not.toHaveBeenCalled();
    const told: Outcome[] = [];
    const other = new EventQueue(client, { onOutcome: (outcome) => told.push(outcome) });
    await other.add({ environment: "development" }, screenView("Home"));
    void other.flush();
    await turns();
    await other.close({ timeoutMs: 0 });
    const message = "The queue was closed before this was accepted; sending it again is safe.";
    expect(told).toMatchObject([{ kind: "undelivered", error: { code: "CLOSED", message, attempts: 1 } }]);
  });

  it("leaves no connection behind, also as a resource", async () => {
    await using server = await startFakeServer({ script: 202 });
    {
      await using client = new EventsClient({ ...CREDENTIALS, baseUrl: server.url });
      await client.upload(good());
      expect(server.sockets.open).toBe(1);
    }
    for (let round = 0; round < 200 && server.sockets.open > 0; round++) await turns(1);
    expect(server.sockets.open).toBe(0);
  });

  it("may be closed again, and names what is no option", async () => {
    const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202) });
    await Promise.all([client.close(), client.close()]);
    await expect(client.close({ timeout: 5 } as never)).rejects.toThrow(
      "There is no option `timeout`; expected `timeoutMs`.",
    );
    await expect(client.close({ timeoutMs: -1 })).rejects.toThrow("`timeoutMs` is -1");
  });
});
