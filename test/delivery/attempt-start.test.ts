import { describe, expect, it, vi } from "vitest";
import { AttemptStart } from "../../src/delivery/attempt-start.ts";
import type { AttemptReport } from "../../src/delivery/telemetry.ts";

const FACTS = { path: "/events", attempt: 1, requestIds: ["r"], bytes: 2, origins: [] } as const;

function complainer(): { readonly complain: (error: unknown) => void; readonly said: () => readonly string[] } {
  const complain = vi.fn();
  return { complain, said: () => complain.mock.calls.map(([error]) => (error as Error).message) };
}

describe("the start of a request", () => {
  it("says what is sent", () => {
    expect(new AttemptStart(FACTS)).toMatchObject(FACTS);
  });

  it("runs the request within all that its subscribers put around it, the last of them outermost", () => {
    const start = new AttemptStart(FACTS);
    const order: string[] = [];
    for (const name of ["first", "last"]) {
      start.runIn((send) => {
        order.push(`${name} begins`);
        send();
        order.push(`${name} ends`);
      });
    }
    const { complain, said } = complainer();
    expect(start.run(() => (order.push("sent"), "answer"), complain)).toBe("answer");
    expect(order).toEqual(["last begins", "first begins", "sent", "first ends", "last ends"]);
    expect(said()).toEqual([]);
  });

  it.each<[string, (send: () => void) => void, readonly string[]]>([
    ["never send it", () => undefined, []],
    [
      "send it twice",
      (send) => {
        send();
        send();
      },
      [],
    ],
    ["throw before it is sent", () => fail(), ["mine"]],
    ["throw after it is sent", (send) => (send(), fail()), ["mine"]],
  ])("makes the request once, though its subscribers %s", (_, around, complaints) => {
    const start = new AttemptStart(FACTS);
    start.runIn(around);
    const { complain, said } = complainer();
    const send = vi.fn(() => "answer");
    expect(start.run(send, complain)).toBe("answer");
    expect(send).toHaveBeenCalledTimes(1);
    expect(said()).toEqual(complaints);
  });

  it("tells everybody of its end, whoever of them throws", () => {
    const start = new AttemptStart(FACTS);
    const heard: unknown[] = [];
    start.onEnd(() => fail());
    start.onEnd((report) => heard.push(report));
    const report = { path: "/events", attempt: 1, result: "accepted" } as unknown as AttemptReport;
    const { complain, said } = complainer();
    start.end(report, complain);
    expect(heard).toEqual([report]);
    expect(said()).toEqual(["mine"]);
  });
});

function fail(): never {
  throw new Error("mine");
}
