import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLines, readIds, readLines } from "../../src/node/batch-lines.ts";

/** Any text is JSON without raw tabs and line breaks once it is a JSON string. */
const json = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text));
const batches = fc.array(
  fc.record({ requestId: fc.string({ unit: "binary" }), context: json, events: fc.array(json, { maxLength: 5 }) }),
);

describe("lines of batches", () => {
  it("give back what was written, whatever is in it, and the ids alone", () => {
    fc.assert(
      fc.property(batches, (written) => {
        const text = formatLines(written);
        expect(readLines(text)).toEqual(written);
        expect(readIds(text)).toEqual(written.map(({ requestId }) => requestId));
      }),
    );
  });

  it.each(["no json\t{}\n", "17\t{}\n", '"a"\n'])("are named for what they are not: %j", (text) => {
    expect(() => readIds(text)).toThrow(SyntaxError);
    expect(() => readLines(text)).toThrow(SyntaxError);
  });
});
