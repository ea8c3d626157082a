import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError, EventsClient, InvalidBatchError, createBatch, customEvent, type Batch } from "mparticle-events";
import { startMockServer, type MockServer } from "mparticle-events/testing";
import { full } from "../full.ts";

/** Canaries: a mock that refuses nothing would make every other contract test pass. */
let canonical: MockServer;
let wire: MockServer;

beforeAll(async () => {
  [canonical, wire] = await Promise.all([startMockServer(), startMockServer({ profile: "wire" })]);
});
afterAll(async () => {
  await Promise.all([canonical.close(), wire.close()]);
});

const VALID = createBatch({ environment: "development", user_identities: { customer_id: "1234" } }, [
  customEvent("video watched", "media", { custom_attributes: { seconds: 42 } }),
]);
const [EVENT] = VALID.events!;

/** A batch that no typed caller can write, as JavaScript can. */
function untyped(batch: object): Batch {
  return batch as Batch;
}

function withData(data: object): Batch {
  return untyped({ ...VALID, events: [{ ...EVENT, data: { ...EVENT!.data, ...data } }] });
}

async function errorOf(mock: MockServer, batch: Batch): Promise<unknown> {
  const client = new EventsClient({
    apiKey: "us1-key",
    apiSecret: "secret",
    baseUrl: mock.url,
    retry: false,
    timeoutMs: 100_000,
  });
  return client.upload(batch).then(
    () => undefined,
    (error: unknown) => error,
  );
}

interface Canary {
  readonly what: string;
  readonly batch: Batch;
  /** What the wire profile says to it. */
  readonly wire: "accepts" | "refuses";
}

const CANARIES: readonly Canary[] = [
  { what: "a misspelt member of the batch", batch: untyped({ ...VALID, user_identites: {} }), wire: "accepts" },
  {
    what: "a misspelt member of an event",
    batch: withData({ custom_atributes: { seconds: 42 } }),
    wire: "accepts",
  },
  {
    what: "a misspelt identity, which the service would lose without a word",
    batch: untyped({ ...VALID, user_identities: { customer_ID: "1234" } }),
    wire: "refuses",
  },
  { what: "a number where an id is text", batch: withData({ session_uuid: 5 }), wire: "refuses" },
  {
    what: "a number for an identity, which official samples do write",
    batch: untyped({ ...VALID, user_identities: { customer_id: 1234 } }),
    wire: "accepts",
  },
  { what: "text where a time is a number", batch: withData({ timestamp_unixtime_ms: "now" }), wire: "refuses" },
  { what: "a list as an attribute's value", batch: withData({ custom_attributes: { a: ["b"] } }), wire: "refuses" },
  { what: "an event type that does not exist", batch: withType("custom_evnt"), wire: "refuses" },
  { what: "an event without its type", batch: withType(undefined), wire: "refuses" },
  { what: "an event whose type belongs to other data", batch: withType("breadcrumb"), wire: "refuses" },
  { what: "a category that does not exist", batch: withData({ custom_event_type: "video" }), wire: "refuses" },
  {
    what: "a category that only old documents have",
    batch: withData({ custom_event_type: "unknown" }),
    wire: "accepts",
  },
  { what: "an event name that is missing", batch: withData({ event_name: undefined }), wire: "refuses" },
];

function withType(event_type: string | undefined): Batch {
  return untyped({ ...VALID, events: [{ ...EVENT, event_type }] });
}

