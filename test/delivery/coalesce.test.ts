import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { EventsClient, MParticleError, type Batch, type EventsClientOptions, type Receipt } from "mparticle-events";
import type { AttemptStart } from "../../src/delivery/attempt-start.ts";
import { internalsOf } from "../../src/delivery/client.ts";
import { Coalescer } from "../../src/delivery/coalesce.ts";
import { poison, recordingFetch, type FetchStep, type RecordingFetch, type Script } from "../../src/testing/testing.ts";
import { heldTime } from "./held-time.ts";
import { countTravelling } from "./scripted-client.ts";
import { virtualTime } from "./virtual-time.ts";
import { full } from "../full.ts";

function setUp(
  script: Script<FetchStep> = 202,
  options: Partial<EventsClientOptions> = {},
): { readonly client: EventsClient; readonly fetch: RecordingFetch } {
  const fetch = recordingFetch(script);
  const client = new EventsClient(
    { apiKey: "us1-key", apiSecret: "secret", coalesce: true, fetch, ...options },
    virtualTime(),
  );
  return { client, fetch };
}

function batchOf(id: string): Batch {
  return { environment: "development", source_request_id: id };
}

function uploadAll(client: EventsClient, count: number): Promise<Receipt[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => client.upload(batchOf(String(index)))));
}

function sizes(fetch: RecordingFetch): number[] {
  return fetch.requests.map(({ batchCount }) => batchCount);
}

/** Answers when told to, so that a test decides what happens meanwhile. */
function gate(): { readonly open: () => void; readonly step: () => Promise<number> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, step: () => opened.then(() => 202) };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A turn may be too short for a request to leave. */
async function hasSent(fetch: RecordingFetch, requests: number): Promise<void> {
  await vi.waitFor(() => {
    expect(fetch.requests).toHaveLength(requests);
  });
}

