import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import contract from "../../generated/openapi.json" with { type: "json" };
import {
  ApiError,
  EventsClient,
  MParticleError,
  createBatch,
  customEvent,
  type EventsClientOptions,
} from "mparticle-events";
import { startMockServer, type MockServer } from "mparticle-events/testing";

/** Each status that the contract documents, and the error it becomes. */
let mock: MockServer;
/** Stands before the mock, and asks for another answer than 202: the client's own transport cannot send `Prefer`. */
let proxy: Server;
/** What to ask for, by request; the last one for good. */
let prefers: string[] = [];

beforeAll(async () => {
  mock = await startMockServer();
  proxy = createServer((request, response) => {
    void text(request).then(async (body) => {
      const prefer = prefers.length > 1 ? prefers.shift() : prefers[0];
      const { authorization = "", "content-type": type = "" } = request.headers;
      const answer = await fetch(new URL(request.url!, mock.url), {
        method: "POST",
        headers: { authorization, "content-type": type, prefer: prefer! },
        body,
      });
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await mock.close();
});

const BATCH = createBatch({ environment: "development" }, [customEvent("video watched", "media")]);
const BODYLESS = { details: [] };

interface Case {
  readonly prefer: string;
  readonly error: object;
  readonly says: string;
}

const CASES: readonly Case[] = [
  {
    prefer: "code=400",
    error: {
      ...{ code: "BAD_REQUEST", status: 400, retryable: false },
      details: [{ code: "BAD_REQUEST", message: "The request body is malformed." }],
    },
    says: "answered 400 (BAD_REQUEST: The request body is malformed.). The service refused the payload",
  },
  {
    prefer: "code=400, example=missingEventType",
    error: { details: [{ code: "BAD_REQUEST", message: "The property event_type must not be null or empty." }] },
    says: "The property event_type must not be null or empty.",
  },
  { prefer: "code=400, example=noDetails", error: { ...BODYLESS, status: 400 }, says: "answered 400. The service" },
  {
    prefer: "code=401",
    error: {
      ...{ code: "UNAUTHORIZED", status: 401, retryable: false },
      details: [{ message: "The request carries no credentials." }],
    },
    says: "Check `apiKey` and `apiSecret`, and that they belong to this `pod`.",
  },
  {
    prefer: "code=403",
    error: {
      ...{ code: "UNAUTHORIZED", status: 403, retryable: false },
      details: [{ message: "The API key or secret is not valid." }],
    },
    says: "Check `apiKey` and `apiSecret`, that they belong to this `pod`",
  },
  {
    prefer: "code=413",
    error: {
      ...{ code: "TOO_LARGE", status: 413, retryable: false },
      details: [{ message: "The request is too large." }],
    },
    says: "send fewer or smaller batches",
  },
  {
    prefer: "code=429",
    error: {
      ...{ code: "RATE_LIMITED", status: 429, retryable: true, retryAfterMs: 2000 },
      details: [{ message: "The rate limit of the workspace is exceeded." }],
      limitExceeded: expect.stringMatching(/^[a-z]+$/) as unknown, // without the quotes that the header has
    },
    says: "The account's rate limit is reached",
  },
  {
    prefer: "code=429, example=acceleration",
    error: { details: [{ message: "The acceleration limit is exceeded." }] },
    says: "The acceleration limit is exceeded.",
  },
  {
    prefer: "code=500",
    error: { code: "UNAVAILABLE", status: 500, retryable: true, retryAfterMs: undefined },
    says: "The service failed; the same batch may succeed later.",
  },
  {
    prefer: "code=503",
    error: {
      ...{ code: "UNAVAILABLE", status: 503, retryable: true },
      details: [{ message: "The service is unavailable." }],
    },
    says: "The service failed; the same batch may succeed later.",
  },
  { prefer: "code=503, example=noDetails", error: { ...BODYLESS, status: 503 }, says: "answered 503. The service" },
];

/** A client that gets these answers, one after another, the last one for good. */
function clientAnswered(answers: readonly string[], options: Partial<EventsClientOptions> = {}): EventsClient {
  prefers = [...answers];
  const { port } = proxy.address() as AddressInfo; // of a server that listens on TCP
  const baseUrl = `http://127.0.0.1:${String(port)}/v2`;
  return new EventsClient({ apiKey: "us1-key", apiSecret: "s3cret", baseUrl, timeoutMs: 100_000, ...options });
}

describe("an answer of the documented form", () => {
  it.each(CASES)("$prefer becomes its error", async ({ prefer, error: expected, says }) => {
    const client = clientAnswered([prefer], { retry: false });
    const error = await client.upload(BATCH).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toBeInstanceOf(MParticleError);
    expect(error).toMatchObject({
      ...expected,
      name: "ApiError",
      attempts: 1,
      requestIds: [BATCH.source_request_id],
      message: expect.stringContaining(says) as unknown,
    });
    expect(JSON.stringify(error)).not.toContain("s3cret");
  });

  it("is tested for every status of every operation", () => {
    const documented = Object.values(contract.paths).flatMap(({ post }) => Object.keys(post.responses));
    const tested = CASES.map(({ prefer }) => prefer.slice("code=".length).slice(0, 3));
    expect(new Set([...tested, "202"])).toEqual(new Set(documented));
  });
});

describe("what becomes of a batch", () => {
  it("whose request is answered 202 after a 503: it is accepted, by the second attempt", async () => {
    const client = clientAnswered(["code=503", "code=202"], { retry: { baseDelayMs: 1, maxDelayMs: 1 } });
    await expect(client.upload(BATCH)).resolves.toMatchObject({
      status: 202,
      attempts: 2,
      rateLimitPercentageUsed: 12,
    });
  });

  it("in a bulk request that is refused is told by its outcome, not thrown", async () => {
    const client = clientAnswered(["code=403"], { retry: false });
    const outcomes = await client.uploadBulk([BATCH, createBatch({ environment: "development" })]);
    expect(outcomes).toMatchObject([
      { kind: "rejected", index: 0, error: { status: 403 } },
      { kind: "rejected", index: 1, error: { status: 403 } },
    ]);
  });

  it("that the service could not take is undelivered, and safe to send again", async () => {
    const client = clientAnswered(["code=500"], { retry: false });
    expect(await client.uploadBulk([BATCH])).toMatchObject([
      { kind: "undelivered", error: { status: 500, retryable: true } },
    ]);
  });
});
