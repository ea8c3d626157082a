import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { ExchangeRequest, ListedExchange } from "../../src/transport/exchange.ts";
import { listHeaders } from "../../src/transport/listed-headers.ts";
import { fetchThrough } from "../../src/transport/node-posted.ts";

const headers = listHeaders({ "retry-after": "7", "set-cookie": ["a=1", "b=2"], absent: undefined });

function exchangeOf(run: (request: ExchangeRequest) => Promise<number>): ListedExchange {
  const exchange = async (request: ExchangeRequest) => ({ status: await run(request), headers, text: "said" });
  return Object.assign(exchange, { close: () => Promise.resolve() });
}

function post(signal?: AbortSignal): Request {
  return new Request("http://service.example/v2/events", { method: "POST", body: "{}", signal: signal ?? null });
}

describe("a fetch on top of an exchange", () => {
  it.each([
    [200, "said"],
    [202, "said"],
    [204, ""],
    [205, ""],
    [206, "said"],
    [304, ""],
    [400, "said"],
  ])("gives what a Response may hold of an answer of %i", async (status, text) => {
    const response = await fetchThrough(
      "test",
      exchangeOf(() => Promise.resolve(status)),
    )(post());
    expect([response.status, await response.text()]).toEqual([status, text]);
    expect(response.headers.get("Retry-After")).toBe("7");
  });

  it("ends the exchange with the reason of its signal, and leaves no listener behind", async () => {
    const controller = new AbortController();
    const request = post(controller.signal);
    const reasons: unknown[] = [];
    const fetch = fetchThrough(
      "test",
      exchangeOf(
        ({ cancellation }) =>
          new Promise((_, reject) => {
            cancellation.onCancel((reason) => {
              reasons.push(reason);
              reject(new Error("it was ended"));
            });
            controller.abort("why");
          }),
      ),
    );
    await expect(fetch(request)).rejects.toThrow("it was ended");
    expect(reasons).toEqual(["why"]);
    const quiet = post(new AbortController().signal);
    await fetchThrough(
      "test",
      exchangeOf(() => Promise.resolve(202)),
    )(quiet);
    expect(getEventListeners(quiet.signal, "abort")).toHaveLength(0);
  });
});

describe("listed headers", () => {
  it("are found whatever the case of their name, and joined where there are several", () => {
    expect(["Retry-After", "RETRY-AFTER", "set-cookie", "absent", "x-other"].map((name) => headers.get(name))).toEqual([
      "7",
      "7",
      "a=1,b=2",
      null,
      null,
    ]);
    expect(listHeaders({ a: "1", b: ["2", "3"] }).entries()).toEqual([
      ["a", "1"],
      ["b", "2,3"],
    ]);
  });
});
