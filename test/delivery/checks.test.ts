import { describe, expect, it, vi } from "vitest";
import {
  checkAll,
  EventQueue,
  EventsClient,
  InvalidBatchError,
  screenView,
  type Batch,
  type EventsClientOptions,
  type Finding,
  type Validate,
} from "mparticle-events";
import { OwnCheck } from "../../src/delivery/checks.ts";
import { Telemetry } from "../../src/delivery/telemetry.ts";
import { PLAN_CODES, planCheck, readPlan } from "../../src/plan/plan.ts";
import { batchChecker, checkBatch, LINTS, SCHEMA_CODES } from "../../src/validate/validate.ts";
import { recordingFetch, type RecordingFetch } from "../../src/testing/testing.ts";
import { virtualTime } from "./virtual-time.ts";

const WARNING: Finding = { severity: "warning", code: "odd", path: "/a", message: "it is odd.", hint: "Look again." };
const ERROR: Finding = { severity: "error", code: "wrong", path: "/b", message: "it is wrong." };

const warnAlways: Validate = () => [WARNING];

function setUp(options: Partial<EventsClientOptions>): { client: EventsClient; fetch: RecordingFetch } {
  const fetch = recordingFetch(202);
  return { client: new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, ...options }, virtualTime()), fetch };
}

function silentLogger() {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
}

const good = (): Batch => ({ environment: "development" });

describe("without `validate`", () => {
  it.each<[Partial<EventsClientOptions>, readonly string[]]>([
    [
      { strict: true },
      ["`strict` does nothing without `validate`, such as `checkBatch` of mparticle-events/validate."],
    ],
    [
      { strict: ["odd"], onFinding: () => undefined },
      ["`strict` and `onFinding` do nothing without `validate`, such as `checkBatch` of mparticle-events/validate."],
    ],
    [{ strict: false, onFinding: undefined }, []],
    [{ strict: true, validate: undefined }, []], // left out on purpose
    [{ strict: true, validate: warnAlways }, []],
  ])("somebody is told of what does nothing: %o", (options, told) => {
    const logger = silentLogger();
    setUp({ ...options, logger });
    expect(logger.warn.mock.calls.map(([message]: readonly unknown[]) => message)).toEqual(told);
  });
});

describe("`validate`", () => {
  it("is told where the batch is going", async () => {
    const endpoints: string[] = [];
    const { client } = setUp({
      validate: (_, { endpoint }) => {
        endpoints.push(endpoint);
        return [];
      },
    });
    const old = screenView("Home", { timestamp_unixtime_ms: Date.now() - 100 * 3_600_000 });
    await client.upload(good());
    await client.uploadBulk([good()]);
    await client.uploadHistorical([{ ...good(), events: [old] }]);
    for await (const { kind } of client.deliver([{ ...good(), events: [old] }], { endpoint: "historical" }))
      expect(kind).toBe("accepted");
    const queue = new EventQueue(client);
    await queue.add(good() as never, screenView("Home"));
    await queue.close();
    expect(endpoints).toEqual(["events", "bulk", "historical", "historical", "bulk"]);
  });

  it("finds in a part of a list what is said of the whole: the event that it names is counted from the first", () => {
    const findings = ["/events/0/data", "/events/12", "/events", "/user_attributes/events/3", "/mpid"].map((path) => ({
      ...ERROR,
      path,
    }));
    const check = new OwnCheck({ validate: () => findings, strict: false, telemetry: new Telemetry({}, undefined) });
    const pathsFrom = (first?: number): string[] =>
      check.errorsOf(good(), "/bulkevents", first).map(({ path }) => path);
    expect(pathsFrom()).toEqual(findings.map(({ path }) => path));
    expect(pathsFrom(0)).toEqual(findings.map(({ path }) => path));
    expect(pathsFrom(30)).toEqual(["/events/30/data", "/events/42", "/events", "/user_attributes/events/3", "/mpid"]);
  });

  it("that is checkBatch checks the 72 hours of historical batches, and says once what we say too", async () => {
    const { client, fetch } = setUp({ validate: checkBatch });
    const [outcome] = await client.uploadHistorical([{ ...good(), events: [screenView("Home")] }]);
    if (outcome?.kind !== "rejected" || !(outcome.error instanceof InvalidBatchError)) throw new Error("not refused");
    expect(outcome.error.findings.map(({ code }) => code)).toEqual(["historical-too-recent"]);
    expect(fetch.requests).toHaveLength(0);
  });

  it("refuses a batch for its errors, and tells of its warnings all the same", async () => {
    const onFinding = vi.fn();
    const { client, fetch } = setUp({ validate: () => [WARNING, ERROR], onFinding });
    await expect(client.upload(good())).rejects.toMatchObject({ findings: [ERROR] });
    expect(onFinding).toHaveBeenCalledExactlyOnceWith(WARNING, expect.objectContaining(good()));
    expect(fetch.requests).toHaveLength(0);
  });

  it("that is async is refused by name, since nothing would be checked", () => {
    const validate = (async () => Promise.resolve([])) as unknown as Validate;
    expect(() => setUp({ validate })).toThrow("`validate` is an async function; expected one that gives its findings");
  });

  it.each([
    ["resolves", () => Promise.resolve([])],
    ["rejects", () => Promise.reject(new Error("no database"))],
  ])("that gives a promise that %s refuses the batch, and ends no process", async (_, validate) => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const { client, fetch } = setUp({ validate: validate as never });
    await expect(client.upload(good())).rejects.toThrow(
      "`validate` gave a promise; expected a list of findings at once",
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(fetch.requests).toHaveLength(0);
  });

  it.each([
    ["nothing", undefined],
    ["a text", "fine"],
    ["a list of texts", ["wrong"]],
    ["a list of lists", [[]]],
  ])("that gives %s refuses the batch", async (_, findings) => {
    const { client } = setUp({ validate: (() => findings) as never });
    await expect(client.upload(good())).rejects.toThrow("expected a list of findings");
  });
});

