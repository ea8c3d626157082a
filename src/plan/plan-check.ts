import type { Finding, FindingSeverity } from "../errors.ts";
import { describe } from "../rules/describe-value.ts";
import { isObject, type Members } from "../rules/objects.ts";
import { requireOptionNames } from "../rules/option-names.ts";
import { compileIdentities } from "./check-identities.ts";
import { compileRule, type Check, type CheckMode } from "./compile-rule.ts";
import { describeName, nameOfEvent, TYPES_OF_LIBRARY, type EventName } from "./event-key.ts";
import { severitiesOf, type PlanActions } from "./plan-severity.ts";
import { PlannedEvents } from "./planned-events.ts";
import { Problems } from "./problems.ts";
import type { DataPoint, PlanVersion } from "./read-plan.ts";
import { readWholePlan } from "./read-plan.ts";
import type { Rule } from "./rule.ts";
import { asSent } from "./sent-value.ts";

/** How strictly {@link planCheck} takes a plan. */
export interface PlanCheckOptions {
  /**
   * Whether `"42"` is no number and `"true"` no boolean, as the official library has it; the service takes both.
   * `@default false`
   */
  readonly strictTypes?: boolean | undefined;
  /** Whether identities are checked, as the service does and the official library does not. `@default true` */
  readonly identities?: boolean | undefined;
  /**
   * What counts as an error, in the words of the plan's own `validation_actions`, over which it wins: what would be
   * dropped is an error, what is allowed a warning. `"error"` and `"warning"` say so outright.
   * `@default the plan's, and "error" where it says nothing`
   */
  readonly actions?: PlanActions | undefined;
  /** Findings at most; errors come before warnings. `@default 100` */
  readonly maxFindings?: number | undefined;
}

/** A check of batches against a plan; fits the `validate` option of `EventsClient`. It never throws. */
export type PlanCheck = (batch: unknown) => Finding[];

/** What the codes of {@link planCheck} stand for. */
export const PLAN_CODES = {
  "plan-not-named":
    "the batch names another plan, another version of it, or none: the service would not check it against this one",
  "plan-unplanned-event": "an event that the plan does not have",
  "plan-unplanned-attribute": "an attribute or identity that the plan does not have, where it lists all there may be",
  "plan-missing": "something that the plan requires is missing",
  "plan-invalid": "a value that the plan does not allow",
  "plan-not-checked": "a text that is too long to be held against a pattern that backtracks",
} as const;

/** A code of {@link PLAN_CODES}. */
export type PlanCode = keyof typeof PLAN_CODES;

/** What a check is made from: a plan that was read, or what a generated file holds of one. */
export interface CompiledPlan {
  /** The short name of the plan, if it has one. */
  readonly id?: string | undefined;
  /** The version of the plan, if it has one. */
  readonly version?: number | undefined;
  /** What the plan does with what is not planned. */
  readonly actions?: PlanActions | undefined;
  /** What is planned, one point for each kind of event, attributes or identities. */
  readonly points: readonly CompiledPoint[];
}

/** One data point of a {@link CompiledPlan}. */
export interface CompiledPoint {
  /** Names the point, by its type and criteria. */
  readonly key: string;
  /** Which events, attributes or identities the point is about. */
  readonly match: DataPoint["match"];
  /** What they are held against. */
  readonly rule: Rule;
}

const DEFAULT_MAX_FINDINGS = 100;

/**
 * Makes a check that holds every batch against a data plan, before the service does. The plan is read once, here.
 *
 * @param plan - what {@link readPlan} gave, or what it takes when there is no version to choose.
 * @param options - see {@link PlanCheckOptions}.
 * @returns a function that gives the findings of a batch, with the codes of {@link PLAN_CODES}.
 * @throws TypeError - for a plan that is broken, and for an option that there is not.
 * @example new EventsClient({ apiKey, apiSecret, validate: checkAll(checkBatch, planCheck(plan)) })
 */
export function planCheck(plan: PlanVersion | object, options: PlanCheckOptions = {}): PlanCheck {
  const { version, points } = readWholePlan(plan);
  return checkerOf(
    {
      id: version.data_plan_id,
      version: version.version,
      actions: version.version_document.settings?.validation_actions,
      points: points.flatMap(({ key, match, rule }) => (key === undefined ? [] : [{ key, match, rule }])),
    },
    options,
  );
}

