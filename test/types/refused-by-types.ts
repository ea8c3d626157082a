/**
 * What must not compile. `consumer.test.ts` runs `tsc`, which reports every `@ts-expect-error` below which there is no
 * error. Nothing here runs.
 */
import {
  EventsClient,
  addToCart,
  attributesFrom,
  ccpaOptOut,
  createBatch,
  crashReport,
  customEvent,
  gdprConsent,
  impression,
  mergeConsent,
  networkPerformance,
  productAction,
  profile,
  promotion,
  purchase,
  pushRegistration,
  sessionEnd,
  userAttributeChange,
  userIdentityChange,
  type Batch,
  type Event,
  type Outcome,
  type Product,
} from "mparticle-events";

declare function send(batch: Batch): void;
declare function changeInPlace(events: Event[]): void;
declare function note(event: Event): void;
const product: Product = { id: "sku-1" };

export function misspeltNames(): void {
  // @ts-expect-error -- custom_attributes
  customEvent("a", "other", { custom_atributes: {} });
  // @ts-expect-error -- user_identities
  createBatch({ environment: "development", user_identites: {} });
  // @ts-expect-error -- there is no other_id_1
  createBatch({ environment: "development", user_identities: { other_id_1: "a" } });
  // @ts-expect-error -- the wire's names, not camelCase
  createBatch({ environment: "development", userAttributes: {} });
  // @ts-expect-error -- os_version
  createBatch({ environment: "development", device_info: { osVersion: "17" } });
  // @ts-expect-error -- total_amount
  purchase([product], { transaction_id: "T-1", total: 5 });
  // @ts-expect-error -- quantity
  addToCart([{ id: "sku-1", quantitty: 1 }]);
  // @ts-expect-error -- data_sale_opt_out is the only purpose of CCPA
  createBatch({ environment: "development", consent_state: { ccpa: { sale: { consented: true } } } });
  // @ts-expect-error -- timeoutMs
  new EventsClient({ apiKey: "a", apiSecret: "b", timeout: 5 });
}

declare class Session {
  readonly startedAt: Date;
}

export function wrongAttributes(session: Session, maybe: string[] | undefined): void {
  // @ts-expect-error -- a Date is no attribute, also of a class
  customEvent("a", "other", { custom_attributes: attributesFrom(session) });
  // @ts-expect-error -- nor of a user
  createBatch({ environment: "development", user_attributes: attributesFrom(session) });
  // @ts-expect-error -- attributes of an event hold no lists, wherever they come from
  customEvent("a", "other", { custom_attributes: attributesFrom({ tags: ["a"] }) });
  // @ts-expect-error -- nor perhaps a list
  customEvent("a", "other", { custom_attributes: { maybe } });
  // @ts-expect-error -- the key is still custom_attributes
  customEvent("a", "other", { custom_atributes: attributesFrom(session) });
  // @ts-expect-error -- and user_attributes
  createBatch({ environment: "development", user_atributes: attributesFrom(session) });
}

export function wrongValues(): void {
  // @ts-expect-error -- development or production
  createBatch({ environment: "prod" });
  // @ts-expect-error -- one of ten
  customEvent("a", "unknown");
  // @ts-expect-error -- remove_from_wish_list, as the wire spells it
  productAction("remove_from_wishlist", [product]);
  // @ts-expect-error -- view or click
  promotion("shown", []);
  // @ts-expect-error -- identities are text
  createBatch({ environment: "development", user_identities: { customer_id: 42 } });
  // @ts-expect-error -- attributes of an event hold no lists
  customEvent("a", "other", { custom_attributes: { tags: ["a"] } });
  // @ts-expect-error -- nor objects
  customEvent("a", "other", { custom_attributes: { nested: {} } });
  // @ts-expect-error -- dates are numbers of milliseconds
  customEvent("a", "other", { timestamp_unixtime_ms: new Date() });
  // @ts-expect-error -- and not text
  sessionEnd("61000");
  // @ts-expect-error -- an id with 64 bits is no boolean
  profile("login", { current_mpid: true });
  // @ts-expect-error -- a price is a number
  addToCart([{ price: "19.99" }]);
  // @ts-expect-error -- the attribute of a product is text
  addToCart([{ custom_attributes: { watts: 4.5 } }]);
  // @ts-expect-error -- a decision is true or false
  gdprConsent("marketing", "yes");
  // @ts-expect-error -- so is this one
  ccpaOptOut(null);
  // @ts-expect-error -- a pod is one of four
  new EventsClient({ apiKey: "a", apiSecret: "b", pod: "us3" });
  // @ts-expect-error -- a retry is described or switched off
  new EventsClient({ apiKey: "a", apiSecret: "b", retry: true });
}

export function missingMembers(): void {
  // @ts-expect-error -- the environment
  createBatch({ user_identities: { customer_id: "42" } });
  // @ts-expect-error -- the environment of a batch written by hand
  send({ events: [] });
  // @ts-expect-error -- the category
  customEvent("a");
  // @ts-expect-error -- the message
  crashReport("error");
  // @ts-expect-error -- the status
  networkPerformance("https://example.com");
  // @ts-expect-error -- the token
  pushRegistration(true);
  // @ts-expect-error -- what became of the attribute
  userAttributeChange("plan");
  // @ts-expect-error -- what it was before
  userIdentityChange({ new: null });
  // @ts-expect-error -- the transaction of a purchase
  purchase([product], { total_amount: 5 });
  // @ts-expect-error -- the lists
  impression();
  // @ts-expect-error -- when the user decided
  createBatch({ environment: "development", consent_state: { gdpr: { marketing: { consented: true } } } });
  // @ts-expect-error -- the campaign
  createBatch({ environment: "development", attribution_info: { service_provider: "a", publisher: "b" } });
  // @ts-expect-error -- the plan of a data plan
  createBatch({ environment: "development", context: { data_plan: { plan_version: 1 } } });
  // @ts-expect-error -- the secret
  new EventsClient({ apiKey: "a" });
}

export function wrongPlaces(): void {
  // @ts-expect-error -- the event's name is its first argument
  customEvent("a", "other", { event_name: "b" });
  // @ts-expect-error -- a custom event has no products
  customEvent("a", "other", { product_action: { action: "purchase" } });
  // @ts-expect-error -- the events are the second argument
  createBatch({ environment: "development", events: [] });
  // @ts-expect-error -- the data of another type
  note({ event_type: "opt_out", data: { label: "here" } });
  const [product_action, promotion_action, product_impressions] = [
    { action: "click" } as const,
    { action: "view" } as const,
    [],
  ];
  // @ts-expect-error -- an event has one payload
  note({ event_type: "commerce_event", data: { product_action, promotion_action } });
  // @ts-expect-error -- whichever two these are
  note({ event_type: "commerce_event", data: { product_action, product_impressions } });
  // @ts-expect-error -- an empty list being a payload, too
  note({ event_type: "commerce_event", data: { promotion_action, product_impressions } });
  // @ts-expect-error -- what the service fills in
  createBatch({ environment: "development", batch_id: 5n });
  // @ts-expect-error -- a state, not a purpose
  mergeConsent({ consented: true, timestamp_unixtime_ms: 0 });
}

export function outcomesAreTold(outcome: Outcome): unknown {
  // @ts-expect-error -- only one that was not accepted has an error
  if (outcome.kind === "accepted") return outcome.error;
  // @ts-expect-error -- only one that was accepted has a receipt
  return outcome.receipt;
}

export function listsThatWereHandedOverStay(batch: Batch): void {
  // @ts-expect-error -- events are added by making a new batch
  changeInPlace(batch.events ?? []);
}