describe("a warning", () => {
  it("reaches the logger once for each code and path, and `onFinding` every time", async () => {
    const logger = silentLogger();
    const onFinding = vi.fn();
    const elsewhere = { ...WARNING, path: "/c" };
    const { client } = setUp({ validate: () => [WARNING, elsewhere, { ...WARNING, code: "rare" }], logger, onFinding });
    for (let n = 0; n < 3; n++) await client.upload(good());
    expect(logger.warn.mock.calls.map(([message]) => message as string)).toEqual([
      "/a: it is odd. Look again. (odd)",
      "/c: it is odd. Look again. (odd)",
      "/a: it is odd. Look again. (rare)",
    ]);
    expect(logger.warn).toHaveBeenCalledWith(expect.any(String), WARNING);
    expect(onFinding).toHaveBeenCalledTimes(9);
  });

  it("of many events that have one mistake reaches the logger once: their places are no news", async () => {
    const logger = silentLogger();
    const onFinding = vi.fn();
    const paths = ["/events/0/data/a", "/events/41/data/a", "/events/7", "/events/8"];
    const { client } = setUp({ validate: () => paths.map((path) => ({ ...WARNING, path })), logger, onFinding });
    await client.upload(good());
    expect(logger.warn.mock.calls.map(([message]) => (message as string).split(":")[0])).toEqual([paths[0], paths[2]]);
    expect(onFinding).toHaveBeenCalledTimes(4);
  });

  it("is logged for a thousand different paths at most: a client's memory is bounded", async () => {
    const logger = silentLogger();
    let path = 0;
    const { client } = setUp({ validate: () => [{ ...WARNING, path: `/key${String(path++)}` }], logger });
    await client.uploadBulk(Array.from({ length: 1_100 }, good));
    expect(logger.warn).toHaveBeenCalledTimes(1_000);
  });

  it("is said on the console, once for each code, where nobody else would hear of it", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    try {
      await setUp({ validate: () => [WARNING, { ...WARNING, path: "" }] }).client.uploadBulk([good(), good()]);
      expect(warn.mock.calls).toEqual([
        [expect.stringContaining("`validate` warns of /a: it is odd. Look again. (odd)")],
      ]);
      await setUp({ validate: warnAlways, onFinding: () => undefined }).client.upload(good());
      await setUp({ validate: warnAlways, logger: silentLogger() }).client.upload(good());
      expect(warn).toHaveBeenCalledTimes(1);
    } finally {
      warn.mockRestore();
    }
  });

  it("reaches a queue's client as well", async () => {
    const onFinding = vi.fn();
    const { client } = setUp({ validate: warnAlways, onFinding });
    const queue = new EventQueue(client);
    await queue.add({ environment: "development" }, screenView("Home"));
    expect(await queue.close()).toMatchObject({ accepted: 1 });
    expect(onFinding).toHaveBeenCalledExactlyOnceWith(WARNING, expect.anything());
  });
});

