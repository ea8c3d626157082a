import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it, vi } from "vitest";
import {
  EventQueue,
  EventsClient,
  InvalidBatchError,
  MParticleError,
  createBatch,
  customEvent,
  screenView,
  type AttemptReport,
  type Batch,
  type EventQueueOptions,
  type EventsClientOptions,
  type Outcome,
  type PauseReport,
  type RetryReport,
} from "mparticle-events";
import { recordingFetch, type FetchStep, type RecordingFetch, type Script } from "../../src/testing/testing.ts";
import { virtualTime } from "./virtual-time.ts";

const CREDENTIALS = { apiKey: "us1-key", apiSecret: "secret" };

function setUp(
  script: Script<FetchStep> = 202,
  options: Partial<EventsClientOptions> = {},
): { client: EventsClient; fetch: RecordingFetch; time: ReturnType<typeof virtualTime> } {
  const fetch = recordingFetch(script);
  const time = virtualTime();
  return { client: new EventsClient({ ...CREDENTIALS, fetch, ...options }, time), fetch, time };
}

function makeBatch(name = "opened"): Batch {
  return createBatch({ environment: "development" }, [customEvent(name, "other")]);
}

describe("an option that is spelt in another way", () => {
  // As JavaScript passes it, or a configuration from a file.
  it.each<[object, string]>([
    [{ baseURL: "http://127.0.0.1:1/v2" }, "There is no option `baseURL`; expected `baseUrl`."],
    [{ timeout: 5 }, "There is no option `timeout`; expected `timeoutMs`."],
    [{ onoutcome: () => undefined }, "There is no option `onoutcome`; expected `onOutcome`."],
  ])("is named, before anything goes to the wrong place: %j", (options, message) => {
    expect(() => new EventsClient({ apiKey: "k", apiSecret: "s", ...options })).toThrow(new TypeError(message));
  });

  it.each<[object, string]>([
    [{ region: "eu" }, "There is no option `region`; expected one of apiKey, apiSecret, pod, "],
    [{ concurency: 1 }, "There is no option `concurency`; expected `concurrency`."],
    [{ retry: { maxElapsed: 5 } }, "There is no option `maxElapsed`; expected `maxElapsedMs`."],
    [
      { retry: { attempts: 5 } },
      "There is no option `attempts`; expected one of maxElapsedMs, baseDelayMs, maxDelayMs.",
    ],
    [{ retry: new Map() }, "`retry` is a Map; expected a plain object such as { maxElapsedMs: … }."],
  ])("is named when it is another word: nobody would hear the wish, %j", (options, message) => {
    expect(() => new EventsClient({ apiKey: "k", apiSecret: "s", ...options })).toThrow(message);
  });

  it("is no mistake when it has no value, or when the options are of a class of one's own", () => {
    const shared = { apiKey: "k", apiSecret: "s", region: undefined };
    expect(() => new EventsClient(shared)).not.toThrow();
    class Settings {
      readonly apiKey = "k";
      readonly apiSecret = "s";
    }
    expect(() => new EventsClient(new Settings())).not.toThrow();
  });

  it("is named by a queue as well", () => {
    const client = new EventsClient({ apiKey: "k", apiSecret: "s" });
    const options = { flushInterval: 5 };
    expect(() => new EventQueue(client, options as EventQueueOptions)).toThrow(/expected `flushIntervalMs`/);
  });
});

