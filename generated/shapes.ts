// Generated from spec/events-api.yaml by `npm run generate`. Do not edit: edit the description and generate again.

/** Where another named object is found in the value of a key. */
export interface NestedShape {
  /** Name of the object in {@link SHAPES}. `"Event"` is told apart further by {@link EVENT_DATA_SHAPES}. */
  readonly of: string;
  /** The value is an array (`items`) or a free-keyed map (`values`) of such objects, not the object itself. */
  readonly each?: "items" | "values";
}

/** A key that the wire profile knows and the canonical one does not: accepted in replays, never authored. */
export interface WireOnlyKey {
  /** The key to write instead, for a second spelling of the same thing. */
  readonly insteadUse?: string;
  /** Who fills the key, or why it is not authored. */
  readonly note: string;
}

/** What is known of one named object. Lists rather than maps of keys, so that `__proto__` is never "known". */
export interface Shape {
  /** The object whose keys, wire-only keys and nested objects this one also has. */
  readonly extends?: string;
  /** Keys that a well-behaved sender may use. */
  readonly keys: readonly string[];
  /** Keys known in the wire profile only. Look up with `Object.hasOwn`. */
  readonly wireOnly?: { readonly [key: string]: WireOnlyKey };
  /** Keys whose value is, or holds, another named object. Look up with `Object.hasOwn`. */
  readonly nested?: { readonly [key: string]: NestedShape };
  /** What every key that is not in `keys` holds, where the wire profile takes free keys of one shape. */
  readonly rest?: string;
  /** Keys that hold any number, fractions too: amounts and measures, never ids. */
  readonly amounts?: readonly string[];
  /** Keys that exclude each other, though the schemas let several pass. */
  readonly atMostOne?: readonly string[];
  /** The wire profile refuses unknown keys here too, instead of letting them pass. */
  readonly closedOnWire?: true;
}

