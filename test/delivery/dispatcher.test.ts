import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import {
  EventsClient,
  MParticleError,
  type AttemptReport,
  type Batch,
  type EventsClientOptions,
  type Receipt,
} from "mparticle-events";
import type { Effects } from "../../src/delivery/effects.ts";
import { StaleConnectionError } from "../../src/transport/exchange.ts";
import { recordingFetch, type FetchStep, type Script, type StepFunction } from "../../src/testing/testing.ts";
import { full } from "../full.ts";
import { heldTime } from "./held-time.ts";
import { countTravelling } from "./scripted-client.ts";
import { virtualTime } from "./virtual-time.ts";

interface Upload {
  readonly name: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly result: Receipt | MParticleError;
}

/** Uploads by name, on a clock that jumps; more of them may start whenever an attempt has ended. */
class Uploads {
  readonly time = virtualTime();
  readonly #client: EventsClient;
  readonly #uploads: Promise<Upload>[] = [];

  constructor(script: Script<FetchStep>, options: Partial<EventsClientOptions>, onAttempt: (uploads: Uploads) => void) {
    this.#client = new EventsClient(
      {
        apiKey: "us1-key",
        apiSecret: "secret",
        fetch: recordingFetch(script),
        onAttempt: (_report: AttemptReport) => {
          onAttempt(this);
        },
        ...options,
      },
      this.time,
    );
  }

  get count(): number {
    return this.#uploads.length;
  }

  start(name: string): void {
    this.#uploads.push(this.#upload(name));
  }

  async #upload(name: string): Promise<Upload> {
    const startedMs = this.time.now();
    const result = await this.#client
      .upload({ environment: "development", user_identities: { customer_id: name } })
      .catch((error: unknown) => {
        if (error instanceof MParticleError) return error;
        throw error;
      });
    return { name, startedMs, endedMs: this.time.now(), result };
  }

  /** All, those included that started meanwhile. */
  async ended(): Promise<readonly Upload[]> {
    const ended: Upload[] = [];
    for (const upload of this.#uploads) ended.push(await upload);
    return ended;
  }
}

describe("batches that fail by themselves", () => {
  it("hold no others back: what has not failed yet goes first while it is unclear who is to blame", async () => {
    const uploads = new Uploads(
      ({ body }) => (body.includes("poison") ? 500 : 202),
      { concurrency: 4, retry: { maxElapsedMs: 120_000 } },
      ({ count, time }) => {
        if (time.now() > (count - 5) * 10_000 && count < 14) uploads.start("good");
      },
    );
    for (let count = 0; count < 6; count++) uploads.start("poison");
    const ended = await uploads.ended();
    const good = ended.filter(({ name }) => name === "good");
    expect(good).toHaveLength(8);
    for (const { startedMs, endedMs, result } of good) {
      expect(result).toMatchObject({ status: 202, attempts: 1 });
      // Not longer than one pause, which is what an outage would cost.
      expect(endedMs - startedMs).toBeLessThanOrEqual(5_000);
    }
    for (const { name, result } of ended) {
      if (name === "poison") expect(result).toBeInstanceOf(MParticleError);
    }
  });
});

describe("an outage", () => {
  it("ends the wait of each upload when its own time is up, while new ones keep coming", async () => {
    const uploads = new Uploads(
      { fault: "ECONNREFUSED" },
      { concurrency: 4, retry: { maxElapsedMs: 60_000 } },
      ({ count, time }) => {
        if (time.now() < 200_000 && count < full(120, 300)) uploads.start("new");
      },
    );
    for (let count = 0; count < 20; count++) uploads.start("old");
    const ended = await uploads.ended();
    expect(ended.length).toBeGreaterThan(50);
    for (const { startedMs, endedMs, result } of ended) {
      expect(result).toBeInstanceOf(MParticleError);
      expect(result).toMatchObject({ retryable: true });
      // The wait between two attempts, 10 s at most, is slept to its end.
      expect(endedMs - startedMs).toBeLessThanOrEqual(60_000 + 10_000);
    }
  });

  it("that ends lets everything through, old and new", async () => {
    let isDown = true;
    const uploads = new Uploads(
      () => (isDown ? { fault: "ECONNREFUSED" } : 202),
      { concurrency: 4 },
      ({ count, time }) => {
        isDown = time.now() < 60_000;
        if (isDown && count < full(60, 100)) uploads.start("new");
      },
    );
    for (let count = 0; count < 20; count++) uploads.start("old");
    const ended = await uploads.ended();
    expect(ended.length).toBeGreaterThan(30);
    for (const { endedMs, result } of ended) {
      expect(result).toMatchObject({ status: 202 });
      // A probe every 5 s at most finds out; a backoff of 10 s at most may come on top.
      expect(endedMs).toBeLessThan(60_000 + 20_000);
    }
  });
});