describe("the constructor", () => {
  it.each<[Partial<Record<keyof EventsClientOptions, unknown>>, string]>([
    [{ apiKey: "" }, "`apiKey` is empty"],
    [{ apiSecret: undefined }, "`apiSecret` is undefined"],
    [{ apiKey: "a:b" }, "`apiKey` contains a colon"],
    [{ pod: "us3" }, '`pod` is "us3"; expected one of us1, us2, eu1, au1.'],
    [{ baseUrl: "nowhere" }, "`baseUrl` is not an http(s) URL"],
    [{ timeoutMs: 0 }, "`timeoutMs` is 0; expected a number above 0."],
    [{ timeoutMs: "5s" }, '`timeoutMs` is "5s"; expected a number above 0.'],
    [{ concurrency: 1.5 }, "`concurrency` is 1.5; expected a whole number above 0."],
    [{ rate: -1 }, "`rate` is -1"],
    [{ retry: { maxElapsedMs: -1 } }, "`retry.maxElapsedMs` is -1"],
    [{ retry: true }, "`retry` is true"],
    [{ maxBatchBytes: NaN }, "`maxBatchBytes` is NaN"],
    [{ fetch: "fetch" }, '`fetch` is "fetch"; expected a function.'],
    [{ baseUrl: "ftp://example.com/v2" }, '`baseUrl` is "ftp://example.com/v2", not an http(s) URL'],
    [{ pod: ["us1"] }, "`pod` is an array of 1; expected one of us1"],
    [{ maxBatchBytes: 1e9 }, "`maxBatchBytes` is 1000000000; expected at most 255998"],
    [{ retry: [] }, "`retry` is an array of 0; expected an object"],
    [{ coalesce: "yes" }, '`coalesce` is "yes"; expected a boolean.'],
    [{ validate: true }, "`validate` is true; expected a function."],
    [{ onAttempt: 5 }, "`onAttempt` is 5; expected a function."],
    [{ userAgent: 5 }, "`userAgent` is 5; expected a string."],
    [{ userAgent: "a\nb" }, '`userAgent` is "a\\nb"; expected printable ASCII.'],
    [{ userAgent: "☕" }, '`userAgent` is "☕"; expected printable ASCII.'],
    [{ logger: null }, "`logger` is null; expected an object with the methods debug, info, warn, error."],
    [{ logger: "console" }, '`logger` is "console"; expected an object with the methods'],
    [{ logger: { warn: () => undefined } }, "`logger` has no method `debug`; expected debug, info, warn, error."],
  ])("names what is wrong with %j", (wrong, message) => {
    const options = { ...CREDENTIALS, ...wrong } as unknown as EventsClientOptions;
    expect(() => new EventsClient(options)).toThrow(message);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ['"us1-key"', "us1-key"],
  ])("says what it needs when it gets %s", (shown, options) => {
    expect(() => new EventsClient(options as unknown as EventsClientOptions)).toThrow(
      `The options are ${shown}; expected an object with \`apiKey\` and \`apiSecret\`.`,
    );
  });

  it("takes the largest batches that there may be, which fill a request", async () => {
    const { client, fetch } = setUp(202, { maxBatchBytes: 255_998 });
    expect(() => setUp(202, { maxBatchBytes: 255_999 })).toThrow("expected at most 255998");
    const sized = (ip: string): Batch => ({ environment: "development", source_request_id: "r", ip });
    const batch = sized("x".repeat(255_997 - JSON.stringify(sized("")).length));
    await client.uploadBulk([batch]);
    expect(fetch.requests.map(({ body }) => body.length)).toEqual([255_999]);
  });

  it("takes undefined for every option as left out", () => {
    const options: EventsClientOptions = {
      ...CREDENTIALS,
      pod: undefined,
      retry: undefined,
      rate: undefined,
      timeoutMs: undefined,
      logger: undefined,
    };
    expect(() => new EventsClient(options)).not.toThrow();
  });
});

describe("a batch written by hand", () => {
  it("gets ids and times once, however often it is sent", async () => {
    const { client, fetch } = setUp([503, 503, 202]);
    const batch: Batch = { environment: "development", events: [{ event_type: "session_start", data: {} }] };
    const { requestId } = await client.upload(batch);
    const bodies = fetch.requests.map(({ body }) => body);
    expect(new Set(bodies).size).toBe(1);
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
      source_request_id: requestId,
      events: [
        {
          data: {
            source_message_id: expect.any(String) as unknown,
            timestamp_unixtime_ms: expect.any(Number) as unknown,
          },
        },
      ],
    });
    expect(batch).toEqual({ environment: "development", events: [{ event_type: "session_start", data: {} }] });
  });

  it("without its environment is refused: the service would take it for production", async () => {
    const { client, fetch } = setUp();
    await expect(client.upload({ events: [] } as unknown as Batch)).rejects.toMatchObject({
      name: "InvalidBatchError",
      findings: [{ path: "/environment" }],
    });
    expect(fetch.requests).toHaveLength(0);
  });
});