describe("`strict`", () => {
  it.each<[boolean | readonly string[], boolean]>([
    [true, true],
    [["odd"], true],
    [["other", "odd"], true],
    [["other"], false],
    [[], false],
    [false, false],
  ])("as %j decides whether a warning refuses: %s", async (strict, refuses) => {
    const { client, fetch } = setUp({ validate: warnAlways, strict, onFinding: () => undefined });
    const error: unknown = await client.upload(good()).catch((reason: unknown) => reason);
    expect(error instanceof InvalidBatchError).toBe(refuses);
    if (refuses) expect(error).toMatchObject({ findings: [{ ...WARNING, severity: "error" }] });
    expect(fetch.requests).toHaveLength(refuses ? 0 : 1);
  });

  it.each<[unknown, string]>([
    ["odd", '`strict` is "odd"; expected a boolean, or a list of codes of findings.'],
    [[5], "`strict` is an array of 1; expected a boolean"],
    [null, "`strict` is null; expected a boolean"],
  ])("as %j is named", (strict, message) => {
    expect(() => setUp({ validate: warnAlways, strict: strict as never })).toThrow(message);
  });
});

describe("`strict` with a code that no finding has", () => {
  const plan = readPlan({ data_points: [] });

  it.each<[string, Validate, string, string]>([
    ["checkBatch", checkBatch, "seconds-not-miliseconds", 'expected "seconds-not-milliseconds".'],
    ["batchChecker", batchChecker(), "no_identity", 'expected "no-identity".'],
    ["planCheck", planCheck(plan), "plan-unplaned-event", 'expected "plan-unplanned-event".'],
    ["checkAll", checkAll(checkBatch, planCheck(plan)), "something else", "expected codes of its findings."],
    ["checkAll of itself", checkAll(checkAll(checkBatch), planCheck(plan)), "plan-mising", 'expected "plan-missing".'],
  ])("is refused where %s knows its codes", (_, validate, code, expected) => {
    expect(() => setUp({ validate, strict: ["no-identity", "plan-missing", code].slice(-1) })).toThrow(
      `\`strict\` has "${code}", which no finding of \`validate\` has as its code; ${expected}`,
    );
  });

  it("passes where a check of one's own may have it, and where all codes are known", () => {
    expect(() => setUp({ validate: checkAll(checkBatch, warnAlways), strict: ["odd"] })).not.toThrow();
    expect(() =>
      setUp({ validate: checkBatch, strict: [...Object.keys(LINTS), ...Object.keys(SCHEMA_CODES)] }),
    ).not.toThrow();
    expect(() =>
      setUp({ validate: checkAll(checkBatch, planCheck(plan)), strict: Object.keys(PLAN_CODES) }),
    ).not.toThrow();
  });
});

describe("checkAll", () => {
  it("gives the findings of every check, in their order, and tells each where the batch is going", () => {
    const second = vi.fn((): readonly Finding[] => [ERROR]);
    const batch = good();
    expect(checkAll(warnAlways, second)(batch, { endpoint: "bulk" })).toEqual([WARNING, ERROR]);
    expect(second).toHaveBeenCalledExactlyOnceWith(batch, { endpoint: "bulk" });
    expect(checkAll()(batch, { endpoint: "bulk" })).toEqual([]);
  });

  it("names a check that is no function, or cannot answer at once", () => {
    expect(() => checkAll(checkBatch, undefined as never)).toThrow("`checks[1]` is undefined; expected a function.");
    expect(() => checkAll((async () => Promise.resolve([])) as never)).toThrow("`checks[0]` is an async function");
    const batch = good();
    const late = checkAll(checkBatch, (() => Promise.reject(new Error("late"))) as never);
    expect(() => late(batch, { endpoint: "bulk" })).toThrow("`checks[1]` gave a promise");
  });
});
