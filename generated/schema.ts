// Generated from spec/events-api.yaml by `npm run generate`. Do not edit: edit the description and generate again.

/**
 * A signed 64-bit integer, -9223372036854775808 to 9223372036854775807, whose digits all matter. Travels as an integer
 * literal, never in quotes. A JavaScript number holds it exactly only up to 9007199254740991; for more, this package
 * takes a bigint or a string of decimal digits, and writes the literal.
 */
export type Int64 = bigint | number | string;

/**
 * An unsigned 64-bit integer, 0 to 18446744073709551615, whose digits all matter. Travels as an integer literal, never
 * in quotes. A JavaScript number holds it exactly only up to 9007199254740991; for more, this package takes a bigint or
 * a string of decimal digits, and writes the literal.
 */
export type Uint64 = bigint | number | string;

/** 1 to 100 batches in one request, smaller than 256,000 bytes together. */
export type Batches = readonly Batch[];

/** 1 to 100 batches of old events in one request, smaller than 256,000 bytes together. */
export type HistoricalBatches = readonly HistoricalBatch[];

/**
 * A batch for the historical operation: at least one event, every event with a `timestamp_unixtime_ms`, and each of
 * them at least 72 hours in the past. A batch that breaks one of these rules is answered with 202 and not processed.
 */
export type HistoricalBatch = Batch;

/**
 * What happened to one user, and what is known about them, in one environment: the unit that is sent, counted by
 * rate limits and de-duplicated.
 *
 * No identity is required, but a batch without `user_identities`, `mpid` and device ids belongs to nobody who
 * could be recognised again. Events are not required either: a batch of identities and attributes alone updates
 * the profile, though most outputs ignore it.
 *
 * The service's own output looks alike and is not: it has members that senders never write
 * (`system_notifications`, `unique_id`, `batch_id`, `source_info`, `schema_version` …), lists identities in an
 * array, and quotes 64-bit integers and timestamps.
 */
export interface Batch {
  /**
   * Whether this is test data or live data: the only switch between them, since both use the same host and key. The
   * service takes a missing value for `production`; here it has to be said.
   */
  environment: Environment;
  /**
   * What the user did; each event carries its own time. No number of events per batch is documented as too many: the
   * 128,000 bytes of the batch are the limit. May be empty or missing, except on the historical operation.
   */
  events?: readonly Event[] | null | undefined;
  /**
   * The sender's own id of this batch, any string, a UUID for choice. The service drops further batches with the same
   * id and API key for 30 to 60 days: choose it once, before the first attempt, and keep it on every retry.
   */
  source_request_id?: string | null | undefined;
  /** Who the user is, by every id that is known. The profile is found, or made, from these. */
  user_identities?: UserIdentities | null | undefined;
  /** Ids that partners know the user by. */
  partner_identities?: PartnerIdentities | null | undefined;
  /** Facts about the user, set on the profile. To remove one, name it in `deleted_user_attributes`. */
  user_attributes?: UserAttributes | null | undefined;
  /** Names of user attributes to remove from the profile. */
  deleted_user_attributes?: readonly string[] | null | undefined;
  /** The device the user acted on, filled by the sender; a source of device identities too. */
  device_info?: DeviceInformation | null | undefined;
  /** The application the user acted in. */
  application_info?: ApplicationInformation | null | undefined;
  /**
   * What the user agreed to or objected to. Stored on the profile per regulation and purpose. Only with credentials of
   * a platform input or a Custom Feed.
   */
  consent_state?: ConsentState | null | undefined;
  /** The data plan to check the batch against, and where the user was. */
  context?: BatchContext | null | undefined;
  /** Values meant for single integrations. */
  integration_attributes?: IntegrationAttributes | null | undefined;
  /**
   * IPv4 or IPv6 address of the user's device, not of the sending server. Only a valid address is honoured. It also
   * serves as the source of the user's location when nothing better is there. Never returned.
   */
  ip?: string | null | undefined;
  /**
   * mParticle's own id of the profile. Normally left out: the service finds it from the identities. Send it only if you
   * know it, from the Identity API for instance, and with every digit.
   */
  mpid?: Int64 | null | undefined;
  /** mParticle's own id of the device, a UUID, as an mParticle client SDK on the device reports it. */
  mp_deviceid?: string | null | undefined;
  /** Which campaign brought the user. */
  attribution_info?: AttributionInfo | null | undefined;
  /**
   * Version of the mParticle client SDK that recorded the data. Filled by client SDKs; a server that does not relay
   * their data leaves it out.
   */
  sdk_version?: string | null | undefined;
}

/** `development` for test data, `production` for live data. One value per batch. */
export type Environment = "development" | "production";

/**
 * The ids a user is known by: a fixed set of 22 names. A misspelt name loses the identity without a word from the
 * service, so this object is closed even where others are not. There is no `other_id_1` and no `phone_number_1`. Ids
 * are strings, also when they look like numbers.
 */
export interface UserIdentities {
  /** Your own id of the user, the one that follows them over devices and platforms. */
  customer_id?: string | null | undefined;
  /** E-mail address. */
  email?: string | null | undefined;
  /** Any other id, the first of ten; what it stands for is agreed per workspace. */
  other?: string | null | undefined;
  /** Any other id, the second of ten. */
  other_id_2?: string | null | undefined;
  /** Any other id, the third of ten. */
  other_id_3?: string | null | undefined;
  /** Any other id, the fourth of ten. */
  other_id_4?: string | null | undefined;
  /** Any other id, the fifth of ten. */
  other_id_5?: string | null | undefined;
  /** Any other id, the sixth of ten. */
  other_id_6?: string | null | undefined;
  /** Any other id, the seventh of ten. */
  other_id_7?: string | null | undefined;
  /** Any other id, the eighth of ten. */
  other_id_8?: string | null | undefined;
  /** Any other id, the ninth of ten. */
  other_id_9?: string | null | undefined;
  /** Any other id, the last of ten. */
  other_id_10?: string | null | undefined;
  /** Mobile phone number, the first of three phone numbers. */
  mobile_number?: string | null | undefined;
  /** Second phone number. */
  phone_number_2?: string | null | undefined;
  /** Third phone number. */
  phone_number_3?: string | null | undefined;
  /** User id at Facebook. */
  facebook?: string | null | undefined;
  /** Id of the user in a Facebook custom audience. */
  facebook_custom_audience_id?: string | null | undefined;
  /** User id at Google. */
  google?: string | null | undefined;
  /** User id at Twitter. */
  twitter?: string | null | undefined;
  /** User id at Microsoft. */
  microsoft?: string | null | undefined;
  /** User id at Yahoo. */
  yahoo?: string | null | undefined;
  /** Another name for the same user. */
  alias?: string | null | undefined;
}

