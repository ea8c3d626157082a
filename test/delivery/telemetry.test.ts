import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  EventQueue,
  EventsClient,
  MParticleError,
  screenView,
  type Batch,
  type Finding,
  type Outcome,
} from "mparticle-events";
import { Telemetry, type AttemptReport } from "../../src/delivery/telemetry.ts";
import { recordingFetch } from "../../src/testing/testing.ts";

const BATCH: Batch = { environment: "development", user_attributes: { name: "Ada" } };
const ERROR = new MParticleError("EXPIRED", "Too late.");
const ACCEPTED: Outcome = {
  kind: "accepted",
  batch: BATCH,
  index: 0,
  receipt: { status: 202, requestId: "r", attempts: 1, durationMs: 1 },
};
const undelivered = (error: MParticleError = ERROR): Outcome => ({
  kind: "undelivered",
  batch: BATCH,
  index: 3,
  error,
});
const REPORT: AttemptReport = {
  path: "/events",
  attempt: 1,
  batches: 1,
  bytes: 2,
  durationMs: 1.6,
  result: "accepted",
  status: 202,
  rateLimitPercentageUsed: undefined,
  batchesPerSecond: undefined,
};

function makeLogger() {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
}

/** What the console is told while `run` runs. */
function toldTheConsole(run: () => void): readonly string[] {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  try {
    run();
    return warn.mock.calls.map(([text]) => String(text));
  } finally {
    warn.mockRestore();
  }
}

const subscriptions: (() => void)[] = [];
function listen(topic: string): unknown[] {
  const heard: unknown[] = [];
  const listener = (message: unknown): void => void heard.push(message);
  subscribe(`mparticle-events:${topic}`, listener);
  subscriptions.push(() => unsubscribe(`mparticle-events:${topic}`, listener));
  return heard;
}
afterEach(() => {
  for (const end of subscriptions.splice(0)) end();
});

describe("what happens to a request", () => {
  it("is told to the observers, to whoever listens on its channel, and to the logger", () => {
    const observers = { onAttempt: vi.fn(), onRetry: vi.fn(), onPause: vi.fn() };
    const logger = makeLogger();
    const [attempts, retries, pauses] = [listen("attempt"), listen("retry"), listen("pause")];
    const telemetry = new Telemetry(observers, logger);
    const retry = { path: "/events", attempt: 1, batches: 1, delayMs: 99.6, error: ERROR } as const;
    const pause = { durationMs: 1_000.4, error: ERROR };
    telemetry.attempt(REPORT, undefined);
    telemetry.retry(retry);
    telemetry.pause(pause);
    expect([observers.onAttempt, observers.onRetry, observers.onPause].map(({ mock }) => mock.calls)).toEqual([
      [[REPORT]],
      [[retry]],
      [[pause]],
    ]);
    expect([attempts, retries, pauses]).toEqual([[REPORT], [retry], [pause]]);
    expect(logger.debug.mock.calls).toEqual([["/events: accepted after 2 ms", REPORT]]);
    expect(logger.warn.mock.calls).toEqual([
      ["/events: trying again in 100 ms. Too late.", retry],
      ["Pausing for 1000 ms. Too late.", pause],
    ]);
  });

  it("begins where whoever listens to its start puts it, who is told of its end; nothing is described for nobody", () => {
    const telemetry = new Telemetry({}, undefined);
    const describeIt = vi.fn(
      () => ({ path: "/events", attempt: 1, requestIds: ["r"], bytes: 2, origins: [] }) as const,
    );
    expect(telemetry.attemptStarts(describeIt)).toBeUndefined();
    expect(telemetry.origin()).toBeUndefined();
    expect(describeIt).not.toHaveBeenCalled();
    expect(telemetry.runAttempt(undefined, () => "answer")).toBe("answer");

    const heard = listen("attempt-start");
    const start = telemetry.attemptStarts(describeIt)!;
    expect(heard).toEqual([start]);
    expect(telemetry.origin()).toBeTypeOf("function");
    const around = vi.fn((send: () => void) => {
      send();
    });
    start.runIn(around);
    const end = vi.fn();
    start.onEnd(end);
    expect(telemetry.runAttempt(start, () => "answer")).toBe("answer");
    expect(around).toHaveBeenCalledTimes(1);
    telemetry.attempt(REPORT, start);
    expect(end.mock.calls).toEqual([[REPORT]]);
  });
});