/** Every named object of a batch, by the name it has in the contract and in the types. */
export const SHAPES: { readonly [name: string]: Shape } = {
  Batch: {
    keys: [
      "environment",
      "events",
      "source_request_id",
      "user_identities",
      "partner_identities",
      "user_attributes",
      "deleted_user_attributes",
      "device_info",
      "application_info",
      "consent_state",
      "context",
      "integration_attributes",
      "ip",
      "mpid",
      "mp_deviceid",
      "attribution_info",
      "sdk_version",
    ],
    wireOnly: {
      timestamp_unixtime_ms: {
        note: "When the service received the batch, in milliseconds since the Unix epoch. The service sets it; what a sender writes is ignored.",
      },
      batch_id: {
        note: "The service's id of the batch. Remove it before a batch is replayed, or it may be dropped as a duplicate.",
      },
      origin_mpid: { note: "A profile id that the service fills; its meaning is not documented." },
      source_info: { note: "How the batch came in. The service fills it." },
      schema_version: {
        note: "Version of the batch format in the service's output, 2. Official samples send it; it is ignored.",
      },
      api_key: {
        note: "API key of the input, for transports without credentials of their own, such as a message queue. Over HTTP the key travels in the Authorization header.",
      },
      api_keys: { note: "API keys; not explained anywhere." },
      job_id: { note: "Id of a job; not explained anywhere." },
      partner_identity: {
        note: "A single partner identity; not explained anywhere, and not to be confused with `partner_identities`.",
      },
      modified: { note: "Known from one official type package only; not explained anywhere." },
    },
    nested: {
      events: { of: "Event", each: "items" },
      user_identities: { of: "UserIdentities" },
      device_info: { of: "DeviceInformation" },
      application_info: { of: "ApplicationInformation" },
      consent_state: { of: "ConsentState" },
      context: { of: "BatchContext" },
      attribution_info: { of: "AttributionInfo" },
    },
  },
  Event: { keys: ["event_type", "data"] },
  UserIdentities: {
    keys: [
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
    ],
    wireOnly: {
      customerid: {
        insteadUse: "customer_id",
        note: "Three official SDKs and a page of the documentation send customerid.",
      },
      other2: {
        insteadUse: "other_id_2",
        note: "Newer senders and the pages on files and privacy requests write other2.",
      },
      other3: {
        insteadUse: "other_id_3",
        note: "Newer senders and the pages on files and privacy requests write other3.",
      },
      other4: {
        insteadUse: "other_id_4",
        note: "Newer senders and the pages on files and privacy requests write other4.",
      },
      other5: {
        insteadUse: "other_id_5",
        note: "Newer senders and the pages on files and privacy requests write other5.",
      },
      other6: {
        insteadUse: "other_id_6",
        note: "Newer senders and the pages on files and privacy requests write other6.",
      },
      other7: {
        insteadUse: "other_id_7",
        note: "Newer senders and the pages on files and privacy requests write other7.",
      },
      other8: {
        insteadUse: "other_id_8",
        note: "Newer senders and the pages on files and privacy requests write other8.",
      },
      other9: {
        insteadUse: "other_id_9",
        note: "Newer senders and the pages on files and privacy requests write other9.",
      },
      other10: {
        insteadUse: "other_id_10",
        note: "Newer senders and the pages on files and privacy requests write other10.",
      },
    },
    closedOnWire: true,
  },
  DeviceInformation: {
    keys: [
      "brand",
      "product",
      "device",
      "android_uuid",
      "device_manufacturer",
      "platform",
      "os_version",
      "device_model",
      "screen_height",
      "screen_width",
      "screen_dpi",
      "device_country",
      "locale_language",
      "locale_country",
      "network_country",
      "network_carrier",
      "network_code",
      "network_mobile_country_code",
      "timezone_offset",
      "build_identifier",
      "http_header_user_agent",
      "ios_advertising_id",
      "att_authorization_status",
      "att_timestamp_unixtime_ms",
      "push_token",
      "cpu_architecture",
      "is_tablet",
      "push_notification_sound_enabled",
      "push_notification_vibrate_enabled",
      "radio_access_technology",
      "supports_telephony",
      "has_nfc",
      "bluetooth_enabled",
      "bluetooth_version",
      "ios_idfv",
      "android_advertising_id",
      "build_version_release",
      "limit_ad_tracking",
      "amp_id",
      "is_dst",
      "roku_advertising_id",
      "roku_publisher_id",
      "microsoft_advertising_id",
      "microsoft_publisher_id",
      "fire_advertising_id",
    ],
  },
  ApplicationInformation: {
    keys: [
      "application_name",
      "application_version",
      "application_build_number",
      "install_referrer",
      "package",
      "os",
      "apple_search_ads_attributes",
    ],
    wireOnly: {
      sideloaded_kits_count: { note: "Number of kits that were added to a client SDK by hand. Filled by client SDKs." },
    },
  },
  ConsentState: {
    keys: ["gdpr", "ccpa"],
    nested: { gdpr: { of: "ConsentPurpose", each: "values" }, ccpa: { of: "CcpaConsentState" } },
  },
  ConsentPurpose: {
    keys: ["consented", "timestamp_unixtime_ms", "document", "location", "hardware_id"],
    wireOnly: {
      regulation: { note: "The regulation; repeats the key of `consent_state`." },
      purpose: { note: "The purpose; repeats the key within the regulation." },
    },
  },
  CcpaConsentState: {
    keys: ["data_sale_opt_out"],
    nested: { data_sale_opt_out: { of: "ConsentPurpose" } },
    rest: "ConsentPurpose",
  },
  BatchContext: {
    keys: ["data_plan", "location"],
    wireOnly: { batching: { note: "How the batch was put together; not explained anywhere." } },
    nested: { data_plan: { of: "DataPlan" }, location: { of: "GeoLocation" } },
  },
  DataPlan: {
    keys: ["plan_id", "plan_version"],
    wireOnly: {
      block_metadata: { note: "Why the batch was quarantined. The service writes it; remove it before a replay." },
    },
  },
  GeoLocation: {
    keys: [
      "latitude",
      "longitude",
      "accuracy",
      "country_code",
      "region_code",
      "city_name",
      "postal_code",
      "dma_code",
      "location_source",
    ],
    amounts: ["latitude", "longitude", "accuracy"],
  },
  AttributionInfo: { keys: ["service_provider", "publisher", "campaign"] },
  CustomEventData: {
    extends: "CommonEventData",
    keys: ["event_name", "custom_event_type"],
    wireOnly: {
      media_info: {
        note: "What a media player did, in a form that has been superseded; today `custom_event_type` `media` and custom attributes say it.",
      },
    },
  },
  CommonEventData: {
    keys: [
      "timestamp_unixtime_ms",
      "source_message_id",
      "session_uuid",
      "session_id",
      "event_num",
      "session_start_unixtime_ms",
      "event_start_unixtime_ms",
      "custom_attributes",
      "custom_flags",
      "location",
      "device_current_state",
      "is_goal_defined",
      "lifetime_value_change",
      "lifetime_value_attribute_name",
      "data_connection_type",
      "view_controller",
      "is_main_thread",
      "canonical_name",
      "page_url",
      "active_time_on_site_ms",
    ],
    wireOnly: {
      event_id: { note: "The service's id of the event, assigned on receipt." },
      event_system_notification_info: { note: "A notice of the service about the event." },
    },
    nested: { location: { of: "GeoLocation" }, device_current_state: { of: "DeviceCurrentState" } },
    amounts: ["lifetime_value_change"],
  },
  DeviceCurrentState: {
    keys: [
      "time_since_start_ms",
      "battery_level",
      "data_connection_type",
      "data_connection_type_detail",
      "gps_state",
      "total_system_memory_usage_bytes",
      "disk_space_free_bytes",
      "external_disk_space_free_bytes",
      "cpu",
      "system_memory_available_bytes",
      "system_memory_low",
      "system_memory_threshold_bytes",
      "application_memory_available_bytes",
      "application_memory_max_bytes",
      "application_memory_total_bytes",
      "device_orientation",
      "status_bar_orientation",
    ],
    amounts: [
      "battery_level",
      "system_memory_available_bytes",
      "system_memory_threshold_bytes",
      "application_memory_available_bytes",
      "application_memory_max_bytes",
      "application_memory_total_bytes",
    ],
  },
  CommerceEventData: {
    extends: "CommonEventData",
    keys: [
      "product_action",
      "promotion_action",
      "product_impressions",
      "shopping_cart",
      "currency_code",
      "screen_name",
      "is_non_interactive",
    ],
    wireOnly: {
      event_name: { note: "A name that client SDKs generate; what it is good for is not documented." },
      custom_event_type: {
        note: "What the service makes of the payload. Its own spelling is `remove_from_wishlist` here.",
      },
    },
    nested: {
      product_action: { of: "ProductAction" },
      promotion_action: { of: "PromotionAction" },
      product_impressions: { of: "ProductImpression", each: "items" },
      shopping_cart: { of: "ShoppingCart" },
    },
    atMostOne: ["product_action", "promotion_action", "product_impressions"],
  },
  ProductAction: {
    keys: [
      "action",
      "checkout_step",
      "checkout_options",
      "product_action_list",
      "product_list_source",
      "transaction_id",
      "affiliation",
      "total_amount",
      "tax_amount",
      "shipping_amount",
      "coupon_code",
      "products",
    ],
    nested: { products: { of: "Product", each: "items" } },
    amounts: ["total_amount", "tax_amount", "shipping_amount"],
  },
  Product: {
    keys: [
      "id",
      "name",
      "brand",
      "category",
      "variant",
      "position",
      "price",
      "quantity",
      "coupon_code",
      "added_to_cart_time_ms",
      "total_product_amount",
      "custom_attributes",
    ],
    amounts: ["price", "quantity", "total_product_amount"],
  },
  PromotionAction: { keys: ["action", "promotions"], nested: { promotions: { of: "Promotion", each: "items" } } },
  Promotion: { keys: ["id", "name", "creative", "position"] },
  ProductImpression: {
    keys: ["product_impression_list", "products"],
    nested: { products: { of: "Product", each: "items" } },
  },
  ShoppingCart: { keys: ["products"], nested: { products: { of: "Product", each: "items" } } },
  ScreenViewEventData: { extends: "CommonEventData", keys: ["screen_name", "activity_type"] },
  SessionStartEventData: { extends: "CommonEventData", keys: [] },
  SessionEndEventData: { extends: "CommonEventData", keys: ["session_duration_ms"] },
  ApplicationStateTransitionEventData: {
    extends: "CommonEventData",
    keys: [
      "application_transition_type",
      "is_first_run",
      "is_upgrade",
      "successfully_closed",
      "push_notification_payload",
      "launch_referral",
    ],
  },
  PushRegistrationEventData: { extends: "CommonEventData", keys: ["register", "registration_token"] },
  PushMessageEventData: {
    extends: "CommonEventData",
    keys: [
      "push_message_type",
      "push_message_token",
      "push_notification_payload",
      "message",
      "network",
      "application_state",
      "action_identifier",
      "push_message_behavior",
    ],
  },
  NetworkPerformanceEventData: {
    extends: "CommonEventData",
    keys: ["url", "response_code", "http_verb", "time_elapsed", "bytes_in", "bytes_out", "data"],
  },
  BreadcrumbEventData: { extends: "CommonEventData", keys: ["label", "session_number"] },
  CrashReportEventData: {
    extends: "CommonEventData",
    keys: [
      "severity",
      "message",
      "breadcrumbs",
      "class_name",
      "stack_trace",
      "exception_handled",
      "topmost_context",
      "pl_crash_report_file_base64",
      "ios_image_base_address",
      "ios_image_size",
      "session_number",
    ],
    nested: { breadcrumbs: { of: "Event", each: "items" } },
  },
  OptOutEventData: { extends: "CommonEventData", keys: ["is_opted_out"] },
  FirstRunEventData: { extends: "CommonEventData", keys: [] },
  UninstallEventData: { extends: "CommonEventData", keys: [] },
  ProfileEventData: {
    extends: "CommonEventData",
    keys: ["profile_event_type", "previous_mpid", "current_mpid"],
    wireOnly: {
      profile_name: { note: "Name of the profile that is active now, an older form of `current_mpid`." },
      previous_profile_name: { note: "Name of the profile that was active before, an older form of `previous_mpid`." },
    },
  },
  UserAttributeChangeEventData: {
    extends: "CommonEventData",
    keys: ["user_attribute_name", "new", "old", "deleted", "is_new_attribute"],
  },
  UserIdentityChangeEventData: {
    extends: "CommonEventData",
    keys: ["new", "old"],
    nested: { new: { of: "UserIdentity" }, old: { of: "UserIdentity" } },
  },
  UserIdentity: { keys: ["identity_type", "identity", "timestamp_unixtime_ms", "created_this_batch"] },
};

/** The object in `data`, by `event_type`. Look up with `Object.hasOwn`. */
export const EVENT_DATA_SHAPES: { readonly [eventType: string]: string } = {
  custom_event: "CustomEventData",
  commerce_event: "CommerceEventData",
  screen_view: "ScreenViewEventData",
  session_start: "SessionStartEventData",
  session_end: "SessionEndEventData",
  application_state_transition: "ApplicationStateTransitionEventData",
  push_registration: "PushRegistrationEventData",
  push_message: "PushMessageEventData",
  network_performance: "NetworkPerformanceEventData",
  breadcrumb: "BreadcrumbEventData",
  crash_report: "CrashReportEventData",
  opt_out: "OptOutEventData",
  first_run: "FirstRunEventData",
  uninstall: "UninstallEventData",
  profile: "ProfileEventData",
  user_attribute_change: "UserAttributeChangeEventData",
  user_identity_change: "UserIdentityChangeEventData",
  pre_attribution: "CommonEventData",
  push_reaction: "CommonEventData",
};
