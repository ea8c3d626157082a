import type {
  CustomEventType,
  ProfileEventType,
  PushMessageType,
  ApplicationTransitionType,
} from "../../generated/schema.ts";
import { BLANK } from "../rules/objects.ts";
import { stampEventData } from "./stamp.ts";
import { propertiesOf } from "./trailing-argument.ts";
import type { EventDataOf, EventOf, EventType } from "./types.ts";

// The options are aliases of their own, made by Omit even where nothing is left out: the compiler shows the name of such an
// alias in errors and hovers, and of any other the name of what it stands for.

/** Every factory ends here: data is dated and named once, so that a retry repeats it. */
export function makeEvent<Type extends EventType>(event_type: Type, data: EventDataOf<Type>): EventOf<Type> {
  // TypeScript cannot see that the two halves of a generic union member belong together; the parameters say so.
  return { event_type, data: stampEventData(data) } as unknown as EventOf<Type>;
}

/** The last argument of {@link customEvent}: what may be said beside the positional arguments. */
export type CustomEventOptions = Omit<EventDataOf<"custom_event">, "event_name" | "custom_event_type">;

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
  data?: CustomEventOptions,
): EventOf<"custom_event"> {
  return makeEvent("custom_event", { ...BLANK, ...propertiesOf("data", data), event_name, custom_event_type });
}

/** The last argument of {@link screenView}: what may be said beside the positional arguments. */
export type ScreenViewOptions = Omit<EventDataOf<"screen_view">, "screen_name">;

/**
 * A screen or page was shown.
 *
 * @param screen_name - counts towards the account's 1,000 distinct names.
 * @param data - any other property of the event.
 */
export function screenView(screen_name: string, data?: ScreenViewOptions): EventOf<"screen_view"> {
  return makeEvent("screen_view", { ...BLANK, ...propertiesOf("data", data), screen_name });
}

/** The last argument of {@link sessionStart}: any property of the event. */
export type SessionStartOptions = Omit<EventDataOf<"session_start">, never>;

/**
 * A session begins; give it and everything in it the same `session_uuid`.
 *
 * @param data - any property of the event.
 */
export function sessionStart(data?: SessionStartOptions): EventOf<"session_start"> {
  return makeEvent("session_start", { ...propertiesOf("data", data) });
}

/** The last argument of {@link sessionEnd}: what may be said beside the positional arguments. */
export type SessionEndOptions = Omit<EventDataOf<"session_end">, "session_duration_ms">;

/**
 * A session ended.
 *
 * @param session_duration_ms - its length in milliseconds.
 * @param data - any other property of the event.
 */
export function sessionEnd(session_duration_ms: number, data?: SessionEndOptions): EventOf<"session_end"> {
  return makeEvent("session_end", { ...BLANK, ...propertiesOf("data", data), session_duration_ms });
}

/** The last argument of {@link applicationStateTransition}: what may be said beside the positional arguments. */
export type ApplicationStateTransitionOptions = Omit<
  EventDataOf<"application_state_transition">,
  "application_transition_type"
>;

/**
 * The application started, ended, or went to the background or foreground.
 *
 * @param application_transition_type - which of the four.
 * @param data - any other property; `is_first_run` and `is_upgrade` mean something on `"application_initialized"` only.
 */
export function applicationStateTransition(
  application_transition_type: ApplicationTransitionType,
  data?: ApplicationStateTransitionOptions,
): EventOf<"application_state_transition"> {
  return makeEvent("application_state_transition", {
    ...BLANK,
    ...propertiesOf("data", data),
    application_transition_type,
  });
}

/** The last argument of {@link firstRun}: any property of the event. */
export type FirstRunOptions = Omit<EventDataOf<"first_run">, never>;

/**
 * The application ran for the first time.
 *
 * @param data - any property of the event.
 */
export function firstRun(data?: FirstRunOptions): EventOf<"first_run"> {
  return makeEvent("first_run", { ...propertiesOf("data", data) });
}

/** The last argument of {@link uninstall}: any property of the event. */
export type UninstallOptions = Omit<EventDataOf<"uninstall">, never>;

/**
 * The application was removed.
 *
 * @param data - any property of the event.
 */
export function uninstall(data?: UninstallOptions): EventOf<"uninstall"> {
  return makeEvent("uninstall", { ...propertiesOf("data", data) });
}

/** The last argument of {@link optOut}: what may be said beside the positional arguments. */
export type OptOutOptions = Omit<EventDataOf<"opt_out">, "is_opted_out">;

/**
 * The user opted out of all tracking, or back in. Not the same as consent: see {@link gdprConsent}.
 *
 * @param is_opted_out - `true` for out.
 * @param data - any other property of the event.
 */
export function optOut(is_opted_out: boolean, data?: OptOutOptions): EventOf<"opt_out"> {
  return makeEvent("opt_out", { ...BLANK, ...propertiesOf("data", data), is_opted_out });
}

/** The last argument of {@link crashReport}: what may be said beside the positional arguments. */
export type CrashReportOptions = Omit<EventDataOf<"crash_report">, "severity" | "message">;

