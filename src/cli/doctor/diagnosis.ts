/** One thing that was looked at. */
export interface Diagnosis {
  /** What was looked at, in a word. */
  readonly subject: string;
  readonly verdict: "well" | "ill" | "unknown";
  /** What was found. */
  readonly message: string;
  /** What to do; of what is ill always. */
  readonly remedy?: string | undefined;
}

export function well(subject: string, message: string): Diagnosis {
  return { subject, verdict: "well", message };
}

export function ill(subject: string, message: string, remedy: string): Diagnosis {
  return { subject, verdict: "ill", message, remedy };
}

export function unknown(subject: string, message: string, remedy?: string): Diagnosis {
  return { subject, verdict: "unknown", message, remedy };
}
