import { expect, it, vi } from "vitest";
import { callQuietly } from "../../src/delivery/call-quietly.ts";

it.each<[string, () => unknown, readonly unknown[]]>([
  ["throws", () => fail(), ["mine"]],
  ["gives a promise that rejects", () => Promise.reject(new Error("mine")), ["mine"]],
  [
    "gives something else that rejects",
    () => ({
      then: (_: unknown, no: (e: Error) => void) => {
        no(new Error("mine"));
      },
    }),
    ["mine"],
  ],
  ["gives a promise", () => Promise.resolve(1), []],
  ["gives null", () => null, []],
  ["gives nothing", () => undefined, []],
])("what is not ours is complained of, and does no harm, where it %s", async (_, run, complaints) => {
  const complain = vi.fn();
  callQuietly(run, complain);
  await new Promise((resolve) => setImmediate(resolve));
  expect(complain.mock.calls.map(([error]) => (error as Error).message)).toEqual(complaints);
});

function fail(): never {
  throw new Error("mine");
}