/**
 * The application crashed, or caught an error worth reporting.
 *
 * @param severity - such as `"fatal"` or `"error"`.
 * @param message - what went wrong.
 * @param data - any other property, such as `stack_trace` or the `breadcrumbs` that led there.
 */
export function crashReport(severity: string, message: string, data?: CrashReportOptions): EventOf<"crash_report"> {
  return makeEvent("crash_report", { ...BLANK, ...propertiesOf("data", data), severity, message });
}

/** The last argument of {@link breadcrumb}: what may be said beside the positional arguments. */
export type BreadcrumbOptions = Omit<EventDataOf<"breadcrumb">, "label">;

/**
 * A step on the way, kept for crash reports.
 *
 * @param label - what happened.
 * @param data - any other property of the event.
 */
export function breadcrumb(label: string, data?: BreadcrumbOptions): EventOf<"breadcrumb"> {
  return makeEvent("breadcrumb", { ...BLANK, ...propertiesOf("data", data), label });
}

/** The last argument of {@link networkPerformance}: what may be said beside the positional arguments. */
export type NetworkPerformanceOptions = Omit<EventDataOf<"network_performance">, "url" | "response_code">;

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
  data?: NetworkPerformanceOptions,
): EventOf<"network_performance"> {
  return makeEvent("network_performance", { ...BLANK, ...propertiesOf("data", data), url, response_code });
}

/** The last argument of {@link pushRegistration}: what may be said beside the positional arguments. */
export type PushRegistrationOptions = Omit<EventDataOf<"push_registration">, "register" | "registration_token">;

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
  data?: PushRegistrationOptions,
): EventOf<"push_registration"> {
  return makeEvent("push_registration", { ...BLANK, ...propertiesOf("data", data), register, registration_token });
}

/** The last argument of {@link pushMessage}: what may be said beside the positional arguments. */
export type PushMessageOptions = Omit<EventDataOf<"push_message">, "push_message_type">;

/**
 * A push message was sent or received, or the user acted on it.
 *
 * @param push_message_type - `"sent"`, `"received"` or `"action"`.
 * @param data - any other property, such as `push_message_token` and `push_notification_payload`.
 */
export function pushMessage(push_message_type: PushMessageType, data?: PushMessageOptions): EventOf<"push_message"> {
  return makeEvent("push_message", { ...BLANK, ...propertiesOf("data", data), push_message_type });
}

/** The last argument of {@link profile}: what may be said beside the positional arguments. */
export type ProfileOptions = Omit<EventDataOf<"profile">, "profile_event_type">;

/**
 * The user signed up, logged in or out, updated or deleted the profile.
 *
 * @param profile_event_type - which of the five.
 * @param data - any other property; give `previous_mpid` and `current_mpid` as `bigint` or digits.
 */
export function profile(profile_event_type: ProfileEventType, data?: ProfileOptions): EventOf<"profile"> {
  return makeEvent("profile", { ...BLANK, ...propertiesOf("data", data), profile_event_type });
}

/** What became of an attribute: `{ new, old, deleted?, is_new_attribute? }`. */
export type UserAttributeChange = Pick<
  EventDataOf<"user_attribute_change">,
  "new" | "old" | "deleted" | "is_new_attribute"
>;

/** The last argument of {@link userAttributeChange}: what may be said beside the positional arguments. */
export type UserAttributeChangeOptions = Omit<
  EventDataOf<"user_attribute_change">,
  "user_attribute_name" | keyof UserAttributeChange
>;

/**
 * One attribute of the user changed. The profile itself is updated by the batch's `user_attributes`, not by this event.
 *
 * @param user_attribute_name - the attribute.
 * @param change - `{ new, old, deleted?, is_new_attribute? }`.
 * @param data - any other property of the event.
 */
export function userAttributeChange(
  user_attribute_name: string,
  change: UserAttributeChange,
  data?: UserAttributeChangeOptions,
): EventOf<"user_attribute_change"> {
  return makeEvent("user_attribute_change", {
    ...BLANK,
    ...propertiesOf("data", data),
    ...propertiesOf("change", change),
    user_attribute_name,
  });
}

/** What became of an identity: `{ new, old }`, each an identity or `null` where there is none. */
export type UserIdentityChange = Pick<EventDataOf<"user_identity_change">, "new" | "old">;

/** The last argument of {@link userIdentityChange}: what may be said beside the positional arguments. */
export type UserIdentityChangeOptions = Omit<EventDataOf<"user_identity_change">, keyof UserIdentityChange>;

/**
 * One identity of the user changed.
 *
 * @param change - `{ new, old }`, each an identity or `null` where there is none.
 * @param data - any other property of the event.
 */
export function userIdentityChange(
  change: UserIdentityChange,
  data?: UserIdentityChangeOptions,
): EventOf<"user_identity_change"> {
  propertiesOf("change", change);
  return makeEvent("user_identity_change", { ...BLANK, ...propertiesOf("data", data), ...change });
}
