import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestIdFrom } from "mparticle-events";
import { GRAPHEME } from "../characters.ts";

/** As RFC 9562 has it, over the namespace that the documentation names. */
function uuid5(text: string): string {
  const namespace = Buffer.from("0ba8a3a25e6f4c3b9a643d1f2e7c9b58", "hex");
  const bytes = createHash("sha1").update(namespace).update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

describe("requestIdFrom", () => {
  it("is the UUID of version 5 that every other program makes of the text", () => {
    // By Python's uuid.uuid5.
    expect(requestIdFrom("a")).toBe("fdfb4abb-d460-5782-bf09-60a8006cf79d");
    fc.assert(
      fc.property(fc.string({ unit: GRAPHEME, minLength: 1, maxLength: 300 }), (text) => {
        expect(requestIdFrom(text)).toBe(uuid5(text));
      }),
    );
  });

  it("is right wherever the text ends in a block", () => {
    for (let length = 1; length < 200; length++)
      expect(requestIdFrom("x".repeat(length))).toBe(uuid5("x".repeat(length)));
  });

  it("refuses what names nothing", () => {
    expect(() => requestIdFrom("")).toThrow('The text is ""; expected what names the batch');
    expect(() => requestIdFrom(7 as unknown as string)).toThrow(TypeError);
  });
});
