import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { EventsClient } from "mparticle-events";
import type { Batch } from "../../generated/schema.ts";
import { Transport, type AttemptResult, type TransportOptions } from "../../src/transport/attempt.ts";
import {
  EXCHANGE,
  StaleConnectionError,
  type Exchange,
  type ExchangeRequest,
  type Fetch,
} from "../../src/transport/exchange.ts";
import { listHeaders } from "../../src/transport/listed-headers.ts";
import { VERSION } from "../../src/version.ts";

const OPTIONS = { apiKey: "key", apiSecret: "s3cr3t", baseUrl: "http://service.example/v2" };
const REQUEST = { path: "/events", body: { texts: ["{}"], bytes: 2 }, requestIds: ["r"], attempt: 1 } as const;

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

function transportOf(exchange: Exchange, options: Partial<TransportOptions> = {}): Transport {
  const fetch: Fetch = Object.assign(() => Promise.reject(new Error("not through here")), { [EXCHANGE]: exchange });
  return new Transport({ ...OPTIONS, ...options, maxSockets: 1, fetch });
}

function attempt({ status, headers = {}, text = "" }: Answer): Promise<AttemptResult> {
  return transportOf(() => Promise.resolve({ status, headers: listHeaders(headers), text })).attempt(REQUEST);
}

async function refusal(answer: Answer): Promise<Extract<AttemptResult, { kind: "failed" }>> {
  const result = await attempt(answer);
  if (result.kind !== "failed") throw new Error("it was accepted");
  return result;
}

describe("what is sent", () => {
  it("has the credentials, asks for JSON, and says who sends it", async () => {
    const seen: ExchangeRequest[] = [];
    const answer = { status: 202, headers: listHeaders({}), text: "" };
    for (const userAgent of [undefined, "", "checkout/2.1 (linux)"]) {
      const transport = transportOf((request) => (seen.push(request), Promise.resolve(answer)), { userAgent });
      await transport.attempt(REQUEST);
    }
    expect(seen[0]).toMatchObject({ url: "http://service.example/v2/events", body: REQUEST.body });
    expect(seen[0]!.headers).toEqual({
      authorization: `Basic ${btoa("key:s3cr3t")}`,
      accept: "application/json",
      "content-type": "application/json",
      "user-agent": `mparticle-events/${VERSION}`,
    });
    expect(seen[2]!.headers["user-agent"]).toBe(`checkout/2.1 (linux) mparticle-events/${VERSION}`);
  });

  it.each(["a\nb", "ü", "\u007f"])("has no name that a header cannot hold, such as %j", (userAgent) => {
    const exchange = (): never => {
      throw new Error("not sent");
    };
    expect(() => transportOf(exchange, { userAgent })).toThrow("expected printable ASCII");
  });
});