/** The name of an identity, one of the 22 that `user_identities` knows. */
export type IdentityType =
  | "customer_id"
  | "email"
  | "other"
  | "other_id_2"
  | "other_id_3"
  | "other_id_4"
  | "other_id_5"
  | "other_id_6"
  | "other_id_7"
  | "other_id_8"
  | "other_id_9"
  | "other_id_10"
  | "mobile_number"
  | "phone_number_2"
  | "phone_number_3"
  | "facebook"
  | "facebook_custom_audience_id"
  | "google"
  | "twitter"
  | "microsoft"
  | "yahoo"
  | "alias";

/**
 * Ids that partners know the user by. A key is the name of the partner and of its identity, joined by an underscore
 * (`mParticle_mpid`), and has to be registered with mParticle beforehand: the request can fail when it is not, or when
 * a partner feed sends the identity of another partner.
 */
export type PartnerIdentities = {
  [key: string]: string | undefined;
};

/**
 * Facts about the user, by name: at most 100 in a batch. Names have at most 256 characters, and upper and lower
 * case differ. A name should not be a list one time and a single value another.
 *
 * Names with a leading `$` are reserved, with a meaning in outputs and audiences: `$age`, `$gender`, `$country`,
 * `$zip`, `$city`, `$state`, `$address`, `$firstname`, `$lastname`, `$mobile`. On this API they are written in
 * lower case.
 */
export type UserAttributes = {
  [key: string]: UserAttributeValue | undefined;
};

/**
 * A text of at most 4,096 characters, a number, a boolean, or a list of at most 1,000 of these, where a text has at
 * most 512 characters. Null makes a tag: an attribute without a value. Objects are refused. The documentation speaks of
 * texts and lists of texts; numbers and booleans are accepted.
 */
export type UserAttributeValue = string | number | boolean | readonly (string | number | boolean)[] | null;

/**
 * Values meant for single integrations. A key is the id of an integration's module, a decimal number as text such as
 * `"92"`, which the address of the integration's directory page shows.
 */
export type IntegrationAttributes = {
  [key: string]:
    | {
        [key: string]: string | undefined;
      }
    | undefined;
};

/** Which campaign brought the user, as an attribution service reported it. All three are needed. */
export interface AttributionInfo {
  /** The attribution service that says so. */
  service_provider: string;
  /** Where the user saw the campaign. */
  publisher: string;
  /** The campaign. */
  campaign: string;
}

/**
 * What a user agreed or objected to, by regulation. Stored on the profile per regulation and purpose; a change is
 * announced downstream by the service.
 */
export interface ConsentState {
  /** Decisions under the General Data Protection Regulation of the European Union. */
  gdpr?: GdprConsentState | null | undefined;
  /** The decision under the California Consumer Privacy Act. */
  ccpa?: CcpaConsentState | null | undefined;
}

/**
 * Decisions by purpose. The key is the name of a purpose, which has to be defined in the dashboard first. `consented:
 * true` means that the user agreed.
 */
export type GdprConsentState = {
  [key: string]: ConsentPurpose | undefined;
};

/** The one purpose that CCPA has; it exists as soon as CCPA is enabled for the workspace. */
export interface CcpaConsentState {
  /**
   * Whether the user objects to the sale of personal data. Mind the inversion: `consented: true` means that the user
   * has opted OUT, `false` that a sale is allowed.
   */
  data_sale_opt_out?: ConsentPurpose | null | undefined;
}

/** One decision of a user about one purpose. */
export interface ConsentPurpose {
  /**
   * The decision. Under GDPR true means that consent was given. Under CCPA true means that the user opted OUT of the
   * sale of personal data.
   */
  consented: boolean;
  /** When the user decided, in milliseconds since the Unix epoch. The sender has to say so. */
  timestamp_unixtime_ms: number;
  /** The document, or the version of it, that the user was shown. */
  document?: string | null | undefined;
  /** Where the user decided, a physical or a digital place, in free words. */
  location?: string | null | undefined;
  /** Id of the device on which the user decided. */
  hardware_id?: string | null | undefined;
}

/** The data plan to check a batch against, and where the user was. */
export interface BatchContext {
  /** The data plan that events and attributes are checked against. */
  data_plan?: DataPlan | null | undefined;
  /**
   * Where the user was. Without it, some outputs take the first valid location of an event, and after that a guess from
   * `ip`.
   */
  location?: GeoLocation | null | undefined;
}

/**
 * A version of a data plan. Without plan and environment nothing is checked; what does not match is reported, or
 * blocked into quarantine, after the 202.
 */
export interface DataPlan {
  /** The id of the plan, the short name that its page in the dashboard shows. */
  plan_id: string;
  /** The version of the plan. Left out, the newest version that is active in the batch's environment is used. */
  plan_version?: number | null | undefined;
}

/** A place on Earth. Latitude and longitude mean something only together. */
export interface GeoLocation {
  /** Degrees north of the equator, -90 to 90. */
  latitude?: number | null | undefined;
  /** Degrees east of Greenwich, -180 to 180. */
  longitude?: number | null | undefined;
  /** Radius of uncertainty, in metres. */
  accuracy?: number | null | undefined;
  /** Country, two letters (ISO 3166-1 alpha-2) such as `NL`. */
  country_code?: string | null | undefined;
  /** State or province, the part of an ISO 3166-2 code behind the hyphen, such as `ZH` of `NL-ZH`. */
  region_code?: string | null | undefined;
  /** City. */
  city_name?: string | null | undefined;
  /** Postal code, as text. */
  postal_code?: string | null | undefined;
  /** Designated market area, a number that television markets in the United States go by. */
  dma_code?: number | null | undefined;
  /** How the place was found. */
  location_source?: "ip_lookup" | "lat_long" | (string & {}) | null | undefined;
}

/**
 * The device a user acted on, as far as the sender knows it. An advertising id of zeros only means that there is none.
 */