describe("the outcome of a batch", () => {
  it("is told to all, and without the batch to the logger, because it holds personal data", () => {
    const [onOutcome, alsoTell, logger] = [vi.fn(), vi.fn(), makeLogger()];
    const heard = listen("outcome");
    const telemetry = new Telemetry({ onOutcome }, logger);
    telemetry.outcome(ACCEPTED, alsoTell);
    telemetry.outcome(undelivered(), alsoTell);
    for (const calls of [onOutcome.mock.calls.flat(), alsoTell.mock.calls.flat(), heard])
      expect(calls).toEqual([ACCEPTED, undelivered()]);
    expect(logger.error.mock.calls).toEqual([
      ["Batch 3 undelivered: Too late.", { kind: "undelivered", index: 3, error: ERROR }],
    ]);
  });

  it("has a listener where an observer, the queue's own or a channel wants to know", () => {
    const observer = (): void => undefined;
    expect(new Telemetry({}, undefined).hasOutcomeListener(undefined)).toBe(false);
    expect(new Telemetry({ onOutcome: observer }, undefined).hasOutcomeListener(undefined)).toBe(true);
    expect(new Telemetry({}, undefined).hasOutcomeListener(observer)).toBe(true);
    listen("outcome");
    expect(new Telemetry({}, undefined).hasOutcomeListener(undefined)).toBe(true);
  });

  it("that nobody waits for is said to the console once where nobody listens", () => {
    const telemetry = new Telemetry({}, undefined);
    const told = toldTheConsole(() => {
      telemetry.outcomeOfQueue(ACCEPTED, undefined);
      // What is closed is handed back.
      telemetry.outcomeOfQueue(undelivered(new MParticleError("CLOSED", "Closed.")), undefined);
      telemetry.outcomeOfQueue(undelivered(), undefined);
      telemetry.outcomeOfQueue(undelivered(), undefined);
    });
    expect(told).toEqual([expect.stringMatching(/^mparticle-events: a batch of a queue was undelivered\. Too late\./)]);
  });

  it("that nobody waits for is not said to the console where somebody listens", () => {
    const onOutcome = vi.fn();
    const told = toldTheConsole(() => {
      new Telemetry({}, makeLogger()).outcomeOfQueue(undelivered(), undefined);
      new Telemetry({ onOutcome }, undefined).outcomeOfQueue(undelivered(), undefined);
      new Telemetry({}, undefined).outcomeOfQueue(undelivered(), onOutcome);
    });
    expect(told).toEqual([]);
    expect(onOutcome).toHaveBeenCalledTimes(2);
  });
});

describe("what `validate` warns of", () => {
  const finding: Finding = { severity: "warning", code: "odd", path: "/a", message: "it is odd.", hint: "Look again." };

  it("is told to the observer each time, and to the logger when it is new", () => {
    const [onFinding, logger] = [vi.fn(), makeLogger()];
    const telemetry = new Telemetry({ onFinding }, logger);
    const told = toldTheConsole(() => {
      telemetry.warning(finding, BATCH, true);
      telemetry.warning(finding, BATCH, false);
    });
    expect(told).toEqual([]);
    expect(onFinding.mock.calls).toEqual([
      [finding, BATCH],
      [finding, BATCH],
    ]);
    expect(logger.warn.mock.calls).toEqual([["/a: it is odd. Look again. (odd)", finding]]);
  });

  it("is said to the console once for each code where nobody else hears of it", () => {
    const telemetry = new Telemetry({}, undefined);
    const told = toldTheConsole(() => {
      telemetry.warning(finding, BATCH, false);
      telemetry.warning({ ...finding, path: "", hint: undefined }, BATCH, true);
      telemetry.warning(finding, BATCH, true);
      telemetry.warning({ ...finding, code: "strange" }, BATCH, true);
      new Telemetry({ onFinding: vi.fn() }, undefined).warning(finding, BATCH, true);
    });
    expect(told).toEqual([
      expect.stringContaining("`validate` warns of The batch: it is odd. (odd). Pass `onFinding`"),
      expect.stringContaining("`validate` warns of /a: it is odd. Look again. (strange). Pass"),
    ]);
  });
});

