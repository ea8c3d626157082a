import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { EventsClient, createBatch, customEvent } from "mparticle-events";
import {
  poison,
  recordingFetch,
  type FetchStep,
  type RecordingFetchOptions,
  type Script,
} from "../../src/testing/testing.ts";

const URL_TEXT = "https://s2s.us1.mparticle.com/v2/events";
const BATCH = { environment: "development", source_request_id: "r-1", events: [] };

function post(batch: unknown = BATCH, more: RequestInit = {}): RequestInit {
  return { method: "POST", body: typeof batch === "string" ? batch : JSON.stringify(batch), ...more };
}

/** Waits that are over at once, and how long they would have been. */
function instant(): { readonly sleep: (ms: number) => Promise<void>; readonly slept: readonly number[] } {
  const slept: number[] = [];
  return { slept, sleep: (ms) => Promise.resolve(void slept.push(ms)) };
}

describe("what it takes", () => {
  it("is what the global fetch takes: text, a URL, a Request, and init", async () => {
    const fetch = recordingFetch();
    await fetch(URL_TEXT, post());
    await fetch(new URL(URL_TEXT), post());
    await fetch(new Request(URL_TEXT, post()));
    await fetch(new Request(URL_TEXT), post());
    expect(fetch.requests.map(({ method, url, body }) => ({ method, url, body }))).toEqual(
      Array.from({ length: 4 }, () => ({ method: "POST", url: URL_TEXT, body: JSON.stringify(BATCH) })),
    );
  });

  it("is kept as it came: exact text, names of headers in lower case, path and query, order", async () => {
    const fetch = recordingFetch(202, { now: () => 1_700_000_000_000 });
    const text = '{ "mpid": 7346244611012968789, "n": 1e2 }';
    await fetch(`${URL_TEXT}?a=1`, post(text, { headers: { "X-Test": "a", Authorization: "Basic a2V5OnNlY3JldA==" } }));
    await fetch(URL_TEXT);
    expect(fetch.requests).toMatchObject([
      {
        index: 0,
        path: "/v2/events?a=1",
        headers: { "x-test": "a", authorization: "Basic a2V5OnNlY3JldA==" },
        body: text,
        batches: [{ mpid: "7346244611012968789", n: 100 }],
        batchCount: 1,
        receivedAtMs: 1_700_000_000_000,
        socketId: 0,
        status: 202,
        answered: true,
      },
      { index: 1, method: "GET", body: "", batchCount: 0 },
    ]);
  });
});