export interface DeviceInformation {
  /** Brand under which the device is sold. */
  brand?: string | null | undefined;
  /** Product name of the device, as its maker uses it. */
  product?: string | null | undefined;
  /** Name of the device. */
  device?: string | null | undefined;
  /** The legacy Android id. */
  android_uuid?: string | null | undefined;
  /** Maker of the device. */
  device_manufacturer?: string | null | undefined;
  /** Kind of platform. */
  platform?: DevicePlatform | null | undefined;
  /** Version of the operating system, as in `17.2.1`. */
  os_version?: string | null | undefined;
  /** Model of the device. */
  device_model?: string | null | undefined;
  /** Height of the screen, in pixels. */
  screen_height?: number | null | undefined;
  /** Width of the screen, in pixels. */
  screen_width?: number | null | undefined;
  /** Density of the screen, in dots per inch. Android. */
  screen_dpi?: number | null | undefined;
  /** Country the device is set to. Android. */
  device_country?: string | null | undefined;
  /** Language of the device's locale, such as `en`. */
  locale_language?: string | null | undefined;
  /** Country of the device's locale, such as `US`. */
  locale_country?: string | null | undefined;
  /** Country of the mobile network. */
  network_country?: string | null | undefined;
  /** Name of the mobile network's operator. */
  network_carrier?: string | null | undefined;
  /** Mobile network code (MNC) of the operator, as text. */
  network_code?: string | null | undefined;
  /** Mobile country code (MCC) of the operator, as text. */
  network_mobile_country_code?: string | null | undefined;
  /**
   * Time zone of the device, in whole hours from UTC, positive to the east. 0 is a value like any other; zones with a
   * fraction of an hour cannot be expressed.
   */
  timezone_offset?: number | null | undefined;
  /** Build of the operating system. */
  build_identifier?: string | null | undefined;
  /** Header `User-Agent` of the device's requests. */
  http_header_user_agent?: string | null | undefined;
  /** Advertising id (IDFA) of an iOS or tvOS device, a UUID. */
  ios_advertising_id?: string | null | undefined;
  /** What the user answered to App Tracking Transparency. iOS, tvOS. */
  att_authorization_status?: AttAuthorizationStatus | null | undefined;
  /** When the user gave that answer, in milliseconds since the Unix epoch. */
  att_timestamp_unixtime_ms?: number | null | undefined;
  /** Token for push messages to this device. */
  push_token?: string | null | undefined;
  /** Architecture of the processor, such as `arm64`. iOS, tvOS. */
  cpu_architecture?: string | null | undefined;
  /** Whether the device is a tablet. */
  is_tablet?: boolean | null | undefined;
  /** Whether push messages may make a sound. Android. */
  push_notification_sound_enabled?: boolean | null | undefined;
  /** Whether push messages may vibrate. Android. */
  push_notification_vibrate_enabled?: boolean | null | undefined;
  /** Technology of the mobile connection, such as LTE. */
  radio_access_technology?: string | null | undefined;
  /** Whether the device can make phone calls. */
  supports_telephony?: boolean | null | undefined;
  /** Whether the device has near-field communication. Android. */
  has_nfc?: boolean | null | undefined;
  /** Whether Bluetooth is on. Android. */
  bluetooth_enabled?: boolean | null | undefined;
  /** Version of Bluetooth. Android. */
  bluetooth_version?: string | null | undefined;
  /** Id for vendors (IDFV) of an iOS or tvOS device, a UUID. */
  ios_idfv?: string | null | undefined;
  /** Google advertising id (GAID) of an Android device, a UUID. */
  android_advertising_id?: string | null | undefined;
  /** Release that the build of the operating system belongs to. */
  build_version_release?: string | null | undefined;
  /** Whether the user asked for limited ad tracking. */
  limit_ad_tracking?: boolean | null | undefined;
  /** Client id of an AMP (Accelerated Mobile Pages) page. */
  amp_id?: string | null | undefined;
  /** Whether the device was on daylight saving time. */
  is_dst?: boolean | null | undefined;
  /** Advertising id of a Roku device, a UUID. */
  roku_advertising_id?: string | null | undefined;
  /** Publisher id of a Roku device, a UUID. */
  roku_publisher_id?: string | null | undefined;
  /** Advertising id of a Windows device, usually a UUID. */
  microsoft_advertising_id?: string | null | undefined;
  /** Publisher id of a Windows device, usually a UUID. */
  microsoft_publisher_id?: string | null | undefined;
  /** Advertising id of an Amazon Fire device, a UUID. */
  fire_advertising_id?: string | null | undefined;
}

/** Kind of platform a device runs. The spelling differs from that of `application_info.os`. */
export type DevicePlatform =
  "iOS" | "Android" | "web" | "desktop" | "tvOS" | "roku" | "out_of_band" | "alexa" | "smart_tv" | "fire_tv" | "xbox";

/** Answer to the question that App Tracking Transparency asks on Apple's platforms. */
export type AttAuthorizationStatus = "authorized" | "denied" | "not_determined" | "restricted";

/** The application a user acted in. */
export interface ApplicationInformation {
  /** Name of the application. */
  application_name?: string | null | undefined;
  /** Version of the application, as users see it. */
  application_version?: string | null | undefined;
  /** Build number of the application, as text. */
  application_build_number?: string | null | undefined;
  /** What the app store reports as the origin of the installation. Android. */
  install_referrer?: string | null | undefined;
  /** Package name or bundle id, such as `com.example.app`. */
  package?: string | null | undefined;
  /** Operating system the application was made for. The spelling differs from that of `device_info.platform`. */
  os?:
    | "IOS"
    | "Android"
    | "WindowsPhone"
    | "MobileWeb"
    | "UnityIOS"
    | "UnityAndroid"
    | "Desktop"
    | "TVOS"
    | "Roku"
    | "OutOfBand"
    | "Alexa"
    | "SmartTV"
    | "FireTV"
    | "Xbox"
    | (string & {})
    | null
    | undefined;
  /**
   * What Apple Search Ads reports about the installation. The outer key is a version label such as `version3.1`, the
   * inner keys are Apple's.
   */
  apple_search_ads_attributes?:
    | {
        [key: string]:
          | {
              [key: string]: string | undefined;
            }
          | undefined;
      }
    | null
    | undefined;
}

/**
 * Something that happened, told apart by `event_type`; `data` holds the rest. Both are always required: a missing or
 * empty `event_type` is the one mistake for which the documentation shows a 400.
 */
export type Event =
  | CustomEvent
  | CommerceEvent
  | ScreenViewEvent
  | SessionStartEvent
  | SessionEndEvent
  | ApplicationStateTransitionEvent
  | PushRegistrationEvent
  | PushMessageEvent
  | NetworkPerformanceEvent
  | BreadcrumbEvent
  | CrashReportEvent
  | OptOutEvent
  | FirstRunEvent
  | UninstallEvent
  | ProfileEvent
  | UserAttributeChangeEvent
  | UserIdentityChangeEvent;

