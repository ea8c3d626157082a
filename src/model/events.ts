import type {
  CustomEventType,
  ProfileEventType,
  PushMessageType,
  ApplicationTransitionType,
} from "../../generated/schema.ts";
import { stampEventData } from "./stamp.ts";
import type { EventDataOf, EventOf, EventType } from "./types.ts";

/** What is left of an event type's data once the positional arguments are taken. */
type Rest<Type extends EventType, Positional extends PropertyKey = never> = Omit<EventDataOf<Type>, Positional>;

/** Every factory ends here: data is dated and named once, so that a retry repeats it. */
export function makeEvent<Type extends EventType>(event_type: Type, data: EventDataOf<Type>): EventOf<Type> {
  // TypeScript cannot see that the two halves of a generic union member belong together; the parameters say so.
  return { event_type, data: stampEventData(data) } as unknown as EventOf<Type>;
}

/**
 * Something your users do that no other event type stands for.
 *
 * @param event_name - 1 to 256 characters; the service truncates longer ones. An account has 1,000 distinct names.
 * @param custom_event_type - the category, such as `"navigation"` or `"other"`.
 * @param data - any other property of the event, on the wire's names.
 * @example customEvent("video watched", "media", { custom_attributes: { seconds: 42 } })
 */
export function customEvent(
  event_name: string,
  custom_event_type: CustomEventType,
  data?: Rest<"custom_event", "event_name" | "custom_event_type">,
): EventOf<"custom_event"> {
  return makeEvent("custom_event", { ...data, event_name, custom_event_type });
}

/**
 * A screen or page was shown.
 *
 * @param screen_name - counts towards the account's 1,000 distinct names.
 * @param data - any other property of the event.
 */
export function screenView(screen_name: string, data?: Rest<"screen_view", "screen_name">): EventOf<"screen_view"> {
  return makeEvent("screen_view", { ...data, screen_name });
}

/**
 * A session begins; give it and everything in it the same `session_uuid`.
 *
 * @param data - any property of the event.
 */
export function sessionStart(data?: Rest<"session_start">): EventOf<"session_start"> {
  return makeEvent("session_start", { ...data });
}

/**
 * A session ended.
 *
 * @param session_duration_ms - its length in milliseconds.
 * @param data - any other property of the event.
 */
export function sessionEnd(
  session_duration_ms: number,
  data?: Rest<"session_end", "session_duration_ms">,
): EventOf<"session_end"> {
  return makeEvent("session_end", { ...data, session_duration_ms });
}

/**
 * The application started, ended, or went to the background or foreground.
 *
 * @param application_transition_type - which of the four.
 * @param data - any other property; `is_first_run` and `is_upgrade` mean something on `"application_initialized"` only.
 */
export function applicationStateTransition(
  application_transition_type: ApplicationTransitionType,
  data?: Rest<"application_state_transition", "application_transition_type">,
): EventOf<"application_state_transition"> {
  return makeEvent("application_state_transition", { ...data, application_transition_type });
}

/**
 * The application ran for the first time.
 *
 * @param data - any property of the event.
 */
export function firstRun(data?: Rest<"first_run">): EventOf<"first_run"> {
  return makeEvent("first_run", { ...data });
}

/**
 * The application was removed.
 *
 * @param data - any property of the event.
 */
export function uninstall(data?: Rest<"uninstall">): EventOf<"uninstall"> {
  return makeEvent("uninstall", { ...data });
}

/**
 * The user opted out of all tracking, or back in. Not the same as consent: see {@link gdprConsent}.
 *
 * @param is_opted_out - `true` for out.
 * @param data - any other property of the event.
 */
export function optOut(is_opted_out: boolean, data?: Rest<"opt_out", "is_opted_out">): EventOf<"opt_out"> {
  return makeEvent("opt_out", { ...data, is_opted_out });
}

/**
 * The application crashed, or caught an error worth reporting.
 *
 * @param severity - such as `"fatal"` or `"error"`.
 * @param message - what went wrong.
 * @param data - any other property, such as `stack_trace` or the `breadcrumbs` that led there.
 */
export function crashReport(
  severity: string,
  message: string,
  data?: Rest<"crash_report", "severity" | "message">,
): EventOf<"crash_report"> {
  return makeEvent("crash_report", { ...data, severity, message });
}

/**
 * A step on the way, kept for crash reports.
 *
 * @param label - what happened.
 * @param data - any other property of the event.
 */
export function breadcrumb(label: string, data?: Rest<"breadcrumb", "label">): EventOf<"breadcrumb"> {
  return makeEvent("breadcrumb", { ...data, label });
}

/**
 * One network request that the application made.
 *
 * @param url - its URL; mind what query strings give away.
 * @param response_code - the HTTP status it got.
 * @param data - any other property, such as `time_elapsed` in milliseconds and `bytes_in`.
 */
export function networkPerformance(
  url: string,
  response_code: number,
  data?: Rest<"network_performance", "url" | "response_code">,
): EventOf<"network_performance"> {
  return makeEvent("network_performance", { ...data, url, response_code });
}

/**
 * A push token was added to the user's device, or removed.
 *
 * @param register - `true` to add, `false` to remove.
 * @param registration_token - the token of the push service.
 * @param data - any other property of the event.
 */
export function pushRegistration(
  register: boolean,
  registration_token: string,
  data?: Rest<"push_registration", "register" | "registration_token">,
): EventOf<"push_registration"> {
  return makeEvent("push_registration", { ...data, register, registration_token });
}

/**
 * A push message was sent or received, or the user acted on it.
 *
 * @param push_message_type - `"sent"`, `"received"` or `"action"`.
 * @param data - any other property, such as `push_message_token` and `push_notification_payload`.
 */
export function pushMessage(
  push_message_type: PushMessageType,
  data?: Rest<"push_message", "push_message_type">,
): EventOf<"push_message"> {
  return makeEvent("push_message", { ...data, push_message_type });
}

/**
 * The user signed up, logged in or out, updated or deleted the profile.
 *
 * @param profile_event_type - which of the five.
 * @param data - any other property; give `previous_mpid` and `current_mpid` as `bigint` or digits.
 */
export function profile(
  profile_event_type: ProfileEventType,
  data?: Rest<"profile", "profile_event_type">,
): EventOf<"profile"> {
  return makeEvent("profile", { ...data, profile_event_type });
}

type UserAttributeChange = "new" | "old" | "deleted" | "is_new_attribute";

/**
 * One attribute of the user changed. The profile itself is updated by the batch's `user_attributes`, not by this event.
 *
 * @param user_attribute_name - the attribute.
 * @param change - `{ new, old, deleted?, is_new_attribute? }`.
 * @param data - any other property of the event.
 */
export function userAttributeChange(
  user_attribute_name: string,
  change: Pick<EventDataOf<"user_attribute_change">, UserAttributeChange>,
  data?: Rest<"user_attribute_change", "user_attribute_name" | UserAttributeChange>,
): EventOf<"user_attribute_change"> {
  return makeEvent("user_attribute_change", { ...data, ...change, user_attribute_name });
}

/**
 * One identity of the user changed.
 *
 * @param change - `{ new, old }`, each an identity or `null` where there is none.
 * @param data - any other property of the event.
 */
export function userIdentityChange(
  change: Pick<EventDataOf<"user_identity_change">, "new" | "old">,
  data?: Rest<"user_identity_change", "new" | "old">,
): EventOf<"user_identity_change"> {
  return makeEvent("user_identity_change", { ...data, ...change });
}
