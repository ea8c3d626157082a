// Generated from spec/events-api.yaml by `npm run generate`. Do not edit: edit the description and generate again.

/** Every event type that can be authored, in the order of the contract. */
export const EVENT_TYPES = [
  "custom_event",
  "commerce_event",
  "screen_view",
  "session_start",
  "session_end",
  "application_state_transition",
  "push_registration",
  "push_message",
  "network_performance",
  "breadcrumb",
  "crash_report",
  "opt_out",
  "first_run",
  "uninstall",
  "profile",
  "user_attribute_change",
  "user_identity_change",
] as const;

/**
 * The limits of the service, by name. Effect: what is beyond a limit may be refused (reject), is cut (truncate), or is
 * only unwise (advise).
 */
export const LIMITS = {
  /** Most batches in one bulk request. Unit: batches; effect: reject. */
  bulkMaxBatches: 100,
  /**
   * Most events in one bulk request under the stricter reading of an ambiguous sentence of the official documentation.
   * Nothing is known to be refused beyond it. Unit: events; effect: advise.
   */
  bulkAdvisedMaxEvents: 100,
  /** A request body must be smaller than this, in UTF-8, however many batches it holds. Unit: bytes; effect: reject. */
  requestMaxBytes: 256_000,
  /** A batch should not be larger than this, in UTF-8 of its JSON. Unit: bytes; effect: reject. */
  batchMaxBytes: 128_000,
  /** Longer event names are cut. Unit: characters; effect: truncate. */
  eventNameMaxLength: 256,
  /** Most custom attributes on one event. Unit: attributes; effect: reject. */
  eventAttributesMaxCount: 100,
  /** Longer names of event attributes are cut. Unit: characters; effect: truncate. */
  attributeNameMaxLength: 256,
  /** Longest value of an event attribute. Unit: characters; effect: reject. */
  attributeValueMaxLength: 4096,
  /** Most user attributes in one batch. Unit: attributes; effect: reject. */
  userAttributesMaxCount: 100,
  /** Longest name of a user attribute. Unit: characters; effect: reject. */
  userAttributeNameMaxLength: 256,
  /** Longest value of a user attribute that is not a list. Unit: characters; effect: reject. */
  userAttributeValueMaxLength: 4096,
  /** Most entries in a user attribute that is a list. Unit: entries; effect: reject. */
  userAttributeListMaxLength: 1000,
  /** Longest entry of a user attribute that is a list. Unit: characters; effect: reject. */
  userAttributeListEntryMaxLength: 512,
  /** Longest `action_identifier` of a push message. Unit: characters; effect: reject. */
  actionIdentifierMaxLength: 100,
  /**
   * Least age (72 hours) of every event sent to the historical operation. A batch with a younger event is answered with
   * 202 and not processed. Unit: milliseconds; effect: reject.
   */
  historicalMinAgeMs: 259_200_000,
  /**
   * Age (30 days) from which events belong on the historical operation and not on the other two. Unit: milliseconds;
   * effect: advise.
   */
  livePathMaxAgeMs: 2_592_000_000,
  /** Events that arrive later than this (72 hours) are left out of reports. Unit: milliseconds; effect: advise. */
  reportsMaxLatenessMs: 259_200_000,
  /**
   * The shortest time (30 days) for which a repeated `source_request_id` is recognised. A batch that is retried for
   * longer may be counted twice. Unit: milliseconds; effect: advise.
   */
  dedupWindowMinMs: 2_592_000_000,
  /**
   * Default rate of an account; more is answered with 429. Contracts may set another. Unit: batches per second; effect:
   * reject.
   */
  accountBatchesPerSecond: 270,
  /**
   * Most distinct event and screen names of a workspace. Events with further names are dropped. Unit: names; effect:
   * reject.
   */
  workspaceEventNamesMaxCount: 1000,
  /**
   * A timestamp below this is a date before March 1973, or seconds where milliseconds belong. Unit: milliseconds since
   * the Unix epoch; effect: advise.
   */
  secondsSuspectBelowMs: 100_000_000_000,
  /** Largest absolute value of a latitude. Unit: degrees; effect: advise. */
  latitudeMaxDegrees: 90,
  /** Largest absolute value of a longitude. Unit: degrees; effect: advise. */
  longitudeMaxDegrees: 180,
} as const;

