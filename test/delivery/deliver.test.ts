import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { EventsClient, screenView, type Batch, type Outcome } from "mparticle-events";
import { recordingFetch, type FetchStep, type Script } from "../../src/testing/testing.ts";
import { countTravelling, makeObservedClient } from "./scripted-client.ts";
import { virtualTime } from "./virtual-time.ts";
import { full } from "../full.ts";

function batchOf(index: number): Batch {
  return { environment: "development", source_request_id: String(index) };
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Batches without end, and how many of them were taken. */
class Source {
  pulled = 0;
  returned = 0;
  readonly #end: number;

  constructor(end = Infinity) {
    this.#end = end;
  }

  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    try {
      while (this.pulled < this.#end) yield batchOf(this.pulled++);
    } finally {
      this.returned++;
    }
  }

  async *slowly(): AsyncGenerator<Batch, void, undefined> {
    for (const batch of this) {
      await turn();
      yield batch;
    }
  }
}

async function readAll(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

describe("the outcomes", () => {
  it("are one for each batch, come as they become known, and tell the position in the source", async () => {
    let request = 0;
    // The first request is the last to be answered.
    const { client, reported } = makeObservedClient(() => ({ status: 202, delayMs: request++ === 0 ? 40 : 0 }));
    const outcomes = await readAll(client.deliver(new Source(300)));
    expect(outcomes.map(({ index }) => index)).toEqual([...indexes(300).slice(100), ...indexes(100)]);
    for (const { batch, index } of outcomes) expect(batch.source_request_id).toBe(String(index));
    expect(reported).toEqual(outcomes);
  });

  it("are of all kinds side by side, in an array's order with uploadBulk", async () => {
    const { client } = makeObservedClient(({ batches }) =>
      batches.some(({ source_request_id: id }) => id === "3") ? 400 : 202,
    );
    const batches = indexes(8).map(batchOf);
    // What only JavaScript can pass.
    batches[5] = { source_request_id: "5" } as Batch;
    const byIndex = await client.uploadBulk(batches);
    expect(byIndex.map(({ index }) => index)).toEqual(indexes(8));
    expect(byIndex.map(({ kind }) => kind[0]).join("")).toBe("aaararaa");
    const asKnown = await readAll(client.deliver(batches));
    // Refused before it was sent, so known first.
    expect(asKnown[0]).toMatchObject({ index: 5, kind: "rejected" });
    expect(sorted(asKnown.map(({ index }) => index))).toEqual(indexes(8));
  });

  it.each(["an array", "an iterable", "an async iterable"])("come of %s alike", async (kind) => {
    const { client, fetch } = makeObservedClient();
    // On this clock a slow source lets each of its batches go by itself.
    const COUNT = full(kind === "an async iterable" ? 40 : 250, 250);
    const source = new Source(COUNT);
    const outcomes = await readAll(
      client.deliver(kind === "an array" ? [...source] : kind === "an iterable" ? source : source.slowly()),
    );
    expect(sorted(outcomes.map(({ index }) => index))).toEqual(indexes(COUNT));
    expect(fetch.accepted()).toHaveLength(COUNT);
    expect(fetch.duplicates().size).toBe(0);
  });

  it("of nothing are none", async () => {
    const { client, fetch } = makeObservedClient();
    expect(await readAll(client.deliver([]))).toEqual([]);
    expect(fetch.requests).toHaveLength(0);
  });
});

describe("the requests of one delivery", () => {
  it("are no more at a time than it was told, though one batch makes many", async () => {
    const travelling = countTravelling();
    const { client, fetch } = makeObservedClient(travelling.step);
    const events = Array.from({ length: 40 }, () => screenView("x".repeat(60_000)));
    const outcomes = await client.uploadBulk([{ environment: "development", events }], { concurrency: 2 });
    expect(outcomes).toMatchObject([{ kind: "accepted" }]);
    expect(fetch.requests.length).toBeGreaterThan(5);
    expect(travelling.most()).toBe(2);
  });
});

describe("the requests of a delivery from a source", () => {
  it("are no more at a time than it was told, though one batch makes many", async () => {
    const travelling = countTravelling();
    const { client, fetch } = makeObservedClient(travelling.step);
    const events = Array.from({ length: 40 }, () => screenView("x".repeat(60_000)));
    const batch: Batch = { environment: "development", events };
    expect(await readAll(client.deliver([batch], { concurrency: 2 }))).toMatchObject([{ kind: "accepted" }]);
    expect(fetch.requests.length).toBeGreaterThan(5);
    expect(travelling.most()).toBe(2);
  });

  it("hold batches of a list that were written together", async () => {
    const { client } = makeObservedClient();
    const stringify = vi.spyOn(JSON, "stringify");
    try {
      await readAll(client.deliver(indexes(30).map(batchOf)));
      // Ten of which nothing is known, and then all that a request has room for.
      expect(stringify.mock.calls.filter(([value]) => Array.isArray(value))).toHaveLength(2);
    } finally {
      stringify.mockRestore();
    }
  });
});

/** A source that is no generator, and what was done with it. */
class PlainSource {
  returned = 0;
  readonly #batches: number;
  readonly #end: "end" | "hang";

  constructor(batches: number, end: "end" | "hang" = "end") {
    this.#batches = batches;
    this.#end = end;
  }

  #next(count: { n: number }): IteratorResult<Batch, undefined> {
    return count.n < this.#batches ? { done: false, value: batchOf(count.n++) } : { done: true, value: undefined };
  }

  sync(hasReturn: boolean): Iterable<Batch> {
    const count = { n: 0 };
    const close = (): IteratorResult<Batch, undefined> => (this.returned++, { done: true, value: undefined });
    return {
      [Symbol.iterator]: () => ({ next: () => this.#next(count), ...(hasReturn && { return: close }) }),
    };
  }

  async(hasReturn: boolean): AsyncIterable<Batch> {
    const count = { n: 0 };
    const hangs = (): boolean => this.#end === "hang" && count.n === this.#batches;
    const next = (): Promise<IteratorResult<Batch, undefined>> =>
      hangs() ? new Promise(() => undefined) : Promise.resolve(this.#next(count));
    const close = (): Promise<IteratorResult<Batch, undefined>> => (this.returned++, Promise.reject(new Error("late")));
    return { [Symbol.asyncIterator]: () => ({ next, ...(hasReturn && { return: close }) }) };
  }
}

describe("a source that is no generator", () => {
  const leave = async (outcomes: AsyncIterable<Outcome>): Promise<void> => {
    for await (const { kind } of outcomes) if (kind === "accepted") break;
  };

  it.each([true, false])("is closed where that can be (%s), and its reader leaves early", async (hasReturn) => {
    const source = new PlainSource(1_000);
    await leave(makeObservedClient().client.deliver(source.sync(hasReturn)));
    expect(source.returned).toBe(Number(hasReturn));
  });

  it.each([true, false])("is closed where that can be (%s), while its next batch is waited for", async (hasReturn) => {
    const source = new PlainSource(1, "hang");
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on("unhandledRejection", note);
    try {
      await leave(makeObservedClient().client.deliver(source.async(hasReturn)));
      await turn();
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(source.returned).toBe(Number(hasReturn));
    expect(rejections).toEqual([]);
  });

  it("is not closed where it has ended by itself", async () => {
    const source = new PlainSource(3);
    expect(await readAll(makeObservedClient().client.deliver(source.sync(true)))).toHaveLength(3);
    expect(await readAll(makeObservedClient().client.deliver(source.async(true)))).toHaveLength(3);
    expect(source.returned).toBe(0);
  });

  it.each(["an iterator", "an async iterator"])(
    "is named by its error where it is %s that gives no results",
    async (kind) => {
      const next = (): never => null as never;
      const source =
        kind === "an iterator"
          ? { [Symbol.iterator]: () => ({ next }) }
          : { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(next()) }) };
      await expect(readAll(makeObservedClient().client.deliver(source))).rejects.toThrow(TypeError);
    },
  );

  it("has no outcome for its end, when that comes after the end of the delivery", async () => {
    const { client, reported } = makeObservedClient();
    let end = (_: IteratorResult<Batch, undefined>): void => undefined;
    const results = [
      Promise.resolve({ done: false as const, value: batchOf(0) }),
      new Promise<never>((resolve) => (end = resolve as never)),
    ];
    await leave(client.deliver({ [Symbol.asyncIterator]: () => ({ next: () => results.shift()! }) }));
    end({ done: true, value: undefined });
    await turn();
    expect(reported).toHaveLength(1);
  });
});

describe("memory", () => {
  it.each([1, 4])(
    "is constant: with %d requests at a time the source is ahead by those and one being packed",
    async (concurrency) => {
      const { client } = makeObservedClient();
      const source = new Source();
      let [taken, furthest] = [0, 0];
      const kinds = new Set<string>();
      for await (const { kind } of client.deliver(source, { concurrency })) {
        kinds.add(kind);
        furthest = Math.max(furthest, source.pulled - taken);
        taken++;
        // A consumer that is slower than everything else.
        if (taken % 50 === 0) await turn();
        if (taken === full(1_000, 5_000)) break;
      }
      expect([...kinds]).toEqual(["accepted"]);
      expect(furthest).toBeGreaterThan(0);
      expect(furthest).toBeLessThanOrEqual(100 * (concurrency + 1));
    },
  );

  it("is constant for a source of batches that are all refused before they are sent", async () => {
    const { client, fetch } = makeObservedClient(202, {
      validate: () => [{ severity: "error", code: "no", path: "", message: "no." }],
    });
    const source = new Source();
    const kinds = new Set<string>();
    let [taken, furthest] = [0, 0];
    for await (const { kind } of client.deliver(source)) {
      kinds.add(kind);
      furthest = Math.max(furthest, source.pulled - taken);
      if (++taken === 1_000) break;
    }
    expect([...kinds]).toEqual(["rejected"]);
    expect(furthest).toBe(1);
    expect(fetch.requests).toHaveLength(0);
  });

  it("is not taken at all before somebody reads", async () => {
    const { client } = makeObservedClient();
    const source = new Source();
    const outcomes = client.deliver(source);
    await turn();
    expect(source.pulled).toBe(0);
    await outcomes.return?.();
  });

  it("is constant while the service does not answer: the source waits", async () => {
    const { client, fetch } = makeObservedClient("hang");
    const source = new Source();
    const controller = new AbortController();
    const reading = readAll(client.deliver(source, { concurrency: 3, signal: controller.signal }));
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(fetch.requests).toHaveLength(3);
    expect(source.pulled).toBe(300);
    controller.abort();
    expect((await reading).length).toBe(source.pulled);
  });
});

describe("a source that throws", () => {
  it.each(["an iterable", "an async iterable"])(
    "has what it gave settled first, then its error reaches the reader (%s)",
    async (kind) => {
      // On this clock a slow source lets each of its batches go by itself.
      const COUNT = full(kind === "an iterable" ? 150 : 30, 150);
      const { client } = makeObservedClient();
      const lost = new Error("cursor lost");
      function* failing(): Generator<Batch> {
        yield* new Source(COUNT);
        throw lost;
      }
      async function* failingSlowly(): AsyncGenerator<Batch> {
        for (const batch of failing()) {
          await turn();
          yield batch;
        }
      }
      const outcomes: Outcome[] = [];
      const reading = async (): Promise<void> => {
        const source = kind === "an iterable" ? failing() : failingSlowly();
        for await (const outcome of client.deliver(source)) outcomes.push(outcome);
      };
      await expect(reading()).rejects.toBe(lost);
      expect(sorted(outcomes.map(({ index }) => index))).toEqual(indexes(COUNT));
      expect(outcomes.every((outcome) => outcome.kind === "accepted")).toBe(true);
    },
  );

  it("when it is asked to begin leaves no listener behind", async () => {
    const { client } = makeObservedClient();
    const { signal } = new AbortController();
    const source: Iterable<Batch> = {
      [Symbol.iterator]: () => {
        throw new Error("not open");
      },
    };
    await expect(readAll(client.deliver(source, { signal }))).rejects.toThrow("not open");
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a reader that leaves early", () => {
  it("aborts what is in flight and closes the source, and every batch that was taken is reported once", async () => {
    let request = 0;
    const { client, reported } = makeObservedClient(() => (request++ === 0 ? 202 : "hang"));
    const source = new Source();
    for await (const { kind } of client.deliver(source, { concurrency: 3 })) {
      expect(kind).toBe("accepted");
      break;
    }
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(source.returned).toBe(1);
    expect(sorted(reported.map(({ index }) => index))).toEqual(indexes(source.pulled));
    const undelivered = reported.filter(({ kind }) => kind === "undelivered");
    expect(undelivered).toHaveLength(source.pulled - 100);
    expect(undelivered[0]).toMatchObject({ error: { code: "ABORTED" } });
  });

  it("has those reported, too, that were being packed and never sent", async () => {
    const wrong = { severity: "error", code: "no", path: "", message: "no." } as const;
    const { client, reported, fetch } = makeObservedClient(202, {
      validate: ({ source_request_id: id }) => (id === "10" ? [wrong] : []),
    });
    for await (const { index, kind } of client.deliver(new Source())) {
      expect([index, kind]).toEqual([10, "rejected"]);
      break;
    }
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(reported.map(({ index, kind }) => [index, kind])).toEqual([
      [10, "rejected"],
      ...indexes(10).map((index) => [index, "undelivered"]),
    ]);
    expect(fetch.requests).toHaveLength(0);
  });

  it("does not wait for a source that hangs", async () => {
    const { client } = makeObservedClient();
    async function* hanging(): AsyncGenerator<Batch> {
      yield batchOf(0);
      await new Promise(() => undefined);
    }
    const kinds: string[] = [];
    for await (const { kind } of client.deliver(hanging())) {
      kinds.push(kind);
      break;
    }
    expect(kinds).toEqual(["accepted"]);
  });

  it("by an error of its own gets that error, and the source is closed", async () => {
    const { client } = makeObservedClient();
    const source = new Source();
    const own = new Error("disk full");
    const reading = async (): Promise<void> => {
      for await (const { index } of client.deliver(source)) if (index === 10) throw own;
    };
    await expect(reading()).rejects.toBe(own);
    expect(source.returned).toBe(1);
  });
});

describe("what a slow source gave", () => {
  /** Gives so many batches of so many bytes, one each so many milliseconds, then waits for `isEnough`. */
  async function* slowly(
    time: ReturnType<typeof virtualTime>,
    { count, everyMs, bytes = 0 }: { count: number; everyMs: number; bytes?: number },
    isEnough: Promise<void> = Promise.resolve(),
  ): AsyncGenerator<Batch> {
    for (let index = 0; index < count; index++) {
      yield { ...batchOf(index), ip: "x".repeat(bytes) };
      await new Promise<void>((resolve) => time.startTimer(resolve, everyMs));
    }
    await isEnough;
  }

  function setUpSlowly(script: Script<FetchStep> = 202) {
    const time = virtualTime();
    const sentAtMs: number[] = [];
    const fetch = recordingFetch((request) => {
      sentAtMs.push(time.now());
      return typeof script === "function" ? script(request) : 202;
    });
    return { time, fetch, sentAtMs, client: new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch }, time) };
  }

  it("waits for more as long as each batch comes within lingerMs, until a request is full", async () => {
    const { time, client, fetch } = setUpSlowly();
    await readAll(client.deliver(slowly(time, { count: 120, everyMs: 15 }), { lingerMs: 20 }));
    expect(fetch.requests.map(({ batchCount }) => batchCount)).toEqual([100, 20]);
  });

  it("leaves lingerMs after the last batch that came, and not after the first", async () => {
    const { time, client, sentAtMs } = setUpSlowly();
    let enough = (): void => undefined;
    const isEnough = new Promise<void>((resolve) => (enough = resolve));
    for await (const { index } of client.deliver(slowly(time, { count: 2, everyMs: 15 }, isEnough), { lingerMs: 20 })) {
      if (index === 1) enough();
    }
    expect(sentAtMs).toEqual([35]);
  });

  it("travels with what comes later, where it had to wait for another request in between", async () => {
    const { time, client, fetch } = setUpSlowly(
      () =>
        new Promise<FetchStep>((resolve) =>
          time.startTimer(() => {
            resolve(202);
          }, 100),
        ),
    );
    const source = slowly(time, { count: 5, everyMs: 5, bytes: 100_000 });
    await readAll(client.deliver(source, { lingerMs: 20, concurrency: 1 }));
    expect(fetch.requests.map(({ batchCount }) => batchCount)).toEqual([2, 2, 1]);
  });
});

describe("a slow source", () => {
  it("has what it gave sent after lingerMs, without waiting for more", async () => {
    const { client, fetch } = makeObservedClient();
    let giveMore = (): void => undefined;
    const more = new Promise<void>((resolve) => {
      giveMore = resolve;
    });
    async function* source(): AsyncGenerator<Batch> {
      yield batchOf(0);
      yield batchOf(1);
      await more;
      yield batchOf(2);
    }
    const taken: number[] = [];
    for await (const { index } of client.deliver(source(), { lingerMs: 500 })) {
      taken.push(index);
      if (index === 1) giveMore();
    }
    expect(taken).toEqual([0, 1, 2]);
    expect(fetch.requests.map(({ batchCount }) => batchCount)).toEqual([2, 1]);
  });
});

describe("a signal", () => {
  it("ends the delivery with an outcome for each batch that was taken, and closes the source", async () => {
    const controller = new AbortController();
    const { client, reported } = makeObservedClient("hang");
    const source = new Source();
    const reading = readAll(client.deliver(source, { signal: controller.signal, concurrency: 2 }));
    for (let turns = 0; turns < 20; turns++) await turn();
    controller.abort(new Error("shutting down"));
    const outcomes = await reading;
    expect(sorted(outcomes.map(({ index }) => index))).toEqual(indexes(source.pulled));
    expect(outcomes.every(({ kind }) => kind === "undelivered")).toBe(true);
    expect(outcomes[0]).toMatchObject({ error: { code: "ABORTED" } });
    expect(reported).toHaveLength(source.pulled);
    expect(source.returned).toBe(1);
  });

  it("that has aborted before takes nothing from the source", async () => {
    const { client, fetch } = makeObservedClient();
    const source = new Source();
    expect(await readAll(client.deliver(source, { signal: AbortSignal.abort() }))).toEqual([]);
    expect(source.pulled).toBe(0);
    expect(fetch.requests).toHaveLength(0);
  });

  it("of uploadBulk leaves no batch without an outcome, taken or not", async () => {
    const controller = new AbortController();
    const { client } = makeObservedClient(() => {
      controller.abort();
      return "hang";
    });
    const outcomes = await client.uploadBulk(new Source(1_000), { signal: controller.signal, concurrency: 1 });
    expect(outcomes.map(({ index }) => index)).toEqual(indexes(1_000));
    expect(outcomes.every(({ kind }) => kind === "undelivered")).toBe(true);
  });

  it.each([
    [
      "is read to its end",
      async (outcomes: AsyncIterable<Outcome>) => {
        await readAll(outcomes);
      },
    ],
    [
      "is left early",
      async (outcomes: AsyncIterable<Outcome>) => {
        for await (const { kind } of outcomes) if (kind === "accepted") break;
      },
    ],
  ])("has no listener left once the delivery %s", async (_, read) => {
    const { client } = makeObservedClient([503, 202]);
    const { signal } = new AbortController();
    await read(client.deliver(new Source(500), { signal }));
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a batch that comes from the source after the end", () => {
  /** Gives its first batches at once, and the next one when told to. */
  class LateSource {
    pulled = 0;
    readonly #first: number;
    readonly #late: Promise<void>;
    release: () => void = () => undefined;
    fail: (error: Error) => void = () => undefined;

    constructor(first: number) {
      this.#first = first;
      this.#late = new Promise((resolve, reject) => {
        this.release = resolve;
        this.fail = reject;
      });
    }

    async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
      while (this.pulled < this.#first) yield batchOf(this.pulled++);
      await this.#late;
      yield batchOf(this.pulled++);
      yield batchOf(this.pulled++);
    }
  }

  const endings: [string, Script<FetchStep>, (source: LateSource, client: EventsClient) => Promise<void>][] = [
    [
      "an abort",
      "hang",
      async (source, client) => {
        const controller = new AbortController();
        const reading = readAll(client.deliver(source, { signal: controller.signal, lingerMs: 0 }));
        for (let turns = 0; turns < 20; turns++) await turn();
        controller.abort();
        await reading;
      },
    ],
    [
      "a reader that leaves",
      202,
      async (source, client) => {
        for await (const { kind } of client.deliver(source, { lingerMs: 0 })) {
          expect(kind).toBe("accepted");
          break;
        }
      },
    ],
  ];

  it.each(endings)("by %s is reported once, as undelivered", async (_, script, end) => {
    const { client, reported, fetch } = makeObservedClient(script);
    const source = new LateSource(3);
    await end(source, client);
    expect(sorted(reported.map(({ index }) => index))).toEqual(indexes(3));
    const sent = fetch.counts().batches;
    source.release();
    for (let turns = 0; turns < 10; turns++) await turn();
    // One was asked for, and no other is.
    expect(source.pulled).toBe(4);
    expect(sorted(reported.map(({ index }) => index))).toEqual(indexes(4));
    expect(reported.at(-1)).toMatchObject({
      kind: "undelivered",
      index: 3,
      batch: batchOf(3),
      error: { code: "ABORTED" },
    });
    expect(fetch.counts().batches).toBe(sent);
  });

  it.each(endings)("by %s is reported once, though it could not have been sent", async (_, script, end) => {
    const validate = vi.fn(({ source_request_id: id }: Batch) => {
      if (id === "3") throw new Error("bug in a rule");
      return [];
    });
    const { client, reported } = makeObservedClient(script, { validate });
    const source = new LateSource(3);
    await end(source, client);
    source.release();
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(reported.filter(({ index }) => index === 3)).toMatchObject([{ kind: "undelivered" }]);
  });

  it.each(endings)("by %s may be none: neither its end nor its error reaches anybody", async (_, script, end) => {
    const { client, reported } = makeObservedClient(script);
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const source = new LateSource(3);
    await end(source, client);
    source.fail(new Error("cursor lost"));
    for (let turns = 0; turns < 10; turns++) await turn();
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(sorted(reported.map(({ index }) => index))).toEqual(indexes(3));
  });
});

describe("`stop`", () => {
  it("ends the reading, and lets all that was read be settled", async () => {
    const controller = new AbortController();
    const { client, fetch, reported } = makeObservedClient(({ index }) => (index === 1 ? 503 : 202));
    const source = new Source();
    const outcomes: Outcome[] = [];
    for await (const outcome of client.deliver(source, { stop: controller.signal })) {
      outcomes.push(outcome);
      if (outcomes.length === 150) controller.abort();
    }
    expect(source.pulled).toBeLessThan(1_000);
    expect(source.returned).toBe(1);
    expect(sorted(outcomes.map(({ index }) => index))).toEqual(indexes(source.pulled));
    expect(outcomes.every(({ kind }) => kind === "accepted")).toBe(true);
    expect(fetch.accepted()).toHaveLength(source.pulled);
    expect(reported).toHaveLength(source.pulled);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("that was given before reads nothing", async () => {
    const { client, fetch } = makeObservedClient();
    const source = new Source();
    expect(await readAll(client.deliver(source, { stop: AbortSignal.abort() }))).toEqual([]);
    expect(source.pulled).toBe(0);
    expect(fetch.requests).toHaveLength(0);
  });

  it("does not wait for a source that hangs, and sends what it gave without lingering", async () => {
    const { client, fetch } = makeObservedClient();
    const controller = new AbortController();
    async function* hanging(): AsyncGenerator<Batch> {
      yield batchOf(0);
      yield batchOf(1);
      await new Promise(() => undefined);
    }
    const reading = readAll(client.deliver(hanging(), { stop: controller.signal, lingerMs: 2 ** 40 }));
    for (let turns = 0; turns < 20 && fetch.requests.length === 0; turns++) {
      await turn();
      controller.abort();
    }
    expect((await reading).map(({ index, kind }) => [index, kind])).toEqual([
      [0, "accepted"],
      [1, "accepted"],
    ]);
  });

  it("does not end what `signal` would: that aborts what is in flight", async () => {
    const { client } = makeObservedClient("hang");
    const [stop, abort] = [new AbortController(), new AbortController()];
    const reading = readAll(client.deliver(new Source(), { stop: stop.signal, signal: abort.signal }));
    for (let turns = 0; turns < 10; turns++) await turn();
    stop.abort();
    for (let turns = 0; turns < 10; turns++) await turn();
    abort.abort();
    const outcomes = await reading;
    expect(outcomes.length).toBeGreaterThan(0);
    expect(outcomes.every(({ kind }) => kind === "undelivered")).toBe(true);
  });

  it("that is no signal is named", () => {
    const { client } = makeObservedClient();
    expect(() => client.deliver([], { stop: true as never })).toThrow("`stop` is true; expected an AbortSignal");
  });
});

describe("settledThrough", () => {
  it("is where to go on: all below it is accepted or rejected, and has been read", async () => {
    let request = 0;
    const { client } = makeObservedClient(({ batches }) => {
      const status = batches.some(({ source_request_id: id }) => id === "7") ? 400 : 202;
      return { status, delayMs: request++ === 0 ? 20 : 0 };
    });
    const read = new Set<number>();
    const marks: number[] = [];
    const wrong: number[] = [];
    for await (const { index, settledThrough } of client.deliver(new Source(500))) {
      read.add(index);
      const isAllBelow = indexes(settledThrough).every((below) => read.has(below));
      if (!isAllBelow || read.has(settledThrough)) wrong.push(settledThrough);
      marks.push(settledThrough);
    }
    expect(wrong).toEqual([]);
    expect(marks).toEqual(sorted(marks));
    expect(marks[0]).toBe(0);
    expect(marks.at(-1)).toBe(500);
  });

  it("does not pass a batch that has to be sent again", async () => {
    const { client } = makeObservedClient(
      ({ batches }) => (batches.some(({ source_request_id: id }) => id === "250") ? 503 : 202),
      {
        retry: false,
      },
    );
    const outcomes = [];
    for await (const outcome of client.deliver(new Source(500))) outcomes.push(outcome);
    expect(Math.max(...outcomes.map(({ settledThrough }) => settledThrough))).toBe(200);
    expect(outcomes.filter(({ kind }) => kind === "undelivered").map(({ index }) => index)).toEqual(
      indexes(100).map((index) => index + 200),
    );
  });
});
