/** What has to compile, and to what. `consumer.test.ts` runs `tsc` on it; nothing here runs. */
import { expectTypeOf } from "vitest";
import {
  EventsClient,
  attributesFrom,
  breadcrumb,
  createBatch,
  customEvent,
  firstRun,
  profile,
  purchase,
  screenView,
  sessionEnd,
  sessionStart,
  type ApiError,
  type Batch,
  type CustomEventOptions,
  type Event,
  type EventDataOf,
  type EventOf,
  type EventType,
  type EventsClientOptions,
  type InvalidBatchError,
  type MParticleError,
  type Outcome,
  type Receipt,
  type SessionStartOptions,
  type UserContext,
} from "mparticle-events";

type RequiredKeys<T> = { [Key in keyof T]-?: object extends Pick<T, Key> ? never : Key }[keyof T];

export function nothingIsRequiredForItsDefault(): void {
  expectTypeOf<RequiredKeys<EventsClientOptions>>().toEqualTypeOf<"apiKey" | "apiSecret">();
  expectTypeOf<RequiredKeys<Batch>>().toEqualTypeOf<"environment">();
  expectTypeOf<RequiredKeys<UserContext>>().toEqualTypeOf<"environment">();
  expectTypeOf<RequiredKeys<EventDataOf<"custom_event">>>().toEqualTypeOf<"event_name" | "custom_event_type">();
  expectTypeOf<RequiredKeys<EventDataOf<"commerce_event">>>().toEqualTypeOf<never>();
  expectTypeOf<RequiredKeys<EventDataOf<"session_start">>>().toEqualTypeOf<never>();
  expectTypeOf<RequiredKeys<EventDataOf<"profile">>>().toEqualTypeOf<"profile_event_type">();
}

export function factoriesTellTheirType(): void {
  expectTypeOf<ReturnType<typeof customEvent>>().toEqualTypeOf<EventOf<"custom_event">>();
  expectTypeOf<ReturnType<typeof firstRun>>().toEqualTypeOf<EventOf<"first_run">>();
  expectTypeOf<ReturnType<typeof purchase>["event_type"]>().toEqualTypeOf<"commerce_event">();
  const events: readonly Event[] = [firstRun(), breadcrumb("here"), screenView("Home"), sessionEnd(5)];
  expectTypeOf<ReturnType<typeof createBatch>>().toEqualTypeOf<Batch>();
  createBatch({ environment: "production" }, events);
}

export function eventsNarrowByTheirType(event: Event): string | undefined {
  if (event.event_type === "custom_event") {
    expectTypeOf<typeof event>().toEqualTypeOf<EventOf<"custom_event">>();
    return event.data.event_name;
  }
  if (event.event_type === "commerce_event") return event.data.product_action?.products?.[0]?.id ?? undefined;
  return undefined;
}

/** Any payload of a commerce event, or none, beside whatever else there is to say. */
export function onePayloadIsAsGoodAsAnother(): readonly Event[] {
  const data = { currency_code: "EUR", shopping_cart: { products: [] } };
  return [
    { event_type: "commerce_event", data },
    { event_type: "commerce_event", data: { ...data, product_action: { action: "purchase", total_amount: 5 } } },
    { event_type: "commerce_event", data: { ...data, promotion_action: { action: "view" } } },
    { event_type: "commerce_event", data: { ...data, product_impressions: [{ products: [] }] } },
    { event_type: "commerce_event", data: { ...data, product_impressions: null } },
  ];
}

export function payloadsNarrowEachOther(data: EventDataOf<"commerce_event">): void {
  if (data.promotion_action) expectTypeOf<typeof data.product_action>().toEqualTypeOf<undefined>();
}

export function everyTypeCanBeTold(event: Event): EventType {
  switch (event.event_type) {
    case "custom_event":
    case "commerce_event":
    case "screen_view":
    case "session_start":
    case "session_end":
    case "application_state_transition":
    case "push_registration":
    case "push_message":
    case "network_performance":
    case "breadcrumb":
    case "crash_report":
    case "opt_out":
    case "first_run":
    case "uninstall":
    case "profile":
    case "user_attribute_change":
    case "user_identity_change":
      return event.event_type;
    default: {
      const none: never = event;
      return none;
    }
  }
}

