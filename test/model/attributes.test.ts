import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributesFrom } from "mparticle-events";

class Base {
  readonly name: string = "Ada";
  readonly #secret = "hidden";
  get length(): number {
    return this.#secret.length;
  }
  get label(): string {
    return `base of ${String(this.length)}`;
  }
}

class Derived extends Base {
  readonly tags: readonly string[] = ["a"];
  absent: string | undefined;
  act = (): number => 1;
  override get label(): string {
    return `derived from ${super.label}`;
  }
  set writeOnly(_: string) {
    throw new Error("nothing writes it");
  }
  rename(): void {
    throw new Error("nothing calls it");
  }
}

describe("attributesFrom", () => {
  it("takes the members of an object, and what its classes compute, and no methods", () => {
    expect(attributesFrom(new Derived())).toEqual({
      name: "Ada",
      tags: ["a"],
      length: 6,
      label: "derived from base of 6",
    });
  });

  it("makes a plain object with members of its own, and leaves its source alone", () => {
    const source = Object.freeze(new Derived());
    const made = attributesFrom(source);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(Object.keys(made).sort()).toEqual(["label", "length", "name", "tags"]);
    expect(Object.getOwnPropertyDescriptor(made, "label")).toEqual({
      value: "derived from base of 6",
      enumerable: true,
      writable: true,
      configurable: true,
    });
  });

  it("leaves out what JSON leaves out: undefined, symbols and what is not enumerable", () => {
    const source = Object.defineProperty({ a: 1, b: undefined, [Symbol("c")]: 2, d: null }, "e", { value: 3 });
    expect(attributesFrom(source)).toEqual({ a: 1, d: null });
    expect(Object.keys(attributesFrom(source))).toEqual(["a", "d"]);
  });

  it("leaves out what is inherited and not computed, which JSON leaves out as well", () => {
    const source = Object.assign(Object.create(Object.create({ inherited: 1 }) as object) as object, { own: 2 });
    expect(attributesFrom(source)).toEqual({ own: 2 });
  });

  it("takes an object without a prototype, and a member that is called __proto__", () => {
    expect(attributesFrom(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
    const made = attributesFrom(JSON.parse('{ "__proto__": "x", "a": 1 }') as object);
    expect(Object.keys(made)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  });

  it("says of plain data what JSON says of it", () => {
    const scalar = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), scalar), (source) => {
        expect(JSON.stringify(attributesFrom(source))).toBe(JSON.stringify(source));
      }),
    );
  });

  it.each([
    [null, "null"],
    ["text", '"text"'],
    [["a"], "an array of 1"],
    [undefined, "undefined"],
  ])("refuses %j, as JavaScript may pass it", (source, shown) => {
    expect(() => attributesFrom(source as unknown as object)).toThrow(
      new TypeError(`\`source\` is ${shown}; expected an object.`),
    );
  });
});