/** What every event may carry, whatever its type. Nothing of it is required on the live operations. */
export interface CommonEventData {
  /**
   * When it happened, in milliseconds since the Unix epoch. Set it: without it the event is dated to its arrival.
   * Required on the historical operation.
   */
  timestamp_unixtime_ms?: number | null | undefined;
  /**
   * The sender's own id of this event, a UUID for choice. Some outputs use it as their event id. The service is not
   * known to de-duplicate by it; `source_request_id` of the batch does that.
   */
  source_message_id?: string | null | undefined;
  /**
   * The session the event belongs to, a UUID of the sender's choice, the same on all events of a session from its start
   * to its end. The service derives its numeric session id from it.
   */
  session_uuid?: string | null | undefined;
  /**
   * Numeric id of the session the event belongs to, for senders that have no UUID for it. Prefer `session_uuid`, from
   * which the service derives this one. Where it is sent, it is the same on all events of a session.
   */
  session_id?: Int64 | null | undefined;
  /** Position of the event within its session, from 0. Client SDKs fill it; servers may. */
  event_num?: number | null | undefined;
  /**
   * When the session began, in milliseconds since the Unix epoch; 0 means that there is none. Usually filled by the
   * service or by client SDKs.
   */
  session_start_unixtime_ms?: number | null | undefined;
  /**
   * When an event that lasts began, in milliseconds since the Unix epoch; otherwise the same as
   * `timestamp_unixtime_ms`. Usually filled by client SDKs.
   */
  event_start_unixtime_ms?: number | null | undefined;
  /**
   * Details of your own, by name. The service adds `mParticle Source Feed` to events that a Custom Feed or a partner
   * feed brings.
   */
  custom_attributes?: CustomAttributes | null | undefined;
  /** Switches for single integrations. */
  custom_flags?: CustomFlags | null | undefined;
  /** Where the user was at that moment. */
  location?: GeoLocation | null | undefined;
  /** The state of the device at that moment. */
  device_current_state?: DeviceCurrentState | null | undefined;
  /** Whether the event counts as a goal. Filled by client SDKs, on purchases for instance; not documented further. */
  is_goal_defined?: boolean | null | undefined;
  /** By how much the event changes the user's lifetime value, an amount of money. */
  lifetime_value_change?: number | null | undefined;
  /** Name of the attribute that holds the lifetime value. */
  lifetime_value_attribute_name?: string | null | undefined;
  /** How the device was connected; repeats `device_current_state.data_connection_type`. */
  data_connection_type?: "offline" | "wifi" | "mobile" | (string & {}) | null | undefined;
  /** The view controller that was active. Filled by client SDKs on Apple's platforms. */
  view_controller?: string | null | undefined;
  /** Whether the event was recorded on the main thread. Filled by client SDKs. */
  is_main_thread?: boolean | null | undefined;
  /** Full name of the code that was active, such as an Android activity class. Filled by client SDKs. */
  canonical_name?: string | null | undefined;
  /** Address of the page on which it happened. Web. */
  page_url?: string | null | undefined;
  /** How long the user has been active on the site, in milliseconds. Web. */
  active_time_on_site_ms?: number | null | undefined;
}

/**
 * Details of an event, by name: at most 100. A name has at most 256 characters and is cut beyond. A value has at most
 * 4,096 characters; text is what the documentation shows, numbers and booleans are accepted. Lists and objects are
 * refused.
 */
export type CustomAttributes = {
  [key: string]: string | number | boolean | null | undefined;
};

/**
 * Switches for single integrations, such as `Google.Category`, named as the integration's documentation says. They
 * reach that integration and raw-data outputs only, and cannot be used in audiences.
 */
export type CustomFlags = {
  [key: string]: string | number | boolean | readonly (string | number | boolean)[] | undefined;
};

/** The state a device was in when an event happened, as client SDKs record it. Sizes are in bytes. */
export interface DeviceCurrentState {
  /** How long the application had been running, in milliseconds. */
  time_since_start_ms?: number | null | undefined;
  /**
   * Charge of the battery. Samples show shares of 1 such as 0.95, the documentation speaks of percent; -1 means
   * unknown.
   */
  battery_level?: number | null | undefined;
  /** How the device was connected. */
  data_connection_type?: "offline" | "wifi" | "mobile" | (string & {}) | null | undefined;
  /** More about the connection, such as its radio technology. */
  data_connection_type_detail?: string | null | undefined;
  /** Whether GPS was on. */
  gps_state?: boolean | null | undefined;
  /** Memory in use by the whole system, in bytes. */
  total_system_memory_usage_bytes?: number | null | undefined;
  /** Free space on the internal storage, in bytes. */
  disk_space_free_bytes?: number | null | undefined;
  /** Free space on the external storage, in bytes. Android. */
  external_disk_space_free_bytes?: number | null | undefined;
  /** Load of the processor, a whole number as text. */
  cpu?: string | null | undefined;
  /** Memory the system has left, in bytes. */
  system_memory_available_bytes?: number | null | undefined;
  /** Whether the system considers itself short of memory. */
  system_memory_low?: boolean | null | undefined;
  /** Amount of available memory below which the system considers itself short, in bytes. Android. */
  system_memory_threshold_bytes?: number | null | undefined;
  /** Memory the application may still take, in bytes. */
  application_memory_available_bytes?: number | null | undefined;
  /** Most memory the application may take, in bytes. */
  application_memory_max_bytes?: number | null | undefined;
  /** Memory the application has taken, in bytes. */
  application_memory_total_bytes?: number | null | undefined;
  /** How the device was held. */
  device_orientation?:
    | "portrait"
    | "portrait_upside_down"
    | "landscape"
    | "LandscapeLeft"
    | "LandscapeRight"
    | "FaceUp"
    | "FaceDown"
    | "Square"
    | (string & {})
    | null
    | undefined;
  /** On which side of the device the status bar was. iOS. */
  status_bar_orientation?:
    | "portrait"
    | "portrait_upside_down"
    | "landscape"
    | "LandscapeLeft"
    | "LandscapeRight"
    | "FaceUp"
    | "FaceDown"
    | "Square"
    | (string & {})
    | null
    | undefined;
}

/**
 * Anything worth counting that no other type stands for, under a name of your own. An attribution event is one of these
 * too: `custom_event_type` `attribution`, and the name `attribution` for an install (with the custom attributes
 * `publisher` and `campaign`, both needed, stored on the profile), `re-engagement` for a return, any other name for an
 * engagement (both attributes optional).
 */
export interface CustomEvent {
  /** Always `custom_event`. */
  event_type: "custom_event";
  /** Name, kind and details. */
  data: CustomEventData;
}

/** Details of a custom event. */
export interface CustomEventData extends CommonEventData {
  /**
   * Name of the event. Cut after 256 characters; a workspace has room for 1,000 distinct names, so do not put ids or
   * other changing text into it.
   */
  event_name: string;
  /** Kind of event; `other` if none fits. */
  custom_event_type: CustomEventType;
}

/** Kind of a custom event. */
export type CustomEventType =
  | "navigation"
  | "location"
  | "search"
  | "transaction"
  | "user_content"
  | "user_preference"
  | "social"
  | "other"
  | "media"
  | "attribution";