describe("validate", () => {
  it("refuses a batch for its errors alone, and names them", async () => {
    const warning = { severity: "warning", code: "w", path: "/a", message: "odd." } as const;
    const error = { severity: "error", code: "e", path: "/b", message: "wrong.", hint: "Do better." } as const;
    const warned = setUp(202, { validate: () => [warning], onFinding: () => undefined });
    await warned.client.upload(makeBatch());
    const { client, fetch } = setUp(202, { validate: () => [warning, error], onFinding: () => undefined });
    const refused = client.upload(makeBatch());
    await expect(refused).rejects.toThrow("/b: wrong. Do better.");
    await expect(refused).rejects.toMatchObject({ findings: [error] });
    expect(fetch.requests).toHaveLength(0);
  });

  it("that throws concerns its batch and nobody else's", async () => {
    const validate = (batch: Batch): [] => {
      if (batch.ip === "x") throw new TypeError("bug in a rule");
      return [];
    };
    const { client } = setUp(202, { validate });
    const outcomes = await client.uploadBulk([makeBatch(), { ...makeBatch(), ip: "x" }]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected"]);
    expect(outcomes[1]?.kind === "rejected" && outcomes[1].error).toBeInstanceOf(InvalidBatchError);
  });
});

describe("a pause", () => {
  it("after a 429 holds for all requests of the client and for no other client", async () => {
    const sentAt: number[] = [];
    const pauses: PauseReport[] = [];
    const late: Promise<unknown>[] = [];
    const paused = setUp([{ status: 429, headers: { "retry-after": "60" } }, 202], {
      onAttempt: ({ durationMs }) => sentAt.push(paused.time.now() - durationMs),
      onPause: (report) => {
        pauses.push(report);
        late.push(paused.client.upload(makeBatch("b")));
      },
    });
    await paused.client.upload(makeBatch("a"));
    await Promise.all(late);
    expect(pauses).toHaveLength(1);
    expect(sentAt).toHaveLength(3);
    expect(Math.min(...sentAt.slice(1))).toBeGreaterThanOrEqual(60_000);

    const other = setUp();
    await other.client.upload(makeBatch());
    expect(other.time.now()).toBe(0);
  });

  it("gives up what was never sent once the service has failed for maxElapsedMs", async () => {
    const { client, time } = setUp({ fault: "ECONNREFUSED" }, { concurrency: 1, retry: { maxElapsedMs: 60_000 } });
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => client.upload(makeBatch())));
    expect(time.now()).toBeLessThan(200_000);
    for (const result of results) {
      expect(result.status === "rejected" && result.reason).toBeInstanceOf(MParticleError);
      expect(result.status === "rejected" && (result.reason as MParticleError).retryable).toBe(true);
    }
  });
});

describe("the error of an upload", () => {
  it.each<[string, Script<FetchStep>]>([
    ["an answer", 400],
    ["a lost connection", { fault: "ECONNRESET" }],
  ])("has a stack that leads to who awaits it, after %s", async (_, script) => {
    const { client } = setUp(script, { retry: false });
    const sendTheOrder = async (): Promise<void> => {
      await client.upload(makeBatch());
    };
    const error: unknown = await sendTheOrder().catch((thrown: unknown) => thrown);
    const { name, message, stack = "" } = error as Error;
    expect(stack.startsWith(`${name}: ${message}\n`)).toBe(true);
    expect(stack).toMatch(/\n +at (async )?sendTheOrder /);
    expect(stack).not.toContain("showCaller");
  });

  it("is thrown as well when its stack cannot be set", async () => {
    const onOutcome = (outcome: Outcome): void => {
      if (outcome.kind !== "accepted") Object.freeze(outcome.error);
    };
    const { client } = setUp(400, { retry: false, onOutcome });
    await expect(client.upload(makeBatch())).rejects.toMatchObject({ status: 400 });
  });

  it("leads to nobody where uploads share it, because they travelled together", async () => {
    const { client } = setUp(503, { retry: false, coalesce: true });
    const sendTheOrder = async (): Promise<void> => {
      await client.upload(makeBatch());
    };
    const settled = await Promise.allSettled([sendTheOrder(), sendTheOrder()]);
    for (const result of settled) {
      expect(String((result as { readonly reason: Error }).reason.stack)).not.toContain("sendTheOrder");
    }
  });
});

