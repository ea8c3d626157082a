import { jsonMembers } from "../../../generated/validators/checks.js";

/** Whether a value says nothing: it is not there, null, an empty text, or an object or list without members. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (typeof value !== "object") return false;
  for (const _ in jsonMembers(value)) return false;
  return true;
}