/**
 * Something to do with products. It has exactly one payload: `product_action` for what a user does with products,
 * `promotion_action` for promotions, or `product_impressions` for products that were shown. The service does not refuse
 * none or several, but what it makes of them is undocumented.
 */
export interface CommerceEvent {
  /** Always `commerce_event`. */
  event_type: "commerce_event";
  /** The one payload, and its surroundings. */
  data: CommerceEventData;
}

/** What is the same in every CommerceEventData. */
export interface CommerceEventDataBase extends CommonEventData {
  /** What is in the cart, beside any of the three payloads. */
  shopping_cart?: ShoppingCart | null | undefined;
  /** Currency of all amounts in the event, three letters (ISO 4217) such as `EUR`. */
  currency_code?: string | null | undefined;
  /** Screen or page on which it happened. */
  screen_name?: string | null | undefined;
  /** Whether it happened without the user doing anything. */
  is_non_interactive?: boolean | null | undefined;
}

/** A CommerceEventData with `product_impressions`, if with any. */
export interface CommerceEventDataWithProductImpressions extends CommerceEventDataBase {
  /** Excluded by `product_impressions`. */
  product_action?: never;
  /** Excluded by `product_impressions`. */
  promotion_action?: never;
  /** Lists of products the user was shown. */
  product_impressions?: readonly ProductImpression[] | null | undefined;
}

/** A CommerceEventData with `promotion_action`, if with any. */
export interface CommerceEventDataWithPromotionAction extends CommerceEventDataBase {
  /** Excluded by `promotion_action`. */
  product_action?: never;
  /** What the user did with promotions. */
  promotion_action?: PromotionAction | null | undefined;
  /** Excluded by `promotion_action`. */
  product_impressions?: never;
}

/** A CommerceEventData with `product_action`, if with any. */
export interface CommerceEventDataWithProductAction extends CommerceEventDataBase {
  /** What the user did with products. */
  product_action?: ProductAction | null | undefined;
  /** Excluded by `product_action`. */
  promotion_action?: never;
  /** Excluded by `product_action`. */
  product_impressions?: never;
}

/** Details of a commerce event. Exactly one of `product_action`, `promotion_action` and `product_impressions`. */
export type CommerceEventData =
  CommerceEventDataWithProductImpressions | CommerceEventDataWithPromotionAction | CommerceEventDataWithProductAction;

/** What a user did with products. Amounts are in the event's `currency_code`. */
export interface ProductAction {
  /** What was done. */
  action: ProductActionType;
  /** Number of the step in the checkout. */
  checkout_step?: number | null | undefined;
  /** What was chosen in that step, such as a way of payment. */
  checkout_options?: string | null | undefined;
  /** List in which the product was found, such as a category page. */
  product_action_list?: string | null | undefined;
  /** Where that list came from. */
  product_list_source?: string | null | undefined;
  /** Id of the order. Best always given for purchases and refunds. */
  transaction_id?: string | null | undefined;
  /** Shop or partner through which it happened. */
  affiliation?: string | null | undefined;
  /** Amount of the whole transaction. */
  total_amount?: number | null | undefined;
  /** Tax on the transaction. */
  tax_amount?: number | null | undefined;
  /** Cost of shipping. */
  shipping_amount?: number | null | undefined;
  /** Coupon that was used for the whole order. */
  coupon_code?: string | null | undefined;
  /** The products concerned. */
  products?: readonly Product[] | null | undefined;
}

/** What a user did with products. Mind the spelling of `remove_from_wish_list`. */
export type ProductActionType =
  | "add_to_cart"
  | "remove_from_cart"
  | "checkout"
  | "checkout_option"
  | "click"
  | "view_detail"
  | "purchase"
  | "refund"
  | "add_to_wishlist"
  | "remove_from_wish_list";

/** A product, as the shop sells it. Amounts are in the event's `currency_code`. */
export interface Product {
  /** Number or code of the product in the shop (SKU), as text. */
  id?: string | null | undefined;
  /** Name of the product. */
  name?: string | null | undefined;
  /** Brand of the product. */
  brand?: string | null | undefined;
  /** Category the product belongs to. */
  category?: string | null | undefined;
  /** Variant of the product, such as its colour. */
  variant?: string | null | undefined;
  /** Position of the product in the list it is part of. A number here, text in a promotion. */
  position?: number | null | undefined;
  /** Price of one. */
  price?: number | null | undefined;
  /** How many, or how much; fractions are fine. */
  quantity?: number | null | undefined;
  /** Coupon that was used for this product. */
  coupon_code?: string | null | undefined;
  /** When the product was put into the cart, in milliseconds since the Unix epoch. */
  added_to_cart_time_ms?: number | null | undefined;
  /** Amount for this product altogether. */
  total_product_amount?: number | null | undefined;
  /** Details of your own, by name. */
  custom_attributes?: ProductAttributes | null | undefined;
}

/**
 * Details of a product, by name: at most 100. A name has at most 256 characters, a value, always text, at most 4,096.
 */
export type ProductAttributes = {
  [key: string]: string | undefined;
};

/** What a user did with promotions. */
export interface PromotionAction {
  /** What was done. */
  action: PromotionActionType;
  /** The promotions concerned. */
  promotions?: readonly Promotion[] | null | undefined;
}

/** Whether promotions were seen or clicked. */
export type PromotionActionType = "view" | "click";

/** A promotion within an application or site. */
export interface Promotion {
  /** Id of the promotion. */
  id?: string | null | undefined;
  /** Name of the promotion. */
  name?: string | null | undefined;
  /** The picture or text that was shown. */
  creative?: string | null | undefined;
  /** Where it was shown. Text here, a number in a product. */
  position?: string | null | undefined;
}

/** A list of products that a user was shown. */
export interface ProductImpression {
  /** Name of the list, such as `Search results`. Best always given. */
  product_impression_list?: string | null | undefined;
  /** The products in it. Best always given. */
  products?: readonly Product[] | null | undefined;
}

/** What is in a user's cart. */
export interface ShoppingCart {
  /** The products in it. Best always given. */
  products?: readonly Product[] | null | undefined;
}

/** A user came to see a screen of an application, or a page of a site. */
export interface ScreenViewEvent {
  /** Always `screen_view`. */
  event_type: "screen_view";
  /** Which screen. */
  data: ScreenViewEventData;
}

/** Details of a screen view. */
export interface ScreenViewEventData extends CommonEventData {
  /** Name of the screen or page. Best always given; it counts among the 1,000 distinct names of a workspace. */
  screen_name?: string | null | undefined;
  /** What the screen did, such as `activity_started` or `activity_stopped`. Filled by the Android SDK. */
  activity_type?: string | null | undefined;
}

