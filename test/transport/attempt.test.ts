import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createBatch, EventsClient, MParticleError, type EventsClientOptions } from "mparticle-events";

const SECRET = 'us1-s+cr/t"\\z';
const CREDENTIALS = { apiKey: "key", apiSecret: SECRET, retry: false } as const;
const AUTHORIZATION = `Basic ${btoa(`key:${SECRET}`)}`;

function upload(options: Partial<EventsClientOptions>): Promise<unknown> {
  return new EventsClient({ ...CREDENTIALS, ...options }).upload(createBatch({ environment: "development" }));
}

async function failure(options: Partial<EventsClientOptions>): Promise<MParticleError> {
  try {
    await upload(options);
  } catch (error) {
    if (error instanceof MParticleError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** A body that says something and never ends. */
function endless(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(text));
    },
  });
}

describe("a fetch that pays no attention to its signal", () => {
  it("times out all the same", async () => {
    const error = await failure({ timeoutMs: 30, fetch: () => new Promise(() => undefined) });
    expect(error.code).toBe("TIMEOUT");
  });

  it("is left by an abort at once", async () => {
    const controller = new AbortController();
    const client = new EventsClient({ ...CREDENTIALS, fetch: () => new Promise(() => undefined) });
    const uploading = client.upload(createBatch({ environment: "development" }), { signal: controller.signal });
    controller.abort();
    await expect(uploading).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("has accepted what it answered 2xx to, though the body never ends", async () => {
    const fetch = async (): Promise<Response> => Promise.resolve(new Response(endless("ok"), { status: 202 }));
    await expect(upload({ timeoutMs: 30, fetch })).resolves.toMatchObject({ status: 202 });
  });

  it("has refused what it answered 400 to, though the body never ends", async () => {
    const fetch = async (): Promise<Response> => Promise.resolve(new Response(endless("no"), { status: 400 }));
    expect(await failure({ timeoutMs: 30, fetch })).toMatchObject({ status: 400, details: [] });
  });
});

describe("a body without end whose pieces are there at once", () => {
  it.each([202, 400])(
    "of an answer of %i is left after a megabyte, because no timer would run meanwhile",
    async (status) => {
      let pieces = 0;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (++pieces > 1_000) controller.error(new Error("it was read to its end"));
          else controller.enqueue(new Uint8Array(64 * 1024));
        },
      });
      const fetch = async (): Promise<Response> => Promise.resolve(new Response(body, { status }));
      const result = await upload({ fetch }).catch((error: unknown) => error);
      expect(result).toMatchObject({ status });
      expect(pieces).toBeLessThan(30);
    },
  );
});

describe("an acceptance whose body never ends", () => {
  it("is told soon, because the verdict is in its head, however long an attempt may take", async () => {
    const fetch = async (): Promise<Response> => Promise.resolve(new Response(endless("ok"), { status: 202 }));
    await expect(upload({ timeoutMs: 600_000, fetch })).resolves.toMatchObject({ status: 202, attempts: 1 });
  });
});

describe("a status below 200", () => {
  it.each([0, 100, 199])("is no answer, and no redirect: %i", async (status) => {
    const response = { ok: false, status, statusText: "", headers: new Headers(), body: null } as Response;
    const error = await failure({ fetch: async () => Promise.resolve(response) });
    expect(error).toMatchObject({ name: "NetworkError", code: "CONNECTION", retryable: true });
    expect(error.message).toContain(`(the status is ${String(status)}; expected one from 200 to 599)`);
  });

  it("is a redirect where a browser hides one behind it", async () => {
    const text = async (): Promise<string> => Promise.resolve("");
    const response = {
      ok: false,
      status: 0,
      type: "opaqueredirect",
      headers: new Headers(),
      body: null,
      text,
    } as unknown as Response;
    const fetch = async (): Promise<Response> => Promise.resolve(response);
    expect(await failure({ fetch })).toMatchObject({ name: "ApiError", code: "REDIRECTED" });
  });
});

describe("what the service says of a refusal", () => {
  const says = (errors: unknown): Partial<EventsClientOptions> => ({
    fetch: async () => Promise.resolve(new Response(JSON.stringify({ errors }), { status: 400 })),
  });

  it("names the field and what to do, where it does", async () => {
    const said = { code: "wrong-type", path: "/events/0/data", message: "expected a string.", hint: "Write one." };
    const error = await failure(says([said]));
    expect(error).toMatchObject({ details: [said] });
    expect(error.message).toContain(" answered 400 (wrong-type: /events/0/data: expected a string. Write one.). ");
  });

  it("is left out where it is no text", async () => {
    const error = await failure(says([null, 5, "x", [], {}, { code: 5, message: "" }]));
    expect(error).toMatchObject({ details: [] });
    expect(error.message).toContain(" answered 400. ");
  });

  it("is cut where it is long, and no character of it in two", async () => {
    const error = await failure(says(Array.from({ length: 9 }, () => ({ message: `${"x".repeat(498)}😀 the end` }))));
    const cut = `${"x".repeat(498)}…`;
    expect(error).toMatchObject({ details: Array.from({ length: 9 }, () => ({ message: cut })) });
    expect(error.message).toContain(`(${cut}; ${"x".repeat(498)}…). `);
    expect(error.message.length).toBeLessThan(1_300);
  });

  it("is cut after the secret is taken out of it: no half of it is left", async () => {
    const error = await failure(says([{ message: `${"x".repeat(495)}${SECRET}` }]));
    expect(error).toMatchObject({ details: [{ message: `${"x".repeat(495)}[red…` }] });
  });
});

