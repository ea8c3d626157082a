import { describe, expect, it } from "vitest";
import {
  EventsClient,
  MParticleError,
  type AttemptReport,
  type EventsClientOptions,
  type Receipt,
} from "mparticle-events";
import { recordingFetch, type FetchStep, type Script } from "../../src/testing/testing.ts";
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
        if (time.now() < 200_000 && count < 300) uploads.start("new");
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
        if (isDown && count < 100) uploads.start("new");
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