/** A user began to use an application or site. */
export interface SessionStartEvent {
  /** Always `session_start`. */
  event_type: "session_start";
  /** When, and which session: give it a `session_uuid`. */
  data: SessionStartEventData;
}

/** A session start has nothing but what every event may carry. `session_uuid` tells which session begins. */
export interface SessionStartEventData extends CommonEventData {}

/** A user stopped using an application or site. */
export interface SessionEndEvent {
  /** Always `session_end`. */
  event_type: "session_end";
  /** Which session, and how long it lasted. */
  data: SessionEndEventData;
}

/** Details of a session end. */
export interface SessionEndEventData extends CommonEventData {
  /** How long the session lasted, in milliseconds. A duration, not a time. Best always given. */
  session_duration_ms?: number | null | undefined;
}

/** An application started, ended, or moved between foreground and background. */
export interface ApplicationStateTransitionEvent {
  /** Always `application_state_transition`. */
  event_type: "application_state_transition";
  /** Which transition. */
  data: ApplicationStateTransitionEventData;
}

/** Details of a transition. */
export interface ApplicationStateTransitionEventData extends CommonEventData {
  /** What the application did. */
  application_transition_type: ApplicationTransitionType;
  /** Whether this is the first run after an installation. Only with `application_initialized`. */
  is_first_run?: boolean | null | undefined;
  /** Whether this is the first run after an upgrade. Only with `application_initialized`. */
  is_upgrade?: boolean | null | undefined;
  /** Whether the application had been closed in good order. Taken for false when it is missing. */
  successfully_closed?: boolean | null | undefined;
  /** The push message that opened the application, a JSON document as text. */
  push_notification_payload?: string | null | undefined;
  /** Address from which the application was opened. */
  launch_referral?: string | null | undefined;
}

/** What an application did. */
export type ApplicationTransitionType =
  "application_initialized" | "application_exit" | "application_background" | "application_foreground";

/** A device was registered for push messages, or was taken off. */
export interface PushRegistrationEvent {
  /** Always `push_registration`. */
  event_type: "push_registration";
  /** Which token, and which way. */
  data: PushRegistrationEventData;
}

/** Details of a push registration. */
export interface PushRegistrationEventData extends CommonEventData {
  /** True adds the token, false removes it. */
  register: boolean;
  /** The token that the platform's push service gave the application. */
  registration_token: string;
}

/** A push message was sent, received or acted upon. */
export interface PushMessageEvent {
  /** Always `push_message`. */
  event_type: "push_message";
  /** Which message, and what became of it. */
  data: PushMessageEventData;
}

/** Details of a push message. */
export interface PushMessageEventData extends CommonEventData {
  /** What became of the message. */
  push_message_type: PushMessageType;
  /** Token of the device the message was for. Best always given. */
  push_message_token?: string | null | undefined;
  /** The message as it was delivered, a JSON document as text. Best always given. */
  push_notification_payload?: string | null | undefined;
  /** The text that was shown. */
  message?: string | null | undefined;
  /** The push service that carried the message. */
  network?: "apn" | "gcm" | (string & {}) | null | undefined;
  /** State of the application when the message arrived. */
  application_state?: "not_running" | "background" | "foreground" | (string & {}) | null | undefined;
  /** Id of the button the user chose, at most 100 characters. */
  action_identifier?: string | null | undefined;
  /**
   * What is known about the message's effect, as a sum: 1 received, 2 opened directly, 4 read, 8 influenced an opening,
   * 16 displayed. 17, for instance, is received and displayed.
   */
  push_message_behavior?: number | null | undefined;
}

/** What became of a push message. */
export type PushMessageType = "sent" | "received" | "action";

/** An application made a request to some server. */
export interface NetworkPerformanceEvent {
  /** Always `network_performance`. */
  event_type: "network_performance";
  /** Which request, and how it went. */
  data: NetworkPerformanceEventData;
}

/** Details of a request. */
export interface NetworkPerformanceEventData extends CommonEventData {
  /** Address of the request. Best always given. */
  url?: string | null | undefined;
  /** Status of the answer, such as 200. Best always given. */
  response_code?: number | null | undefined;
  /** Method of the request, such as `GET`. */
  http_verb?: string | null | undefined;
  /** How long the request took, in milliseconds. */
  time_elapsed?: number | null | undefined;
  /** Size of what was received, in bytes. */
  bytes_in?: number | null | undefined;
  /** Size of what was sent, in bytes. */
  bytes_out?: number | null | undefined;
  /** Data of the request, in Base64. */
  data?: string | null | undefined;
}

/** A mark on the way, to understand later how a crash came about. */
export interface BreadcrumbEvent {
  /** Always `breadcrumb`. */
  event_type: "breadcrumb";
  /** What the mark says. */
  data: BreadcrumbEventData;
}

/** Details of a breadcrumb. */
export interface BreadcrumbEventData extends CommonEventData {
  /** What the mark says. */
  label: string;
  /** Number of the session. */
  session_number?: number | null | undefined;
}

/** An application crashed, or caught an exception. */
export interface CrashReportEvent {
  /** Always `crash_report`. */
  event_type: "crash_report";
  /** What went wrong. */
  data: CrashReportEventData;
}

/** Details of a crash. */
export interface CrashReportEventData extends CommonEventData {
  /** How bad it is. Best always given. */
  severity?: "fatal" | "error" | (string & {}) | null | undefined;
  /** What the exception says. Best always given. */
  message?: string | null | undefined;
  /** The marks that led here, as whole breadcrumb events. */
  breadcrumbs?: readonly BreadcrumbEvent[] | null | undefined;
  /** Class in which it happened. */
  class_name?: string | null | undefined;
  /** The stack at that moment. */
  stack_trace?: string | null | undefined;
  /** Whether the application caught the exception and went on. */
  exception_handled?: boolean | null | undefined;
  /** What was on top of the screen. */
  topmost_context?: string | null | undefined;
  /** A PLCrashReporter file, in Base64. Apple's platforms. */
  pl_crash_report_file_base64?: string | null | undefined;
  /** Address at which the program was loaded. Apple's platforms. */
  ios_image_base_address?: Uint64 | null | undefined;
  /** Size of the loaded program, in bytes. Apple's platforms. */
  ios_image_size?: Uint64 | null | undefined;
  /** Number of the session. */
  session_number?: number | null | undefined;
}

/**
 * A user opted out of being tracked, or back in. CCPA's opt-out of the sale of data is another thing, and part of
 * `consent_state`.
 */