/** Makes the check of a plan that has been read: at once, whatever its size, because each point is made ready when it is met. */
export function checkerOf(plan: CompiledPlan, options: PlanCheckOptions = {}): PlanCheck {
  const { mode, identities, maxFindings } = readOptions(options);
  const severities = severitiesOf(plan.actions, options.actions);
  // The service does not drop what its plans do not list (yet); the caller may mind it all the same.
  const unplannable = options.actions?.event === undefined ? "warning" : severities.event;
  const points = new Map(
    plan.points.map((point) => [point.key, { rule: point.rule, check: undefined as Check | undefined }]),
  );
  const events = new PlannedEvents(plan.points.map(({ match }) => match));
  const checkFor = (key: string): Check | undefined => {
    const point = points.get(key);
    if (point === undefined) return undefined;
    return (point.check ??= compileRule(point.rule, mode));
  };
  const identityRule = identities ? points.get("user_identities")?.rule : undefined;
  const checkIdentities = identityRule === undefined ? undefined : compileIdentities(identityRule, mode);
  const run = (batch: unknown, report: Report): void => {
    const problems = new Problems();
    const given = typeof batch === "object" && batch !== null ? asSent(batch) : batch;
    if (!isObject(given)) {
      report.add("plan-invalid", "error", "", `expected a batch, got ${describe(given)}.`);
      return;
    }
    if (plan.id !== undefined && !checkName(given, plan.id, plan.version, report)) return;
    const list: unknown = given["events"];
    if (Array.isArray(list)) {
      for (let index = 0; index < list.length && !report.isFull; index++) {
        const event: unknown = list[index];
        checkEvent(event, index, report, problems);
      }
    }
    const checkAttributes = checkFor("user_attributes");
    if (checkAttributes !== undefined) {
      checkAttributes(given["user_attributes"] ?? {}, problems);
      if (problems.count > 0) report.addAll(problems, "/user_attributes", severities.user_attribute);
    }
    checkIdentities?.(given, problems);
    if (problems.count > 0) report.addAll(problems, "", severities.user_attribute);
  };

  const checkEvent = (given: unknown, index: number, report: Report, problems: Problems): void => {
    const event = typeof given === "object" && given !== null ? asSent(given) : given;
    if (!isObject(event)) {
      const message = `expected an event, got ${describe(event)}.`;
      report.add("plan-unplanned-event", severities.event, `/events/${String(index)}`, message);
      return;
    }
    const name = nameOfEvent(event);
    const check = name.key === undefined ? undefined : checkFor(name.key);
    if (check === undefined) {
      report.add(
        "plan-unplanned-event",
        isPlannable(name) ? severities.event : unplannable,
        `/events/${String(index)}`,
        `${describeName(name)} is not in the plan.`,
        () => events.hintFor(name),
      );
      return;
    }
    check(event, problems);
    if (problems.count > 0) report.addAll(problems, `/events/${String(index)}`, severities.event_attribute);
  };

  const check: PlanCheck = (batch) => {
    const report = new Report(maxFindings);
    try {
      run(batch, report);
    } catch {
      // Only a getter or a proxy can throw here, or a value that is nested without an end.
      report.add("plan-invalid", "error", "", "reading the batch failed.", () => "Pass plain data.");
    }
    return report.findings();
  };
  return Object.assign(check, { codes: Object.keys(PLAN_CODES) });
}

const OPTION_NAMES = Object.keys({
  strictTypes: true,
  identities: true,
  actions: true,
  maxFindings: true,
} satisfies Record<keyof PlanCheckOptions, true>);

function readOptions(options: PlanCheckOptions) {
  const given: unknown = options;
  if (!isObject(given)) throw new TypeError(`The options are ${describe(given)}; expected an object.`);
  requireOptionNames(given, OPTION_NAMES);
  const { strictTypes = false, identities = true, maxFindings = DEFAULT_MAX_FINDINGS } = options;
  for (const [name, value] of Object.entries({ strictTypes, identities })) {
    if (typeof value !== "boolean") throw new TypeError(`\`${name}\` is ${describe(value)}; expected a boolean.`);
  }
  if (!(typeof maxFindings === "number" && maxFindings >= 1)) {
    throw new RangeError(`\`maxFindings\` is ${describe(maxFindings)}; expected at least 1.`);
  }
  return { mode: { strictTypes } satisfies CheckMode, identities, maxFindings };
}

/** Whether a plan of the service could hold the event. */
function isPlannable({ key, type }: EventName): boolean {
  if (key === undefined) return type === "custom_event" || type === "commerce_event";
  return type !== "application_state_transition" && !TYPES_OF_LIBRARY.some((one) => one === type);
}

/** Whether the batch is one to check against this plan: it names the plan, or none. */
function checkName(batch: Members, id: string, version: number | undefined, report: Report): boolean {
  const context = membersAt(batch, "context");
  const named = membersAt(context, "data_plan");
  const planId = named["plan_id"] ?? undefined;
  const planned = version === undefined ? JSON.stringify(id) : `${JSON.stringify(id)}, version ${String(version)}`;
  if (planId === undefined) {
    report.add(
      "plan-not-named",
      "warning",
      "/context/data_plan",
      "the batch names no data plan, so the service checks it against none.",
      () => `The plan here is ${planned}.`,
    );
    return true;
  }
  if (planId !== id) {
    report.add(
      "plan-not-named",
      "warning",
      "/context/data_plan/plan_id",
      `the batch names the data plan ${describe(planId)}, and is not checked here.`,
      () => `The plan here is ${planned}.`,
    );
    return false;
  }
  const planVersion = named["plan_version"] ?? undefined;
  if (planVersion !== undefined && version !== undefined && planVersion !== version) {
    report.add(
      "plan-not-named",
      "warning",
      "/context/data_plan/plan_version",
      `the batch names version ${describe(planVersion)} of the plan.`,
      () => `The plan here is ${planned}.`,
    );
  }
  return true;
}

function membersAt(object: Members, key: string): Members {
  const value = object[key];
  return isObject(value) ? value : {};
}

const CODES = {
  unplanned: "plan-unplanned-attribute",
  missing: "plan-missing",
  invalid: "plan-invalid",
  unsure: "plan-not-checked",
} as const;

/** Gathers findings: errors are never crowded out by warnings. */
class Report {
  readonly #errors: Finding[] = [];
  readonly #warnings: Finding[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get isFull(): boolean {
    return this.#errors.length >= this.#max;
  }

  add(code: PlanCode, severity: FindingSeverity, path: string, message: string, hint?: () => string | undefined): void {
    const list = severity === "error" ? this.#errors : this.#warnings;
    if (list.length >= this.#max) return;
    const text = hint?.();
    list.push({ severity, code, path, message, ...(text !== undefined && { hint: text }) });
  }

  addAll(problems: Problems, prefix: string, severity: FindingSeverity): void {
    for (const { kind, path, message, hint } of problems.take()) {
      this.add(CODES[kind], kind === "unsure" ? "warning" : severity, prefix + path, message, hint);
    }
  }

  findings(): Finding[] {
    return [...this.#errors, ...this.#warnings].slice(0, this.#max);
  }
}
