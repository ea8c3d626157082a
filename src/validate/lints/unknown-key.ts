import { knownShape } from "../known-shapes.ts";
import { describeUnknownKey } from "../unknown-keys.ts";
import { EVERY_UNKNOWN_KEY, lint } from "./lint.ts";

export const unknownKey = lint({
  code: "unknown-key",
  profiles: "wire",
  means: "A key that no source knows, and the service most likely ignores",
  advice: "Take the key that the hint names",
  at: [EVERY_UNKNOWN_KEY],
  check: (value, name, { profile }, of) => describeUnknownKey(String(name), knownShape(of), profile, value),
});