describe("the verdict", () => {
  it.each([200, 202, 204, 299])("of %i is that it was accepted", async (status) => {
    expect(await attempt({ status })).toEqual({ kind: "accepted", status, rateLimitPercentageUsed: undefined });
  });

  it.each([300, 302, 400, 429, 500])(
    "of %i is what the service says, after which nobody tries again at once",
    async (status) => {
      expect(await refusal({ status })).toMatchObject({ error: { status, details: [] }, stale: false });
    },
  );

  it("of a web page is that something in between took the request, and no reason to try again at once", async () => {
    expect(await refusal({ status: 200, headers: { "content-type": "TEXT/HTML; charset=utf-8" } })).toMatchObject({
      error: { code: "CONNECTION" },
      stale: false,
    });
  });

  it("of a connection that was closed under it is to try again at once", async () => {
    const stale = transportOf(() => Promise.reject(new StaleConnectionError("reset", "ECONNRESET")));
    expect(await stale.attempt(REQUEST)).toMatchObject({ kind: "failed", stale: true, error: { code: "CONNECTION" } });
    const other = transportOf(() => Promise.reject(new Error("reset")));
    expect(await other.attempt(REQUEST)).toMatchObject({ kind: "failed", stale: false });
  });

  it("leaves nothing behind that waits for its signal", async () => {
    const { signal } = new AbortController();
    const transport = transportOf(() => Promise.resolve({ status: 202, headers: listHeaders({}), text: "" }));
    await transport.attempt({ ...REQUEST, signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("what is read of an answer", () => {
  it.each([
    ["88", 88],
    ['"88.5"', 88.5],
    ["0", 0],
    ["-1", undefined],
    [" ", undefined],
    ["", undefined],
    ["most", undefined],
    ["Infinity", undefined],
  ])("is the share of the limit in use, where %j is one", async (header, rateLimitPercentageUsed) => {
    const headers = { "x-mp-rate-limit-percentage-used": header };
    expect(await attempt({ status: 202, headers })).toMatchObject({ rateLimitPercentageUsed });
  });

  it.each([
    ['"account"', "account"],
    ["acceleration", "acceleration"],
    ['the "account" limit', 'the "account" limit'],
    ['"account" limit', '"account" limit'],
  ])("is the limit that was exceeded, without the quotes around it: %j", async (header, limitExceeded) => {
    const headers = { "x-mp-rate-limit-exceeded": header };
    expect(await refusal({ status: 429, headers })).toMatchObject({ error: { limitExceeded } });
    expect((await refusal({ status: 429 })).error).toMatchObject({ limitExceeded: undefined });
  });

  it.each(["null", "5", "[]", "{}", '{"errors":5}', '{"errors":{}}', "{", ""])(
    "is no detail of a refusal where there is none: %s",
    async (text) => {
      expect(await refusal({ status: 400, text })).toMatchObject({ error: { status: 400, details: [] } });
    },
  );

  it.each([
    ["text/html", "<p>", "text/html"],
    ["text/html; charset=utf-8", "<p>", "text/html"],
    ["application/vnd.proxy+xml", "<p>", "application/vnd.proxy+xml"],
    ["application/problem+json", "{}", undefined],
    ["Application/JSON; charset=utf-8", "{}", undefined],
    ["text/html", "", undefined],
    ["html", "<p>", undefined],
    ["; text/html", "<p>", undefined],
    [`${"a".repeat(41)}/b`, "<p>", undefined],
  ])("is a body that the service never sends, where its type %j says so", async (type, text, named) => {
    const { error } = await refusal({ status: 503, headers: { "content-type": type }, text });
    if (named === undefined) expect(error.message).not.toContain("The body is");
    else expect(error.message).toContain(` The body is ${named}, which the service never sends.`);
    expect((await refusal({ status: 503, text })).error.message).not.toContain("The body is");
  });
});

describe("a fetch that is the runtime's, or like it", () => {
  const said = JSON.stringify({ errors: [{ code: "X", message: "größer als 1 €" }] });

  function clientOf(respond: () => unknown): EventsClient {
    const fetch = () => Promise.resolve(respond() as Response); // whatever it is
    return new EventsClient({ ...OPTIONS, retry: false, fetch });
  }

  /** A body in pieces of so many bytes, with what became of it. */
  function bodyOf(text: string, size: number): { readonly stream: ReadableStream<Uint8Array>; state: string } {
    const bytes = new TextEncoder().encode(text);
    let at = 0;
    const body = {
      state: "open",
      stream: new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += size)));
            else {
              body.state = "read to its end";
              controller.close();
            }
          },
          cancel: () => {
            body.state = "let go";
          },
        },
        { highWaterMark: 0 },
      ),
    };
    return body;
  }

  it("is read to the end of the answer, whose characters may come in pieces", async () => {
    for (const size of [1, 7, 1_000]) {
      const refused = bodyOf(said, size);
      const upload = clientOf(() => new Response(refused.stream, { status: 400 })).upload({
        environment: "development",
      });
      await expect(upload).rejects.toMatchObject({ status: 400, details: [{ code: "X", message: "größer als 1 €" }] });
      const accepted = bodyOf("ok", 1);
      await clientOf(() => new Response(accepted.stream, { status: 202 })).upload({ environment: "development" });
      expect([refused.state, accepted.state]).toEqual(["read to its end", "read to its end"]);
    }
  });

  it("is let go where an answer is longer than anybody reads", async () => {
    for (const status of [202, 400]) {
      const body = bodyOf("x".repeat(3 * 1024 * 1024), 256 * 1024);
      await clientOf(() => new Response(body.stream, { status }))
        .upload({ environment: "development" })
        .catch(() => undefined);
      expect(body.state).toBe("let go");
    }
  });

  it("may answer without a body", async () => {
    const upload = clientOf(() => new Response(null, { status: 400 })).upload({ environment: "development" });
    await expect(upload).rejects.toMatchObject({ status: 400, details: [] });
  });

  it.each([
    [null, "null"],
    ["202", '"202"'],
    [{}, "an object"],
    [{ status: "202", headers: {} }, "an object"],
    [{ status: 202, headers: null }, "an object"],
    [{ status: 202, headers: {}, body: "a text" }, "an object"],
    [{ status: 202, headers: {}, body: {} }, "an object"],
  ])("is named where it gives no Response: %j", async (given, shown) => {
    const upload = clientOf(() => given).upload({ environment: "development" });
    await expect(upload).rejects.toThrow(`\`fetch\` gave ${shown}; expected a Response with a web stream`);
  });

  it("sends what is handed to the raw client as JSON with exact ids, a batch or a list of them", async () => {
    const bodies: string[] = [];
    const fetch = async (request: Request): Promise<Response> => {
      bodies.push(await request.text());
      return new Response(null, { status: 202 });
    };
    const client = new EventsClient({ ...OPTIONS, fetch });
    const batch: Batch = { environment: "development", mpid: 7346244611012968789n };
    await client.raw.POST("/events", { body: batch });
    await client.raw.POST("/bulkevents", { body: [batch, batch] });
    const text = '{"environment":"development","mpid":7346244611012968789}';
    expect(bodies).toEqual([text, `[${text},${text}]`]);
  });
});
