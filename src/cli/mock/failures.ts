import { UsageError } from "../usage-error.ts";

/** Some of the requests are answered by a status. */
export interface FailureRule {
  readonly status: number;
  /** From 0 to 1. */
  readonly share: number;
}

/**
 * `429:0.1,503:0.05`, as `--fail` takes it: a tenth of the requests is answered 429, a twentieth 503.
 *
 * @throws UsageError - when it is not written so, or the shares are more than all.
 */
export function readFailures(given: readonly string[]): readonly FailureRule[] {
  const rules = given
    .flatMap((list) => list.split(","))
    .map((text): FailureRule => {
      const [, status = "", share = "1"] = /^\s*(\d{3})(?::([\d.]+)(?:%)?)?\s*$/.exec(text) ?? [];
      const rule = {
        status: Number(status),
        share: text.trimEnd().endsWith("%") ? Number(share) / 100 : Number(share),
      };
      if (rule.status >= 300 && rule.status <= 599 && rule.share >= 0 && rule.share <= 1) return rule;
      throw new UsageError(`--fail ${text} is no failure.`, "Write it as a status and a share: --fail 429:0.1.");
    });
  if (rules.reduce((sum, { share }) => sum + share, 0) <= 1 + Number.EPSILON) return rules;
  throw new UsageError("--fail asks for more failures than there are requests.", "Let the shares sum up to 1 at most.");
}

/** The status that a request fails with; undefined when it does not. */
export function decideFailure(rules: readonly FailureRule[], random: () => number): number | undefined {
  if (rules.length === 0) return undefined;
  let drawn = random();
  for (const { status, share } of rules) {
    if (drawn < share) return status;
    drawn -= share;
  }
  return undefined;
}