export function outcomesNarrowByTheirKind(outcome: Outcome): void {
  switch (outcome.kind) {
    case "accepted":
      expectTypeOf<typeof outcome.receipt>().toEqualTypeOf<Receipt>();
      break;
    case "rejected":
      expectTypeOf<typeof outcome.error>().toEqualTypeOf<ApiError | InvalidBatchError>();
      break;
    case "undelivered":
      expectTypeOf<typeof outcome.error>().toEqualTypeOf<MParticleError>();
      break;
    default: {
      const none: never = outcome;
      throw new Error(String(none));
    }
  }
}

export function errorsNarrowByTheirName(error: ApiError | InvalidBatchError): void {
  if (error.name === "ApiError") expectTypeOf<typeof error.status>().toEqualTypeOf<number>();
  else expectTypeOf<typeof error.findings>().toEqualTypeOf<InvalidBatchError["findings"]>();
}

export function idsOf64BitsComeInThreeForms(): void {
  profile("login", { current_mpid: 7346244611012968789n });
  profile("login", { current_mpid: "7346244611012968789" });
  profile("login", { current_mpid: 42 });
}

export function openEnumsTakeNewValues(network: string): void {
  createBatch({ environment: "production", application_info: { os: "Desktop" } });
  createBatch({ environment: "production", application_info: { os: network } });
}

/** `exactOptionalPropertyTypes` is on in this project: an undefined option has to be as good as none. */
export function undefinedIsAsGoodAsNone(timeoutMs: number | undefined, session_uuid: string | undefined): void {
  new EventsClient({ apiKey: "a", apiSecret: "b", timeoutMs, pod: undefined, retry: { maxElapsedMs: undefined } });
  customEvent("a", "other", { session_uuid, custom_attributes: undefined });
  createBatch({ environment: "production", user_identities: undefined });
}

/** So it is of what has names of the sender's own. */
export function undefinedAttributesAreAsGoodAsNone(plan: string | undefined, tags: string[] | undefined): void {
  customEvent("a", "other", { custom_attributes: { plan }, custom_flags: { plan, tags } });
  purchase([{ custom_attributes: { plan } }], { transaction_id: "T-1" });
  createBatch({ environment: "production", user_attributes: { plan, tags }, partner_identities: { a_b: plan } });
  const batch: Batch = { environment: "production", integration_attributes: { "92": { plan } } };
  createBatch({ environment: batch.environment, user_attributes: { ...batch.user_attributes, plan } });
}

interface Plan {
  readonly name: string;
  readonly seats?: number;
}

declare class Account {
  readonly name: string;
  readonly tags: readonly string[];
  get age(): number;
  rename(name: string): void;
}

/** TypeScript takes no interface and no class for a map; `attributesFrom` makes one of any object. */
export function anyObjectCanBeAttributes(plan: Plan, account: Account): void {
  customEvent("a", "other", { custom_attributes: attributesFrom(plan) });
  createBatch({ environment: "production", user_attributes: attributesFrom(account) });
  createBatch({ environment: "production", user_attributes: { ...attributesFrom(plan), ...attributesFrom(account) } });
  const batch: Batch = { environment: "production", user_attributes: attributesFrom(account) };
  expectTypeOf(attributesFrom(account)).toEqualTypeOf<{
    readonly name: string;
    readonly tags: readonly string[];
    readonly age: number;
  }>();
  createBatch({ environment: batch.environment });
}

/** A type parameter that says what all of its members are. */
export function genericDataCanBeAttributes<Data extends Record<keyof Data, string | number | undefined>>(
  data: Data & { readonly plan: string },
): Event {
  return customEvent("a", "other", { custom_attributes: attributesFrom(data) });
}

/** A wrapper around a factory can name what it passes on. */
export function optionsHaveNames(data: CustomEventOptions & { readonly session_uuid: string }): Event[] {
  const start: SessionStartOptions = { session_uuid: data.session_uuid };
  return [sessionStart(start), customEvent("a", "other", data)];
}

/** Data that the caller promised not to change goes in as it is. */
export function readonlyDataGoesIn(events: readonly Readonly<Event>[], tags: readonly string[]): Batch {
  return createBatch({ environment: "production", user_attributes: { tags } }, events);
}
