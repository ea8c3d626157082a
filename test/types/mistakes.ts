/** What a mistake is, and what is said to it. */
interface Mistake {
  readonly code: string;
  readonly says: readonly string[];
  /** What the newest compiler says, where that is less. */
  readonly quickSays?: readonly string[];
}

/** What the compiler says to a mistake: in an editor, this is most of the documentation that gets read. */
export const MISTAKES: Readonly<Record<string, Mistake>> = {
  "a misspelt member of an event": {
    code: 'customEvent("a", "other", { custom_atributes: {} });',
    says: [
      "'custom_atributes' does not exist in type 'CustomEventOptions'. Did you mean to write 'custom_attributes'?",
    ],
  },
  "a misspelt member of an event without arguments of its own": {
    code: "sessionStart({ session_uid: 'a' });",
    says: ["'session_uid' does not exist in type 'SessionStartOptions'", "'session_uuid'"],
  },
  "an interface for attributes": {
    code: 'interface Plan { name: string } const plan: Plan = { name: "a" }; customEvent("a", "other", { custom_attributes: plan });',
    says: ["Index signature for type 'string' is missing in type 'Plan'"],
  },
  "an object for attributes that has a date": {
    code: 'customEvent("a", "other", { custom_attributes: attributesFrom({ at: new Date() }) });',
    says: ["Property 'at' is incompatible with index signature", "Type 'Date' is not assignable"],
  },
  "a misspelt member of a batch": {
    code: 'createBatch({ environment: "development", user_identites: {} });',
    says: ["'user_identites' does not exist in type 'UserContext'", "'user_identities'"],
  },
  "an identity that does not exist": {
    code: 'createBatch({ environment: "development", user_identities: { other_id_1: "a" } });',
    says: ["'other_id_1' does not exist in type 'UserIdentities'"],
  },
  "a category that does not exist": {
    code: 'customEvent("a", "vidoe");',
    says: [`'"vidoe"' is not assignable to parameter of type 'CustomEventType'`],
  },
  "a missing environment": {
    code: 'createBatch({ user_identities: { customer_id: "42" } });',
    says: ["Property 'environment' is missing", "'UserContext'"],
  },
  "a list as an attribute": {
    code: 'customEvent("a", "other", { custom_attributes: { tags: ["a"] } });',
    says: ["Type 'string[]' is not assignable to type 'string | number | boolean | null | undefined'"],
  },
  "a misspelt member of a hand-written event": {
    code: 'const event: Event = { event_type: "custom_event", data: { event_name: "a", custom_event_type: "other", custom_atributes: {} } };',
    says: ["'custom_atributes' does not exist in type 'CustomEventData", "Did you mean to write 'custom_attributes'?"],
    quickSays: ["'custom_atributes' does not exist in type", "Did you mean to write 'custom_attributes'?"],
  },
  "a misspelt member of a hand-written commerce event": {
    code: 'const event: Event = { event_type: "commerce_event", data: { promotion_action: { action: "view" }, currency_cod: "EUR" } };',
    says: ["'currency_cod' does not exist in type", "CommerceEventDataWithPromotionAction"],
  },
  "a misspelt member of a product action, in an event": {
    code: 'const event: Event = { event_type: "commerce_event", data: { product_action: { action: "click", totl: 5 } } };',
    says: ["'totl' does not exist in type 'ProductAction'"],
    quickSays: ['{ action: "click"; totl: number; }', "is not assignable"],
  },
  "a misspelt member of a promotion, in a commerce event": {
    code: 'const event: EventOf<"commerce_event"> = { event_type: "commerce_event", data: { promotion_action: { action: "view", promos: [] } } };',
    says: ["'promos' does not exist in type 'PromotionAction'"],
  },
  "two payloads in a commerce event": {
    code: 'const event: EventOf<"commerce_event"> = { event_type: "commerce_event", data: { product_action: { action: "click" }, promotion_action: { action: "click" } } };',
    says: ["is not assignable to type 'CommerceEventData'", "Types of property 'promotion_action' are incompatible"],
  },
  "an event type that does not exist": {
    code: 'const event: Event = { event_type: "custom_evnt", data: {} };',
    says: [`Type '"custom_evnt"' is not assignable to type`],
  },
};

/** A program that makes each of the mistakes, one on each line, and nothing wrong on its last. */
export const PROGRAM_OF_MISTAKES = [
  'import { attributesFrom, createBatch, customEvent, sessionStart, type Event, type EventOf } from "mparticle-events";',
  ...Object.values(MISTAKES).map(({ code }, index) => `export function mistake${String(index)}() { ${code} }`),
  'export const right = customEvent("a", "other", { custom_attributes: {} });',
].join("\n");
