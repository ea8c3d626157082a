import type { Finding } from "../../errors.ts";
import { formatPlace, type Place } from "../input/entry.ts";
import { UsageError } from "../usage-error.ts";

export type Environment = "development" | "production";

/** What `--environment` allows. Production has to be said twice: by the batches and by the flag, or by the flag twice. */
export class EnvironmentGuard {
  readonly #said: Environment | undefined;
  /** What batches get that do not say it. */
  readonly filling: Environment | undefined;

  /** @throws UsageError - when it is said in two ways. */
  constructor(said: readonly string[]) {
    const [first, second] = said;
    if (second !== undefined && second !== first) {
      throw new UsageError("--environment says development as well as production.", "Say one of them.");
    }
    this.#said = first === "development" || first === "production" ? first : undefined;
    this.filling = this.#said === "production" && second === undefined ? undefined : this.#said;
  }

  /**
   * Nothing of this run was meant for production, as far as anybody said.
   *
   * @throws UsageError - for a batch that says production where the command does not.
   */
  requireSaid(batch: unknown, place: Place): void {
    if (this.#said !== undefined || environmentOf(batch) !== "production") return;
    throw new UsageError(
      `${formatPlace(place)}: the batch is for production, and production has to be said twice.`,
      "Add --environment production if that is meant.",
    );
  }

  /** The finding with what to do on a command line: rows of CSV hardly ever have a place for an environment. */
  advise(finding: Finding): Finding {
    if (finding.code !== "environment-missing" || this.#said !== undefined) return finding;
    return { ...finding, hint: "Add --environment development; for production, say --environment production twice." };
  }

  /** What is wrong with the environment of a batch. */
  check(batch: unknown): readonly Finding[] {
    const found = environmentOf(batch);
    if (this.#said === undefined || found === this.#said) return [];
    if (found === undefined || found === null || found === "") {
      if (this.filling !== undefined) return [];
      const hint = "Say --environment production twice to send batches to production that do not say so themselves.";
      return [
        finding("environment-missing", "it is missing, and the service would take the batch for production.", hint),
      ];
    }
    const message = `it is ${JSON.stringify(found)}, and --environment says ${this.#said}.`;
    return [finding("environment-not-meant", message, "Send it in a run of its own.")];
  }
}

function environmentOf(batch: unknown): unknown {
  return typeof batch === "object" && batch !== null && "environment" in batch ? batch.environment : undefined;
}

function finding(code: string, message: string, hint: string): Finding {
  return { severity: "error", code, path: "/environment", message, hint };
}
