import { afterEach, describe, expect, it, vi } from "vitest";
import { EventQueue, EventsClient, screenView } from "mparticle-events";
import { EXCHANGE, type Exchange } from "../../src/transport/exchange.ts";
import { good } from "./scripted-client.ts";
import { virtualTime } from "./virtual-time.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a client that is kept from one request of a Worker to the next", () => {
  it("makes no object of the runtime's that would belong to one of them", async () => {
    let made = 0;
    const Original = AbortController;
    vi.stubGlobal(
      "AbortController",
      class extends Original {
        constructor() {
          super();
          made++;
        }
      },
    );
    let answers = 0;
    const exchange: Exchange = async () => {
      // One is tried again, so that a wait is among it.
      return Promise.resolve({ status: answers++ === 1 ? 503 : 202, headers: new Headers(), text: "" });
    };
    const fetch = Object.assign(() => Promise.reject(new Error("not called")), { [EXCHANGE]: exchange });
    const client = new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch }, virtualTime());
    const queue = new EventQueue(client);
    const receipts = [await client.upload(good("1")), await client.upload(good("2"))];
    const [outcome] = await client.uploadBulk([good("3")]);
    for await (const { kind } of client.deliver([good("4")])) expect(kind).toBe("accepted");
    await queue.add({ environment: "development" }, screenView("Home"));
    expect(await queue.close()).toMatchObject({ accepted: 1 });
    await client.close();
    expect(receipts.map(({ attempts }) => attempts)).toEqual([1, 2]);
    expect(outcome?.kind).toBe("accepted");
    expect(made).toBe(0);
  });
});
