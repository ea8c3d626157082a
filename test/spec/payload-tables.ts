import { EVENT_TYPES } from "../../generated/contract.ts";
import type { EventType } from "../../src/model/types.ts";

/** What a field takes: in both profiles, on the wire only, in neither. */
interface Kind {
  readonly both: readonly unknown[];
  readonly wire?: readonly unknown[];
  readonly neither: readonly unknown[];
}

/** An object of the contract: how it is put into a batch, and a kind for each of its fields. */
export interface ObjectTable {
  /** Name in the contract. */
  readonly name: string;
  /** JSON Pointer from the batch to the object. */
  readonly at: string;
  readonly place: (members: Members) => unknown;
  /** Members without which the object is refused. */
  readonly required?: Members;
  /** Names among the required that the wire profile does without. */
  readonly optionalOnWire?: readonly string[];
  /** Fields of both profiles. */
  readonly fields: Readonly<Record<string, Kind>>;
  /** Fields that only the wire profile knows. */
  readonly wireFields?: Readonly<Record<string, Kind>>;
  /** Refuses unknown keys on the wire too. */
  readonly closedOnWire?: true;
  /** What an unknown key has to hold where the wire profile lets it pass; anything when left out. */
  readonly unknownMember?: unknown;
}

export type Members = Readonly<Record<string, unknown>>;

const UUID = "0e0c7b9a-64a3-4c0d-9f43-0b36f7f3e6a5";
const EPOCH_MS = 1_795_000_000_000;
const ZERO_UUID = "00000000-0000-0000-0000-000000000000";

// ---------------------------------------------------------------- kinds of value

/** An optional text that an official "String" may stand for: numbers and booleans pass on the wire. */
const text: Kind = { both: ["x", "", "Größe 🚀", null], wire: [5, 1.5, true], neither: [{}, ["x"]] };
/** An optional text that is never anything else. */
const plainText: Kind = { both: ["x", "", null], neither: [5, true, {}, ["x"]] };
/** A text that has to be there. */
const requiredText: Kind = { both: ["x", ""], neither: [null, 5, true, {}] };
/** A name that has to be there, and be something. */
const requiredName: Kind = { both: ["x"], wire: [""], neither: [null, 5, true, {}] };
/** Required, although what is there may be anything scalar on the wire. */
const looseText: Kind = { both: ["x"], wire: [null, 5, true], neither: [{}, ["x"]] };
const uuid: Kind = {
  both: [UUID, UUID.toUpperCase(), ZERO_UUID, null],
  wire: ["", "not-a-uuid"],
  neither: [5, true, {}],
};
const integer: Kind = { both: [0, 1, -1, EPOCH_MS, null], neither: [1.5, "5", true, {}, Number.NaN] };
/** 32 bits where the documentation says so; the official JSON Schema, and so the wire, has integers of no width. */
const int32: Kind = {
  both: [0, 1, -12, 2_147_483_647, null],
  wire: [3_000_000_000, -2_147_483_649],
  neither: [1.5, "5", true, {}],
};
const number: Kind = { both: [0, 1, -1, 0.95, 1e21, null], neither: ["5", true, {}] };
const flag: Kind = { both: [true, false, null], neither: ["true", 1, {}] };
/** A 64-bit id: exact, or refused. */
const int64: Kind = {
  both: [5, -5, 2n ** 63n - 1n, -(2n ** 63n), "7346244611012968789", "-7778608565459706417", null],
  neither: [2 ** 53, 1.5, 2n ** 63n, "9223372036854775808", "00000000000000000005", "12a", "", "1.5", true, {}],
};
const uint64: Kind = {
  both: [4_295_507_968, 0, 2n ** 64n - 1n, "18446744073709551615", null],
  neither: [-1, -1n, 2 ** 53, 2n ** 64n, "-1", "-0", true, {}],
};
/** Digits, or a number, where old documents disagree which. */
const numeric: Kind = {
  both: [51.92, 0, -180, null],
  wire: ["51.92", "-0.5", "4", "4.", ".5", "-.5", "+.5e-1"],
  neither: ["north", "", ".", "-.e5", "e5", true, {}],
};
const oneOf = (values: readonly string[], wire: readonly unknown[], neither: readonly unknown[]): Kind => ({
  both: values,
  wire,
  neither: [...neither, "", "nonsense", 5, {}],
});
const object = (...both: unknown[]): Kind => ({ both: [{}, null, ...both], neither: ["x", 5, true, []] });
const listOf = (...items: unknown[]): Kind => ({ both: [[], items, null], neither: ["x", 5, {}, [5], [null]] });

