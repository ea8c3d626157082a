import { describe, expect, it } from "vitest";
import { createBatch, screenView, type Batch } from "mparticle-events";
import { batchChecker, checkBatch, type Finding } from "../../src/validate/validate.ts";

const USER = { environment: "development", user_identities: { customer_id: "42" } } as const;

function codes(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code }) => code);
}

function batch(source_request_id: string | undefined, screen_name: string): Batch {
  return createBatch({ ...USER, source_request_id }, [
    screenView(screen_name, { source_message_id: "m", timestamp_unixtime_ms: Date.now() }),
  ]);
}

describe("a check of a series", () => {
  it("finds a batch that has the id of an earlier one, and says something else", () => {
    const check = batchChecker();
    expect(check(batch("a", "Home"))).toEqual([]);
    expect(check(batch("b", "Home"))).toEqual([]);
    expect(check(batch("b", "Cart"))).toEqual([
      {
        severity: "error",
        code: "duplicate-request-id",
        path: "/source_request_id",
        message: "batch 1 of this series, counted from 0, has the same id and says something else.",
        hint: "Leave source_request_id out of what is copied: each batch gets one of its own.",
      },
    ]);
    expect(codes(check(batch("a", "Cart")))).toEqual(["duplicate-request-id"]);
  });

  it("has nothing against the same batch again, of which the service drops one", () => {
    const check = batchChecker();
    const made = { ...batch("a", "Home"), mpid: 7346244611012968789n };
    for (let times = 0; times < 3; times++) expect(check(structuredClone(made))).toEqual([]);
    expect(check(Object.fromEntries(Object.entries(made).reverse()))).toEqual([]); // in whatever order its keys are
    expect(codes(check({ ...made, mpid: 7346244611012968790n }))).toEqual(["duplicate-request-id"]);
  });

  it("has nothing against batches that have no id yet, or an empty one", () => {
    const check = batchChecker();
    for (const source_request_id of [undefined, "", null]) {
      for (const screen of ["Home", "Cart"]) {
        const made = { ...batch("a", screen), source_request_id };
        expect(codes(check(made))).not.toContain("duplicate-request-id");
      }
    }
  });

  it("is not kept from its work by what is no batch, or has no end", () => {
    const check = batchChecker();
    const cyclic: Record<string, unknown> = { ...batch("a", "Home") };
    cyclic["user_attributes"] = { cyclic };
    expect(codes(check(cyclic))).not.toContain("duplicate-request-id");
    expect(codes(check("text"))).toEqual(["not-an-object"]);
    check(batch("a", "Home"));
    expect(check(batch("a", "Cart"))[0]?.message).toContain("batch 2 of this series");
  });

  it("remembers nothing for another series, nor for checkBatch", () => {
    const check = batchChecker();
    check(batch("a", "Home"));
    expect(batchChecker()(batch("a", "Cart"))).toEqual([]);
    expect(checkBatch(batch("a", "Cart"))).toEqual([]);
  });

  it("takes the options of checkBatch, and refuses those that are none at once", () => {
    const check = batchChecker({ lints: { "duplicate-request-id": false }, profile: "wire" });
    check(batch("a", "Home"));
    expect(check(batch("a", "Cart"))).toEqual([]);
    expect(() => batchChecker({ profile: "other" as "wire" })).toThrow(TypeError);
  });
});
