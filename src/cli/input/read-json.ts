import { parseExact } from "../../transport/json.ts";
import { findJsonFault } from "./json-fault.ts";

/** What a text says, or why it is no JSON. */
export type JsonText =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "fault"; readonly offset: number; readonly message: string };

/** Only such a run of digits can be an integer that a number would round; to look for one costs next to nothing. */
const LONG_INTEGER = /\d{16}/;

/**
 * Reads one JSON value. Integers that a number would round become digits: an id is sent as the integer it is, and an
 * attribute, which takes no bigint, as the text of it.
 */
export function readJson(text: string): JsonText {
  try {
    return { kind: "value", value: LONG_INTEGER.test(text) ? parseExact(text) : (JSON.parse(text) as unknown) };
  } catch (error) {
    const fault = findJsonFault(text);
    if (fault === undefined) throw error; // it is JSON for the one and not for the other
    return { kind: "fault", offset: fault.offset, message: fault.message };
  }
}
