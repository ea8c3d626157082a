/** What a rule says about one mistake; whoever asked knows where it is, and how serious it is for them. */
export interface Statement<Code extends string = string> {
  /** Stable name of the rule. */
  readonly code: Code;
  /** What was found and what was expected, in one sentence. */
  readonly message: string;
  /** What to do about it, where that is known. */
  readonly hint?: string | undefined;
}
