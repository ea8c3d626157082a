/** What is asked of a batch; each list is met by any of its values, and an empty one by all. */
export interface ArrivalFilter {
  /** `event_type`. */
  readonly type: readonly string[];
  /** The name of an event: what it is called in its data. With `type` it has to be the same event. */
  readonly name: readonly string[];
  /** A value among the identities, or the `mpid`. */
  readonly user: readonly string[];
  readonly verdict: readonly string[];
}

/** What of a batch filters look at. */
export interface Selectors {
  readonly events: readonly { readonly type: string; readonly name: string }[];
  readonly users: readonly string[];
  readonly verdict: string;
}

/** Which member of an event's data says what it is called; the first one that is there. */
const NAMES = [
  "event_name",
  "screen_name",
  "application_transition_type",
  "custom_event_type",
  "message_type",
  "network_type",
];

/** Whatever was sent: a batch that was refused may be anything. */
export function selectorsOf(batch: unknown, verdict: string): Selectors {
  const { user_identities, mpid, events } = membersOf(batch);
  return {
    verdict,
    users: [mpid, ...Object.values(membersOf(user_identities))].flatMap(textsOf),
    events: (Array.isArray(events) ? (events as readonly unknown[]) : []).map((event) => {
      const { event_type, data } = membersOf(event);
      return { type: textsOf(event_type)[0] ?? "", name: nameOf(membersOf(data)) };
    }),
  };
}

/** Whether a batch is among those asked for. */
export function matches({ events, users, verdict }: Selectors, filter: ArrivalFilter): boolean {
  const fits = (wanted: readonly string[], value: string): boolean => wanted.length === 0 || wanted.includes(value);
  const asksForEvents = filter.type.length > 0 || filter.name.length > 0;
  return (
    fits(filter.verdict, verdict) &&
    (filter.user.length === 0 || users.some((user) => filter.user.includes(user))) &&
    (!asksForEvents || events.some(({ type, name }) => fits(filter.type, type) && fits(filter.name, name)))
  );
}

/** `?type=custom_event&name=bought`; a parameter may be given again. A sentence when one is not known. */
export function readFilter(query: URLSearchParams, known: readonly string[]): ArrivalFilter | string {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return `There is no filter ${JSON.stringify(unknown)}; expected ${known.join(", ")}.`;
  const verdict = query.getAll("verdict");
  const strange = verdict.find((value) => !VERDICTS.includes(value));
  if (strange !== undefined) {
    return `There is no verdict ${JSON.stringify(strange)}; expected ${VERDICTS.join(", ")}.`;
  }
  return { type: query.getAll("type"), name: query.getAll("name"), user: query.getAll("user"), verdict };
}

const VERDICTS = ["accepted", "refused", "failed"];

function nameOf(data: Readonly<Record<string, unknown>>): string {
  const { product_action, promotion_action } = data;
  const actions = [product_action, promotion_action].map((action) => membersOf(action)["action"]);
  return [...NAMES.map((name) => data[name]), ...actions].flatMap(textsOf)[0] ?? "";
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textsOf(value: unknown): readonly string[] {
  return typeof value === "string" ? [value] : typeof value === "number" ? [String(value)] : [];
}
