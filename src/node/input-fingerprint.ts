import { createHash } from "node:crypto";

/** Names an input in a file without giving its `apiKey` away: sixteen hexadecimal digits. */
export function inputFingerprint(apiKey: string): string {
  return createHash("sha256").update(apiKey).digest("hex").slice(0, 16);
}
