import {
  addToCart,
  addToWishlist,
  applicationStateTransition,
  breadcrumb,
  checkout,
  checkoutOption,
  crashReport,
  customEvent,
  firstRun,
  impression,
  networkPerformance,
  optOut,
  productClick,
  profile,
  promotion,
  purchase,
  pushMessage,
  pushRegistration,
  refund,
  removeFromCart,
  removeFromWishlist,
  screenView,
  sessionEnd,
  sessionStart,
  uninstall,
  userAttributeChange,
  userIdentityChange,
  viewDetail,
  type Event,
  type EventOf,
  type EventType,
  type Product,
  type ProductActionType,
} from "mparticle-events";
import type { CommonEventData } from "../../generated/schema.ts";
import { deepFreeze } from "./deep-freeze.ts";

/** A factory of the package with its positional arguments given. */
export interface FactoryCase<E extends Event = Event> {
  /** Its name, and what tells one case of it from another. */
  readonly name: string;
  /** Calls it; `data` is its last, optional argument, cut to what every event has. */
  readonly make: (data?: CommonEventData) => E;
  /** What the positional arguments come to on the wire. */
  readonly says: Readonly<Record<string, unknown>>;
}

export const PRODUCTS: readonly Product[] = deepFreeze([
  {
    id: "sku-1",
    name: "Lamp",
    brand: "Lumen",
    category: "home/light",
    variant: "green",
    position: 1,
    price: 19.99,
    quantity: 2,
    coupon_code: "SPRING",
    total_product_amount: 39.98,
    custom_attributes: { watts: "4.5" },
  },
  { id: "sku-2", price: 0, quantity: 0 },
]);
const TRANSACTION = deepFreeze({ transaction_id: "T-1001", total_amount: 21.49, tax_amount: 1.5, shipping_amount: 0 });
const PROMOTIONS = deepFreeze([{ id: "spring", name: "Spring sale", creative: "banner", position: "top" }]);
const IMPRESSIONS = deepFreeze([{ product_impression_list: "Search results", products: PRODUCTS }]);
const ATTRIBUTE_CHANGE = deepFreeze({ old: "free", new: ["a", 1, true], deleted: false, is_new_attribute: false });
const IDENTITY_CHANGE = deepFreeze({
  old: null,
  new: {
    identity_type: "email" as const,
    identity: "user@example.com",
    timestamp_unixtime_ms: 1_795_000_000_000,
    created_this_batch: true,
  },
});

/** Each product action with the function it has of its own. The wire spells one of them `remove_from_wish_list`. */
export const PRODUCT_ACTIONS = {
  add_to_cart: addToCart,
  remove_from_cart: removeFromCart,
  checkout,
  checkout_option: checkoutOption,
  click: productClick,
  view_detail: viewDetail,
  purchase,
  refund,
  add_to_wishlist: addToWishlist,
  remove_from_wish_list: removeFromWishlist,
} satisfies Record<ProductActionType, unknown>;

/** Every factory. A new event type stops this file from compiling until it has one. */
export const FACTORIES = {
  custom_event: [
    {
      name: "customEvent",
      make: (data) => customEvent("video watched", "media", data),
      says: { event_name: "video watched", custom_event_type: "media" },
    },
  ],
  commerce_event: [
    ...keysOf(PRODUCT_ACTIONS).map((action): FactoryCase<EventOf<"commerce_event">> => ({
      name: `the function for ${action}`,
      make: (data) => PRODUCT_ACTIONS[action](PRODUCTS, TRANSACTION, data),
      says: { product_action: { ...TRANSACTION, action, products: PRODUCTS } },
    })),
    {
      name: "promotion",
      make: (data) => promotion("view", PROMOTIONS, data),
      says: { promotion_action: { action: "view", promotions: PROMOTIONS } },
    },
    {
      name: "impression",
      make: (data) => impression(IMPRESSIONS, data),
      says: { product_impressions: IMPRESSIONS },
    },
  ],
  screen_view: [{ name: "screenView", make: (data) => screenView("Home", data), says: { screen_name: "Home" } }],
  session_start: [{ name: "sessionStart", make: (data) => sessionStart(data), says: {} }],
  session_end: [
    { name: "sessionEnd", make: (data) => sessionEnd(61_000, data), says: { session_duration_ms: 61_000 } },
  ],
  application_state_transition: [
    {
      name: "applicationStateTransition",
      make: (data) => applicationStateTransition("application_background", data),
      says: { application_transition_type: "application_background" },
    },
  ],
  push_registration: [
    {
      name: "pushRegistration",
      make: (data) => pushRegistration(false, "740f47", data),
      says: { register: false, registration_token: "740f47" },
    },
  ],
  push_message: [
    { name: "pushMessage", make: (data) => pushMessage("sent", data), says: { push_message_type: "sent" } },
  ],
  network_performance: [
    {
      name: "networkPerformance",
      make: (data) => networkPerformance("https://api.example.com/cart", 200, data),
      says: { url: "https://api.example.com/cart", response_code: 200 },
    },
  ],
  breadcrumb: [
    { name: "breadcrumb", make: (data) => breadcrumb("opened the cart", data), says: { label: "opened the cart" } },
  ],
  crash_report: [
    {
      name: "crashReport",
      make: (data) => crashReport("error", "cart is empty", data),
      says: { severity: "error", message: "cart is empty" },
    },
  ],
  opt_out: [{ name: "optOut", make: (data) => optOut(false, data), says: { is_opted_out: false } }],
  first_run: [{ name: "firstRun", make: (data) => firstRun(data), says: {} }],
  uninstall: [{ name: "uninstall", make: (data) => uninstall(data), says: {} }],
  profile: [{ name: "profile", make: (data) => profile("signup", data), says: { profile_event_type: "signup" } }],
  user_attribute_change: [
    {
      name: "userAttributeChange",
      make: (data) => userAttributeChange("plan", ATTRIBUTE_CHANGE, data),
      says: { user_attribute_name: "plan", ...ATTRIBUTE_CHANGE },
    },
  ],
  user_identity_change: [
    { name: "userIdentityChange", make: (data) => userIdentityChange(IDENTITY_CHANGE, data), says: IDENTITY_CHANGE },
  ],
} satisfies { readonly [Type in EventType]: readonly FactoryCase<EventOf<Type>>[] };

/** All of {@link FACTORIES}, with the type of their events. */
export const FACTORY_CASES: readonly (FactoryCase & { readonly type: EventType })[] = keysOf(FACTORIES).flatMap(
  (type) => FACTORIES[type].map((factory: FactoryCase) => ({ ...factory, type })),
);

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] {
  // Object.keys forgets the names: an object may have more than its type says. These are literals.
  return Object.keys(record) as Key[];
}
