import { describe, expect, it } from "vitest";
import { BodyMemory } from "../../src/transport/node-body-memory.ts";

/** Too large to be sent as text, and in three pieces. */
function bodyOf(character: string, count = 20_000): { readonly texts: readonly string[]; readonly bytes: number } {
  const texts = ["[", character.repeat(count), ",", "]"];
  return { texts, bytes: Buffer.byteLength(texts.join("")) };
}

describe("memory for bodies", () => {
  it("holds each body as it is", () => {
    const memory = new BodyMemory();
    for (const count of [1, 20_000, 127_998, 200_000]) {
      const body = bodyOf("ü", count);
      const { payload } = memory.write(body);
      expect(String(payload) === body.texts.join("")).toBe(true);
      expect(Buffer.byteLength(payload)).toBe(body.bytes);
    }
  });

  it("is lent to a body above 8 KiB alone: a smaller one is sent as the text that it is", () => {
    const memory = new BodyMemory();
    const small = bodyOf("x", 8 * 1024 - 3);
    expect(small.bytes).toBe(8 * 1024);
    expect(memory.write(small)).toEqual({ payload: small.texts.join(""), lent: undefined });
    const { payload, lent } = memory.write(bodyOf("x", 8 * 1024 - 2));
    expect([Buffer.isBuffer(payload), lent?.length]).toEqual([true, 256_000]);
  });

  it("holds no body whose bytes were counted wrong", () => {
    const { texts, bytes } = bodyOf("x");
    for (const wrong of [bytes - 1, bytes + 1])
      expect(() => new BodyMemory().write({ texts, bytes: wrong })).toThrow(
        `a body of ${String(wrong)} bytes turned out to have ${String(bytes)}`,
      );
  });

  it("is of one body alone until it is given back, and is used again from then on", () => {
    const memory = new BodyMemory();
    const [one, other] = [memory.write(bodyOf("a")), memory.write(bodyOf("b"))];
    expect(one.lent === other.lent).toBe(false);
    expect(String(one.payload)).toContain("aaa");
    memory.giveBack(one.lent);
    const next = memory.write(bodyOf("c"));
    expect(next.lent === one.lent).toBe(true);
    expect(String(other.payload)).toContain("bbb");
    expect(String(next.payload)).not.toContain("a");
  });

  it("is kept for as many bodies as travel at once by default, and not for those that are larger than any bulk request", () => {
    const memory = new BodyMemory();
    memory.giveBack(memory.write(bodyOf("x", 300_000)).lent);
    memory.giveBack(memory.write(bodyOf("x", 1)).lent);
    const written = Array.from({ length: 6 }, () => memory.write(bodyOf("a")).lent);
    expect(written.every((lent) => lent?.length === 256_000)).toBe(true);
    for (const lent of written) memory.giveBack(lent);
    const again = Array.from({ length: 6 }, () => memory.write(bodyOf("b")).lent);
    expect(again.filter((lent) => written.includes(lent))).toHaveLength(4);
  });
});
