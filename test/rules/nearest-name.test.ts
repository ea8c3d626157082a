import { describe, expect, it } from "vitest";
import { nearest } from "../../src/rules/nearest-name.ts";

describe("nearest", () => {
  it("compares letters of every script", () => {
    expect(nearest("商品", ["注文", "返品"])).toBeUndefined();
    expect(nearest("Übersicht", ["Ubersicht", "übersicht"])).toBe("übersicht");
    expect(nearest("заказ", ["Заказ"])).toBe("Заказ");
  });

  it("finds nothing near to what has neither letters nor digits", () => {
    expect(nearest("!", ["?"])).toBeUndefined();
  });
});
