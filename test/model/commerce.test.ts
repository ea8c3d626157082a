import { describe, expect, it } from "vitest";
import { PRODUCT_ACTION_TYPES, PROMOTION_ACTION_TYPES } from "../../generated/contract.ts";
import { validateBatch } from "../../generated/validators/canonical.js";
import { impression, productAction, promotion, purchase, refund, type Product } from "mparticle-events";
import { deepFreeze } from "./deep-freeze.ts";
import { PRODUCT_ACTIONS, PRODUCTS } from "./factory-table.ts";

function errorsOf(event: object): unknown {
  return validateBatch({ environment: "development", events: [event] }) ? [] : validateBatch.errors;
}

describe("product actions", () => {
  it("are all there, one function each", () => {
    expect(Object.keys(PRODUCT_ACTIONS).sort()).toEqual([...PRODUCT_ACTION_TYPES].sort());
    expect(new Set(Object.values(PRODUCT_ACTIONS)).size).toBe(PRODUCT_ACTION_TYPES.length);
  });

  it.each(PRODUCT_ACTION_TYPES)("%s says the same by its own function as by productAction", (action) => {
    const details = deepFreeze({
      transaction_id: "T-1",
      total_amount: 3,
      coupon_code: "SPRING",
      product_action_list: "Search",
    });
    const data = deepFreeze({
      currency_code: "EUR",
      source_message_id: "m-1",
      timestamp_unixtime_ms: 1_795_000_000_000,
      is_non_interactive: false,
    });
    const event = PRODUCT_ACTIONS[action](PRODUCTS, details, data);
    expect(event).toEqual(productAction(action, PRODUCTS, details, data));
    expect(event).toEqual({
      event_type: "commerce_event",
      data: { ...data, product_action: { ...details, action, products: PRODUCTS } },
    });
    expect(errorsOf(event)).toEqual([]);
  });

  it.each(PRODUCT_ACTION_TYPES)("%s needs no details but those of the types", (action) => {
    expect(errorsOf(productAction(action, PRODUCTS))).toEqual([]);
    expect(errorsOf(productAction(action, []))).toEqual([]);
  });

  it("keep the name of their action, whatever JavaScript puts into the details", () => {
    const details: object = { action: "refund", products: [] };
    const event = purchase(PRODUCTS, { transaction_id: "T-1", ...details });
    expect(event.data.product_action).toMatchObject({ action: "purchase", products: PRODUCTS });
  });

  it("ask for the transaction where it tells one event from its repetition", () => {
    // @ts-expect-error -- a purchase has a transaction
    purchase(PRODUCTS);
    // @ts-expect-error -- a refund has one too
    refund(PRODUCTS, {});
    expect(purchase(PRODUCTS, { transaction_id: "T-1" }).data.product_action?.transaction_id).toBe("T-1");
  });
});

describe("promotions", () => {
  it.each(PROMOTION_ACTION_TYPES)("are told by their action, %s", (action) => {
    const promotions = deepFreeze([{ id: "spring", name: "Spring sale", creative: "banner", position: "top" }]);
    const event = promotion(action, promotions, { screen_name: "Home" });
    expect(event.data).toMatchObject({ promotion_action: { action, promotions }, screen_name: "Home" });
    expect(event.data).not.toHaveProperty("product_action");
    expect(errorsOf(event)).toEqual([]);
  });
});

describe("impressions", () => {
  it("are lists of products, and nothing that was done with them", () => {
    const lists = deepFreeze([
      { product_impression_list: "Search results", products: PRODUCTS },
      { product_impression_list: "Beside", products: [] },
    ]);
    const event = impression(lists, { currency_code: "EUR" });
    expect(event.data).toMatchObject({ product_impressions: lists, currency_code: "EUR" });
    expect(event.data).not.toHaveProperty("product_action");
    expect(errorsOf(event)).toEqual([]);
  });
});

describe("a product", () => {
  it("that costs nothing, and a quantity of none, stay what they are", () => {
    const free: Product = { id: "gift", price: 0, quantity: 0, total_product_amount: 0 };
    const event = purchase([free], { transaction_id: "T-1", total_amount: 0, shipping_amount: 0 });
    const text = JSON.stringify(event.data.product_action);
    expect(text).toContain('"price":0,"quantity":0,"total_product_amount":0');
    expect(text).toContain('"total_amount":0,"shipping_amount":0');
  });
});