describe("uploads at the same time", () => {
  it("travel in one bulk request, in the order of their calls", async () => {
    const { client, fetch } = setUp();
    await uploadAll(client, 30);
    expect(sizes(fetch)).toEqual([30]);
    expect(fetch.requests[0]?.path).toBe("/v2/bulkevents");
    expect(fetch.batches().map(({ source_request_id: id }) => id)).toEqual(
      Array.from({ length: 30 }, (_, n) => String(n)),
    );
  });

  it("fill requests of a hundred", async () => {
    const { client, fetch } = setUp();
    await uploadAll(client, 250);
    expect(sizes(fetch)).toEqual([100, 100, 50]);
  });

  it("each get a receipt of their own", async () => {
    const { client } = setUp({ status: 202, headers: { "x-mp-rate-limit-percentage-used": 12 } });
    const receipts = await uploadAll(client, 3);
    expect(receipts).toMatchObject(
      ["0", "1", "2"].map((requestId) => ({ requestId, status: 202, attempts: 1, rateLimitPercentageUsed: 12 })),
    );
  });

  it("of which one cannot be sent at all lose only that one", async () => {
    const { client, fetch } = setUp();
    // What only JavaScript can pass.
    const broken = { source_request_id: "broken" } as Batch;
    const results = await Promise.allSettled([
      client.upload(batchOf("a")),
      client.upload(broken),
      client.upload(batchOf("b")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(sizes(fetch)).toEqual([2]);
  });

  it("of which the service refuses one all get their own verdict", async () => {
    const { client, fetch } = setUp(poison(({ source_request_id: id }) => id === "7"));
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => client.upload(batchOf(String(index)))),
    );
    for (const [index, result] of results.entries()) {
      if (index !== 7) expect(result).toMatchObject({ status: "fulfilled", value: { requestId: String(index) } });
      else expect(result).toMatchObject({ status: "rejected", reason: { status: 400, requestIds: ["7"] } });
    }
    expect(fetch.acceptedOnce()).toHaveLength(19);
    expect(fetch.duplicates().size).toBe(0);
  });

  it("that are split for their size are one upload each nevertheless", async () => {
    const { client, fetch } = setUp(202, { maxBatchBytes: 1_000 });
    const events = Array.from({ length: 10 }, (_, index) => ({
      event_type: "custom_event" as const,
      data: { event_name: String(index).padEnd(200), custom_event_type: "other" as const },
    }));
    const [large, small] = await Promise.all([
      client.upload({ ...batchOf("large"), events }),
      client.upload(batchOf("small")),
    ]);
    expect(large).toMatchObject({ requestId: "large" });
    expect(small).toMatchObject({ requestId: "small" });
    expect(fetch.counts()).toMatchObject({ requests: 1, acceptedEvents: 10 });
    expect(fetch.batches().length).toBeGreaterThan(3);
  });
});

describe("an upload alone", () => {
  it("waits for nobody: its request leaves before the next turn", async () => {
    const { client, fetch } = setUp();
    await client.upload(batchOf("a"));
    await client.upload(batchOf("b"));
    expect(sizes(fetch)).toEqual([1, 1]);
  });
});

describe("while as many requests travel as may", () => {
  it("those that come gather, and leave together when one is back", async () => {
    const { open, step } = gate();
    const { client, fetch } = setUp([...Array.from({ length: 8 }, () => step), 202]);
    const uploads: Promise<unknown>[] = [];
    for (let request = 0; request < 8; request++) {
      uploads.push(client.upload(batchOf(`first-${String(request)}`)));
      await hasSent(fetch, request + 1);
    }
    expect(sizes(fetch)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    for (let index = 0; index < 50; index++) {
      uploads.push(client.upload(batchOf(`later-${String(index)}`)));
      if (index % 10 === 0) await turn();
    }
    expect(fetch.requests).toHaveLength(8);
    open();
    await Promise.all(uploads);
    expect(sizes(fetch)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 50]);
  });

  it("many at once use no more than eight requests at a time, and all arrive in order", async () => {
    const travelling = countTravelling();
    const { client, fetch } = setUp(travelling.step);
    const REQUESTS = full(12, 20);
    await uploadAll(client, REQUESTS * 100);
    expect(travelling.most()).toBe(8);
    expect(sizes(fetch)).toEqual(Array.from({ length: REQUESTS }, () => 100));
    expect(fetch.batches().map(({ source_request_id: id }) => Number(id))).toEqual(
      Array.from({ length: REQUESTS * 100 }, (_, n) => n),
    );
  });
});

describe("a signal", () => {
  it("ends its own upload while that gathers, before it is sent, and leaves no listener", async () => {
    const { client, fetch } = setUp();
    const controller = new AbortController();
    const kept = client.upload(batchOf("kept"));
    const aborted = client.upload(batchOf("aborted"), { signal: controller.signal });
    controller.abort(new Error("no longer wanted"));
    await expect(aborted).rejects.toMatchObject({
      code: "ABORTED",
      attempts: 0,
      requestIds: ["aborted"],
      cause: new Error("no longer wanted"),
    });
    await expect(kept).resolves.toMatchObject({ requestId: "kept" });
    expect(fetch.batches()).toMatchObject([{ source_request_id: "kept" }]);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("ends the wait for its own upload on its way, and takes no neighbour along", async () => {
    const { open, step } = gate();
    const { client, fetch } = setUp(step);
    const controller = new AbortController();
    const kept = client.upload(batchOf("kept"));
    const aborted = client.upload(batchOf("aborted"), { signal: controller.signal });
    await hasSent(fetch, 1);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", attempts: 1 });
    open();
    await expect(kept).resolves.toMatchObject({ requestId: "kept" });
    expect(sizes(fetch)).toEqual([2]);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("that has aborted before sends nothing", async () => {
    const { client, fetch } = setUp();
    await expect(client.upload(batchOf("a"), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
      attempts: 0,
    });
    await turn();
    expect(fetch.requests).toHaveLength(0);
  });

  it("that never aborts keeps no listener once its upload is through", async () => {
    const { client } = setUp();
    const { signal } = new AbortController();
    await Promise.all([client.upload(batchOf("a"), { signal }), client.upload(batchOf("b"), { signal })]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("whoever listens to the start of a request", () => {
  it("can tell whose uploads it is made of, and is asked for nothing while nobody listens", async () => {
    const user = new AsyncLocalStorage<string>();
    const starts: AttemptStart[] = [];
    const listen = (message: unknown): void => void starts.push(message as AttemptStart);
    const { client } = setUp();
    subscribe("mparticle-events:attempt-start", listen);
    try {
      await Promise.all(["ada", "bob"].map((name) => user.run(name, () => client.upload(batchOf(name)))));
    } finally {
      unsubscribe("mparticle-events:attempt-start", listen);
    }
    await client.upload(batchOf("unheard"));
    expect(starts).toHaveLength(1);
    expect(starts[0]!.requestIds).toEqual(["ada", "bob"]);
    expect(starts[0]!.origins.map((runIn) => runIn(() => user.getStore()))).toEqual(["ada", "bob"]);
  });
});

describe("the time of an upload", () => {
  it("is two minutes where nothing answers, as without company", async () => {
    const time = heldTime();
    const fetch = recordingFetch({ fault: "ECONNREFUSED" });
    const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", coalesce: true, fetch }, time);
    const failed = vi.fn();
    const upload = client.upload(batchOf("a")).catch(failed);
    await time.advance(100_000);
    expect(failed).not.toHaveBeenCalled();
    await time.advance(31_000);
    await upload;
    expect(failed).toHaveBeenCalledTimes(1);
  });

  it("is up for each one by itself in an outage, on its way or gathering", async () => {
    const { FIRST, LATER, concurrency } = full(
      { FIRST: 250, LATER: 30, concurrency: 1 },
      { FIRST: 2_000, LATER: 100, concurrency: 64 },
    );
    const time = heldTime();
    const fetch = recordingFetch({ fault: "ECONNREFUSED" });
    const client = new EventsClient(
      // So many requests may travel at once, of a hundred each.
      {
        ...{ apiKey: "us1-key", apiSecret: "secret", coalesce: true, fetch },
        concurrency,
        retry: { maxElapsedMs: 60_000 },
      },
      time,
    );
    const agesMs: number[] = [];
    const uploads: Promise<unknown>[] = [];
    const upload = async (): Promise<void> => {
      const handedOverAtMs = time.now();
      const error: unknown = await client.upload(batchOf(String(uploads.length))).catch((reason: unknown) => reason);
      if (error instanceof MParticleError && error.retryable) agesMs.push(time.now() - handedOverAtMs);
    };
    // More than can travel at once, and those that come later are alone with their age.
    for (let n = 0; n < FIRST; n++) uploads.push(upload());
    for (let minute = 0; minute < 3; minute++) {
      await time.advance(61_000);
      for (let n = 0; n < LATER; n++) uploads.push(upload());
    }
    await time.advance(200_000);
    await Promise.all(uploads);
    expect(agesMs).toHaveLength(FIRST + 3 * LATER);
    // The wait between two attempts, 10 s at most, is slept to its end.
    expect(Math.max(...agesMs)).toBeLessThanOrEqual(60_000 + 10_000);
    expect(time.timers).toBe(0);
  });

  it("counts in its receipt from the call, what it waited for company included", async () => {
    const time = heldTime();
    const opens: (() => void)[] = [];
    const fetch = recordingFetch(
      () =>
        new Promise<FetchStep>((resolve) => {
          opens.push(() => {
            resolve(202);
          });
        }),
    );
    const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", coalesce: true, fetch }, time);
    const first = uploadAll(client, 800);
    await time.settle();
    expect(fetch.requests).toHaveLength(8);
    const early = client.upload(batchOf("early"));
    await time.advance(300);
    const late = client.upload(batchOf("late"));
    await time.advance(200);
    for (const open of opens.splice(0)) open();
    await time.settle();
    await time.advance(100);
    for (const open of opens.splice(0)) open();
    expect((await first).every(({ durationMs }) => durationMs === 500)).toBe(true);
    expect((await early).durationMs).toBe(600);
    expect((await late).durationMs).toBe(300);
    expect(sizes(fetch).slice(8)).toEqual([2]);
  });
});

describe("a batch", () => {
  it.each(["before", "after"])("is settled once, though its signal aborts %s it was sent", async (when) => {
    const { open, step } = gate();
    const { client, fetch } = setUp(step);
    const { dispatcher, telemetry } = internalsOf(client);
    const coalescer = new Coalescer(dispatcher, telemetry);
    const controller = new AbortController();
    const settle = vi.fn();
    const texts = ['{"environment":"development"}'];
    coalescer.add({ texts, bytes: 29, requestId: "a", handedOverAtMs: 0, settle }, controller.signal);
    if (when === "after") await hasSent(fetch, 1);
    else expect(fetch.requests).toHaveLength(0);
    controller.abort();
    expect(settle).toHaveBeenCalledTimes(1);
    open();
    await turn();
    expect(settle).toHaveBeenCalledTimes(1);
    expect(settle).toHaveBeenCalledWith(expect.objectContaining({ kind: "undelivered" }));
  });
});