describe("the strict mock", () => {
  it("accepts the batch that each canary spoils", async () => {
    expect(await errorOf(canonical, VALID)).toBeUndefined();
  });

  it.each(CANARIES)("refuses $what", async ({ batch }) => {
    const error = await errorOf(canonical, batch);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "BAD_REQUEST", status: 400, retryable: false, attempts: 1 });
  });

  it("refuses a batch without its environment, which the client would not send", async () => {
    const { environment, ...rest } = VALID;
    expect(environment).toBe("development");
    expect((await post(canonical, rest)).status).toBe(400);
    expect((await post(wire, rest)).status).toBe(202);
  });

  it.each([
    ["an environment that does not exist", { ...VALID, environment: "prod" }],
    ["events that are no list", { ...VALID, events: {} }],
    ["an event that is none", { ...VALID, events: [null] }],
  ])("refuses %s, which the client would not send, whatever the profile", async (_, batch) => {
    expect((await post(canonical, batch)).status).toBe(400);
    expect((await post(wire, batch)).status).toBe(400);
    expect(await errorOf(canonical, untyped(batch))).toBeInstanceOf(InvalidBatchError);
  });

  it("refuses the 101st batch of a bulk request, and an empty one, whatever the profile", async () => {
    // It compiles the contract for each path that it is first asked for.
    for (const mock of full([canonical], [canonical, wire])) {
      const answers = [1, 100, 101, 0].map(async (length) => (await post(mock, fill(length), "/bulkevents")).status);
      expect(await Promise.all(answers)).toEqual([202, 202, 400, 400]);
    }
  });

  it("refuses one bad batch among good ones", async () => {
    const batches = [...fill(2), { ...VALID, environment: "prod" }];
    const response = await post(canonical, batches, "/bulkevents");
    expect(response.status).toBe(400);
    expect(readViolations(response)).toMatchObject([{ location: ["request", "body", "2", "environment"] }]);
  });

  it("refuses a body that is no JSON, and one that is not said to be", async () => {
    expect((await post(canonical, "{", "/events")).status).toBe(400);
    const untold = await post(canonical, VALID, "/events", { "content-type": "text/plain" });
    expect(untold.status).toBeGreaterThanOrEqual(400);
  });

  it("refuses who brings no credentials", async () => {
    const response = await post(canonical, VALID, "/events", { authorization: undefined });
    expect(response.status).toBe(401);
  });

  it("knows no other paths", async () => {
    expect((await post(canonical, VALID, "/identify")).status).toBe(404);
  });
});

describe("the wire mock", () => {
  it.each(CANARIES)("$wire $what", async ({ batch, wire: says }) => {
    const error = await errorOf(wire, batch);
    if (says === "accepts") expect(error).toBeUndefined();
    else expect(error).toMatchObject({ status: 400 });
  });
});

describe("the error of a refused batch", () => {
  it("says what the mock said, which names the field, the status and which batch it was", async () => {
    const error = await errorOf(canonical, withData({ custom_atributes: {} }));
    const path = "/events/0/data/custom_atributes";
    const said = '"custom_atributes" is not a key of CustomEventData.';
    const hint = 'Did you mean "custom_attributes"?';
    expect(error).toMatchObject({
      details: [{ code: "unknown-key", path, message: said, hint }],
      requestIds: [VALID.source_request_id],
      message: `POST ${canonical.url}/events answered 400 (unknown-key: ${path}: ${said} ${hint}). The service refused the payload.`,
    });
  });

  it("names what is no list of batches where one is expected", async () => {
    const response = await post(canonical, VALID, "/bulkevents");
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      errors: [{ code: "wrong-type", path: "", message: "/v2/bulkevents takes an array of batches, got an object." }],
    });
  });

  it("counts the batches of a bulk request, and names ten fields at most", async () => {
    const response = await post(
      canonical,
      [VALID, ...Array.from({ length: 20 }, () => ({ ...VALID, ipp: 5 }))],
      "/bulkevents",
    );
    const { errors } = (await response.json()) as { readonly errors: readonly object[] };
    expect(errors).toHaveLength(10);
    const message = '"ipp" is not a key of Batch.';
    expect(errors[0]).toEqual({ code: "unknown-key", path: "/1/ipp", message, hint: 'Did you mean "ip"?' });
  });

  it("is at hand in the violations that the mock lists, for who looks at the answer", async () => {
    const client = new EventsClient({
      apiKey: "us1-key",
      apiSecret: "secret",
      baseUrl: canonical.url,
      retry: false,
      timeoutMs: 100_000,
    });
    let violations: unknown;
    client.raw.use({
      onResponse({ response }) {
        violations = readViolations(response);
      },
    });
    await expect(client.upload(untyped({ ...VALID, ip: 5 }))).rejects.toMatchObject({ status: 400 });
    expect(violations).toMatchObject([{ location: ["request", "body", "ip"], severity: "Error" }]);
  });
});

function fill(length: number): object[] {
  return Array.from({ length }, () => VALID);
}

function post(
  mock: MockServer,
  body: unknown,
  path = "/events",
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<Response> {
  const all: Record<string, string | undefined> = {
    "content-type": "application/json",
    authorization: `Basic ${btoa("key:secret")}`,
    ...headers,
  };
  return fetch(`${mock.url}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: Object.entries(all).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  });
}

function readViolations(response: Response): unknown {
  return JSON.parse(response.headers.get("sl-violations") ?? "[]");
}
