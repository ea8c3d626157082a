import { expect, it } from "vitest";
import { closedError, overflowError } from "../../../src/delivery/queue/queue-errors.ts";

it("what was not sent because the queue was closed is named, where it is one batch", () => {
  expect(closedError(["r"])).toMatchObject({
    code: "CLOSED",
    message: "The queue was closed before this was accepted; sending it again is safe.",
    requestIds: ["r"],
  });
  expect(closedError().requestIds).toEqual([]);
});

it("what there is no room for is told with what is held; what was dropped for it is named", () => {
  expect(overflowError(5, 90, 92, "r")).toMatchObject({
    code: "OVERFLOW",
    message: "No room for 5 bytes more: 90 of `maxBufferedBytes` 92 are held.",
    requestIds: ["r"],
  });
  expect(overflowError(5, 90, 92).requestIds).toEqual([]);
});