describe("what it answers", () => {
  it("is 202 without a body unless told otherwise", async () => {
    const response = await recordingFetch()(URL_TEXT, post());
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("");
  });

  it("follows the script, entry by entry, and stays at the last", async () => {
    const fetch = recordingFetch([503, { status: 429, headers: { "Retry-After": 2 } }, 202]);
    const answers = [];
    for (let request = 0; request < 4; request++) answers.push(await fetch(URL_TEXT, post()));
    expect(answers.map(({ status }) => status)).toEqual([503, 429, 202, 202]);
    expect(answers[1]?.headers.get("retry-after")).toBe("2");
  });

  it("starts another script at its beginning", async () => {
    const fetch = recordingFetch([500, 501]);
    await fetch(URL_TEXT, post());
    fetch.script([503, 202]);
    expect([(await fetch(URL_TEXT, post())).status, (await fetch(URL_TEXT, post())).status]).toEqual([503, 202]);
  });

  it("is decided by a function that sees the whole request, at once or later", async () => {
    const fetch = recordingFetch((request) =>
      Promise.resolve(request.batchCount === 2 ? 202 : { fault: "ECONNRESET" }),
    );
    expect((await fetch(URL_TEXT, post([BATCH, BATCH]))).status).toBe(202);
    await expect(fetch(URL_TEXT, post())).rejects.toThrow("fetch failed");
  });

  it("has bodies typed by what they are", async () => {
    const fetch = recordingFetch([
      { status: 502, body: "<html>Bad gateway</html>" },
      { status: 400, body: { errors: [] } },
      { status: 500, body: "odd", headers: { "Content-Type": "text/odd" } },
    ]);
    const read = async (): Promise<unknown> => {
      const response = await fetch(URL_TEXT, post());
      return [response.headers.get("content-type"), await response.text()];
    };
    expect([await read(), await read(), await read()]).toEqual([
      ["text/html", "<html>Bad gateway</html>"],
      ["application/json", '{"errors":[]}'],
      ["text/odd", "odd"],
    ]);
  });

  it.each([204, 205, 304])("is possible with %d, which has no body", async (status) => {
    const fetch = recordingFetch({ status, body: "never seen" });
    const response = await fetch(URL_TEXT, post());
    expect([response.status, response.body]).toEqual([status, null]);
    expect(fetch.requests[0]?.answered).toBe(true);
  });

  it("follows no redirect", async () => {
    const fetch = recordingFetch({ redirect: "https://elsewhere.example/" });
    const response = await fetch(URL_TEXT, post());
    expect([response.status, response.headers.get("location")]).toEqual([307, "https://elsewhere.example/"]);
    expect(fetch.requests).toHaveLength(1);
  });

  it("waits before it, and between the drips of a body, in the clock it was given", async () => {
    const { sleep, slept } = instant();
    const fetch = recordingFetch({ status: 500, body: "0123456789", delayMs: 3_000, dripBytesPerMs: 0.01 }, { sleep });
    const response = await fetch(URL_TEXT, post());
    expect(fetch.requests[0]).toMatchObject({ status: 500, answered: false });
    expect(await response.text()).toBe("0123456789");
    expect(slept).toEqual([3_000, ...Array.from({ length: 10 }, () => 100)]);
    expect(fetch.requests[0]?.answered).toBe(true);
  });
});

describe("what fails", () => {
  it.each(["ECONNREFUSED", "ENOTFOUND", "UND_ERR_SOCKET"])(
    "rejects as the global fetch does, with %s for the code of its cause",
    async (fault) => {
      const fetch = recordingFetch([{ fault, delayMs: 5 }, 202]);
      const error: unknown = await fetch(URL_TEXT, post()).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ message: "fetch failed", cause: { code: fault } });
      expect(fetch.requests[0]).toMatchObject({ status: undefined, answered: false, body: "" });
      expect(fetch.accepted()).toHaveLength(0);
      expect((await fetch(URL_TEXT, post())).status).toBe(202);
    },
  );

  it.each<[FetchStep, string, boolean]>([
    ["reset", "ECONNRESET", true],
    [{ reset: "before-answer" }, "ECONNRESET", true],
    [{ reset: "before-request" }, "ECONNRESET", false],
    [{ reset: "within-request" }, "ECONNRESET", false],
    ["garbage", "HPE_INVALID_CONSTANT", true],
    [{ raw: "HTTP/9" }, "HPE_INVALID_CONSTANT", true],
  ])("%j is a %s, and nothing was accepted", async (step, code, isRead) => {
    const fetch = recordingFetch(step);
    await expect(fetch(URL_TEXT, post())).rejects.toMatchObject({ cause: { code } });
    expect(fetch.requests[0]?.body).toBe(isRead ? JSON.stringify(BATCH) : "");
    expect(fetch.counts()).toMatchObject({ requests: 1, acceptedBatches: 0, byStatus: {} });
  });

  it.each<FetchStep>([
    { status: 202, reset: "before-answer" },
    { status: 202, reset: "within-head" },
  ])("takes a batch and loses the answer with %j", async (step) => {
    const fetch = recordingFetch([step, 202]);
    await expect(fetch(URL_TEXT, post())).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    await fetch(URL_TEXT, post());
    expect(fetch.accepted()).toHaveLength(2);
    expect(fetch.acceptedOnce()).toHaveLength(1);
    expect([...fetch.duplicates()]).toEqual([["r-1", 2]]);
    expect(fetch.requests.map(({ answered }) => answered)).toEqual([false, true]);
  });

  it("breaks off within a body", async () => {
    const fetch = recordingFetch({ status: 503, body: "0123456789", reset: "within-body" });
    const response = await fetch(URL_TEXT, post());
    expect(response.status).toBe(503);
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("01234");
    await expect(reader.read()).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(fetch.requests[0]?.answered).toBe(false);
  });

  it("in a function of the script is what the caller gets", async () => {
    const fetch = recordingFetch(() => {
      throw new Error("expected 2 batches");
    });
    await expect(fetch(URL_TEXT, post())).rejects.toThrow("expected 2 batches");
  });
});

