import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** Flags that somebody looks for who has a secret in hand. There are none of them. */
const FLAGS = /^--?(mparticle[-_]?)?((api|client)[-_]?)?(secret|key|password|token|credentials|auth)([-_]?key)?(=|$)/i;
const VARIABLE = /^(--)?MPARTICLE_(API|CLIENT)_(SECRET|KEY)=/i;

/**
 * Credentials are read from the environment or from a file, and never from an argument.
 *
 * @throws UsageError - for an argument that holds one; the message does not repeat it.
 */
export function refuseSecrets(args: readonly string[], env: Terminal["env"]): void {
  const secrets = [env["MPARTICLE_API_SECRET"] ?? "", env["MPARTICLE_CLIENT_SECRET"] ?? ""];
  const isSecret = (word: string): boolean =>
    FLAGS.test(word) || VARIABLE.test(word) || secrets.some((secret) => secret.length >= 8 && word.includes(secret));
  if (!args.some(isSecret)) return;
  throw new UsageError(
    "Credentials are not taken as arguments: every process of this machine can read them, and the shell remembers them.",
    "Set MPARTICLE_API_KEY and MPARTICLE_API_SECRET in the environment, or in a file .env in this folder.",
  );
}
