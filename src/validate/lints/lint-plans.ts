import { eventDataShape, knownShape, type KnownShape } from "../known-shapes.ts";
import type { Profile } from "../unknown-keys.ts";
import type { Check, Lint, Place } from "./lint.ts";

/** A lint at one of its places. */
export interface Placed {
  readonly lint: Lint;
  readonly check: Check;
  /** What the check is told that it looks at. */
  readonly of: string;
}

/** How a value is walked further into. */
export type Descent =
  | { readonly kind: "events" }
  | { readonly kind: "breadcrumbs" }
  | { readonly kind: "object" | "items" | "values"; readonly plan: Plan };

/** What to do with one member of an object. */
export interface Member {
  readonly lints: readonly Placed[];
  /** For each entry, where the member is a list or a map with keys of the sender's own. */
  readonly entries: readonly Placed[];
  /** Its entries are maps themselves. */
  readonly holdsMaps: boolean;
  readonly descent: Descent | undefined;
}

/** What to do with an object of one shape. */
export interface Plan {
  readonly shape: KnownShape;
  /** Only members with something to do. */
  readonly members: ReadonlyMap<string, Member>;
  /** For keys that the contract does not know, where it lets them pass as objects of one shape. */
  readonly rest: Member | undefined;
  readonly lints: readonly Placed[];
}

/** What to look at, object by object, in one profile. Plans are made when they are first needed. */
export class LintPlans {
  readonly ofEvents: readonly Placed[];
  readonly ofTexts: readonly Placed[];
  readonly ofNumbers: readonly Placed[];
  readonly ofInstances: readonly Placed[];
  readonly ofUnsent: readonly Placed[];
  readonly ofUnknown: readonly Placed[];
  readonly #lints: readonly Lint[];
  readonly #plans = new Map<string, Plan>();
  /** By `event_type`. */
  readonly #dataPlans = new Map<unknown, Plan>();

  constructor(lints: readonly Lint[], profile: Profile) {
    this.#lints = lints.filter(({ profiles }) => profiles === "both" || profile === "wire");
    const ofKind = (kind: Place["kind"]): readonly Placed[] => this.#placed(kind, (place) => place.kind === kind);
    this.ofEvents = ofKind("event");
    this.ofTexts = ofKind("text");
    this.ofNumbers = ofKind("number");
    this.ofInstances = ofKind("instance");
    this.ofUnsent = ofKind("unsent");
    this.ofUnknown = ofKind("unknown");
  }

  for(name: string): Plan {
    let plan = this.#plans.get(name);
    if (plan === undefined) {
      plan = this.#make(knownShape(name));
      this.#plans.set(name, plan);
    }
    return plan;
  }

  /** The plan for the data of an event; undefined when there is no such event type. */
  forEventData(eventType: unknown): Plan | undefined {
    const known = this.#dataPlans.get(eventType);
    if (known !== undefined) return known;
    const shape = eventDataShape(eventType);
    if (shape === undefined) return undefined;
    const plan = this.for(shape);
    this.#dataPlans.set(eventType, plan);
    return plan;
  }

  #make(shape: KnownShape): Plan {
    const members = new Map<string, Member>();
    for (const key of [...shape.keys, ...shape.wireOnly.keys()]) {
      const member = this.#member(shape, key, true);
      if (member.lints.length + member.entries.length > 0 || member.descent !== undefined) members.set(key, member);
    }
    return {
      shape,
      members,
      rest: shape.rest === undefined ? undefined : this.#member(shape, "", false),
      lints: this.#placed(shape.name, (place) => place.kind === "object" && place.of === shape.name),
    };
  }

  /** @param isKnown - whether the contract has the key; otherwise the member stands for all keys that it has not. */
  #member(shape: KnownShape, key: string, isKnown: boolean): Member {
    const isOf = (of: string): boolean => of === shape.name || of === shape.extends;
    const looks = (place: Place): boolean => {
      switch (place.kind) {
        case "key":
          return isKnown && isOf(place.of) && place.key === key;
        case "keys":
          return isOf(place.of) && (isKnown ? !place.others : true);
        case "named":
          return isKnown && place.test(key, shape.name);
        default:
          return false;
      }
    };
    const isEntries = (place: Place): place is Extract<Place, { kind: "entries" }> =>
      isKnown && place.kind === "entries" && isOf(place.of) && place.key === key;
    const nested = isKnown ? shape.nested.get(key) : shape.rest === undefined ? undefined : { of: shape.rest };
    return {
      lints: this.#placed(shape.name, looks),
      entries: this.#placed(shape.name, isEntries),
      holdsMaps: this.#lints.some(({ at }) => at.some((place) => isEntries(place) && place.holdsMaps)),
      descent: nested && this.#descent(nested.of, "each" in nested ? nested.each : undefined, key),
    };
  }

  #descent(of: string, each: "items" | "values" | undefined, key: string): Descent {
    if (of === "Event") return { kind: key === "breadcrumbs" ? "breadcrumbs" : "events" };
    return { kind: each ?? "object", plan: this.for(of) };
  }

  #placed(of: string, looks: (place: Place) => boolean): readonly Placed[] {
    return this.#lints.filter(({ at }) => at.some(looks)).map((lint) => ({ lint, check: lint.check, of }));
  }
}