describe("the fetch option", () => {
  it("is called as a plain function: a runtime's own refuses to be a method", async () => {
    const seen: unknown[] = [];
    const fetch = function (this: unknown): Promise<Response> {
      seen.push(this);
      return Promise.resolve(new Response(null, { status: 202 }));
    };
    await upload({ fetch });
    expect(seen).toEqual([undefined]);
  });

  it("is named when it gives no response", async () => {
    const error = await failure({ fetch: (async () => Promise.resolve(undefined)) as never });
    expect(error.message).toContain("`fetch` gave undefined; expected a Response");
  });

  it("may give responses of another implementation", async () => {
    const response = { ok: true, status: 202, statusText: "", headers: new Headers(), body: null };
    await expect(upload({ fetch: async () => Promise.resolve(response as Response) })).resolves.toMatchObject({
      status: 202,
    });
  });
});

describe("an answer of something in between", () => {
  const page = (status: number): Partial<EventsClientOptions> => ({
    fetch: async () =>
      Promise.resolve(new Response("<html>sign in</html>", { status, headers: { "content-type": "text/html" } })),
  });

  it("is no acceptance: a page is not what the service says", async () => {
    expect(await failure(page(200))).toMatchObject({
      code: "CONNECTION",
      message: expect.stringContaining("answered 200 with a web page") as string,
    });
  });

  it("is none of our business where it is the documented 202", async () => {
    await expect(upload(page(202))).resolves.toMatchObject({ status: 202 });
  });
});

describe("a fault before anything was sent", () => {
  it.each([
    ["ECONNREFUSED", /was not sent: nothing listens there/],
    ["EPROTO", /was not sent: .*http or https\?/],
    ["ECONNRESET", /whether it arrived is unknown/],
  ])("is named as such: %s", async (code, message) => {
    const fault = Object.assign(new Error("fault"), { code });
    const error = await failure({ fetch: () => Promise.reject(fault) });
    expect(error.message).toMatch(message);
  });
});

describe("timeoutMs", () => {
  it.each(["onRequest", "onResponse"] as const)(
    "holds though a middleware never comes back from its %s",
    async (hook) => {
      const client = new EventsClient({
        apiKey: "key",
        apiSecret: SECRET,
        timeoutMs: 30,
        retry: false,
        fetch: async () => Promise.resolve(new Response(null, { status: 202 })),
      });
      const never = (): Promise<undefined> => new Promise(() => undefined);
      client.raw.use(hook === "onRequest" ? { onRequest: never } : { onResponse: never });
      await expect(client.upload({ environment: "development" })).rejects.toMatchObject({ code: "TIMEOUT" });
    },
  );

  it.each([Infinity, 2 ** 40])("may be %s, which no timer holds", async (timeoutMs) => {
    const fetch = async (): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return new Response(null, { status: 202 });
    };
    await expect(upload({ timeoutMs, fetch })).resolves.toMatchObject({ attempts: 1 });
  });
});

describe("raw", () => {
  it("takes a success for what it is, whatever its body", async () => {
    const client = new EventsClient({
      ...CREDENTIALS,
      fetch: async () =>
        Promise.resolve(new Response("<html>ok</html>", { status: 202, headers: { "content-length": "15" } })),
    });
    const { response, error } = await client.raw.POST("/events", { body: createBatch({ environment: "development" }) });
    expect(response.status).toBe(202);
    expect(error).toBeUndefined();
  });
});

