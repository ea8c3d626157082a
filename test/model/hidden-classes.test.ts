import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createBatch } from "mparticle-events";

// V8's own tests ask so. Objects that were made in the same way should have one hidden class: where each has its own, every
// read of a member takes as long as a whole event may.
setFlagsFromString("--allow-natives-syntax");
const areAlike = runInThisContext("(one, other) => %HaveSameMap(one, other)") as (
  one: object,
  other: object,
) => boolean;

/** V8 makes hidden classes of their own only for what comes often. */
const MANY = 400;

/** How many of many objects have the hidden class of the one before. */
function countAlike(make: (index: number) => object): number {
  const made = Array.from({ length: MANY }, (_, index) => make(index));
  return made.filter((one, index) => index > 0 && areAlike(one, made[index - 1]!)).length;
}

/** The first ones may differ: V8 learns from them what members there will be. */
const NEARLY_ALL = MANY - 10;

describe("objects that are made alike have one hidden class", () => {
  const user = { environment: "development", mpid: 7 } as const;

  it("as batches have", () => {
    expect(countAlike(() => createBatch(user, []))).toBeGreaterThan(NEARLY_ALL);
  });
});