const location = object({ latitude: 51.92, longitude: 4.48 });

// ---------------------------------------------------------------- the batch and what is in it

const IDENTITY_NAMES = [
  ...["customer_id", "email", "other", "other_id_2", "other_id_3", "other_id_4", "other_id_5", "other_id_6"],
  ...["other_id_7", "other_id_8", "other_id_9", "other_id_10", "mobile_number", "phone_number_2", "phone_number_3"],
  ...["facebook", "facebook_custom_audience_id", "google", "twitter", "microsoft", "yahoo", "alias"],
];

const batchTables: ObjectTable[] = [
  {
    name: "Batch",
    at: "",
    place: (members) => members,
    required: { environment: "production" },
    optionalOnWire: ["environment"],
    fields: {
      environment: oneOf(["development", "production"], ["unknown", null], ["prod", "Production"]),
      events: { both: [[], null], neither: ["x", {}, [null], [5], [[]], [{}]] },
      source_request_id: text,
      user_identities: object({ customer_id: "42" }),
      partner_identities: object({ mParticle_mpid: "42" }),
      user_attributes: object({ tier: "gold", tags: ["a"], tag: null }),
      deleted_user_attributes: { both: [[], ["tier"], null], neither: ["tier", [5], [null], {}] },
      device_info: object(),
      application_info: object(),
      consent_state: object(),
      context: object(),
      integration_attributes: object({ "92": { key: "value" } }),
      ip: { both: ["203.0.113.24", "2001:db8::1", "", null], neither: [5, true, {}] },
      mpid: int64,
      mp_deviceid: uuid,
      attribution_info: { both: [null], neither: ["x", [], {}] },
      sdk_version: text,
    },
    wireFields: {
      timestamp_unixtime_ms: integer,
      batch_id: int64,
      origin_mpid: int64,
      source_info: object({ channel: "server_to_server", is_historical: false }),
      schema_version: { both: [2, null], neither: ["2", 1.5] },
      api_key: text,
      api_keys: { both: [["key"], [], null], neither: ["key", {}] },
      job_id: text,
      partner_identity: text,
      modified: flag,
    },
  },
  {
    name: "UserIdentities",
    at: "/user_identities",
    place: (it) => batch({ user_identities: it }),
    closedOnWire: true,
    fields: Object.fromEntries(IDENTITY_NAMES.map((name) => [name, text])),
    wireFields: {
      customerid: text,
      ...Object.fromEntries(
        IDENTITY_NAMES.flatMap((name) => (name.startsWith("other_id_") ? [[name.replace("_id_", ""), text]] : [])),
      ),
    },
  },
  {
    name: "AttributionInfo",
    at: "/attribution_info",
    place: (it) => batch({ attribution_info: it }),
    required: { service_provider: "a", publisher: "b", campaign: "c" },
    fields: { service_provider: looseText, publisher: looseText, campaign: looseText },
  },
  {
    name: "ConsentState",
    at: "/consent_state",
    place: (it) => batch({ consent_state: it }),
    fields: {
      gdpr: object({ marketing: { consented: true, timestamp_unixtime_ms: EPOCH_MS } }),
      ccpa: object({ data_sale_opt_out: { consented: true, timestamp_unixtime_ms: EPOCH_MS } }),
    },
  },
  {
    name: "CcpaConsentState",
    at: "/consent_state/ccpa",
    place: (it) => batch({ consent_state: { ccpa: it } }),
    unknownMember: { consented: true, timestamp_unixtime_ms: EPOCH_MS },
    fields: {
      data_sale_opt_out: {
        both: [{ consented: false, timestamp_unixtime_ms: EPOCH_MS }, null],
        neither: [true, "yes", {}, { consented: true }],
      },
    },
  },
  {
    name: "ConsentPurpose",
    at: "/consent_state/gdpr/marketing",
    place: (it) => batch({ consent_state: { gdpr: { marketing: it } } }),
    required: { consented: true, timestamp_unixtime_ms: EPOCH_MS },
    fields: {
      consented: { both: [true, false], wire: [null], neither: ["true", 1, {}] },
      timestamp_unixtime_ms: { both: [EPOCH_MS], wire: [null], neither: [1.5, String(EPOCH_MS), true] },
      document: text,
      location: text,
      hardware_id: text,
    },
    wireFields: { regulation: text, purpose: text },
  },
  {
    name: "BatchContext",
    at: "/context",
    place: (it) => batch({ context: it }),
    fields: { data_plan: { both: [{ plan_id: "shop" }, null], neither: ["shop", [], {}] }, location },
    wireFields: { batching: object({ bypass: true, partition_key: "k", request_ids: ["a"] }) },
  },
  {
    name: "DataPlan",
    at: "/context/data_plan",
    place: (it) => batch({ context: { data_plan: it } }),
    required: { plan_id: "shop" },
    fields: { plan_id: requiredName, plan_version: int32 },
    wireFields: { block_metadata: object({ anything: 1 }) },
  },
  {
    name: "GeoLocation",
    at: "/context/location",
    place: (it) => batch({ context: { location: it } }),
    fields: {
      latitude: numeric,
      longitude: numeric,
      accuracy: numeric,
      country_code: text,
      region_code: text,
      city_name: text,
      postal_code: text,
      dma_code: int32,
      location_source: text,
    },
  },
  {
    name: "DeviceInformation",
    at: "/device_info",
    place: (it) => batch({ device_info: it }),
    fields: {
      brand: text,
      product: text,
      device: text,
      android_uuid: text,
      device_manufacturer: text,
      platform: oneOf(
        ["iOS", "Android", "web", "desktop", "tvOS", "roku", "out_of_band", "alexa", "smart_tv", "fire_tv", "xbox"],
        ["FireTV", "Unknown"],
        ["ios", "android", "unknown"],
      ),
      os_version: text,
      device_model: text,
      screen_height: int32,
      screen_width: int32,
      screen_dpi: int32,
      device_country: text,
      locale_language: text,
      locale_country: text,
      network_country: text,
      network_carrier: text,
      network_code: text,
      network_mobile_country_code: text,
      timezone_offset: int32,
      build_identifier: text,
      http_header_user_agent: text,
      ios_advertising_id: uuid,
      att_authorization_status: oneOf(["authorized", "denied", "not_determined", "restricted"], [], ["unknown"]),
      att_timestamp_unixtime_ms: integer,
      push_token: text,
      cpu_architecture: text,
      is_tablet: flag,
      push_notification_sound_enabled: flag,
      push_notification_vibrate_enabled: flag,
      radio_access_technology: text,
      supports_telephony: { both: [true, false, null], wire: [""], neither: ["yes", "true", 1] },
      has_nfc: flag,
      bluetooth_enabled: flag,
      bluetooth_version: text,
      ios_idfv: uuid,
      android_advertising_id: uuid,
      build_version_release: text,
      limit_ad_tracking: flag,
      amp_id: text,
      is_dst: flag,
      roku_advertising_id: uuid,
      roku_publisher_id: uuid,
      microsoft_advertising_id: text,
      microsoft_publisher_id: text,
      fire_advertising_id: uuid,
    },
  },
  {
    name: "ApplicationInformation",
    at: "/application_info",
    place: (it) => batch({ application_info: it }),
    fields: {
      application_name: text,
      application_version: text,
      application_build_number: text,
      install_referrer: text,
      package: text,
      os: text,
      apple_search_ads_attributes: object({ "version3.1": { "iad-campaign-id": "1" } }),
    },
    wireFields: { sideloaded_kits_count: { both: [0, 3, null], neither: ["3", 1.5] } },
  },
];

