import { describe, expect, it } from "vitest";
import {
  EventsClient,
  type AttemptReport,
  type Batch,
  type EventsClientOptions,
  type PauseReport,
  type RetryReport,
} from "mparticle-events";
import { StaleConnectionError } from "../../src/transport/exchange.ts";
import { recordingFetch, type FetchStep, type Script } from "../../src/testing/testing.ts";
import { heldTime, type HeldTime } from "./held-time.ts";

const batchOf = (id: string): Batch => ({ environment: "development", source_request_id: id });

interface Told {
  readonly client: EventsClient;
  readonly time: HeldTime;
  readonly attempts: AttemptReport[];
  readonly retries: RetryReport[];
  readonly pauses: PauseReport[];
}

/** A client whose clock has run for a while: what counts from zero would show. */
async function setUp(script: Script<FetchStep>, options: Partial<EventsClientOptions> = {}): Promise<Told> {
  const time = heldTime();
  await time.advance(1_000_000);
  const [attempts, retries, pauses]: [AttemptReport[], RetryReport[], PauseReport[]] = [[], [], []];
  const client = new EventsClient(
    {
      apiKey: "us1-key",
      apiSecret: "secret",
      fetch: recordingFetch(script),
      onAttempt: (report) => void attempts.push(report),
      onRetry: (report) => void retries.push(report),
      onPause: (report) => void pauses.push(report),
      logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      ...options,
    },
    time,
  );
  return { client, time, attempts, retries, pauses };
}

describe("what is told of a request", () => {
  it("is how long it took, and the rate that the client keeps to once a limit has shown", async () => {
    const near = { status: 202, headers: { "x-mp-rate-limit-percentage-used": "99" } };
    const { client, time, attempts } = await setUp([202, near, 202]);
    for (const id of ["a", "b", "c"]) {
      const upload = client.upload(batchOf(id));
      await time.advance(10_000);
      expect(await upload).toMatchObject({ requestId: id, attempts: 1, durationMs: 0 });
    }
    expect(attempts[0]).toMatchObject({ path: "/events", attempt: 1, batches: 1, bytes: 53, durationMs: 0 });
    expect(attempts[0]).toMatchObject({ result: "accepted", status: 202, batchesPerSecond: undefined });
    expect(attempts[1]).toMatchObject({ rateLimitPercentageUsed: 99 });
    expect(attempts[2]?.batchesPerSecond).toBeLessThan(30);
  });

  it("is the pause that the service asks for, once for all that are refused during it", async () => {
    const { client, time, pauses, attempts } = await setUp([
      { status: 429, headers: { "retry-after": "60" } },
      { status: 429, headers: { "retry-after": "30" } },
      { status: 400 },
      202,
    ]);
    const uploads = ["a", "b", "c"].map((id) => client.upload(batchOf(id)).catch((error: unknown) => error));
    await time.settle();
    expect(pauses).toMatchObject([{ durationMs: 60_100, error: { status: 429, requestIds: ["a"] } }]);
    expect(attempts.map(({ status }) => status)).toEqual([429, 429, 400]);
    await time.advance(70_000);
    expect(await Promise.all(uploads)).toMatchObject([{ status: 202 }, { status: 202 }, { status: 400 }]);
    expect(pauses).toHaveLength(1);
  });
});

describe("a request that does not get through", () => {
  it("is tried again at once where a connection was stale, and with waits where that comes again", async () => {
    const stale = new StaleConnectionError("read ECONNRESET", "ECONNRESET");
    const { client, time, retries } = await setUp(202, {
      fetch: () => Promise.reject(stale),
      retry: { maxElapsedMs: 10_000 },
    });
    const upload = client.upload(batchOf("a")).catch((error: unknown) => error);
    await time.advance(20_000);
    expect(await upload).toMatchObject({ code: "CONNECTION", requestIds: ["a"] });
    expect(retries[0]?.delayMs).toBe(0);
    expect(retries.slice(1).every(({ delayMs }) => delayMs > 0)).toBe(true);
    expect(retries.length).toBeLessThan(80);
  });

  it("is given up when its time is up, whenever that began", async () => {
    const { client, time } = await setUp(503, { retry: { maxElapsedMs: 60_000 } });
    let isOver = false;
    const upload = client.upload(batchOf("a")).catch((error: unknown) => {
      isOver = true;
      return error;
    });
    await time.advance(30_000);
    expect(isOver).toBe(false);
    await time.advance(45_000);
    expect(isOver).toBe(true);
    expect(await upload).toMatchObject({ status: 503, requestIds: ["a"] });
  });

  it("and never had a turn, says what kept it from having one", async () => {
    const { client, time } = await setUp(
      { status: 503, headers: { "retry-after": "20" } },
      { retry: { maxElapsedMs: 30_000 } },
    );
    const first = client.upload(batchOf("first")).catch((error: unknown) => error);
    await time.advance(1_000);
    const late = client.upload(batchOf("late")).catch((error: unknown) => error);
    await time.advance(100_000);
    expect(await first).toMatchObject({ status: 503 });
    expect(await late).toMatchObject({ requestIds: ["late"], retryable: true });
  });

  it("because it was aborted says nothing about the service: no others wait for it", async () => {
    let isAborting = true;
    const { client, time, pauses } = await setUp(202, {
      fetch: (request) =>
        isAborting
          ? new Promise((_, reject) => {
              request.signal.addEventListener("abort", () => {
                reject(new Error("aborted"));
              });
            })
          : Promise.resolve(new Response(null, { status: 202 })),
    });
    const controllers = Array.from({ length: 10 }, () => new AbortController());
    const aborted = controllers.map(({ signal }, index) => client.upload(batchOf(`x${String(index)}`), { signal }));
    const ends = Promise.allSettled(aborted);
    await time.settle();
    for (const controller of controllers) controller.abort();
    await time.until(ends);
    isAborting = false;
    const others = Array.from({ length: 20 }, (_, index) => client.upload(batchOf(String(index))));
    await time.until(Promise.all(others));
    expect(time.now()).toBe(1_000_000);
    expect(pauses).toEqual([]);
  });
});