export interface OptOutEvent {
  /** Always `opt_out`. */
  event_type: "opt_out";
  /** Which way. */
  data: OptOutEventData;
}

/** Details of an opt-out. */
export interface OptOutEventData extends CommonEventData {
  /** True opts out, false opts in again. The service takes a missing value for false; here it has to be said. */
  is_opted_out: boolean;
}

/** An application ran for the first time on a device. */
export interface FirstRunEvent {
  /** Always `first_run`. */
  event_type: "first_run";
  /** When. */
  data: FirstRunEventData;
}

/** A first run has nothing but what every event may carry. */
export interface FirstRunEventData extends CommonEventData {}

/** An application was removed from a device. */
export interface UninstallEvent {
  /** Always `uninstall`. */
  event_type: "uninstall";
  /** When. */
  data: UninstallEventData;
}

/** A removal has nothing but what every event may carry. */
export interface UninstallEventData extends CommonEventData {}

/** A user signed up, logged in or out, or changed or deleted their profile. */
export interface ProfileEvent {
  /** Always `profile`. */
  event_type: "profile";
  /** What happened to which profiles. */
  data: ProfileEventData;
}

/** Details of a profile event. */
export interface ProfileEventData extends CommonEventData {
  /** What happened. */
  profile_event_type: ProfileEventType;
  /** The profile that was active before. Best always given. */
  previous_mpid?: Int64 | null | undefined;
  /** The profile that is active now. Best always given. */
  current_mpid?: Int64 | null | undefined;
}

/** What happened to a profile. */
export type ProfileEventType = "signup" | "login" | "logout" | "update" | "delete";

/**
 * An attribute of a user got another value. Client SDKs record it, and rules may read it; a server that sends the
 * batch's `user_attributes` does not need it to change a profile.
 */
export interface UserAttributeChangeEvent {
  /** Always `user_attribute_change`. */
  event_type: "user_attribute_change";
  /** Which attribute, before and after. */
  data: UserAttributeChangeEventData;
}

/** Details of a change. */
export interface UserAttributeChangeEventData extends CommonEventData {
  /** Name of the attribute. */
  user_attribute_name: string;
  /** The value now; null when the attribute was deleted. */
  new?: UserAttributeValue | undefined;
  /** The value before; null when the attribute is new. */
  old?: UserAttributeValue | undefined;
  /** Whether the attribute was deleted. */
  deleted?: boolean | null | undefined;
  /** Whether the attribute did not exist before. */
  is_new_attribute?: boolean | null | undefined;
}

/**
 * An identity of a user was added, replaced or removed. Client SDKs record it; a server that sends the batch's
 * `user_identities` does not need it to change a profile.
 */
export interface UserIdentityChangeEvent {
  /** Always `user_identity_change`. */
  event_type: "user_identity_change";
  /** Which identity, before and after. */
  data: UserIdentityChangeEventData;
}

/** Details of a change. Both sides are always there, and one of them may be null. */
export interface UserIdentityChangeEventData extends CommonEventData {
  /** The identity now; null when it was removed. */
  new: UserIdentity | null;
  /** The identity before; null when it is the first of its kind. */
  old: UserIdentity | null;
}

/** An identity of a user at some time. */
export interface UserIdentity {
  /** Which of the 22 identities it is. */
  identity_type: IdentityType;
  /** The id itself. */
  identity: string;
  /** When the identity was set, in milliseconds since the Unix epoch. */
  timestamp_unixtime_ms: number;
  /** Whether this batch is the first that has the identity. */
  created_this_batch?: boolean | null | undefined;
}

/** What the body of an error may hold. It may as well be empty, no JSON at all, or hold more than this. */
export interface ErrorResponse {
  /** What is wrong, one entry for each mistake that was found. */
  errors?: readonly ServiceError[] | undefined;
}

/** One mistake. */
export interface ServiceError {
  /** Kind of mistake. `BAD_REQUEST` is the only one that is published; expect others. */
  code?: "BAD_REQUEST" | (string & {}) | undefined;
  /** What is wrong, for people to read. */
  message?: string | undefined;
}