// ---------------------------------------------------------------- events

const attributes: Kind = {
  both: [{}, { a: "x", b: 1.5, c: true, d: null }, null],
  neither: ["x", [], { a: {} }, { a: ["x"] }],
};

/** Of every event, whatever its type. */
const commonFields: Readonly<Record<string, Kind>> = {
  timestamp_unixtime_ms: integer,
  source_message_id: plainText,
  session_uuid: uuid,
  session_id: int64,
  event_num: integer,
  session_start_unixtime_ms: integer,
  event_start_unixtime_ms: integer,
  custom_attributes: attributes,
  custom_flags: {
    both: [{}, { a: "x", b: 1, c: true, d: ["x", 1, false] }, null],
    wire: [{ a: { deep: [{}] } }, { a: null }],
    neither: ["x", []],
  },
  location,
  device_current_state: object({ battery_level: -1 }),
  is_goal_defined: flag,
  lifetime_value_change: { both: [0, 123, -4.5, null], wire: [true, false], neither: ["123", {}] },
  lifetime_value_attribute_name: text,
  data_connection_type: text,
  view_controller: text,
  is_main_thread: flag,
  canonical_name: text,
  page_url: plainText,
  active_time_on_site_ms: integer,
};
const commonWireFields: Readonly<Record<string, Kind>> = {
  event_id: int64,
  event_system_notification_info: { both: [{ type: "gdpr_change" }, null], neither: ["gdpr_change", {}, { type: 5 }] },
};