function makeClient(
  script: Script<FetchStep>,
  time: Effects,
  options: Partial<EventsClientOptions> = {},
): EventsClient & { readonly fetch: ReturnType<typeof recordingFetch> } {
  const fetch = recordingFetch(script);
  return Object.assign(new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch, ...options }, time), {
    fetch,
  });
}

function batchOf(id: string | number): Batch {
  return { environment: "development", source_request_id: String(id) };
}

function batches(count: number): Batch[] {
  return Array.from({ length: count }, (_, index) => batchOf(index));
}

/** How it ended, and when. */
async function endOf(
  upload: Promise<Receipt>,
  time: Effects,
): Promise<{ readonly endedMs: number; readonly result: unknown }> {
  const result = await upload.catch((error: unknown) => error);
  return { endedMs: time.now(), result };
}

describe("the time of an upload", () => {
  it("is up at once where the service asks for a longer pause, whatever a late answer says, for all that wait alike", async () => {
    const time = heldTime();
    let answerLate: (step: FetchStep) => void = () => undefined;
    const late = new Promise<FetchStep>((resolve) => {
      answerLate = resolve;
    });
    const statuses: (number | undefined)[] = [];
    const client = makeClient([() => late, 503, { status: 429, headers: { "retry-after": "3600" } }, 202], time, {
      retry: { maxElapsedMs: 1_000 },
      onAttempt: ({ status }) => statuses.push(status),
    });
    const ends = ["late", "returning", "refused"].map((id) => endOf(client.upload(batchOf(id)), time));
    await time.settle();
    answerLate(202);
    await time.settle();
    const fresh = endOf(client.upload(batchOf("fresh")), time);
    expect(statuses).toEqual([503, 429, 202]);
    await time.advance(4_000_000);
    const [lateEnd, returningEnd, refusedEnd] = await Promise.all(ends);
    expect(lateEnd).toMatchObject({ endedMs: 0, result: { status: 202 } });
    expect(refusedEnd).toMatchObject({ endedMs: 0, result: { status: 429 } });
    // The wait between its attempts, 100 ms here, is slept to its end.
    expect(returningEnd).toMatchObject({ endedMs: 100, result: { status: 503, attempts: 1 } });
    expect(await fresh).toMatchObject({ endedMs: 0, result: { code: "RATE_LIMITED", attempts: 0 } });
    expect(client.fetch.requests).toHaveLength(3);
    expect(time.timers).toBe(0);
  });

  it("is up in time though others get through again, and it alone has to wait", async () => {
    const time = heldTime();
    const client = makeClient(
      [503, { status: 429, headers: { "retry-after": "0.5" } }, 202, "hang", "hang", 202],
      time,
      { retry: { maxElapsedMs: 1_000 } },
    );
    const failed = ["failed", "refused"].map((id) => endOf(client.upload(batchOf(id)), time));
    await time.settle();
    // The first of them ends the pause. Two may start on the strength of that, and hang; the last waits for another sign.
    const [first, , , last] = ["first", "hanging", "hanging", "last"].map((id) =>
      endOf(client.upload(batchOf(id)), time),
    );
    await time.advance(1_000);
    expect(await first).toMatchObject({ endedMs: 525, result: { status: 202 } });
    for (const end of failed) expect(await end).toMatchObject({ endedMs: 1_000, result: { attempts: 1 } });
    expect(client.fetch.requests).toHaveLength(5);
    await time.advance(1_000);
    expect(await last).toMatchObject({ endedMs: 1_525, result: { status: 202 } });
  });

  it("does not begin anew when its request is divided", async () => {
    const time = virtualTime();
    const client = makeClient(({ batchCount }) => (batchCount > 1 && time.now() >= 700 ? 400 : 503), time, {
      retry: { maxElapsedMs: 1_000 },
    });
    const outcomes = await client.uploadBulk(batches(4));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(4).fill("undelivered"));
    // The parts had a turn, and not a second of their own.
    expect(client.fetch.requests.at(-1)?.batchCount).toBe(1);
    expect(time.now()).toBeLessThanOrEqual(1_100);
  });

  it("is that of all batches of uploadBulk together in an outage, however many they are", async () => {
    const COUNT = full(1_000, 5_000);
    const time = virtualTime();
    const client = makeClient({ fault: "ECONNREFUSED" }, time, { retry: { maxElapsedMs: 60_000 } });
    const outcomes = await client.uploadBulk(batches(COUNT));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["undelivered"]));
    expect(outcomes).toHaveLength(COUNT);
    // The wait between two attempts, 10 s at most, is slept to its end.
    expect(time.now()).toBeLessThanOrEqual(60_000 + 10_000);
  });

  it("is not up while the service refuses others: it is there", async () => {
    const time = virtualTime();
    let answered = 0;
    const client = makeClient(
      async ({ batches: [sent] }) => {
        await new Promise<void>((resolve) => time.startTimer(resolve, 40));
        if (answered++ === 0) return 503;
        return sent?.source_request_id === "20" ? 202 : 400;
      },
      time,
      { concurrency: 1, retry: { maxElapsedMs: 400, baseDelayMs: 1 } },
    );
    const ends = await Promise.allSettled(batches(21).map((batch) => client.upload(batch)));
    expect(ends.at(-1)).toMatchObject({ status: "fulfilled" });
    const codes = ends.flatMap((end) => (end.status === "rejected" ? [(end.reason as MParticleError).code] : []));
    expect(new Set(codes)).toEqual(new Set(["BAD_REQUEST"]));
  });

  it("is not up while others get through, however long it waits for its turn", async () => {
    const time = virtualTime();
    const client = makeClient(202, time, { rate: 1, retry: { maxElapsedMs: 1_000 } });
    const outcomes = await client.uploadBulk(batches(1_000), { concurrency: 10 });
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["accepted"]));
    expect(time.now()).toBeGreaterThan(500_000);
  });
});

