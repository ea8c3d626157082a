import type {
  CommerceEvent,
  Product,
  ProductAction,
  ProductActionType,
  ProductImpression,
  Promotion,
  PromotionActionType,
} from "../../generated/schema.ts";
import { BLANK } from "../rules/objects.ts";
import { makeEvent } from "./events.ts";
import { propertiesOf } from "./trailing-argument.ts";
import type { CommerceDetails } from "./types.ts";

/** What may be said about a product action beside what it is and its products. */
export type ProductActionDetails = Omit<ProductAction, "action" | "products">;

/** A purchase or refund without its transaction cannot be told from its repetition. */
export type TransactionDetails = ProductActionDetails & {
  /** The id of the order, as your shop has it. */
  transaction_id: string;
};

/**
 * Something was done with products. Each action also has a function of its own, such as {@link purchase}.
 *
 * @param action - which of the ten; the wire spells one of them `remove_from_wish_list`.
 * @param products - the products concerned.
 * @param details - totals, coupon, transaction: the other properties of `product_action`.
 * @param data - any other property of the event, such as `currency_code` (ISO 4217).
 */
export function productAction(
  action: ProductActionType,
  products: readonly Product[],
  details?: ProductActionDetails,
  data?: CommerceDetails,
): CommerceEvent {
  return makeEvent("commerce_event", {
    ...BLANK,
    ...propertiesOf("data", data),
    product_action: { ...BLANK, ...propertiesOf("details", details), action, products },
  });
}

/**
 * Products were bought.
 *
 * @param products - what was bought, with `price` and `quantity` each.
 * @param details - `transaction_id`, which the event needs to be recognised, and totals.
 * @param data - any other property of the event, such as `currency_code` (ISO 4217).
 * @example purchase([{ id: "sku-1", name: "Lamp", price: 19.99, quantity: 1 }], { transaction_id: "T-1001", total_amount: 21.49 })
 */
export function purchase(
  products: readonly Product[],
  details: TransactionDetails,
  data?: CommerceDetails,
): CommerceEvent {
  return productAction("purchase", products, details, data);
}

/**
 * A purchase, or a part of it, was paid back.
 *
 * @param products - what was given back.
 * @param details - the `transaction_id` of the purchase, and totals.
 * @param data - any other property of the event.
 */
export function refund(
  products: readonly Product[],
  details: TransactionDetails,
  data?: CommerceDetails,
): CommerceEvent {
  return productAction("refund", products, details, data);
}

/** What {@link addToCart} and its like are: {@link productAction} with the action settled. */
export type ProductActionFactory = (
  products: readonly Product[],
  details?: ProductActionDetails,
  data?: CommerceDetails,
) => CommerceEvent;

const shorthand =
  (action: ProductActionType): ProductActionFactory =>
  (products, details, data) =>
    productAction(action, products, details, data);

/** Products were put into the cart: `(products, details?, data?)` as {@link productAction}. */
export const addToCart: ProductActionFactory = /* @__PURE__ */ shorthand("add_to_cart");

/** Products were taken out of the cart: `(products, details?, data?)` as {@link productAction}. */
export const removeFromCart: ProductActionFactory = /* @__PURE__ */ shorthand("remove_from_cart");

/** A step of the checkout, `checkout_step` in the details: `(products, details?, data?)` as {@link productAction}. */
export const checkout: ProductActionFactory = /* @__PURE__ */ shorthand("checkout");

/** A choice during the checkout, `checkout_options` in the details: `(products, details?, data?)` as {@link productAction}. */
export const checkoutOption: ProductActionFactory = /* @__PURE__ */ shorthand("checkout_option");

/** Products in a list were clicked: `(products, details?, data?)` as {@link productAction}. */
export const productClick: ProductActionFactory = /* @__PURE__ */ shorthand("click");

/** The page of a product was seen: `(products, details?, data?)` as {@link productAction}. */
export const viewDetail: ProductActionFactory = /* @__PURE__ */ shorthand("view_detail");

/** Products were put on the wish list: `(products, details?, data?)` as {@link productAction}. */
export const addToWishlist: ProductActionFactory = /* @__PURE__ */ shorthand("add_to_wishlist");

/** Products were taken off the wish list: `(products, details?, data?)` as {@link productAction}. */
export const removeFromWishlist: ProductActionFactory = /* @__PURE__ */ shorthand("remove_from_wish_list");

/**
 * Promotions were shown or clicked.
 *
 * @param action - `"view"` or `"click"`.
 * @param promotions - the promotions concerned.
 * @param data - any other property of the event.
 */
export function promotion(
  action: PromotionActionType,
  promotions: readonly Promotion[],
  data?: CommerceDetails,
): CommerceEvent {
  return makeEvent("commerce_event", {
    ...BLANK,
    ...propertiesOf("data", data),
    promotion_action: { action, promotions },
  });
}

/**
 * Products were shown in lists.
 *
 * @param impressions - each list with its products.
 * @param data - any other property of the event.
 */
export function impression(impressions: readonly ProductImpression[], data?: CommerceDetails): CommerceEvent {
  return makeEvent("commerce_event", { ...BLANK, ...propertiesOf("data", data), product_impressions: impressions });
}