describe("an abort", () => {
  const reason = new Error("no longer wanted");

  it("before the call rejects with its reason and leaves no trace", async () => {
    const fetch = recordingFetch();
    await expect(fetch(URL_TEXT, post(BATCH, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(fetch.requests).toHaveLength(0);
    expect(fetch.counts().requests).toBe(0);
  });

  it.each<[string, Script<FetchStep>]>([
    ["a hang", "hang"],
    ["a delay", { status: 202, delayMs: 60_000 }],
    ["a function that takes its time", () => new Promise<FetchStep>(() => undefined)],
  ])("ends %s with its reason, and leaves no listener on the signal", async (_, script) => {
    const fetch = recordingFetch(script, { sleep: () => new Promise(() => undefined) });
    const controller = new AbortController();
    const answer = fetch(URL_TEXT, post(BATCH, { signal: controller.signal }));
    setTimeout(() => {
      controller.abort(reason);
    }, 5);
    await expect(answer).rejects.toBe(reason);
    expect(fetch.requests).toHaveLength(1);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("ends a body that drips", async () => {
    const fetch = recordingFetch(
      { status: 500, body: "0123456789", dripBytesPerMs: 0.01 },
      { sleep: () => new Promise(() => undefined) },
    );
    const controller = new AbortController();
    const response = await fetch(URL_TEXT, post(BATCH, { signal: controller.signal }));
    const text = response.text();
    setTimeout(() => {
      controller.abort(reason);
    }, 5);
    await expect(text).rejects.toBe(reason);
  });
});

describe("its books", () => {
  it("tell what was accepted from what was sent, and what was sent twice from what was not", async () => {
    const fetch = recordingFetch([202, 202, 500, 202]);
    const event = (id: string) => ({ event_type: "session_start", data: { source_message_id: id } });
    const one = { ...BATCH, events: [event("a"), event("b")] };
    const two = { ...BATCH, source_request_id: "r-2", events: [event("b")] };
    await fetch(URL_TEXT, post([one, two]));
    await fetch(URL_TEXT, post([one]));
    await fetch(URL_TEXT, post([{ ...one, source_request_id: "r-3" }]));
    await fetch(URL_TEXT, post({ environment: "development" }));
    expect(fetch.counts()).toEqual({
      requests: 4,
      batches: 5,
      events: 7,
      acceptedBatches: 4,
      acceptedEvents: 5,
      acceptedBatchesOnce: 3,
      acceptedEventsOnce: 3,
      byStatus: { 202: 3, 500: 1 },
    });
    expect(fetch.batches()).toHaveLength(5);
    expect(fetch.acceptedOnce()).toEqual([one, two, { environment: "development" }]);
    expect([...fetch.acceptedEventIds()]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    fetch.clear();
    expect([fetch.requests.length, fetch.counts().requests, fetch.acceptedIds().size]).toEqual([0, 0, 0]);
    await fetch(URL_TEXT, post());
    expect(fetch.requests[0]?.index).toBe(0);
  });

  it('are all that is kept with `record: "counts"`', async () => {
    const fetch = recordingFetch(202, { record: "counts" });
    await fetch(URL_TEXT, post());
    await fetch(URL_TEXT, post());
    expect(fetch.requests).toHaveLength(0);
    expect([...fetch.duplicates()]).toEqual([["r-1", 2]]);
    expect(() => fetch.batches()).toThrow('batches() needs record: "all"');
  });
});

describe("a client on it", () => {
  it("needs nothing else, and no network", async () => {
    const fetch = recordingFetch([{ fault: "ECONNREFUSED" }, 202]);
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", fetch, retry: { baseDelayMs: 1 } });
    const user = { environment: "development", user_identities: { customer_id: "42" } } as const;
    const batch = createBatch(user, [customEvent("opened", "other", { source_message_id: "e-1" })]);
    expect(await client.upload(batch)).toMatchObject({ status: 202, attempts: 2 });
    expect(fetch.accepted()[0]?.user_identities?.customer_id).toBe("42");
    // The same event in another batch is what no service notices.
    await client.upload({ ...batch, source_request_id: "r-2" });
    expect([...fetch.acceptedEventIds()]).toEqual([["e-1", 2]]);
    expect(fetch.counts()).toMatchObject({ acceptedEvents: 2, acceptedBatchesOnce: 2 });
  });
});

describe("what is refused", () => {
  it("are batches in which `check` finds an error, with its findings, and only where they would have been accepted", async () => {
    const fetch = recordingFetch([202, 503, 202], {
      check: ({ mpid }) =>
        mpid === undefined
          ? [{ severity: "warning", code: "no-mpid", path: "/mpid", message: "it is missing." }]
          : [{ severity: "error", code: "odd-mpid", path: "/mpid", message: "it is odd.", hint: "Make it even." }],
    });
    const bulk = "https://s2s.us1.mparticle.com/v2/bulkevents";
    const refused = await fetch(bulk, post([BATCH, { ...BATCH, mpid: 1 }]));
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({
      errors: [{ code: "BAD_REQUEST", message: "/1/mpid: it is odd. Make it even. (odd-mpid)" }],
    });
    expect((await fetch(URL_TEXT, post({ ...BATCH, mpid: 1 }))).status).toBe(503);
    expect((await fetch(URL_TEXT, post(BATCH))).status).toBe(202);
  });

  it("are requests that hold a poisonous batch, as a whole and without saying which", async () => {
    const fetch = recordingFetch(poison(({ ip }) => ip === "bad"));
    expect((await fetch(URL_TEXT, post([BATCH, { ...BATCH, ip: "bad" }]))).status).toBe(400);
    expect((await fetch(URL_TEXT, post([BATCH]))).status).toBe(202);
    expect(fetch.accepted()).toHaveLength(1);
  });

  it.each<[unknown, string]>([
    [[], "The script is empty"],
    [42, "`status` of a step is 42"],
    [{ status: 700 }, "`status` of a step is 700"],
    [{}, "A script gave {}"],
    [[202, "rest"], "A script gave 'rest'"],
    [null, "A script gave null"],
    [{ status: 202, dripBytesPerMs: 0 }, "`dripBytesPerMs` is 0"],
  ])("are scripts that are none, such as %j", (script, message) => {
    // From JavaScript, where anything may be passed.
    expect(() => recordingFetch(script as Script<FetchStep>)).toThrow(message);
  });
});

describe("what it is told", () => {
  it.each<[unknown, string]>([
    [null, "The options are null; expected an object."],
    [{ recrod: "counts" }, "There is no option `recrod`; expected `record`."],
    [{ record: "cuonts" }, '`record` is "cuonts"; expected "all" or "counts".'],
    [{ sleep: 5 }, "`sleep` is 5; expected a function."],
  ])("is refused where it is no option: %j", (options, message) => {
    expect(() => recordingFetch(202, options as RecordingFetchOptions)).toThrow(message);
  });
});