describe("rate", () => {
  it("counts batches, not requests", async () => {
    const { client, time } = setUp(202, { rate: 100 });
    await client.uploadBulk(Array.from({ length: 1_000 }, () => makeBatch()));
    expect(time.now()).toBeGreaterThan(8_000);
    expect(time.now()).toBeLessThan(11_000);
  });
});

describe("what can be observed", () => {
  it("is each attempt, retry, pause and outcome", async () => {
    const attempts: AttemptReport[] = [];
    const retries: RetryReport[] = [];
    const pauses: PauseReport[] = [];
    const outcomes: Outcome[] = [];
    const { client } = setUp(
      [
        { status: 429, headers: { "retry-after": "1" } },
        { status: 202, headers: { "x-mp-rate-limit-percentage-used": "50" } },
      ],
      {
        onAttempt: (report) => attempts.push(report),
        onRetry: (report) => retries.push(report),
        onPause: (report) => pauses.push(report),
        onOutcome: (outcome) => outcomes.push(outcome),
      },
    );
    const batch = makeBatch();
    await client.upload(batch);
    const bytes = JSON.stringify(batch).length;
    expect(attempts).toMatchObject([
      { path: "/events", attempt: 1, batches: 1, bytes, result: "RATE_LIMITED", status: 429 },
      { path: "/events", attempt: 2, batches: 1, bytes, result: "accepted", status: 202, rateLimitPercentageUsed: 50 },
    ]);
    expect(retries).toMatchObject([{ attempt: 1, batches: 1, error: { status: 429 } }]);
    expect(retries[0]?.delayMs).toBeGreaterThanOrEqual(1_000);
    expect(pauses).toHaveLength(1);
    expect(outcomes).toMatchObject([{ kind: "accepted", index: 0, batch }]);
  });

  it("reaches diagnostics channels and a logger, and what they throw stays there", async () => {
    const published: unknown[] = [];
    const listener = (message: unknown): void => void published.push(message);
    subscribe("mparticle-events:outcome", listener);
    const error = vi.fn();
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error };
    const { client } = setUp([503, 400], {
      logger,
      onAttempt: () => {
        throw new Error("a bug in an observer");
      },
    });
    await expect(client.upload(makeBatch())).rejects.toMatchObject({ status: 400 });
    unsubscribe("mparticle-events:outcome", listener);
    expect(published).toMatchObject([{ kind: "rejected" }]);
    expect(logger.warn).toHaveBeenCalledWith(expect.stringContaining("trying again"), expect.anything());
    expect(error).toHaveBeenCalledWith("`onAttempt` threw.", expect.anything());
    expect(error).toHaveBeenCalledWith(
      expect.stringContaining("rejected"),
      expect.not.objectContaining({ batch: expect.anything() as unknown }),
    );
  });
});

async function drain(start: () => AsyncIterable<Outcome>): Promise<void> {
  const outcomes = start()[Symbol.asyncIterator]();
  while ((await outcomes.next()).done !== true);
}

