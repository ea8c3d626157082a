// Generated from spec/events-api.yaml by `npm run generate`. Do not edit: edit the description and generate again.

import {
  exactInteger,
  isEmpty,
  isFull,
  isObject,
  jsonMembers,
  locate,
  missing,
  notAmong,
  notEqual,
  notMatching,
  outside,
  unknown,
  wrongTag,
  wrongType,
} from "./checks.js";

/**
 * Whether the data is a valid Batch. When it is not, `validateBatch.errors` says why, until the next call.
 */
export function validateBatch(data) {
  const out = [];
  batch(data, out);
  validateBatch.errors = out.length > 0 ? out : null;
  return out.length === 0;
}
validateBatch.errors = null;

/**
 * What happened to one user, and what is known about them, in one environment: the unit that is sent, counted by rate
 * limits and de-duplicated.
 */
function batch(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "environment":
        if (member !== null) environment(member, out);
        break;
      case "events":
        if (member !== null) batchEvents(member, out);
        break;
      case "source_request_id":
      case "sdk_version":
      case "api_key":
      case "job_id":
      case "partner_identity":
        scalarOrNull(member, out);
        break;
      case "user_identities":
        if (member !== null) userIdentities(member, out);
        break;
      case "partner_identities":
        if (member !== null) partnerIdentities(member, out);
        break;
      case "user_attributes":
        if (member !== null) userAttributes(member, out);
        break;
      case "deleted_user_attributes":
        if (member !== null) batchDeletedUserAttributes(member, out);
        break;
      case "device_info":
        if (member !== null) deviceInformation(member, out);
        break;
      case "application_info":
        if (member !== null) applicationInformation(member, out);
        break;
      case "consent_state":
        if (member !== null) consentState(member, out);
        break;
      case "context":
        if (member !== null) batchContext(member, out);
        break;
      case "integration_attributes":
        if (member !== null) integrationAttributes(member, out);
        break;
      case "ip":
      case "mp_deviceid":
        stringOrNull(member, out);
        break;
      case "mpid":
      case "batch_id":
      case "origin_mpid":
        if (member !== null) int64(member, out);
        break;
      case "attribution_info":
        if (member !== null) attributionInfo(member, out);
        break;
      case "timestamp_unixtime_ms":
        integerOrNull(member, out);
        break;
      case "source_info":
        if (member !== null) batchSourceInfo(member, out);
        break;
      case "schema_version":
        integerOrNull2(member, out);
        break;
      case "api_keys":
        if (member !== null) batchApiKeys(member, out);
        break;
      case "modified":
        booleanOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function batchApiKeys(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    string(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

function batchSourceInfo(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "channel":
      case "partner":
      case "replay_request_id":
      case "replay_job_id":
        scalarOrNull(member, out);
        break;
      case "is_historical":
        booleanOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Which campaign brought the user, as an attribution service reported it. */
function attributionInfo(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksServiceProvider = true;
  let lacksPublisher = true;
  let lacksCampaign = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "service_provider":
        lacksServiceProvider = false;
        scalarOrNull(member, out);
        break;
      case "publisher":
        lacksPublisher = false;
        scalarOrNull(member, out);
        break;
      case "campaign":
        lacksCampaign = false;
        scalarOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksServiceProvider) missing(out, value, "service_provider");
  if (lacksPublisher) missing(out, value, "publisher");
  if (lacksCampaign) missing(out, value, "campaign");
}

/** Values meant for single integrations. */
function integrationAttributes(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    if (member !== null) integrationAttributesValue(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function integrationAttributesValue(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    scalarOrNull(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** The data plan to check a batch against, and where the user was. */
function batchContext(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "data_plan":
        if (member !== null) dataPlan(member, out);
        break;
      case "location":
        if (member !== null) geoLocation(member, out);
        break;
      case "batching":
        if (member !== null) batchContextBatching(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function batchContextBatching(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "bypass":
        booleanOrNull(member, out);
        break;
      case "partition_key":
        scalarOrNull(member, out);
        break;
      case "request_ids":
        if (member !== null) batchContextBatchingRequestIds(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function batchContextBatchingRequestIds(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    string(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** A version of a data plan. */
function dataPlan(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksPlanId = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "plan_id":
        lacksPlanId = false;
        string(member, out);
        break;
      case "plan_version":
        integerOrNull2(member, out);
        break;
      case "block_metadata":
        if (member !== null) dataPlanBlockMetadata(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksPlanId) missing(out, value, "plan_id");
}

function dataPlanBlockMetadata(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
}

/** What a user agreed or objected to, by regulation. */
function consentState(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "gdpr":
        if (member !== null) gdprConsentState(member, out);
        break;
      case "ccpa":
        if (member !== null) ccpaConsentState(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** The one purpose that CCPA has; it exists as soon as CCPA is enabled for the workspace. */
function ccpaConsentState(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "data_sale_opt_out":
        if (member !== null) consentPurpose(member, out);
        break;
      default:
        if (member !== null) consentPurpose(member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Decisions by purpose. */
function gdprConsentState(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    if (member !== null) consentPurpose(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** One decision of a user about one purpose. */
function consentPurpose(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksConsented = true;
  let lacksTimestampUnixtimeMs = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "consented":
        lacksConsented = false;
        booleanOrNull(member, out);
        break;
      case "timestamp_unixtime_ms":
        lacksTimestampUnixtimeMs = false;
        integerOrNull(member, out);
        break;
      case "document":
      case "location":
      case "hardware_id":
      case "regulation":
      case "purpose":
        scalarOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksConsented) missing(out, value, "consented");
  if (lacksTimestampUnixtimeMs) missing(out, value, "timestamp_unixtime_ms");
}

/** The application a user acted in. */
function applicationInformation(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "application_name":
      case "application_version":
      case "application_build_number":
      case "install_referrer":
      case "package":
      case "os":
        scalarOrNull(member, out);
        break;
      case "apple_search_ads_attributes":
        if (member !== null) applicationInformationAppleSearchAdsAttributes(member, out);
        break;
      case "sideloaded_kits_count":
        integerOrNull2(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function applicationInformationAppleSearchAdsAttributes(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    if (member !== null) applicationInformationAppleSearchAdsAttributesValue(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function applicationInformationAppleSearchAdsAttributesValue(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    scalarOrNull(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** The device a user acted on, as far as the sender knows it. */
function deviceInformation(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "brand":
      case "product":
      case "device":
      case "android_uuid":
      case "device_manufacturer":
      case "os_version":
      case "device_model":
      case "device_country":
      case "locale_language":
      case "locale_country":
      case "network_country":
      case "network_carrier":
      case "network_code":
      case "network_mobile_country_code":
      case "build_identifier":
      case "http_header_user_agent":
      case "push_token":
      case "cpu_architecture":
      case "radio_access_technology":
      case "bluetooth_version":
      case "build_version_release":
      case "amp_id":
      case "microsoft_advertising_id":
      case "microsoft_publisher_id":
        scalarOrNull(member, out);
        break;
      case "platform":
        if (member !== null) devicePlatform(member, out);
        break;
      case "screen_height":
      case "screen_width":
      case "screen_dpi":
      case "timezone_offset":
        integerOrNull2(member, out);
        break;
      case "ios_advertising_id":
      case "ios_idfv":
      case "android_advertising_id":
      case "roku_advertising_id":
      case "roku_publisher_id":
      case "fire_advertising_id":
        stringOrNull(member, out);
        break;
      case "att_authorization_status":
        if (member !== null) attAuthorizationStatus(member, out);
        break;
      case "att_timestamp_unixtime_ms":
        integerOrNull(member, out);
        break;
      case "is_tablet":
      case "push_notification_sound_enabled":
      case "push_notification_vibrate_enabled":
      case "has_nfc":
      case "bluetooth_enabled":
      case "limit_ad_tracking":
      case "is_dst":
        booleanOrNull(member, out);
        break;
      case "supports_telephony":
        deviceInformationSupportsTelephony(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function deviceInformationSupportsTelephony(value, out) {
  switch (value) {
    case true:
    case false:
    case null:
    case "":
      return;
    default:
      notAmong(out, [true, false, null, ""]);
  }
}

/** Answer to the question that App Tracking Transparency asks on Apple's platforms. */
function attAuthorizationStatus(value, out) {
  switch (value) {
    case "authorized":
    case "denied":
    case "not_determined":
    case "restricted":
      return;
    default:
      notAmong(out, ["authorized", "denied", "not_determined", "restricted"]);
  }
}

/** Kind of platform a device runs. */
function devicePlatform(value, out) {
  switch (value) {
    case "iOS":
    case "Android":
    case "web":
    case "desktop":
    case "tvOS":
    case "roku":
    case "out_of_band":
    case "alexa":
    case "smart_tv":
    case "fire_tv":
    case "xbox":
    case "FireTV":
    case "Unknown":
      return;
    default:
      notAmong(out, [
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
        "FireTV",
        "Unknown",
      ]);
  }
}

function batchDeletedUserAttributes(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    string(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** Facts about the user, by name: at most 100 in a batch. */
function userAttributes(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    userAttributeValue(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Ids that partners know the user by. */
function partnerIdentities(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    scalarOrNull(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** The ids a user is known by: a fixed set of 22 names. */
function userIdentities(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "customer_id":
      case "customerid":
      case "email":
      case "other":
      case "other_id_2":
      case "other2":
      case "other_id_3":
      case "other3":
      case "other_id_4":
      case "other4":
      case "other_id_5":
      case "other5":
      case "other_id_6":
      case "other6":
      case "other_id_7":
      case "other7":
      case "other_id_8":
      case "other8":
      case "other_id_9":
      case "other9":
      case "other_id_10":
      case "other10":
      case "mobile_number":
      case "phone_number_2":
      case "phone_number_3":
      case "facebook":
      case "facebook_custom_audience_id":
      case "google":
      case "twitter":
      case "microsoft":
      case "yahoo":
      case "alias":
        scalarOrNull(member, out);
        break;
      default:
        unknown(out, key);
        if (isFull(out)) return;
        found = out.length;
        continue;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function batchEvents(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    event(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** Something that happened, told apart by `event_type`; `data` holds the rest. */
function event(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  switch (value.event_type) {
    case "custom_event":
      return customEvent(value, out);
    case "commerce_event":
      return commerceEvent(value, out);
    case "screen_view":
      return screenViewEvent(value, out);
    case "session_start":
      return sessionStartEvent(value, out);
    case "session_end":
      return sessionEndEvent(value, out);
    case "application_state_transition":
      return applicationStateTransitionEvent(value, out);
    case "push_registration":
      return pushRegistrationEvent(value, out);
    case "push_message":
      return pushMessageEvent(value, out);
    case "network_performance":
      return networkPerformanceEvent(value, out);
    case "breadcrumb":
      return breadcrumbEvent(value, out);
    case "crash_report":
      return crashReportEvent(value, out);
    case "opt_out":
      return optOutEvent(value, out);
    case "first_run":
      return firstRunEvent(value, out);
    case "uninstall":
      return uninstallEvent(value, out);
    case "profile":
      return profileEvent(value, out);
    case "user_attribute_change":
      return userAttributeChangeEvent(value, out);
    case "user_identity_change":
      return userIdentityChangeEvent(value, out);
    case "pre_attribution":
      return preAttributionEvent(value, out);
    case "push_reaction":
      return pushReactionEvent(value, out);
    default:
      wrongTag(out, value, "event_type");
  }
}

/** Named in official lists, described nowhere; never to be authored. */
function pushReactionEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "push_reaction") notEqual(out, "push_reaction");
        break;
      case "data":
        lacksData = false;
        commonEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Named in official lists, described nowhere; never to be authored. */
function preAttributionEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "pre_attribution") notEqual(out, "pre_attribution");
        break;
      case "data":
        lacksData = false;
        commonEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** What every event may carry, whatever its type. */
function commonEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "timestamp_unixtime_ms":
      case "event_num":
      case "session_start_unixtime_ms":
      case "event_start_unixtime_ms":
      case "active_time_on_site_ms":
        integerOrNull(member, out);
        break;
      case "source_message_id":
      case "session_uuid":
      case "page_url":
        stringOrNull(member, out);
        break;
      case "session_id":
      case "event_id":
        if (member !== null) int64(member, out);
        break;
      case "custom_attributes":
        if (member !== null) customAttributes(member, out);
        break;
      case "custom_flags":
        if (member !== null) customFlags(member, out);
        break;
      case "location":
        if (member !== null) geoLocation(member, out);
        break;
      case "device_current_state":
        if (member !== null) deviceCurrentState(member, out);
        break;
      case "is_goal_defined":
      case "is_main_thread":
        booleanOrNull(member, out);
        break;
      case "lifetime_value_change":
        numberOrBooleanOrNull(member, out);
        break;
      case "lifetime_value_attribute_name":
      case "data_connection_type":
      case "view_controller":
      case "canonical_name":
        scalarOrNull(member, out);
        break;
      case "event_system_notification_info":
        if (member !== null) commonEventDataEventSystemNotificationInfo2(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function commonEventDataEventSystemNotificationInfo2(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksType = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "type":
        lacksType = false;
        string(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksType) missing(out, value, "type");
}

/** An identity of a user was added, replaced or removed. */
function userIdentityChangeEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "user_identity_change") notEqual(out, "user_identity_change");
        break;
      case "data":
        lacksData = false;
        if (member !== null) userIdentityChangeEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a change. */
function userIdentityChangeEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "new":
      case "old":
        if (member !== null) userIdentity(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** An identity of a user at some time. */
function userIdentity(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksIdentityType = true;
  let lacksIdentity = true;
  let lacksTimestampUnixtimeMs = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "identity_type":
        lacksIdentityType = false;
        identityType(member, out);
        break;
      case "identity":
        lacksIdentity = false;
        scalarOrNull(member, out);
        break;
      case "timestamp_unixtime_ms":
        lacksTimestampUnixtimeMs = false;
        integerOrNull(member, out);
        break;
      case "created_this_batch":
        booleanOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksIdentityType) missing(out, value, "identity_type");
  if (lacksIdentity) missing(out, value, "identity");
  if (lacksTimestampUnixtimeMs) missing(out, value, "timestamp_unixtime_ms");
}

/** The name of an identity, one of the 22 that `user_identities` knows. */
function identityType(value, out) {
  switch (value) {
    case "customer_id":
    case "email":
    case "other":
    case "other_id_2":
    case "other_id_3":
    case "other_id_4":
    case "other_id_5":
    case "other_id_6":
    case "other_id_7":
    case "other_id_8":
    case "other_id_9":
    case "other_id_10":
    case "mobile_number":
    case "phone_number_2":
    case "phone_number_3":
    case "facebook":
    case "facebook_custom_audience_id":
    case "google":
    case "twitter":
    case "microsoft":
    case "yahoo":
    case "alias":
      return;
    default:
      notAmong(out, [
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
      ]);
  }
}

/** An attribute of a user got another value. */
function userAttributeChangeEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "user_attribute_change") notEqual(out, "user_attribute_change");
        break;
      case "data":
        lacksData = false;
        userAttributeChangeEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a change. */
function userAttributeChangeEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksUserAttributeName = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "user_attribute_name":
        lacksUserAttributeName = false;
        string(member, out);
        break;
      case "new":
      case "old":
        userAttributeValue(member, out);
        break;
      case "deleted":
      case "is_new_attribute":
        booleanOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksUserAttributeName) missing(out, value, "user_attribute_name");
}

/**
 * A text of at most 4,096 characters, a number, a boolean, or a list of at most 1,000 of these, where a text has at
 * most 512 characters.
 */
function userAttributeValue(value, out) {
  if (typeof value === "string" || Number.isFinite(value) || typeof value === "boolean" || value === null) {
    scalarOrNull(value, out);
  } else if (Array.isArray(value)) {
    userAttributeValue2(value, out);
  } else wrongType(out, ["string", "number", "boolean", "array", "null"]);
}

function userAttributeValue2(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    scalarOrNull(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** A user signed up, logged in or out, or changed or deleted their profile. */
function profileEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "profile") notEqual(out, "profile");
        break;
      case "data":
        lacksData = false;
        profileEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a profile event. */
function profileEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksProfileEventType = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "profile_event_type":
        lacksProfileEventType = false;
        profileEventType(member, out);
        break;
      case "previous_mpid":
      case "current_mpid":
        if (member !== null) int64(member, out);
        break;
      case "profile_name":
      case "previous_profile_name":
        scalarOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksProfileEventType) missing(out, value, "profile_event_type");
}

/** What happened to a profile. */
function profileEventType(value, out) {
  switch (value) {
    case "signup":
    case "login":
    case "logout":
    case "update":
    case "delete":
      return;
    default:
      notAmong(out, ["signup", "login", "logout", "update", "delete"]);
  }
}

/** An application was removed from a device. */
function uninstallEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "uninstall") notEqual(out, "uninstall");
        break;
      case "data":
        lacksData = false;
        if (member !== null) uninstallEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** A removal has nothing but what every event may carry. */
function uninstallEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    commonEventDataMember(key, member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** An application ran for the first time on a device. */
function firstRunEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "first_run") notEqual(out, "first_run");
        break;
      case "data":
        lacksData = false;
        if (member !== null) firstRunEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** A first run has nothing but what every event may carry. */
function firstRunEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    commonEventDataMember(key, member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** A user opted out of being tracked, or back in. */
function optOutEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "opt_out") notEqual(out, "opt_out");
        break;
      case "data":
        lacksData = false;
        if (member !== null) optOutEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of an opt-out. */
function optOutEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "is_opted_out":
        booleanOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** An application crashed, or caught an exception. */
function crashReportEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "crash_report") notEqual(out, "crash_report");
        break;
      case "data":
        lacksData = false;
        if (member !== null) crashReportEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a crash. */
function crashReportEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "severity":
      case "message":
      case "class_name":
      case "stack_trace":
      case "topmost_context":
      case "pl_crash_report_file_base64":
        scalarOrNull(member, out);
        break;
      case "breadcrumbs":
        if (member !== null) crashReportEventDataBreadcrumbs(member, out);
        break;
      case "exception_handled":
        booleanOrNull(member, out);
        break;
      case "ios_image_base_address":
      case "ios_image_size":
        if (member !== null) uint64(member, out);
        break;
      case "session_number":
        integerOrNull2(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** An unsigned 64-bit integer, 0 to 18446744073709551615, whose digits all matter. */
function uint64(value, out) {
  exactInteger(value, "uint64", out);
}

function crashReportEventDataBreadcrumbs(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    crashReportEventDataBreadcrumbsItem(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

function crashReportEventDataBreadcrumbsItem(value, out) {
  if (typeof value === "string") {
    string(value, out);
  } else if (isObject(value)) {
    crashReportEventDataBreadcrumbsItem2(value, out);
  } else wrongType(out, ["string", "object"]);
}

function crashReportEventDataBreadcrumbsItem2(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  if (value.event_type !== undefined || value.data !== undefined) {
    breadcrumbEvent(value, out);
  } else {
    crashReportEventDataBreadcrumbsItem2Else(value, out);
  }
}

function crashReportEventDataBreadcrumbsItem2Else(value, out) {
  if (isObject(value)) {
    if (!isEmpty(value)) breadcrumbEventData(value, out);
  } else wrongType(out, ["object"]);
}

/** A mark on the way, to understand later how a crash came about. */
function breadcrumbEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "breadcrumb") notEqual(out, "breadcrumb");
        break;
      case "data":
        lacksData = false;
        breadcrumbEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a breadcrumb. */
function breadcrumbEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksLabel = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "label":
        lacksLabel = false;
        string(member, out);
        break;
      case "session_number":
        integerOrNull2(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksLabel) missing(out, value, "label");
}

/** An application made a request to some server. */
function networkPerformanceEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "network_performance") notEqual(out, "network_performance");
        break;
      case "data":
        lacksData = false;
        if (member !== null) networkPerformanceEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a request. */
function networkPerformanceEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "url":
      case "http_verb":
        stringOrNull(member, out);
        break;
      case "response_code":
        networkPerformanceEventDataResponseCode(member, out);
        break;
      case "time_elapsed":
      case "bytes_in":
      case "bytes_out":
        integerOrNull(member, out);
        break;
      case "data":
        scalarOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function networkPerformanceEventDataResponseCode(value, out) {
  if (!(Number.isInteger(value) || typeof value === "string" || value === null))
    return wrongType(out, ["string", "integer", "null"]);
  if (typeof value === "string") {
    if (!/^-?[0-9]+$/u.test(value)) notMatching(out, "^-?[0-9]+$");
  }
}

/** A push message was sent, received or acted upon. */
function pushMessageEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "push_message") notEqual(out, "push_message");
        break;
      case "data":
        lacksData = false;
        pushMessageEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a push message. */
function pushMessageEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksPushMessageType = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "push_message_type":
        lacksPushMessageType = false;
        pushMessageType(member, out);
        break;
      case "push_message_token":
      case "push_notification_payload":
      case "message":
      case "network":
      case "application_state":
      case "action_identifier":
        scalarOrNull(member, out);
        break;
      case "push_message_behavior":
        stringOrIntegerOrNullAtLeast0AtMost31(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksPushMessageType) missing(out, value, "push_message_type");
}

function stringOrIntegerOrNullAtLeast0AtMost31(value, out) {
  if (!(Number.isInteger(value) || typeof value === "string" || value === null))
    return wrongType(out, ["string", "integer", "null"]);
  if (typeof value === "number") {
    if (value < 0) outside(out, "minimum", 0);
    if (value > 31) outside(out, "maximum", 31);
  }
}

/** What became of a push message. */
function pushMessageType(value, out) {
  switch (value) {
    case "sent":
    case "received":
    case "action":
      return;
    default:
      notAmong(out, ["sent", "received", "action"]);
  }
}

/** A device was registered for push messages, or was taken off. */
function pushRegistrationEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "push_registration") notEqual(out, "push_registration");
        break;
      case "data":
        lacksData = false;
        pushRegistrationEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a push registration. */
function pushRegistrationEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksRegister = true;
  let lacksRegistrationToken = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "register":
        lacksRegister = false;
        booleanOrNull(member, out);
        break;
      case "registration_token":
        lacksRegistrationToken = false;
        string(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksRegister) missing(out, value, "register");
  if (lacksRegistrationToken) missing(out, value, "registration_token");
}

/** An application started, ended, or moved between foreground and background. */
function applicationStateTransitionEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "application_state_transition") notEqual(out, "application_state_transition");
        break;
      case "data":
        lacksData = false;
        applicationStateTransitionEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a transition. */
function applicationStateTransitionEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksApplicationTransitionType = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "application_transition_type":
        lacksApplicationTransitionType = false;
        applicationTransitionType(member, out);
        break;
      case "is_first_run":
      case "is_upgrade":
      case "successfully_closed":
        booleanOrNull(member, out);
        break;
      case "push_notification_payload":
      case "launch_referral":
        scalarOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksApplicationTransitionType) missing(out, value, "application_transition_type");
}

/** What an application did. */
function applicationTransitionType(value, out) {
  switch (value) {
    case "application_initialized":
    case "application_exit":
    case "application_background":
    case "application_foreground":
      return;
    default:
      notAmong(out, [
        "application_initialized",
        "application_exit",
        "application_background",
        "application_foreground",
      ]);
  }
}

/** A user stopped using an application or site. */
function sessionEndEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "session_end") notEqual(out, "session_end");
        break;
      case "data":
        lacksData = false;
        if (member !== null) sessionEndEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a session end. */
function sessionEndEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "session_duration_ms":
        integerOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** A user began to use an application or site. */
function sessionStartEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "session_start") notEqual(out, "session_start");
        break;
      case "data":
        lacksData = false;
        if (member !== null) sessionStartEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** A session start has nothing but what every event may carry. */
function sessionStartEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    commonEventDataMember(key, member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** A user came to see a screen of an application, or a page of a site. */
function screenViewEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "screen_view") notEqual(out, "screen_view");
        break;
      case "data":
        lacksData = false;
        if (member !== null) screenViewEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a screen view. */
function screenViewEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "screen_name":
        stringOrNull(member, out);
        break;
      case "activity_type":
        scalarOrNull(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Something to do with products. */
function commerceEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "commerce_event") notEqual(out, "commerce_event");
        break;
      case "data":
        lacksData = false;
        if (member !== null) commerceEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a commerce event. */
function commerceEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "product_action":
        if (member !== null) productAction(member, out);
        break;
      case "promotion_action":
        if (member !== null) promotionAction(member, out);
        break;
      case "product_impressions":
        if (member !== null) commerceEventDataProductImpressions(member, out);
        break;
      case "shopping_cart":
        if (member !== null) shoppingCart(member, out);
        break;
      case "currency_code":
        scalarOrNull(member, out);
        break;
      case "screen_name":
      case "event_name":
        stringOrNull(member, out);
        break;
      case "is_non_interactive":
        booleanOrNull(member, out);
        break;
      case "custom_event_type":
        commerceEventDataCustomEventType(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function commerceEventDataCustomEventType(value, out) {
  switch (value) {
    case "navigation":
    case "location":
    case "search":
    case "transaction":
    case "user_content":
    case "user_preference":
    case "social":
    case "other":
    case "media":
    case "add_to_cart":
    case "remove_from_cart":
    case "checkout":
    case "checkout_option":
    case "click":
    case "view_detail":
    case "purchase":
    case "refund":
    case "promotion_view":
    case "promotion_click":
    case "add_to_wishlist":
    case "remove_from_wishlist":
    case "impression":
    case "attribution":
    case "consent_granted":
    case "consent_denied":
    case null:
      return;
    default:
      notAmong(out, [
        "navigation",
        "location",
        "search",
        "transaction",
        "user_content",
        "user_preference",
        "social",
        "other",
        "media",
        "add_to_cart",
        "remove_from_cart",
        "checkout",
        "checkout_option",
        "click",
        "view_detail",
        "purchase",
        "refund",
        "promotion_view",
        "promotion_click",
        "add_to_wishlist",
        "remove_from_wishlist",
        "impression",
        "attribution",
        "consent_granted",
        "consent_denied",
        null,
      ]);
  }
}

/** What is in a user's cart. */
function shoppingCart(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "products":
        if (member !== null) shoppingCartProducts(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function shoppingCartProducts(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    product(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

function commerceEventDataProductImpressions(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    productImpression(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** A list of products that a user was shown. */
function productImpression(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "product_impression_list":
        stringOrNull(member, out);
        break;
      case "products":
        if (member !== null) productImpressionProducts(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function productImpressionProducts(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    product(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** What a user did with promotions. */
function promotionAction(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksAction = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "action":
        lacksAction = false;
        promotionActionType(member, out);
        break;
      case "promotions":
        if (member !== null) promotionActionPromotions(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksAction) missing(out, value, "action");
}

function promotionActionPromotions(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    promotion(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** A promotion within an application or site. */
function promotion(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "id":
      case "name":
        stringOrNull(member, out);
        break;
      case "creative":
      case "position":
        scalarOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Whether promotions were seen or clicked. */
function promotionActionType(value, out) {
  switch (value) {
    case "view":
    case "click":
      return;
    default:
      notAmong(out, ["view", "click"]);
  }
}

/** What a user did with products. */
function productAction(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksAction = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "action":
        lacksAction = false;
        productActionType(member, out);
        break;
      case "checkout_step":
        integerOrNull2(member, out);
        break;
      case "checkout_options":
      case "product_action_list":
      case "product_list_source":
      case "affiliation":
      case "coupon_code":
        scalarOrNull(member, out);
        break;
      case "transaction_id":
        stringOrNull(member, out);
        break;
      case "total_amount":
      case "tax_amount":
      case "shipping_amount":
        numberOrNull(member, out);
        break;
      case "products":
        if (member !== null) productActionProducts(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksAction) missing(out, value, "action");
}

function productActionProducts(value, out) {
  if (!Array.isArray(value)) return wrongType(out, "array");
  let found = out.length;
  for (let index = 0; index < value.length; index++) {
    product(value[index], out);
    if (out.length > found) {
      found = locate(out, found, index);
      if (isFull(out)) return;
    }
  }
}

/** A product, as the shop sells it. */
function product(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "id":
      case "name":
        stringOrNull(member, out);
        break;
      case "brand":
      case "category":
      case "variant":
      case "coupon_code":
        scalarOrNull(member, out);
        break;
      case "position":
        integerOrNull2(member, out);
        break;
      case "price":
      case "quantity":
      case "total_product_amount":
        numberOrNull(member, out);
        break;
      case "added_to_cart_time_ms":
        integerOrNull(member, out);
        break;
      case "custom_attributes":
        if (member !== null) productAttributes(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Details of a product, by name: at most 100. */
function productAttributes(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    scalarOrNull(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** What a user did with products. */
function productActionType(value, out) {
  switch (value) {
    case "add_to_cart":
    case "remove_from_cart":
    case "checkout":
    case "checkout_option":
    case "click":
    case "view_detail":
    case "purchase":
    case "refund":
    case "add_to_wishlist":
    case "remove_from_wish_list":
    case "unknown":
      return;
    default:
      notAmong(out, [
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
        "unknown",
      ]);
  }
}

/** Anything worth counting that no other type stands for, under a name of your own. */
function customEvent(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventType = true;
  let lacksData = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_type":
        lacksEventType = false;
        if (member !== "custom_event") notEqual(out, "custom_event");
        break;
      case "data":
        lacksData = false;
        customEventData(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventType) missing(out, value, "event_type");
  if (lacksData) missing(out, value, "data");
}

/** Details of a custom event. */
function customEventData(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksEventName = true;
  let lacksCustomEventType = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "event_name":
        lacksEventName = false;
        string(member, out);
        break;
      case "custom_event_type":
        lacksCustomEventType = false;
        customEventType(member, out);
        break;
      case "media_info":
        if (member !== null) customEventDataMediaInfo(member, out);
        break;
      default:
        commonEventDataMember(key, member, out);
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksEventName) missing(out, value, "event_name");
  if (lacksCustomEventType) missing(out, value, "custom_event_type");
}

function customEventDataMediaInfo(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "action":
      case "channel":
      case "metadata":
      case "timed_metadata":
      case "format":
      case "quality":
        scalarOrNull(member, out);
        break;
      case "playback_position":
      case "playback_rate":
        numberOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

/** Kind of a custom event. */
function customEventType(value, out) {
  switch (value) {
    case "navigation":
    case "location":
    case "search":
    case "transaction":
    case "user_content":
    case "user_preference":
    case "social":
    case "other":
    case "media":
    case "attribution":
    case "unknown":
      return;
    default:
      notAmong(out, [
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
        "unknown",
      ]);
  }
}

/** Checks a member of CommonEventData; false when CommonEventData has no such member. */
function commonEventDataMember(key, member, out) {
  switch (key) {
    case "timestamp_unixtime_ms":
    case "event_num":
    case "session_start_unixtime_ms":
    case "event_start_unixtime_ms":
    case "active_time_on_site_ms":
      integerOrNull(member, out);
      return true;
    case "source_message_id":
    case "session_uuid":
    case "page_url":
      stringOrNull(member, out);
      return true;
    case "session_id":
    case "event_id":
      if (member !== null) int64(member, out);
      return true;
    case "custom_attributes":
      if (member !== null) customAttributes(member, out);
      return true;
    case "custom_flags":
      if (member !== null) customFlags(member, out);
      return true;
    case "location":
      if (member !== null) geoLocation(member, out);
      return true;
    case "device_current_state":
      if (member !== null) deviceCurrentState(member, out);
      return true;
    case "is_goal_defined":
    case "is_main_thread":
      booleanOrNull(member, out);
      return true;
    case "lifetime_value_change":
      numberOrBooleanOrNull(member, out);
      return true;
    case "lifetime_value_attribute_name":
    case "data_connection_type":
    case "view_controller":
    case "canonical_name":
      scalarOrNull(member, out);
      return true;
    case "event_system_notification_info":
      if (member !== null) commonEventDataEventSystemNotificationInfo(member, out);
      return true;
    default:
      return false;
  }
}

function commonEventDataEventSystemNotificationInfo(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  let lacksType = true;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "type":
        lacksType = false;
        string(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
  if (lacksType) missing(out, value, "type");
}

function string(value, out) {
  if (typeof value !== "string") wrongType(out, "string");
}

function numberOrBooleanOrNull(value, out) {
  if (!(Number.isFinite(value) || typeof value === "boolean" || value === null))
    wrongType(out, ["number", "boolean", "null"]);
}

/** The state a device was in when an event happened, as client SDKs record it. */
function deviceCurrentState(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "time_since_start_ms":
      case "total_system_memory_usage_bytes":
      case "disk_space_free_bytes":
      case "external_disk_space_free_bytes":
        integerOrNull(member, out);
        break;
      case "battery_level":
      case "system_memory_available_bytes":
      case "system_memory_threshold_bytes":
      case "application_memory_available_bytes":
      case "application_memory_max_bytes":
      case "application_memory_total_bytes":
        numberOrNull(member, out);
        break;
      case "data_connection_type":
      case "data_connection_type_detail":
      case "cpu":
      case "device_orientation":
      case "status_bar_orientation":
        scalarOrNull(member, out);
        break;
      case "gps_state":
        deviceCurrentStateGpsState(member, out);
        break;
      case "system_memory_low":
        booleanOrNull(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function booleanOrNull(value, out) {
  if (typeof value !== "boolean" && value !== null) wrongType(out, ["boolean", "null"]);
}

function deviceCurrentStateGpsState(value, out) {
  switch (value) {
    case true:
    case false:
    case null:
    case "unknown":
    case "true":
    case "false":
      return;
    default:
      notAmong(out, [true, false, null, "unknown", "true", "false"]);
  }
}

function numberOrNull(value, out) {
  if (!(Number.isFinite(value) || value === null)) wrongType(out, ["number", "null"]);
}

/** A place on Earth. */
function geoLocation(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    switch (key) {
      case "latitude":
      case "longitude":
      case "accuracy":
        geoLocationLatitude(member, out);
        break;
      case "country_code":
      case "region_code":
      case "city_name":
      case "postal_code":
      case "location_source":
        scalarOrNull(member, out);
        break;
      case "dma_code":
        integerOrNull2(member, out);
        break;
    }
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function integerOrNull2(value, out) {
  if (!(Number.isInteger(value) || value === null)) wrongType(out, ["integer", "null"]);
}

function geoLocationLatitude(value, out) {
  if (!(Number.isFinite(value) || typeof value === "string" || value === null))
    return wrongType(out, ["string", "number", "null"]);
  if (typeof value === "string") {
    if (!/^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$/u.test(value))
      notMatching(out, "^[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?$");
  }
}

/** Switches for single integrations, such as `Google.Category`, named as the integration's documentation says. */
function customFlags(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
}

/** Details of an event, by name: at most 100. */
function customAttributes(value, out) {
  if (!isObject(value)) return wrongType(out, "object");
  const members = jsonMembers(value);
  let found = out.length;
  for (const key in members) {
    const member = members[key];
    if (member === undefined) continue;
    scalarOrNull(member, out);
    if (out.length > found) {
      found = locate(out, found, key);
      if (isFull(out)) return;
    }
  }
}

function scalarOrNull(value, out) {
  if (!(typeof value === "string" || Number.isFinite(value) || typeof value === "boolean" || value === null))
    wrongType(out, ["string", "number", "boolean", "null"]);
}

/** A signed 64-bit integer, -9223372036854775808 to 9223372036854775807, whose digits all matter. */
function int64(value, out) {
  exactInteger(value, "int64", out);
}

function stringOrNull(value, out) {
  if (typeof value !== "string" && value !== null) wrongType(out, ["string", "null"]);
}

function integerOrNull(value, out) {
  if (!(Number.isInteger(value) || value === null)) wrongType(out, ["integer", "null"]);
}

/** `development` for test data, `production` for live data. */
function environment(value, out) {
  switch (value) {
    case "development":
    case "production":
    case "unknown":
      return;
    default:
      notAmong(out, ["development", "production", "unknown"]);
  }
}
