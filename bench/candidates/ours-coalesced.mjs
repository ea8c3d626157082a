/** The built package, with single uploads travelling together. */
import { open as openPlain } from "./ours.mjs";

export function open(options) {
  return openPlain({ ...options, coalesce: true });
}
