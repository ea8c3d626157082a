import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
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
      errors: [{ code: "odd-mpid", path: "/1/mpid", message: "it is odd.", hint: "Make it even." }],
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
    [42, "script: `status` is 42; expected a whole number from 200 to 599."],
    [{ status: 700 }, "script: `status` is 700"],
    [{}, "script: {} is no step; expected a status"],
    [[202, "rest"], "script[1]: 'rest' is no step; expected \"reset\"."],
    [null, "script: null is no step"],
    [[202, [503]], "script[1]: [ 503 ] is no step"],
    [[202, , 503], "script[1]: undefined is no step"],
    [{ delayMs: 5 }, "script: { delayMs: 5 } is no step"],
    [new Response(null, { status: 503 }), "is no step"],
    [{ stauts: 202 }, "script: There is no option `stauts`; expected `status`."],
    [{ falt: "ECONNREFUSED" }, "script: There is no option `falt`; expected `fault`."],
    [[202, { status: 202, dealyMs: 3000 }], "script[1]: There is no option `dealyMs`; expected `delayMs`."],
    [{ raw: "HTTP/9", status: 202 }, "script: There is no option `status`; expected one of raw, delayMs."],
    [{ reset: "before-answer", close: "after-answer" }, "script: There is no option `close`"],
    [{ status: 202, reset: "after" }, '`reset` is "after"; expected "before-answer", "within-head" or "within-body".'],
    [{ status: 202, close: "after" }, '`close` is "after"; expected "after-answer".'],
    [{ reset: "before-anser" }, '`reset` is "before-anser"; expected "before-answer".'],
    [{ reset: true }, '`reset` is true; expected "before-request", "within-request" or "before-answer".'],
    [{ status: 202, headers: ["a"] }, '`headers` is an array of 1; expected an object such as { "retry-after": "2" }.'],
    [{ status: 202, headers: new Headers({ a: "b" }) }, "`headers` is Headers"],
    [{ status: 202, headers: new Map([["a", "b"]]) }, "`headers` is Map(1)"],
    [{ status: 202, headers: { "retry-after": null } }, "the header `retry-after` is null; expected text or a number."],
    [{ status: 202, headers: { "retry after": "1" } }, '["retry after"]; expected a header of HTTP.'],
    [{ status: 202, headers: { a: "b\r\nc: d" } }, '["a"]; expected a header of HTTP.'],
    [{ status: 202, delayMs: "5" }, 'script: `delayMs` is "5"; expected milliseconds from 0 to 2147483647'],
    [{ status: 202, delayMs: Infinity }, 'the step "hang" never answers.'],
    [{ fault: "ENOTFOUND", delayMs: -1 }, "script: `delayMs` is -1"],
    [
      { status: 202, dripBytesPerMs: 0, body: "x" },
      "`dripBytesPerMs` is 0; expected bytes per millisecond, from 0.000001.",
    ],
    [{ status: 202, headers: { "retry-after": NaN } }, "the header `retry-after` is NaN; expected text or a number."],
    [{ status: 202, dripBytesPerMs: 1 }, "`dripBytesPerMs` is of no use without a `body`; expected one."],
    [{ status: 204, reset: "within-body" }, "`reset` is about the body, and an answer 204 has none; expected another"],
    [{ status: 304, body: "x", dripBytesPerMs: 1 }, "`dripBytesPerMs` is about the body, and an answer 304 has none"],
    [{ status: "202" }, '`status` is "202"; expected a whole number'],
    [{ status: 400, body: 5n }, "`body` is 5n; expected text or JSON ("],
    [{ status: 400, body: () => "x" }, "`body` is a function; expected text or JSON (it has no JSON)."],
    [{ raw: 5 }, "`raw` is 5; expected text, which is sent as it is."],
    [{ raw: "x", redirect: "/" }, "There is no option `redirect`; expected one of raw, delayMs."],
    [{ fault: 5 }, "`fault` is 5; expected the code of an error"],
    [{ redirect: 5 }, "`redirect` is 5; expected a URL."],
    [{ redirect: "/elsewhere", status: 202 }, "`status` of a redirect is 202; expected 301, 302, 303, 307 or 308."],
  ])("are scripts that are none, such as %o", (script, message) => {
    // From JavaScript, where anything may be passed.
    expect(() => recordingFetch(script as Script<FetchStep>)).toThrow(message);
  });

  it("are none of the steps that there are, with members that are undefined", async () => {
    const unset = { delayMs: undefined, headers: { a: undefined }, reset: undefined, fault: undefined };
    const fetch = recordingFetch({ status: 503, ...unset } as unknown as FetchStep);
    const answer = await fetch(URL_TEXT, post());
    expect([answer.status, answer.headers.has("a")]).toEqual([503, false]);
  });
});

describe("a step that is none, given by a function", () => {
  it("is an answer that a client does not try again, with what is wrong with it", async () => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    const fetch = recordingFetch(() => ({ status: 202, dealyMs: 3000 }) as FetchStep);
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", fetch });
    const message =
      "The script of this test failed. The function of the script, for request 0: There is no option `dealyMs`; expected `delayMs`.";
    const refused: unknown = await client.upload({ environment: "development" }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 422, details: [{ code: "SCRIPT_FAILED", message }] });
    expect((refused as Error).message).toContain(message);
    expect(fetch.requests.map(({ status }) => status)).toEqual([422]);
    await client.upload({ environment: "development" }).catch(() => undefined);
    expect(said.mock.calls).toEqual([[`mparticle-events/testing: ${message}`]]); // once
    said.mockRestore();
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
