import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { problemOfRecord } from "../../src/delivery/stored-record.ts";
import { formatLines, readLine } from "../../src/node/batch-lines.ts";
import { CODE_POINT } from "../characters.ts";

/** Any text is JSON without raw tabs and line breaks once it is a JSON string. */
const event = fc
  .dictionary(fc.string({ unit: CODE_POINT }), fc.string({ unit: CODE_POINT }))
  .map((members) => JSON.stringify(members));
const context = fc
  .dictionary(fc.string({ unit: CODE_POINT }), fc.bigInt().map(String))
  .map((user) => JSON.stringify(user));
const batches = fc.array(
  fc.record({
    requestId: fc.string({ unit: CODE_POINT, minLength: 1 }),
    context,
    events: fc.array(event, { maxLength: 5 }),
  }),
);

describe("lines of batches", () => {
  it("give back what was written, whatever is in it, and nothing is wrong with it", () => {
    fc.assert(
      fc.property(batches, (written) => {
        const lines = formatLines(written).split("\n");
        expect(lines.pop()).toBe("");
        expect(lines.map(readLine)).toEqual(written);
        expect(written.map(problemOfRecord).filter((problem) => problem !== undefined)).toEqual([]);
      }),
    );
  });

  it.each(["no json\t{}", "17\t{}", '"a"', "", "\0\0\0"])("are not taken for what they are not: %j", (line) => {
    expect(readLine(line)).toBeUndefined();
  });
});