describe("what somebody should know", () => {
  it("is said to the console where there is no logger, but for errors, which callers get", () => {
    const telemetry = new Telemetry({}, undefined);
    const told = toldTheConsole(() => {
      telemetry.warn("mind this");
      telemetry.loss("this is lost");
      telemetry.reportError("this failed");
    });
    expect(told).toEqual(["mparticle-events: mind this", "mparticle-events: this is lost"]);
  });

  it("is said to the logger with its error, where there is one", () => {
    const logger = makeLogger();
    const telemetry = new Telemetry({}, logger);
    const told = toldTheConsole(() => {
      for (const error of [ERROR, undefined]) {
        telemetry.warn("mind this", error);
        telemetry.loss("this is lost", error);
        telemetry.reportError("this failed", error);
      }
    });
    expect(told).toEqual([]);
    expect(logger.warn.mock.calls).toEqual([
      ["mind this", { error: ERROR }],
      ["mind this", undefined],
    ]);
    expect(logger.error.mock.calls).toEqual([
      ["this is lost", { error: ERROR }],
      ["this failed", { error: ERROR }],
      ["this is lost", undefined],
      ["this failed", undefined],
    ]);
  });

  it("is that an observer threw, which keeps nobody else from hearing", () => {
    const [logger, heard, mine] = [makeLogger(), listen("retry"), new Error("mine")];
    const onRetry = (): never => {
      throw mine;
    };
    const report = { path: "/events", attempt: 1, batches: 1, delayMs: 1, error: ERROR } as const;
    new Telemetry({ onRetry }, logger).retry(report);
    expect(heard).toEqual([report]);
    expect(logger.error.mock.calls).toEqual([["`onRetry` threw.", { error: mine }]]);
    const broken = { ...makeLogger(), warn: onRetry, error: onRetry };
    expect(() => {
      new Telemetry({ onRetry }, broken).retry(report);
    }).not.toThrow();
  });

  it("goes on where the console throws, as some test suites have it", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation((text: unknown) => {
      throw new Error(String(text));
    });
    const fail = (): never => {
      throw new Error("mine");
    };
    const client = new EventsClient({
      apiKey: "k",
      apiSecret: "s",
      fetch: recordingFetch([202, 400]),
      onOutcome: fail,
    });
    const queue = new EventQueue(client, { onOutcome: () => Promise.reject(new Error("mine")) as never });
    for (const id of ["1", "2"]) {
      await queue.add({ environment: "development", mpid: id }, screenView("Home"));
      await queue.flush();
    }
    const { accepted, rejected } = await queue.close();
    const told = warn.mock.calls.length;
    warn.mockRestore();
    expect({ accepted, rejected, told }).toEqual({ accepted: 1, rejected: 1, told: 2 });
  });

  it("is that an observer threw or rejected, once to the console where there is no logger", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const telemetry = new Telemetry({ onOutcome: () => Promise.reject(new Error("mine")) as never }, undefined);
    const ofQueue = (): never => {
      throw new ReferenceError("saveSomewhere is not defined");
    };
    for (const onOutcome of [undefined, ofQueue, ofQueue]) telemetry.outcomeOfQueue(undelivered(), onOutcome);
    await Promise.resolve();
    const told = warn.mock.calls.map(([message]: readonly unknown[]) => message);
    warn.mockRestore();
    expect(told).toEqual([
      "mparticle-events: `onOutcome` of a queue threw: saveSomewhere is not defined. Pass `logger` to hear of each; this is said once.",
      "mparticle-events: `onOutcome` threw: mine. Pass `logger` to hear of each; this is said once.",
    ]);
  });
});