/** Base address of each pod. A batch sent to another pod than the account's is lost. */
export const PODS = {
  /** Pod US1 (United States), the host that every official SDK uses unless told otherwise. */
  us1: "https://s2s.mparticle.com/v2",
  /** Pod US2 (United States). */
  us2: "https://s2s.us2.mparticle.com/v2",
  /** Pod EU1 (European Union). */
  eu1: "https://s2s.eu1.mparticle.com/v2",
  /** Pod AU1 (Australia). */
  au1: "https://s2s.au1.mparticle.com/v2",
} as const;

/**
 * Members that may hold an integer beyond 2^53: in a batch, and in the `data` of any event. Other objects have none.
 */
export const EXACT_INTEGERS = {
  batch: { mpid: "int64", batch_id: "int64", origin_mpid: "int64" },
  eventData: {
    session_id: "int64",
    event_id: "int64",
    ios_image_base_address: "uint64",
    ios_image_size: "uint64",
    previous_mpid: "int64",
    current_mpid: "int64",
  },
} as const;

/** `development` for test data, `production` for live data. One value per batch. */
export const ENVIRONMENTS = ["development", "production"] as const;

/** The name of an identity, one of the 22 that `user_identities` knows. */
export const IDENTITY_TYPES = [
  "customer_id",
  "email",
  "other",
  "other_id_2",
  "other_id_3",
  "other_id_4",
  "other_id_5",
  "other_id_6",
  "other_id_7",
  "other_id_8",
  "other_id_9",
  "other_id_10",
  "mobile_number",
  "phone_number_2",
  "phone_number_3",
  "facebook",
  "facebook_custom_audience_id",
  "google",
  "twitter",
  "microsoft",
  "yahoo",
  "alias",
] as const;

/** Kind of platform a device runs. The spelling differs from that of `application_info.os`. */
export const DEVICE_PLATFORMS = [
  "iOS",
  "Android",
  "web",
  "desktop",
  "tvOS",
  "roku",
  "out_of_band",
  "alexa",
  "smart_tv",
  "fire_tv",
  "xbox",
] as const;

/** Answer to the question that App Tracking Transparency asks on Apple's platforms. */
export const ATT_AUTHORIZATION_STATUSES = ["authorized", "denied", "not_determined", "restricted"] as const;

/** Kind of a custom event. */
export const CUSTOM_EVENT_TYPES = [
  "navigation",
  "location",
  "search",
  "transaction",
  "user_content",
  "user_preference",
  "social",
  "other",
  "media",
  "attribution",
] as const;

/** What a user did with products. Mind the spelling of `remove_from_wish_list`. */
export const PRODUCT_ACTION_TYPES = [
  "add_to_cart",
  "remove_from_cart",
  "checkout",
  "checkout_option",
  "click",
  "view_detail",
  "purchase",
  "refund",
  "add_to_wishlist",
  "remove_from_wish_list",
] as const;

/** Whether promotions were seen or clicked. */
export const PROMOTION_ACTION_TYPES = ["view", "click"] as const;

/** What an application did. */
export const APPLICATION_TRANSITION_TYPES = [
  "application_initialized",
  "application_exit",
  "application_background",
  "application_foreground",
] as const;

/** What became of a push message. */
export const PUSH_MESSAGE_TYPES = ["sent", "received", "action"] as const;

/** What happened to a profile. */
export const PROFILE_EVENT_TYPES = ["signup", "login", "logout", "update", "delete"] as const;