describe("an abort", () => {
  const pausing = { status: 429, headers: { "retry-after": "60" } };

  it("of what waits in a long pause leaves neither timer nor listener, before its first attempt or after", async () => {
    const time = heldTime();
    const client = makeClient(pausing, time);
    const [refused, fresh] = [new AbortController(), new AbortController()];
    const refusedEnd = endOf(client.upload(batchOf("refused"), refused), time);
    await time.settle();
    const freshEnd = endOf(client.upload(batchOf("fresh"), fresh), time);
    await time.settle();
    // One for the wait that was asked for, one for the end of the pause.
    expect(time.timers).toBe(2);
    fresh.abort();
    expect(await freshEnd).toMatchObject({ endedMs: 0, result: { code: "ABORTED", attempts: 0 } });
    expect(time.timers).toBe(1);
    refused.abort();
    expect(await refusedEnd).toMatchObject({ endedMs: 0, result: { code: "ABORTED", attempts: 1 } });
    expect(time.timers).toBe(0);
    for (const { signal } of [refused, fresh]) expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("of one that waits for its turn in a pause leaves those alone that wait with it", async () => {
    const time = heldTime();
    const client = makeClient([pausing, 202], time);
    const first = endOf(client.upload(batchOf("first")), time);
    await time.settle();
    const controller = new AbortController();
    const aborted = endOf(client.upload(batchOf("aborted"), { signal: controller.signal }), time);
    const other = endOf(client.upload(batchOf("other")), time);
    await time.settle();
    controller.abort();
    expect(await aborted).toMatchObject({ endedMs: 0, result: { code: "ABORTED", attempts: 0 } });
    await time.advance(70_000);
    expect(await first).toMatchObject({ result: { status: 202, attempts: 2 } });
    expect(await other).toMatchObject({ result: { status: 202, attempts: 1 } });
    expect(time.timers).toBe(0);
  });

  it("that never comes leaves no listener behind, whatever was waited for", async () => {
    const client = makeClient([503, pausing, 500, 202], virtualTime());
    const { signal } = new AbortController();
    await Promise.all(batches(3).map((batch) => client.upload(batch, { signal })));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a bulk request that is refused as a whole", () => {
  it.each([400, 413])("with %d is divided until the service takes its parts", async (status) => {
    const client = makeClient(({ batchCount }) => (batchCount > 3 ? status : 202), virtualTime());
    const outcomes = await client.uploadBulk(batches(30));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["accepted"]));
    expect(client.fetch.acceptedOnce()).toHaveLength(30);
    expect(client.fetch.duplicates().size).toBe(0);
  });

  it("counts the attempts of its batches from their first request", async () => {
    const attempts: number[] = [];
    const client = makeClient(
      [503, ({ batches: sent }) => (sent.some(({ source_request_id: id }) => id === "2") ? 400 : 202)],
      virtualTime(),
      { onAttempt: ({ attempt }) => attempts.push(attempt) },
    );
    const outcomes = await client.uploadBulk(batches(4));
    expect(attempts).toEqual([1, 2, 3, 3, 3, 3]);
    for (const { index, ...outcome } of outcomes) {
      if (index === 2) expect(outcome).toMatchObject({ kind: "rejected", error: { attempts: 3 } });
      else expect(outcome).toMatchObject({ kind: "accepted", receipt: { attempts: 3 } });
    }
  });
});

describe("a batch that the service fails at each time", () => {
  /** 500 for every request with batch 2 in it. */
  const failing: StepFunction<FetchStep> = ({ batches: sent }) =>
    sent.some(({ source_request_id: id }) => id === "2") ? 500 : 202;

  it("takes none down with it while others get through", async () => {
    const time = virtualTime();
    const client = makeClient(failing, time);
    const bulk = client.uploadBulk(batches(40));
    const progress = { isOver: false };
    const others = (async () => {
      for (let n = 0; !progress.isOver; n++) {
        await client.upload({ environment: "development", source_request_id: `other ${String(n)}` });
        await new Promise<void>((resolve) => time.startTimer(resolve, full(6_000, 3_000)));
      }
    })();
    const outcomes = await bulk;
    progress.isOver = true;
    await others;
    for (const { index, ...outcome } of outcomes) {
      if (index === 2)
        expect(outcome).toMatchObject({ kind: "undelivered", error: { code: "UNAVAILABLE", status: 500 } });
      else expect(outcome).toMatchObject({ kind: "accepted" });
      if (outcome.kind === "accepted") expect(outcome.receipt.durationMs).toBeLessThan(30_000);
    }
    expect(client.fetch.duplicates().size).toBe(0);
  });

  it("takes none down with it when nothing else is sent", async () => {
    const client = makeClient(failing, virtualTime());
    const outcomes = await client.uploadBulk(batches(40));
    expect(outcomes.map(({ kind }) => kind)).toEqual(
      batches(40).map((_, index) => (index === 2 ? "undelivered" : "accepted")),
    );
  });

  it("is not suspected while the service is not there at all", async () => {
    const sizes: number[] = [];
    const client = makeClient(({ batches: sent }) => {
      sizes.push(sent.length);
      return sizes.length < 8 ? 503 : 202;
    }, virtualTime());
    await client.uploadBulk(batches(40));
    expect(new Set(sizes)).toEqual(new Set([40]));
  });
});

describe("the requests in flight", () => {
  it.each([1, 3])("are never more than %d, whatever the transport allows", async (concurrency) => {
    const travelling = countTravelling();
    const client = makeClient(
      async ({ index }) => {
        await travelling.step();
        return index % 5 === 4 ? 503 : 202;
      },
      virtualTime(),
      { concurrency },
    );
    await Promise.all(batches(40).map((batch) => client.upload(batch)));
    expect(travelling.most()).toBe(concurrency);
  });
});

describe("a stale connection", () => {
  it("says nothing about the service: no others wait for it", async () => {
    const time = heldTime();
    const paused = vi.fn();
    const good = recordingFetch(202);
    const stale = new StaleConnectionError("read ECONNRESET", "ECONNRESET");
    const seen = new Set<string>();
    const fetch = async (request: Request): Promise<Response> => {
      const body = await request.clone().text();
      if (seen.has(body)) return good(request);
      seen.add(body);
      throw stale;
    };
    const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch, onPause: paused }, time);
    const ends = batches(10).map((batch) => endOf(client.upload(batch), time));
    // To read a body takes as many turns of the event loop as the machine likes.
    for (const end of await time.until(Promise.all(ends))) {
      expect(end).toMatchObject({ endedMs: 0, result: { status: 202, attempts: 2 } });
    }
    expect(paused).not.toHaveBeenCalled();
  });
});
