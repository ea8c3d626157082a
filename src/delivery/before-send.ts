import type { Batch } from "../../generated/schema.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";

/** What a step of `beforeSend` can say about a batch besides what it returns. */
export interface BeforeSendContext {
  /**
   * Drops the batch and says why: `return context.drop("the user has objected")`. A step that returns `undefined`
   * without it drops the batch as well; the outcome then only names the step.
   */
  readonly drop: (reason: string) => Batch | undefined;
  /**
   * Keeps the batch back until {@link BeforeSendContext.release} is called for the same user:
   * `return context.hold("not asked yet")`. A queue holds it; a client cannot, so that its outcome is `undelivered`.
   */
  readonly hold: (reason: string) => Batch | undefined;
  /** Lets go what was held for the user of this batch; it goes before the batch. */
  readonly release: () => void;
  /** Drops what was held for the user of this batch. */
  readonly discard: (reason: string) => void;
}

/**
 * The last word on each batch: it gets the batch with its ids and times, and gives what is to be sent, or `undefined` to
 * drop it. It runs once for each batch, before `validate`; what it gives is what is checked, stored and sent. It may
 * change the batch it gets, which is a copy. What it throws rejects that batch alone.
 */
export type BeforeSend = (batch: Batch, context: BeforeSendContext) => Batch | undefined;

/** What became of a batch on its way through the steps. */
export type StepResult = (
  | { readonly kind: "send"; readonly batch: Batch }
  | { readonly kind: "drop"; readonly reason: string }
  | {
      readonly kind: "hold";
      readonly reason: string;
      /** As the step got it that holds it back. */
      readonly batch: Batch;
      /** The first step that it has not passed. */
      readonly step: number;
    }
) & {
  /** What becomes of batches that were held for the same user. */
  readonly held?: "release" | { readonly discard: string } | undefined;
};

/**
 * The option as a list.
 *
 * @throws TypeError - for what is neither a function nor a list of functions.
 */
export function stepsOf(option: BeforeSend | readonly BeforeSend[] | undefined): readonly BeforeSend[] {
  const given: unknown = option;
  if (given === undefined) return [];
  const steps: readonly unknown[] = Array.isArray(given) ? given : [given];
  const wrong = steps.find((step) => typeof step !== "function");
  if (wrong !== undefined || steps.includes(undefined)) {
    throw new TypeError(`\`beforeSend\` has ${show(wrong)}; expected a function or a list of functions.`);
  }
  return steps as readonly BeforeSend[]; // each is a function
}

/**
 * Leads a batch through the steps.
 *
 * @param batch - with its ids and times. It stays as it is: the steps get a copy.
 * @param from - the first step to run; not 0 for a batch that was held and is let go.
 * @throws whatever a step throws, and TypeError for a step that gives something else than a batch or `undefined`.
 */
export function runSteps(steps: readonly BeforeSend[], batch: Batch, from = 0): StepResult {
  return runStepsOn(copyForSteps(batch), steps, from);
}

/** As {@link runSteps}, with a copy that the steps may change. */
export function runStepsOn(copy: Batch, steps: readonly BeforeSend[], from = 0): StepResult {
  const { source_request_id } = copy;
  let current = copy;
  let held: StepResult["held"];
  for (let step = from; step < steps.length; step++) {
    const run = steps[step];
    if (run === undefined) continue;
    let verdict: { readonly kind: "drop" | "hold"; readonly reason: string } | undefined;
    const before = current;
    const given: unknown = run(current, {
      drop: (reason) => {
        verdict = { kind: "drop", reason };
        return undefined;
      },
      hold: (reason) => {
        verdict = { kind: "hold", reason };
        return undefined;
      },
      release: () => {
        held = "release";
      },
      discard: (reason) => {
        held = { discard: reason };
      },
    });
    if (given === undefined) {
      const { kind, reason } = verdict ?? { kind: "drop", reason: `${nameOf(run, step)} gave undefined` };
      return kind === "drop" ? { kind, reason, held } : { kind, reason, batch: before, step, held };
    }
    if (isObject(given) && typeof given["then"] === "function") {
      // Its rejection must not end the process.
      Promise.resolve(given).catch(() => undefined);
      throw new TypeError(`${nameOf(run, step)} gave a promise; expected a batch, or undefined to drop it`);
    }
    if (!isObject(given)) {
      throw new TypeError(`${nameOf(run, step)} gave ${show(given)}; expected a batch, or undefined to drop it`);
    }
    current = given as unknown as Batch; // whatever else it may be is for validation to say
  }
  // Another id would make another batch of it: what is tried again would count twice.
  if (source_request_id != null && current.source_request_id !== source_request_id) {
    current = { ...current, source_request_id };
  }
  return { kind: "send", batch: current, held };
}

function nameOf(step: BeforeSend, index: number): string {
  const name = step.name === "" || step.name === "beforeSend" ? "" : ` (${step.name})`;
  return `step ${String(index + 1)} of \`beforeSend\`${name}`;
}

/** A copy that steps may change. */
export function copyForSteps<Value>(value: Value): Value {
  return copyOf(value) as Value; // a copy has its type
}

/** Plain objects and lists are copied at every depth, so that a step may change them; anything else is the caller's. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isObject(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    // Assigning would set the prototype of the copy.
    if (key === "__proto__") {
      Object.defineProperty(copy, key, { value: copyOf(member), enumerable: true, writable: true, configurable: true });
    } else copy[key] = copyOf(member);
  }
  return copy;
}