describe("the secret", () => {
  const spelt = AUTHORIZATION.replaceAll("+", "\\u002B").replaceAll("/", "\\u002F");
  const answers = (body: string, headers: Record<string, string> = {}): Partial<EventsClientOptions> => ({
    fetch: async () => Promise.resolve(new Response(body, { status: 400, headers })),
  });
  const throws = (error: unknown): Partial<EventsClientOptions> => ({
    fetch: () => {
      throw error;
    },
  });

  it.each<[string, Partial<EventsClientOptions>]>([
    ["a body that echoes the header", answers(`you sent ${AUTHORIZATION}`)],
    ["a body that echoes the secret", answers(SECRET)],
    ["service errors that spell it in escapes", answers(`{"errors":[{"code":"X","message":"seen ${spelt}"}]}`)],
    ["service errors that quote it", answers(JSON.stringify({ errors: [{ code: SECRET, message: SECRET }] }))],
    ["JSON of another form", answers(`{"headers":{"authorization":"${spelt}"}}`)],
    ["JSON that is cut short", answers(`{"sent":"${spelt}","more":"${"x".repeat(20_000)}"}`)],
    ["JSON that is cut short, with slashes escaped", answers(`{"sent":"${AUTHORIZATION.replaceAll("/", "\\/")}`)],
    ["HTML", answers(`<p>${AUTHORIZATION.replaceAll("/", "&#x2F;").replaceAll("+", "&#43;")}</p>`)],
    ["a URL", answers(`see /login?with=${encodeURIComponent(AUTHORIZATION)}`)],
    ["a header", answers("", { "x-mp-rate-limit-exceeded": AUTHORIZATION })],
    ["an error's message", throws(new Error(`could not send ${AUTHORIZATION}`))],
    ["an error's members", throws(Object.assign(new Error("failed"), { config: { headers: { a: AUTHORIZATION } } }))],
    ["an error's cause", throws(new Error("failed", { cause: Object.assign(new Error(SECRET), { a: SECRET }) }))],
    ["what is thrown and no error", throws(`failed with ${AUTHORIZATION}`)],
  ])("is in no error, though it was in %s", async (_, options) => {
    const error = await failure(options);
    const shown = [
      inspect(error, { depth: null, showHidden: true }),
      JSON.stringify(error),
      String(error),
      error.stack,
    ];
    for (const text of shown) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(JSON.stringify(SECRET).slice(1, -1));
      expect(text).not.toContain(AUTHORIZATION.slice("Basic ".length));
      expect(text).not.toContain(spelt.slice("Basic ".length));
      // However the rest of it is spelt.
      expect(text).not.toContain(AUTHORIZATION.slice("Basic ".length, "Basic ".length + 10));
    }
  });

  it("is in no error of a parser that was given the whole request", async () => {
    const raw = Buffer.from(`POST /v2/events HTTP/1.1\r\nAuthorization: ${AUTHORIZATION}\r\n\r\n`);
    const parseError = Object.assign(new Error("Parse Error: Expected HTTP/"), {
      code: "HPE_INVALID_CONSTANT",
      rawPacket: raw,
      bytesParsed: 5,
    });
    const error = await failure(throws(parseError));
    expect(error).toMatchObject({ cause: { code: "HPE_INVALID_CONSTANT", message: "Parse Error: Expected HTTP/" } });
    expect(error.cause).not.toHaveProperty("rawPacket");
  });

  it("is redacted in its Basic form with and without the padding", async () => {
    const unpadded = AUTHORIZATION.replace(/=+$/, "");
    expect(unpadded).not.toBe(AUTHORIZATION);
    const error = await failure(throws(new Error(`sent ${unpadded} and ${AUTHORIZATION}`)));
    expect(error.message).toContain("(sent Basic [redacted] and Basic [redacted])");
  });

  it.each([
    ["s", "s2s s. says s", "s2s [redacted]. says [redacted]"],
    ["us1", "us1 us1-east us12 bus1", "[redacted] [redacted]-east us12 bus1"],
    ["a.c", "abc a.c", "abc [redacted]"],
    ["1234567", "12345678 1234567", "12345678 [redacted]"],
    ["12345678", "x12345678x", "x[redacted]x"],
  ])("%s of few characters is redacted as a word alone", async (apiSecret, text, redacted) => {
    const error = await failure({ apiSecret, ...throws(new Error(text)) });
    expect(error.message).toContain(`POST https://s2s.us1.mparticle.com/v2/events`.slice(0, 8));
    expect(error.message).toContain(`(${redacted})`);
  });

  it("is looked for however an error is built, and no error is too strange to be told of", async () => {
    const own = new Error("own");
    own.cause = own;
    const strange = [
      own,
      new AggregateError([new Error(SECRET), SECRET], "several"),
      Object.defineProperty(new Error("x"), "message", {
        get: () => {
          throw new Error("mine");
        },
      }),
      Object.assign(new Error("x"), { code: AUTHORIZATION, syscall: SECRET, address: SECRET, port: 443, name: SECRET }),
      Object.create(null),
      Symbol(SECRET),
      undefined,
    ];
    for (const one of strange) {
      const error = await failure(throws(one));
      expect(error).toMatchObject({ name: "NetworkError", code: "CONNECTION" });
      const text = [inspect(error, { depth: null, showHidden: true }), JSON.stringify(error), error.stack].join();
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(AUTHORIZATION.slice("Basic ".length));
    }
    expect((await failure(throws(strange[1]))).cause).toMatchObject({
      errors: [{ message: "[redacted]" }, "[redacted]"],
    });
    expect((await failure(throws(strange[3]))).cause).toMatchObject({ code: "Basic [redacted]", port: 443 });
  });

  it("hides nothing of an error but itself", async () => {
    const cause = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    const error = await failure(throws(new TypeError("fetch failed", { cause })));
    expect(error).toMatchObject({
      code: "CONNECTION",
      cause: { name: "TypeError", message: "fetch failed", code: "ECONNRESET", cause: { message: "socket hang up" } },
    });
  });
});
