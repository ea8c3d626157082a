import { appendToken } from "../validate/pointer.ts";

/** One thing in which a value differs from its rule. */
export interface Problem {
  readonly kind: "unplanned" | "missing" | "invalid" | "unsure";
  readonly message: string;
  /** Worked out for what is reported alone: comparing names takes time. */
  readonly hint?: (() => string | undefined) | undefined;
}

interface Located extends Problem {
  path: string;
}

/** More would help nobody. */
const MAX_PROBLEMS = 1000;

/** What a check finds. Where it was found is added on the way back up, so that a batch that fits costs no paths. */
export class Problems {
  readonly #found: Located[] = [];
  /** Read before and after each member: a field, because a getter would be what a check spends its time on. */
  count = 0;

  get isFull(): boolean {
    return this.#found.length >= MAX_PROBLEMS;
  }

  add(problem: Problem, path = ""): void {
    if (!this.isFull) this.count = this.#found.push({ ...problem, path });
  }

  /** Prefixes what was found since `start` with the key or index it was found under. */
  locate(start: number, key: string | number): void {
    const prefix = appendToken("", key);
    for (let index = start; index < this.#found.length; index++) {
      const problem = this.#found[index];
      if (problem !== undefined) problem.path = prefix + problem.path;
    }
  }

  /** Takes out what was found. */
  take(): readonly Located[] {
    this.count = 0;
    return this.#found.splice(0);
  }
}
