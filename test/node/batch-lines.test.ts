import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLines, problemOfBatch, readLine } from "../../src/node/batch-lines.ts";

/** Any text is JSON without raw tabs and line breaks once it is a JSON string. */
const json = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text));
const context = fc
  .dictionary(fc.string({ unit: "binary" }), fc.bigInt().map(String))
  .map((user) => JSON.stringify(user));
const batches = fc.array(
  fc.record({ requestId: fc.string({ unit: "binary" }), context, events: fc.array(json, { maxLength: 5 }) }),
);

describe("lines of batches", () => {
  it("give back what was written, whatever is in it, and nothing is wrong with it", () => {
    fc.assert(
      fc.property(batches, (written) => {
        const lines = formatLines(written).split("\n");
        expect(lines.pop()).toBe("");
        expect(lines.map(readLine)).toEqual(written);
        expect(written.map(problemOfBatch).filter((problem) => problem !== undefined)).toEqual([]);
      }),
    );
  });

  it.each(["no json\t{}", "17\t{}", '"a"', "", "\0\0\0"])("are not taken for what they are not: %j", (line) => {
    expect(readLine(line)).toBeUndefined();
  });
});

describe("a stored batch that cannot be sent", () => {
  it.each([
    ["", [], "What it says of its user is no JSON object."],
    ["[]", [], "What it says of its user is no JSON object."],
    ["null", [], "What it says of its user is no JSON object."],
    ['{"mpid":1', [], "What it says of its user is no JSON object."],
    ["{}", ["{}", '["a",,"c"]'], "Its event 1 is no JSON."],
    ["{}", [""], "Its event 0 is no JSON."],
  ])("is named for what is wrong, without its data: %j with %j", (text, events, problem) => {
    expect(problemOfBatch({ requestId: "r", context: text, events })).toBe(problem);
  });
});