/** What an event of each type cannot do without. */
export const REQUIRED_DATA: Readonly<Record<EventType, Members>> = {
  custom_event: { event_name: "Product Searched", custom_event_type: "search" },
  commerce_event: {},
  screen_view: {},
  session_start: {},
  session_end: {},
  application_state_transition: { application_transition_type: "application_initialized" },
  push_registration: { register: true, registration_token: "token" },
  push_message: { push_message_type: "received" },
  network_performance: {},
  breadcrumb: { label: "here" },
  crash_report: {},
  opt_out: { is_opted_out: true },
  first_run: {},
  uninstall: {},
  profile: { profile_event_type: "login" },
  user_attribute_change: { user_attribute_name: "tier" },
  user_identity_change: { new: null, old: null },
};

/** The types whose `data` may be null on the wire: nothing in it is required there. */
export const NULL_DATA: readonly EventType[] = [
  ...(["session_start", "session_end", "screen_view", "first_run", "uninstall", "commerce_event", "opt_out"] as const),
  ...(["crash_report", "network_performance", "user_identity_change"] as const),
];

const attributeValue: Kind = {
  both: ["gold", 5, true, null, [], ["a", 1, false]],
  wire: [["a", null]],
  neither: [{}, [{}], [["a"]]],
};
const identity = { identity_type: "email", identity: "ada@example.com", timestamp_unixtime_ms: EPOCH_MS };

interface EventTable {
  readonly optionalOnWire?: readonly string[];
  readonly fields?: Readonly<Record<string, Kind>>;
  readonly wireFields?: Readonly<Record<string, Kind>>;
}

