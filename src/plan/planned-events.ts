import { nearest } from "../rules/nearest-name.ts";
import { describeName, type EventName } from "./event-key.ts";
import type { DataPoint } from "./read-plan.ts";

/** Hints that are remembered: a batch may hold one unplanned name ten thousand times. */
const MAX_REMEMBERED = 1000;

/** Why an event that a plan could hold is matched by nothing. */
const UNMATCHED: Readonly<Partial<Record<string, string>>> = {
  custom_event: "It has no `data`.",
  commerce_event: "It has neither `product_action` nor `promotion_action` nor `product_impressions`.",
};

/** The events of a plan by their names, to tell what somebody may have meant. */
export class PlannedEvents {
  readonly #matches: readonly DataPoint["match"][];
  readonly #hints = new Map<string, string | undefined>();

  constructor(matches: readonly DataPoint["match"][]) {
    this.#matches = matches.filter(({ type }) => !type.startsWith("user_"));
  }

  /** What was most likely meant by an event that is not planned. */
  hintFor(event: EventName): string | undefined {
    const key = event.key ?? event.type;
    if (this.#hints.has(key)) return this.#hints.get(key);
    if (this.#hints.size >= MAX_REMEMBERED) this.#hints.clear();
    const hint = this.#hintFor(event);
    this.#hints.set(key, hint);
    return hint;
  }

  #hintFor(event: EventName): string | undefined {
    if (event.key === undefined) return UNMATCHED[event.type] ?? "A data plan cannot hold such an event.";
    const { name = "", type } = event;
    const sameName = this.#matches.filter((match) => nameOf(match) === name && name !== "");
    const otherType = sameName.find((match) => match.type === type);
    if (otherType !== undefined) {
      return `Did you mean the type ${JSON.stringify(otherType.criteria["custom_event_type"])}? The plan has ${JSON.stringify(name)} with that.`;
    }
    const [elsewhere] = sameName;
    const sameType = this.#matches.filter((match) => match.type === type);
    const meant = nearest(name, sameType.map(nameOf));
    if (meant !== undefined) {
      const match = sameType.find((one) => nameOf(one) === meant);
      const customType = match?.criteria["custom_event_type"];
      const ofType =
        customType === undefined || customType === event.customType ? "" : ` of the type ${JSON.stringify(customType)}`;
      return `Did you mean ${JSON.stringify(meant)}${ofType}?`;
    }
    if (elsewhere === undefined) return undefined;
    return `The plan has ${describeName({ key: "", type: elsewhere.type, name: nameOf(elsewhere) })}.`;
  }
}

/** What tells data points of one type apart. */
function nameOf({ type, criteria }: DataPoint["match"]): string {
  switch (type) {
    case "custom_event":
      return criteria["event_name"] ?? "";
    case "screen_view":
      return criteria["screen_name"] ?? "";
    case "application_state_transition":
      return criteria["application_transition_type"] ?? "";
    default:
      return criteria["action"] ?? "";
  }
}
