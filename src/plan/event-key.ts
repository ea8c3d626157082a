import { isObject, type Members } from "../rules/objects.ts";

/** What an event is matched by: the parts joined with `:`, exactly as they are written. */
export interface EventName {
  /** Undefined for events that no plan can hold. */
  readonly key: string | undefined;
  /** In the words of a plan, such as `custom_event`; the type of the event where no plan can hold it. */
  readonly type: string;
  /** What tells events of one type apart: a name, an action, a transition. */
  readonly name?: string | undefined;
  readonly customType?: string | undefined;
}

/** Match types that have nothing but themselves to be matched by, and that plans of the service do not list (yet). */
export const TYPES_OF_LIBRARY = [
  "session_start",
  "session_end",
  "crash_report",
  "opt_out",
  "first_run",
  "network_performance",
  "breadcrumb",
  "uninstall",
] as const;

const BY_TYPE_ALONE: ReadonlySet<string> = new Set(TYPES_OF_LIBRARY);

/** What an event goes by in a plan. */
export function nameOfEvent(event: Members): EventName {
  const type = textOf(event["event_type"]);
  const data = isObject(event["data"]) ? event["data"] : undefined;
  switch (type) {
    case "custom_event": {
      if (data === undefined) return { key: undefined, type };
      const [customType, name] = [textOf(data["custom_event_type"]), textOf(data["event_name"])];
      return { key: `custom_event:${customType}:${name}`, type, name, customType };
    }
    case "screen_view": {
      const name = textOf(data?.["screen_name"]);
      return { key: `screen_view::${name}`, type, name };
    }
    case "commerce_event":
      return nameOfCommerceEvent(data ?? {});
    case "application_state_transition": {
      const name = textOf(data?.["application_transition_type"]);
      return { key: `application_state_transition:${name}`, type, name };
    }
    default:
      return { key: BY_TYPE_ALONE.has(type) ? type : undefined, type };
  }
}

/** Of several payloads only the first counts, in this order. */
function nameOfCommerceEvent(data: Members): EventName {
  for (const type of ["product_action", "promotion_action"] as const) {
    if (!data[type]) continue;
    const name = isObject(data[type]) ? textOf(data[type]["action"]) : "";
    return { key: `${type}:${name}`, type, name };
  }
  if (data["product_impressions"]) return { key: "product_impression", type: "product_impression" };
  return { key: undefined, type: "commerce_event" };
}

/** As joining a list takes it: nothing for null and undefined. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : "";
}

/** An event in a few words, for a sentence. */
export function describeName({ type, name, customType }: EventName): string {
  const quoted = name === undefined || name === "" ? "" : ` ${JSON.stringify(shortened(name))}`;
  const words =
    type === ""
      ? "an event without a type"
      : `the ${type.replaceAll("_", " ").replace(/ event$/, "")}${type.endsWith("event") ? " event" : ""}`;
  return `${words}${quoted}${customType === undefined || customType === "" ? "" : ` of the type ${JSON.stringify(shortened(customType))}`}`;
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