describe("a call with something else than it expects", () => {
  const batch = makeBatch();
  const nothing = undefined as never;

  it.each<[string, (client: EventsClient) => Promise<unknown>, string]>([
    [
      "no signal",
      (client) => client.upload(batch, { signal: new AbortController() as never }),
      "`signal` is an object",
    ],
    ["null for a signal", (client) => client.upload(batch, { signal: null as never }), "`signal` is null"],
    ["a text for a signal", (client) => client.upload(batch, { signal: "stop" as never }), '`signal` is "stop"'],
    [
      "a signal of another kind that stops",
      (client) => drain(() => client.deliver([batch], { stop: new AbortController() as never })),
      "`stop` is an object; expected an AbortSignal",
    ],
    ["null for several", (client) => client.uploadBulk(null as never), "The batches are null; expected a list"],
    ["a text for several", (client) => client.uploadBulk("batch" as never), 'The batches are "batch"; expected a list'],
    [
      "batches that come one by one, where a list is needed",
      (client) =>
        client.uploadBulk(
          (async function* () {
            yield await Promise.resolve(batch);
          })() as never,
        ),
      "The batches are an async iterable; expected a list. `deliver` takes them as they come.",
    ],
    [
      "several batches for one",
      (client) => client.upload([batch] as never),
      "expected a batch, got an array of 1. For several",
    ],
    [
      "events beside their user",
      (client) => client.upload(batch, [screenView("Home")] as never),
      "The options are a list; events belong in the batch: `upload(createBatch(user, events))`.",
    ],
    ["a text for options", (client) => client.upload(batch, "x" as never), 'The options are "x"; expected an object.'],
    ["null for options", (client) => client.upload(batch, null as never), "The options are null; expected an object."],
    [
      "a signal for options",
      (client) => client.upload(batch, new AbortController().signal as never),
      "The options are an AbortSignal; expected a plain object such as { signal: … }.",
    ],
    [
      "an option of the client",
      (client) => client.upload(batch, { timeoutMs: 5 } as never),
      "There is no option `timeoutMs`; expected one of signal.",
    ],
    [
      "a misspelt option of many",
      (client) => client.uploadBulk([batch], { concurency: 1 } as never),
      "There is no option `concurency`; expected `concurrency`.",
    ],
    [
      "an option of deliver",
      (client) => client.uploadHistorical([batch], { lingerMs: 1 } as never),
      "There is no option `lingerMs`; expected one of signal, concurrency, ordered.",
    ],
    [
      "a number for options",
      (client) => client.uploadBulk([batch], 5 as never),
      "The options are 5; expected an object.",
    ],
    [
      "a misspelt option of a delivery",
      (client) => drain(() => client.deliver([batch], { linger: 1 } as never)),
      "There is no option `linger`; expected `lingerMs`.",
    ],
    [
      "an order that is no boolean",
      (client) => client.uploadBulk([batch], { ordered: "yes" as never }),
      '`ordered` is "yes"; expected a boolean.',
    ],
    ["a text for a batch", (client) => client.upload("batch" as never), 'expected a batch, got "batch"'],
    [
      "one batch for several",
      (client) => client.uploadBulk(batch as never),
      "The batches are an object; expected a list",
    ],
    ["nothing for several", (client) => client.uploadHistorical(nothing), "The batches are undefined; expected a list"],
    [
      "a misspelt endpoint",
      (client) => drain(() => client.deliver([batch], { endpoint: "historic" as never })),
      '`endpoint` is "historic"',
    ],
    [
      "no source",
      (client) => drain(() => client.deliver(batch as never)),
      "The batches are an object; expected a list",
    ],
    [
      "a wait below 0",
      (client) => drain(() => client.deliver([], { lingerMs: -5 })),
      "`lingerMs` is -5; expected 0 or a number",
    ],
  ])("is refused when that is %s, and sends nothing", async (_, call, message) => {
    const { client, fetch } = setUp();
    await expect(call(client)).rejects.toThrow(message);
    expect(fetch.requests).toHaveLength(0);
  });

  it("takes a list for a list, though it could be read one by one as well", async () => {
    const { client, fetch } = setUp();
    const both = Object.assign([batch], { [Symbol.asyncIterator]: () => undefined });
    expect(await client.uploadBulk(both)).toMatchObject([{ kind: "accepted" }]);
    expect(fetch.requests).toHaveLength(1);
  });

  it("concerns one batch of many when it is that batch", async () => {
    const { client } = setUp();
    const broken = Object.defineProperty(makeBatch(), "events", {
      enumerable: true,
      get: () => {
        throw new Error("not today");
      },
    });
    const outcomes = await client.uploadBulk([broken, batch, null as never]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected", "accepted", "rejected"]);
    expect(outcomes[0]?.kind === "rejected" && outcomes[0].error.message).toContain("not today");
  });

  it("sends nothing that `validate` has not judged", async () => {
    const { client, fetch } = setUp(202, { validate: (() => Promise.resolve([])) as never });
    await expect(client.upload(batch)).rejects.toThrow("`validate` gave a promise; expected a list of findings");
    expect(fetch.requests).toHaveLength(0);
  });
});

describe("onOutcome", () => {
  it("is told of a batch that was refused before it was sent", async () => {
    const outcomes: Outcome[] = [];
    const { client } = setUp(202, { onOutcome: (outcome) => outcomes.push(outcome) });
    await expect(client.upload({ events: [] } as unknown as Batch)).rejects.toThrow(InvalidBatchError);
    expect(outcomes).toMatchObject([{ kind: "rejected", index: 0 }]);
  });

  it("is told of batches that an abort left unsent, once each", async () => {
    const outcomes: Outcome[] = [];
    const { client } = setUp(202, { onOutcome: (outcome) => outcomes.push(outcome) });
    const batches = [makeBatch(), makeBatch()];
    const returned = await client.uploadBulk(batches, { signal: AbortSignal.abort() });
    expect(outcomes).toEqual(returned);
    expect(returned.map((outcome) => outcome.kind === "undelivered" && outcome.error.requestIds)).toEqual(
      batches.map(({ source_request_id }) => [source_request_id]),
    );
  });
});

describe("what belongs to the application", () => {
  const fail = (): never => {
    throw new Error("out of order");
  };
  const reject: () => unknown = () => Promise.reject(new Error("later"));

  it.each<[string, Partial<EventsClientOptions>]>([
    ["a logger that throws", { logger: { debug: fail, info: fail, warn: fail, error: fail } }],
    ["observers that throw", { onAttempt: fail, onRetry: fail, onPause: fail, onOutcome: fail }],
    ["an observer that rejects", { onOutcome: reject }],
    ["observers that reject", { onAttempt: reject, onRetry: reject, onPause: reject, onOutcome: reject }],
    ["an observer that gives what only looks like a promise", { onOutcome: () => ({ then: fail }) }],
    ["a logger that rejects", { logger: { debug: reject, info: reject, warn: reject, error: reject } }],
    [
      "an onFinding that rejects",
      { validate: () => [{ severity: "warning", code: "w", path: "", message: "odd." }], onFinding: reject },
    ],
  ])("does not disturb delivery: %s", async (_, options) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on("unhandledRejection", note);
    try {
      const { client } = setUp([503, 202, 400], options);
      await expect(client.upload(makeBatch())).resolves.toMatchObject({ attempts: 2 });
      await expect(client.upload(makeBatch())).rejects.toMatchObject({ status: 400 });
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(rejections).toEqual([]);
  });
});

describe("an upload that is out of time", () => {
  it.each([
    [503, "UNAVAILABLE"],
    [429, "RATE_LIMITED"],
  ])("says what it last heard, %i, and not only that time was up", async (status, code) => {
    const { client } = setUp(status, { retry: { maxElapsedMs: 5_000 } });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => client.upload(makeBatch())));
    const errors = results.flatMap((result) =>
      result.status === "rejected" && result.reason instanceof MParticleError ? [result.reason] : [],
    );
    expect(errors).toHaveLength(20);
    // Those that never had a turn have heard nothing themselves.
    for (const error of errors) expect(error.code).toBe(error.attempts === 0 ? "EXPIRED" : code);
    expect(errors.some((error) => error.code === code)).toBe(true);
  });
});
