/**
 * Some keys were decided by weighing sources against each other. Types, `checkBatch`, mock and documents have to agree on
 * them: the compiler holds the rows below, since each that a sender must not write has to be an error to it.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError, EventsClient, createBatch, productAction, sessionStart, type Batch } from "mparticle-events";
import { startMockServer, type MockServer } from "mparticle-events/testing";
import { checkBatch } from "mparticle-events/validate";

interface Row {
  readonly of: string;
  readonly batch: Batch;
  /** What a sender is told; nothing when it is theirs to send. */
  readonly refused?: { readonly path: string; readonly code: string; readonly hint: string };
}

const USER = { environment: "development", user_identities: { customer_id: "42" } } as const;
const SESSION_UUID = "0e0c7b9a-64a3-4c0d-9f43-0b36f7f3e6a5";

const ROWS: readonly Row[] = [
  ...[5, "8423234234234234234", -8423234234234234234n].map((session_id) => ({
    of: `a session_id, as a ${typeof session_id}`,
    batch: createBatch(USER, [sessionStart({ session_uuid: SESSION_UUID, session_id })]),
  })),
  {
    of: "a product action that is unknown",
    // @ts-expect-error -- one of ten
    batch: createBatch(USER, [productAction("unknown", [{ id: "sku-1" }])]),
    refused: {
      path: "/events/0/data/product_action/action",
      code: "value-not-allowed",
      hint: "Send a custom event: no product action stands for others.",
    },
  },
  {
    of: "the second other identity as newer senders spell it",
    // @ts-expect-error -- other_id_2
    batch: createBatch({ ...USER, user_identities: { customer_id: "42", other2: "a" } }),
    refused: { path: "/user_identities/other2", code: "wire-only-key", hint: 'Write "other_id_2".' },
  },
  {
    of: "the last other identity as newer senders spell it",
    // @ts-expect-error -- other_id_10
    batch: createBatch({ ...USER, user_identities: { customer_id: "42", other10: "a" } }),
    refused: { path: "/user_identities/other10", code: "wire-only-key", hint: 'Write "other_id_10".' },
  },
  {
    of: "the customer id as older SDKs spell it",
    // @ts-expect-error -- customer_id
    batch: createBatch({ ...USER, user_identities: { customerid: "42" } }),
    refused: { path: "/user_identities/customerid", code: "wire-only-key", hint: 'Write "customer_id".' },
  },
];

let canonical: MockServer;
let wire: MockServer;
beforeAll(async () => {
  [canonical, wire] = await Promise.all([startMockServer(), startMockServer({ profile: "wire" })]);
});
afterAll(async () => {
  await Promise.all([canonical.close(), wire.close()]);
});

async function statusOf(mock: MockServer, batch: Batch): Promise<number> {
  const client = new EventsClient({
    apiKey: "us1-key",
    apiSecret: "secret",
    baseUrl: mock.url,
    retry: false,
    timeoutMs: 100_000,
  });
  try {
    return (await client.upload(batch)).status;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

describe("agreed between types, checkBatch and the mock server", () => {
  it.each(ROWS)("for a sender: $of", async ({ batch, refused }) => {
    const errors = checkBatch(batch).filter(({ severity }) => severity === "error");
    expect(errors.map(({ path, code, hint }) => ({ path, code, hint }))).toEqual(
      refused === undefined ? [] : [refused],
    );
    expect(await statusOf(canonical, batch)).toBe(refused === undefined ? 202 : 400);
  });

  it.each(ROWS)("in a replay, which takes all of them: $of", async ({ batch }) => {
    expect(checkBatch(batch, { profile: "wire" }).filter(({ severity }) => severity === "error")).toEqual([]);
    expect(await statusOf(wire, batch)).toBe(202);
  });
});

describe("the documents", () => {
  const document = (name: string) => readFileSync(new URL(`../../generated/${name}`, import.meta.url), "utf8");

  it("have session_id for senders, and the other spellings for replays alone", () => {
    const [forSenders, forReplays] = [document("openapi.json"), document("openapi.wire.json")];
    for (const key of ["session_id", "other_id_2", "customer_id"]) expect(forSenders).toContain(`"${key}"`);
    for (const key of ["other2", "other10", "customerid"]) {
      expect(forSenders).not.toContain(`"${key}"`);
      expect(forReplays).toContain(`"${key}"`);
    }
  });

  it("tell how to send a session", () => {
    const guide = readFileSync(new URL("../../docs/guides/sessions.md", import.meta.url), "utf8");
    expect(guide).toContain("session_uuid");
    expect(guide).toContain("session_id");
  });
});
