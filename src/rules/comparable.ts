import { isObject } from "./objects.ts";

/**
 * For `JSON.stringify`: texts of the same content are the same then. The order of keys says nothing, and a store such as
 * `jsonb` does not keep it.
 */
export function comparable(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${String(value)}n`;
  return isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
}