/** What each type has beyond the common fields. */
const eventTables: Readonly<Record<EventType, EventTable>> = {
  custom_event: {
    fields: {
      event_name: requiredName,
      custom_event_type: oneOf(
        [
          ...["navigation", "location", "search", "transaction", "user_content", "user_preference", "social", "other"],
          ...["media", "attribution"],
        ],
        ["unknown"],
        ["purchase", null],
      ),
    },
    wireFields: { media_info: object({ action: "play", playback_position: 3, quality: "hd" }) },
  },
  commerce_event: {
    fields: {
      product_action: { both: [{ action: "purchase" }, null], neither: ["purchase", {}, []] },
      promotion_action: { both: [{ action: "view" }, null], neither: ["view", {}, []] },
      product_impressions: listOf({}, { product_impression_list: "Search", products: [] }),
      shopping_cart: object({ products: [] }),
      currency_code: text,
      screen_name: plainText,
      is_non_interactive: flag,
    },
    wireFields: {
      event_name: plainText,
      custom_event_type: oneOf(
        [
          ...["navigation", "location", "search", "transaction", "user_content", "user_preference", "social", "other"],
          ...["media", "add_to_cart", "remove_from_cart", "checkout", "checkout_option", "click", "view_detail"],
          ...["purchase", "refund", "promotion_view", "promotion_click", "add_to_wishlist", "remove_from_wishlist"],
          ...["impression", "attribution", "consent_granted", "consent_denied"],
        ],
        [],
        ["remove_from_wish_list", "unknown"],
      ),
    },
  },
  screen_view: { fields: { screen_name: plainText, activity_type: text } },
  session_start: {},
  session_end: { fields: { session_duration_ms: integer } },
  application_state_transition: {
    fields: {
      application_transition_type: oneOf(
        ["application_initialized", "application_exit", "application_background", "application_foreground"],
        [],
        ["unknown", null],
      ),
      is_first_run: flag,
      is_upgrade: flag,
      successfully_closed: flag,
      push_notification_payload: text,
      launch_referral: text,
    },
  },
  push_registration: {
    fields: { register: { both: [true, false], wire: [null], neither: ["true", 1] }, registration_token: requiredText },
  },
  push_message: {
    fields: {
      push_message_type: oneOf(["sent", "received", "action"], [], ["unknown", null]),
      push_message_token: text,
      push_notification_payload: text,
      message: text,
      network: text,
      application_state: text,
      action_identifier: { ...text, both: ["x".repeat(100), null], wire: [5, "x".repeat(101)] },
      push_message_behavior: { both: [0, 17, 31, null], wire: ["Received", "2"], neither: [32, -1, 1.5, true] },
    },
  },
  network_performance: {
    fields: {
      url: plainText,
      response_code: { both: [200, 0, null], wire: ["200"], neither: ["OK", "", 1.5, true] },
      http_verb: plainText,
      time_elapsed: integer,
      bytes_in: integer,
      bytes_out: integer,
      data: text,
    },
  },
  breadcrumb: { fields: { label: requiredText, session_number: int32 } },
  crash_report: {
    fields: {
      severity: text,
      message: text,
      breadcrumbs: {
        both: [[], [{ event_type: "breadcrumb", data: { label: "here" } }], null],
        wire: [["here"], [{ label: "here" }], [{}]],
        neither: [
          ...["here", {}, [5], [null], [{ label: 5 }], [{ event_type: "breadcrumb" }], [{ data: { label: "here" } }]],
          // Told apart by its keys: what says that it is an event has to be one.
          ...[[{ event_type: "breadcrumb", label: "here" }], [{ data: 5, label: "here" }], [{ mispelt_key: 1 }]],
        ],
      },
      class_name: text,
      stack_trace: text,
      exception_handled: flag,
      topmost_context: text,
      pl_crash_report_file_base64: text,
      ios_image_base_address: uint64,
      ios_image_size: uint64,
      session_number: int32,
    },
  },
  opt_out: {
    optionalOnWire: ["is_opted_out"],
    fields: { is_opted_out: { both: [true, false], wire: [null], neither: ["true", 1] } },
  },
  first_run: {},
  uninstall: {},
  profile: {
    fields: {
      profile_event_type: oneOf(["signup", "login", "logout", "update", "delete"], [], ["unknown", null]),
      previous_mpid: int64,
      current_mpid: int64,
    },
    wireFields: { profile_name: text, previous_profile_name: text },
  },
  user_attribute_change: {
    fields: {
      user_attribute_name: requiredText,
      new: attributeValue,
      old: attributeValue,
      deleted: flag,
      is_new_attribute: flag,
    },
  },
  user_identity_change: {
    optionalOnWire: ["new", "old"],
    fields: {
      new: { both: [identity, null], neither: ["ada@example.com", {}, []] },
      old: { both: [identity, null], neither: ["ada@example.com", {}, []] },
    },
  },
};

const orientation: Kind = { ...text, both: ["portrait", "LandscapeLeft", "Square", null], wire: [6, 1] };

