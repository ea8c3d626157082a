import { ENVIRONMENTS } from "../../generated/contract.ts";
import type { Environment } from "../../generated/schema.ts";
import { show } from "./show.ts";
import type { Statement } from "./statement.ts";

/** What to do about an environment that is missing, or none. */
export const ENVIRONMENT_HINT = 'Set "development" or "production".';

/** Whether a value is an environment that a sender may write. */
export function isEnvironment(value: unknown): value is Environment {
  return ENVIRONMENTS.some((environment) => environment === value);
}

/** A batch without its environment counts as production. */
export const ENVIRONMENT_MISSING: Statement<"environment-missing"> = {
  code: "environment-missing",
  message: "it is missing, and the service would take the batch for production.",
  hint: ENVIRONMENT_HINT,
};

/**
 * What keeps a batch with such an environment from being sent; undefined when nothing does.
 *
 * @param value - the `environment` of a batch; `"unknown"` passes, because old SDKs write it (D27).
 */
export function environmentProblem(
  value: unknown,
): Statement<"environment-missing" | "environment-unknown"> | undefined {
  if (isEnvironment(value) || value === "unknown") return undefined;
  if (value === undefined || value === null || value === "") return ENVIRONMENT_MISSING;
  return { code: "environment-unknown", message: `it is ${show(value)}, which is none.`, hint: ENVIRONMENT_HINT };
}