export interface paths {
  "/events": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send one batch
     * Takes the events, attributes, identities and consent of one user. Not for events older than 30 days; those
     * belong to `POST /bulkevents/historical`.
     */
    post: operations["uploadEvents"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/bulkevents": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send up to 100 batches
     * Takes a JSON array of batches, usually of as many users. Answers 202 even if some of the batches fail, and
     * never says which: check each of them first. Not for events older than 30 days; those belong to
     * `POST /bulkevents/historical`.
     *
     * The limit of 100 counts batches. One sentence of the official documentation can be read as 100 events; a sender
     * who wants to be safe under that reading too keeps to 100 events a request.
     */
    post: operations["bulkUploadEvents"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/bulkevents/historical": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send up to 100 batches of old events
     * For backfills. Takes the same array as `POST /bulkevents`, under three further rules: a batch has at least one
     * event, every event has a `timestamp_unixtime_ms`, and every timestamp is at least 72 hours old.
     *
     * A batch that breaks a rule is not processed, and nothing says so: expect 202. Nothing sent here reaches event
     * outputs or data warehouses; profiles, identities, user activity and audiences (within their look-back window)
     * are updated; calculated attributes are not recomputed. The server marks the data as historical.
     */
    post: operations["bulkUploadHistoricalEvents"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}

export type webhooks = Record<string, never>;

export interface components {
  schemas: {
    Int64: Int64;
    Uint64: Uint64;
    Batches: Batches;
    HistoricalBatches: HistoricalBatches;
    HistoricalBatch: HistoricalBatch;
    Batch: Batch;
    Environment: Environment;
    UserIdentities: UserIdentities;
    IdentityType: IdentityType;
    PartnerIdentities: PartnerIdentities;
    UserAttributes: UserAttributes;
    UserAttributeValue: UserAttributeValue;
    IntegrationAttributes: IntegrationAttributes;
    AttributionInfo: AttributionInfo;
    ConsentState: ConsentState;
    GdprConsentState: GdprConsentState;
    CcpaConsentState: CcpaConsentState;
    ConsentPurpose: ConsentPurpose;
    BatchContext: BatchContext;
    DataPlan: DataPlan;
    GeoLocation: GeoLocation;
    DeviceInformation: DeviceInformation;
    DevicePlatform: DevicePlatform;
    AttAuthorizationStatus: AttAuthorizationStatus;
    ApplicationInformation: ApplicationInformation;
    Event: Event;
    CommonEventData: CommonEventData;
    CustomAttributes: CustomAttributes;
    CustomFlags: CustomFlags;
    DeviceCurrentState: DeviceCurrentState;
    CustomEvent: CustomEvent;
    CustomEventData: CustomEventData;
    CustomEventType: CustomEventType;
    CommerceEvent: CommerceEvent;
    CommerceEventData: CommerceEventData;
    ProductAction: ProductAction;
    ProductActionType: ProductActionType;
    Product: Product;
    ProductAttributes: ProductAttributes;
    PromotionAction: PromotionAction;
    PromotionActionType: PromotionActionType;
    Promotion: Promotion;
    ProductImpression: ProductImpression;
    ShoppingCart: ShoppingCart;
    ScreenViewEvent: ScreenViewEvent;
    ScreenViewEventData: ScreenViewEventData;
    SessionStartEvent: SessionStartEvent;
    SessionStartEventData: SessionStartEventData;
    SessionEndEvent: SessionEndEvent;
    SessionEndEventData: SessionEndEventData;
    ApplicationStateTransitionEvent: ApplicationStateTransitionEvent;
    ApplicationStateTransitionEventData: ApplicationStateTransitionEventData;
    ApplicationTransitionType: ApplicationTransitionType;
    PushRegistrationEvent: PushRegistrationEvent;
    PushRegistrationEventData: PushRegistrationEventData;
    PushMessageEvent: PushMessageEvent;
    PushMessageEventData: PushMessageEventData;
    PushMessageType: PushMessageType;
    NetworkPerformanceEvent: NetworkPerformanceEvent;
    NetworkPerformanceEventData: NetworkPerformanceEventData;
    BreadcrumbEvent: BreadcrumbEvent;
    BreadcrumbEventData: BreadcrumbEventData;
    CrashReportEvent: CrashReportEvent;
    CrashReportEventData: CrashReportEventData;
    OptOutEvent: OptOutEvent;
    OptOutEventData: OptOutEventData;
    FirstRunEvent: FirstRunEvent;
    FirstRunEventData: FirstRunEventData;
    UninstallEvent: UninstallEvent;
    UninstallEventData: UninstallEventData;
    ProfileEvent: ProfileEvent;
    ProfileEventData: ProfileEventData;
    ProfileEventType: ProfileEventType;
    UserAttributeChangeEvent: UserAttributeChangeEvent;
    UserAttributeChangeEventData: UserAttributeChangeEventData;
    UserIdentityChangeEvent: UserIdentityChangeEvent;
    UserIdentityChangeEventData: UserIdentityChangeEventData;
    UserIdentity: UserIdentity;
    ErrorResponse: ErrorResponse;
    ServiceError: ServiceError;
  };
  responses: {
    /** Accepted for processing, which is not the same as processed. No body is documented. */
    Accepted: {
      headers: {
        "X-mp-rate-limit-percentage-used": components["headers"]["RateLimitPercentageUsed"];
        [name: string]: unknown;
      };
      content?: never;
    };
    /** Malformed JSON, or something required is missing. Sending the same body again cannot succeed. */
    BadRequest: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
    /** No usable credentials came with the request. Treat 401 and 403 alike and do not retry. */
    Unauthorized: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
    /**
     * The key and the secret are not valid; check the pod too, since a key belongs to one. Treat 401 and 403 alike and
     * do not retry.
     */
    Forbidden: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
    /**
     * The request is too large. The official documentation does not promise this status; it says only that a request
     * above the limits may fail. Send fewer or smaller batches.
     */
    TooLarge: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
    /**
     * A provisioned limit is exceeded. Wait as long as `Retry-After` says, or back off exponentially with random jitter
     * when it is absent; when the limit is `acceleration`, let the rate grow more slowly.
     */
    TooManyRequests: {
      headers: {
        "Retry-After": components["headers"]["RetryAfter"];
        "X-mp-rate-limit-exceeded": components["headers"]["RateLimitExceeded"];
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
    /** The service failed; so for every 5xx. Send the same bytes again, with exponential backoff and jitter. */
    ServerError: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
    /**
     * The service is unavailable for the moment. Send the same bytes again, with exponential backoff and jitter. A
     * `Retry-After` is documented for 429 only; honour it should one come.
     */
    Unavailable: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": ErrorResponse;
      };
    };
  };
  parameters: never;
  requestBodies: never;
  headers: {
    /**
     * Whole seconds to wait before the next request; may be absent. The date form that HTTP also knows is mentioned
     * nowhere, but a client does well to read it.
     */
    RetryAfter: number;
    /**
     * Which limit was hit. `org`, `account`, `app`, `feed` and `workspace` are rates of that object; `acceleration` is
     * the growth of a rate; `system` is explained nowhere. More may come. The value may stand in double quotes, which
     * are not part of it.
     */
    RateLimitExceeded: "org" | "account" | "app" | "feed" | "workspace" | "acceleration" | "system" | (string & {});
    /**
     * How much of the tightest speed or acceleration limit is in use, in percent, limits per user excepted. May be
     * absent; an upper bound is not stated.
     */
    RateLimitPercentageUsed: number;
  };
  pathItems: never;
}

export type $defs = Record<string, never>;

export interface operations {
  uploadEvents: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One batch, in UTF-8, smaller than 256,000 bytes and preferably not above 128,000. */
    requestBody: {
      content: {
        "application/json": Batch;
      };
    };
    responses: {
      202: components["responses"]["Accepted"];
      400: components["responses"]["BadRequest"];
      401: components["responses"]["Unauthorized"];
      403: components["responses"]["Forbidden"];
      413: components["responses"]["TooLarge"];
      429: components["responses"]["TooManyRequests"];
      500: components["responses"]["ServerError"];
      503: components["responses"]["Unavailable"];
    };
  };
  bulkUploadEvents: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** 1 to 100 batches, together smaller than 256,000 bytes of UTF-8. */
    requestBody: {
      content: {
        "application/json": Batches;
      };
    };
    responses: {
      202: components["responses"]["Accepted"];
      400: components["responses"]["BadRequest"];
      401: components["responses"]["Unauthorized"];
      403: components["responses"]["Forbidden"];
      413: components["responses"]["TooLarge"];
      429: components["responses"]["TooManyRequests"];
      500: components["responses"]["ServerError"];
      503: components["responses"]["Unavailable"];
    };
  };
  bulkUploadHistoricalEvents: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** 1 to 100 batches of old events, together smaller than 256,000 bytes of UTF-8. */
    requestBody: {
      content: {
        "application/json": HistoricalBatches;
      };
    };
    responses: {
      202: components["responses"]["Accepted"];
      400: components["responses"]["BadRequest"];
      401: components["responses"]["Unauthorized"];
      403: components["responses"]["Forbidden"];
      413: components["responses"]["TooLarge"];
      429: components["responses"]["TooManyRequests"];
      500: components["responses"]["ServerError"];
      503: components["responses"]["Unavailable"];
    };
  };
}