const nestedTables: ObjectTable[] = [
  {
    name: "DeviceCurrentState",
    at: "/events/0/data/device_current_state",
    place: (it) => eventBatch("first_run", { device_current_state: it }),
    fields: {
      time_since_start_ms: integer,
      battery_level: number,
      data_connection_type: text,
      data_connection_type_detail: text,
      gps_state: { both: [true, false, null], wire: ["unknown", "true", "false"], neither: ["on", "", 1] },
      total_system_memory_usage_bytes: integer,
      disk_space_free_bytes: integer,
      external_disk_space_free_bytes: integer,
      cpu: text,
      system_memory_available_bytes: number,
      system_memory_low: flag,
      system_memory_threshold_bytes: number,
      application_memory_available_bytes: number,
      application_memory_max_bytes: number,
      application_memory_total_bytes: number,
      device_orientation: orientation,
      status_bar_orientation: orientation,
    },
  },
  {
    name: "ProductAction",
    at: "/events/0/data/product_action",
    place: (it) => eventBatch("commerce_event", { product_action: it }),
    required: { action: "purchase" },
    fields: {
      action: oneOf(
        [
          ...["add_to_cart", "remove_from_cart", "checkout", "checkout_option", "click", "view_detail", "purchase"],
          ...["refund", "add_to_wishlist", "remove_from_wish_list"],
        ],
        ["unknown"],
        ["remove_from_wishlist", null],
      ),
      checkout_step: int32,
      checkout_options: text,
      product_action_list: text,
      product_list_source: text,
      transaction_id: plainText,
      affiliation: text,
      total_amount: number,
      tax_amount: number,
      shipping_amount: number,
      coupon_code: text,
      products: listOf({}, { id: "sku-1" }),
    },
  },
  {
    name: "Product",
    at: "/events/0/data/product_action/products/0",
    place: (it) => eventBatch("commerce_event", { product_action: { action: "purchase", products: [it] } }),
    fields: {
      id: plainText,
      name: plainText,
      brand: text,
      category: text,
      variant: text,
      position: int32,
      price: number,
      quantity: number,
      coupon_code: text,
      added_to_cart_time_ms: integer,
      total_product_amount: number,
      custom_attributes: {
        both: [{}, { colour: "black" }, null],
        wire: [{ a: 1, b: true, c: null }],
        neither: ["x", [], { a: {} }, { a: ["x"] }],
      },
    },
  },
  {
    name: "PromotionAction",
    at: "/events/0/data/promotion_action",
    place: (it) => eventBatch("commerce_event", { promotion_action: it }),
    required: { action: "view" },
    fields: { action: oneOf(["view", "click"], [], ["unknown", null]), promotions: listOf({}, { id: "p" }) },
  },
  {
    name: "Promotion",
    at: "/events/0/data/promotion_action/promotions/0",
    place: (it) => eventBatch("commerce_event", { promotion_action: { action: "view", promotions: [it] } }),
    fields: { id: plainText, name: plainText, creative: text, position: text },
  },
  {
    name: "ProductImpression",
    at: "/events/0/data/product_impressions/0",
    place: (it) => eventBatch("commerce_event", { product_impressions: [it] }),
    fields: { product_impression_list: plainText, products: listOf({}, { id: "sku-1" }) },
  },
  {
    name: "ShoppingCart",
    at: "/events/0/data/shopping_cart",
    place: (it) => eventBatch("commerce_event", { shopping_cart: it }),
    fields: { products: listOf({}, { id: "sku-1" }) },
  },
  {
    name: "UserIdentity",
    at: "/events/0/data/new",
    place: (it) => eventBatch("user_identity_change", { new: it, old: null }),
    required: identity,
    fields: {
      identity_type: oneOf(IDENTITY_NAMES, [], ["customerid", "unknown", null]),
      identity: looseText,
      timestamp_unixtime_ms: { both: [EPOCH_MS], wire: [null], neither: [1.5, String(EPOCH_MS)] },
      created_this_batch: flag,
    },
  },
];

/** Every object of the contract with properties of its own, the `data` of each event type among them. */
export const OBJECTS: readonly ObjectTable[] = [
  ...batchTables,
  ...EVENT_TYPES.map((type) => ({
    name: dataName(type),
    at: "/events/0/data",
    place: (data: Members) => batch({ events: [{ event_type: type, data }] }),
    required: REQUIRED_DATA[type],
    ...eventTables[type],
    fields: { ...commonFields, ...eventTables[type].fields },
    wireFields: { ...commonWireFields, ...eventTables[type].wireFields },
  })),
  ...nestedTables,
];

/** The name that the contract gives the `data` of an event type. */
export function dataName(type: EventType): string {
  const words = type.replace(/_event$/, "").split("_");
  return `${words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("")}EventData`;
}

export function batch(members: Members): Members {
  return { environment: "production", ...members };
}

/** A batch with one event of a type, its required data filled in. */
export function eventBatch(type: EventType, data: Members = {}): Members {
  return batch({ events: [{ event_type: type, data: { ...REQUIRED_DATA[type], ...data } }] });
}
