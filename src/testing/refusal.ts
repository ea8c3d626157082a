import type { Batch } from "../../generated/schema.ts";
import type { Validate } from "../delivery/checks.ts";
import type { Finding, ServiceError } from "../errors.ts";
import { planCheck } from "../plan/plan.ts";
import { show } from "../rules/show.ts";
import type { RecordedRequest, RecordOptions } from "./recorder.ts";
import { planStep, type AnswerStep, type FullStep } from "./step.ts";

/**
 * A script that refuses every request holding a bad batch, as a whole and without saying which, and accepts all others:
 * what isolating a poisonous batch is tested against.
 *
 * @param isPoison - true for a batch the service is to refuse.
 * @throws TypeError - for what is no function.
 * @example const server = await startFakeServer({ script: poison((batch) => batch.user_identities?.email === "bad") });
 */
export function poison(isPoison: (batch: Batch) => boolean): (request: Pick<RecordedRequest, "batches">) => AnswerStep {
  requireFunction("isPoison", isPoison);
  return ({ batches }) =>
    batches.some(isPoison)
      ? refuse([{ code: "BAD_REQUEST", message: "A batch of this request was refused." }])
      : { status: 202 };
}

function requireFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`\`${name}\` is ${show(value)}; expected a function.`);
}

/** Everything that batches are checked by; undefined when that is nothing. */
export function checkOf({ check, plan }: Pick<RecordOptions, "check" | "plan">): RecordOptions["check"] {
  if (plan === undefined) return check;
  const checkPlan = planCheck(plan);
  return check === undefined ? checkPlan : (batch, context) => [...check(batch, context), ...checkPlan(batch)];
}

/** The plan itself, unless it accepts a batch in which `check` finds an error. */
export function planChecked(
  plan: FullStep,
  request: Pick<RecordedRequest, "batches" | "path">,
  check: Validate | undefined,
): FullStep {
  if (check === undefined || plan.kind !== "answer" || plan.status > 299) return plan;
  const isBulk = request.path.includes("/bulkevents");
  const endpoint = request.path.endsWith("/historical") ? "historical" : isBulk ? "bulk" : "events";
  const mistakes = errorsIn(request.batches, (batch) => check(batch, { endpoint }), isBulk);
  return mistakes.length === 0 ? plan : planStep(refuse(mistakes));
}

/** What a check finds in the batches of a request, as entries of an error's body; warnings left out. */
export function errorsIn<Checked>(
  batches: readonly Checked[],
  check: (batch: Checked) => readonly Finding[],
  isBulk: boolean,
): readonly ServiceError[] {
  return batches.flatMap((batch, index) =>
    check(batch)
      .filter(({ severity }) => severity === "error")
      .map(({ code, path, message, hint }): ServiceError => ({
        code,
        path: isBulk ? `/${String(index)}${path}` : path,
        message,
        ...(hint !== undefined && { hint }),
      })),
  );
}

/** The service's answer to a bad request, in its error envelope. */
function refuse(errors: readonly ServiceError[]): AnswerStep {
  return { status: 400, body: { errors } };
}
