import { afterEach, describe, expect, it, vi } from "vitest";
import { customEvent } from "mparticle-events";
import { startFakeServer, type FakeServer } from "../../../src/testing/testing.ts";

/** What Vitest replaces by itself, and what Jest does, as far as Node itself can do without. */
const REPLACED = {
  Vitest: undefined,
  Jest: [
    ...(["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate"] as const),
    ...(["Date", "performance", "hrtime", "queueMicrotask"] as const),
  ],
};

let server: FakeServer;

afterEach(async () => {
  vi.useRealTimers();
  vi.resetModules();
  await server.close();
});

describe.each(["Vitest", "Jest"] as const)("under the fake timers of %s", (runner) => {
  describe.each(["before", "after"] as const)("put in place %s the package is loaded", (when) => {
    it("a queue sends, tries again, flushes and closes", async () => {
      server = await startFakeServer({ script: [503, 202] });
      const toFake = REPLACED[runner];
      const fake = (): void => void vi.useFakeTimers(toFake && { toFake: [...toFake] });
      vi.resetModules();
      if (when === "before") fake();
      const { EventQueue, EventsClient } = await import("mparticle-events");
      if (when === "after") fake();
      const client = new EventsClient({
        apiKey: "k",
        apiSecret: "s",
        baseUrl: server.url,
        retry: { baseDelayMs: 1 },
      });
      const queue = new EventQueue(client, { flushIntervalMs: 600_000 });
      const user = { environment: "development", user_identities: { customer_id: "1" } } as const;
      // Enough for `add` to wait for the event loop.
      for (let n = 0; n < 300; n++) await queue.add(user, customEvent(String(n), "other"));
      expect(await queue.flush({ timeoutMs: 60_000 })).toBe(true);
      await queue.add(user, customEvent("last", "other"));
      expect(await queue.close()).toMatchObject({ accepted: 301, undelivered: 0 });
    });
  });
});
