import { describe, expect, it } from "vitest";
import type { Batch } from "mparticle-events";
import { virtualTime } from "./virtual-time.ts";
import { good, makeClient } from "./scripted-client.ts";

describe("what a hostile batch throws", () => {
  const revoked = Proxy.revocable({ environment: "development" }, {});
  revoked.revoke();
  it.each<[string, () => Batch]>([
    [
      "a getter of its id",
      () => ({
        environment: "development",
        get source_request_id(): string {
          throw new Error("locked");
        },
      }),
    ],
    ["all of it", () => revoked.proxy as Batch],
    [
      "something that is no error and no text",
      () => ({
        environment: "development",
        get ip(): string {
          throw Object.create(null);
        },
      }),
    ],
  ])("concerns that batch alone: %s", async (_, make) => {
    const client = makeClient(202, virtualTime());
    const outcomes = await client.uploadBulk([good("a"), make(), good("b")]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "accepted"]);
  });
  it.each<[string, () => unknown]>([
    ["null", () => null],
    [
      "a getter of its id",
      () => ({
        get source_request_id(): string {
          throw new Error("locked");
        },
      }),
    ],
  ])("concerns that batch alone, also once the signal has aborted: %s", async (_, make) => {
    const client = makeClient(202, virtualTime());
    const outcomes = await client.uploadBulk([good("a"), make() as Batch], { signal: AbortSignal.abort() });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["undelivered", "undelivered"]);
  });
});
