import { describe, expect, it } from "vitest";
import { Tally, withPending } from "../../../src/delivery/queue/tally.ts";

describe("a tally", () => {
  it("counts what was added by itself, and what became of it", () => {
    const tally = new Tally();
    tally.enter(10);
    tally.settle("accepted", 3);
    tally.settle("rejected", 2);
    tally.refuse("undelivered", 4);
    tally.takeBack(1);
    expect(tally.pending).toBe(4);
    expect(tally.ledger).toEqual({ added: 13, accepted: 3, rejected: 2, undelivered: 4, pending: 4 });
  });

  it("is shown with what is pending elsewhere", () => {
    const tally = new Tally();
    tally.enter(1);
    const { ledger } = tally;
    expect(withPending(ledger, 0)).toBe(ledger);
    expect(withPending(ledger, 2)).toEqual({ ...ledger, added: 3, pending: 3 });
  });
});
