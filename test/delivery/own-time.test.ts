import { describe, expect, it } from "vitest";
import { heldTime } from "./held-time.ts";
import { good, makeClient } from "./scripted-client.ts";

describe("with all places in flight taken by requests that hang", () => {
  it("the time of those that wait is up all the same", async () => {
    const time = heldTime();
    const client = makeClient([503, "hang"], time, { concurrency: 1, retry: { maxElapsedMs: 1_000 } });
    const ended: [string, number, string][] = [];
    const upload = (id: string): void => {
      void client
        .upload(good(id))
        .catch((error: unknown) => ended.push([id, time.now(), (error as { code: string }).code]));
    };
    upload("returning");
    await time.settle();
    upload("hanging");
    upload("fresh");
    await time.advance(5_000);
    expect(ended).toEqual([
      ["returning", 1_000, "UNAVAILABLE"],
      ["fresh", 1_000, "EXPIRED"],
    ]);
    expect(time.timers).toBe(0);
  });
});

describe("coalesced with uploads that are older in an outage", () => {
  it("an upload has its own time", async () => {
    const time = heldTime();
    let isDown = true;
    const client = makeClient(() => (isDown ? { fault: "ECONNREFUSED" } : 202), time, {
      coalesce: true,
      retry: { maxElapsedMs: 60_000 },
    });
    const old = Promise.allSettled(Array.from({ length: 850 }, (_, n) => client.upload(good(String(n)))));
    await time.advance(55_000);
    const young = client.upload(good("young"));
    young.catch(() => undefined);
    await time.advance(10_000);
    isDown = false;
    await time.advance(20_000);
    expect((await old).every(({ status }) => status === "rejected")).toBe(true);
    await expect(young).resolves.toMatchObject({ requestId: "young" });
  });
});
