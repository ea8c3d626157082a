/** Where an identity stands in a batch. */
export type IdentityPlace =
  readonly [holder: "user_identities" | "device_info", key: string] | readonly [holder: "mp_deviceid"];

/** What plans call identities, besides the names that the Events API has for them. */
const OLDER_NAMES: Readonly<Record<string, string>> = {
  customerid: "customer_id",
  facebookcustomaudienceid: "facebook_custom_audience_id",
  other1: "other",
  ...Object.fromEntries(
    [2, 3, 4, 5, 6, 7, 8, 9, 10].map((count) => [`other${String(count)}`, `other_id_${String(count)}`]),
  ),
  ...Object.fromEntries(
    [2, 3, 4, 5, 6, 7, 8, 9, 10].map((count) => [`other_${String(count)}`, `other_id_${String(count)}`]),
  ),
  mobilenumber: "mobile_number",
  phonenumber2: "phone_number_2",
  phonenumber3: "phone_number_3",
};

/** The ids of a device, by what plans call them. */
const DEVICE_NAMES: Readonly<Record<string, string>> = {
  ios_idfa: "ios_advertising_id",
  ios_advertising_id: "ios_advertising_id",
  ios_idfv: "ios_idfv",
  android_aaid: "android_advertising_id",
  android_advertising_id: "android_advertising_id",
  android_uuid: "android_uuid",
  amp_id: "amp_id",
  push_token: "push_token",
  roku_aid: "roku_advertising_id",
  roku_advertising_id: "roku_advertising_id",
  roku_publisher_id: "roku_publisher_id",
  fire_aid: "fire_advertising_id",
  fire_advertising_id: "fire_advertising_id",
  microsoft_aid: "microsoft_advertising_id",
  microsoft_advertising_id: "microsoft_advertising_id",
  microsoft_publisher_id: "microsoft_publisher_id",
};

/** Where in a batch the identity stands that a plan calls by this name. */
export function placeOfIdentity(name: string): IdentityPlace {
  if (name === "device_application_stamp" || name === "mp_deviceid") return ["mp_deviceid"];
  if (Object.hasOwn(DEVICE_NAMES, name)) return ["device_info", DEVICE_NAMES[name] ?? name];
  return ["user_identities", Object.hasOwn(OLDER_NAMES, name) ? (OLDER_NAMES[name] ?? name) : name];
}

/** What a plan calls an identity of `user_identities`. */
export function planNameOfIdentity(key: string): string {
  return key === "customer_id"
    ? "customerid"
    : key.replace(/^other_id_/, "other").replace(/^facebook_custom_audience_id$/, "facebookcustomaudienceid");
}
