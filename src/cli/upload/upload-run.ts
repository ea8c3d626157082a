import type { ApiError, DeliveryOutcome, EventsClient, Finding, MParticleError } from "../../index.ts";
import type { Place } from "../input/entry.ts";
import type { Terminal } from "../terminal.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { eventsOf, type Origin, type RecordSource } from "./record-source.ts";
import type { RejectedFile } from "./rejected-file.ts";
import type { RunState } from "./progress-display.ts";
import type { Tally } from "./tally.ts";

/** Why a run ended before its input did; `undefined` when it did not. */
export type Interruption = "interrupted" | "undelivered" | "credentials" | "no-answer" | "strict";

/** What a run writes down while it goes on. */
export interface Books {
  readonly rejected: Pick<RejectedFile, "write" | "sync" | "close">;
  /** `undefined` for a run that nobody can resume. */
  readonly checkpoint: { readonly name: string; readonly path: string; readonly head: CheckpointHead } | undefined;
  /** The finding with what to do about it on a command line. */
  readonly advise: (finding: Finding, origin: Origin) => Finding;
  /** Told of the findings of a rejected batch. */
  readonly onFindings: (findings: readonly Finding[], place: Place) => void;
}

/** What stays the same through a run. */
export type CheckpointHead = Pick<Checkpoint, "version" | "settings" | "files" | "rejected">;

const CHECKPOINT_MS = 2000;
/** Longer without a single answer, and the address is wrong or the network is down. */
const FIRST_ANSWER_MS = 30_000;

/** One upload, from the first batch to the last outcome. */
export class UploadRun {
  readonly #source: RecordSource;
  readonly #books: Books;
  readonly #terminal: Terminal;
  /** Ends the reading. */
  readonly #stop = new AbortController();
  /** Ends everything. */
  readonly #abort = new AbortController();
  readonly #tally: Tally = { accepted: 0, rejected: 0, undelivered: 0, eventsAccepted: 0 };
  #writtenAtMs: number;
  #pausedUntilMs = 0;
  #pausedBy: RunState["pausedBy"] = "service";
  /** Of the first attempt, until one was answered. */
  #unansweredSinceMs: number | undefined | "answered";
  #interruption: Interruption | undefined;
  /** What kept the first batch from being delivered. */
  #trouble: string | undefined;
  /** Why the last request failed that is made again. */
  #lastFailure: string | undefined;
  /** Nothing from that batch on counts as settled: the credentials were refused, and not the batch. */
  #holdsAt = Infinity;

  constructor(source: RecordSource, books: Books, terminal: Terminal) {
    this.#source = source;
    this.#books = books;
    this.#terminal = terminal;
    this.#writtenAtMs = terminal.now();
  }

  get tally(): Readonly<Tally> {
    return this.#tally;
  }

  get interruption(): Interruption | undefined {
    return this.#interruption ?? (this.#source.stoppedByStrict ? "strict" : undefined);
  }

  get trouble(): string | undefined {
    // What is ended because nothing answers says that it was ended, and not why nothing answers.
    return this.#interruption === "no-answer" ? (this.#lastFailure ?? this.#trouble) : this.#trouble;
  }

  /** What of the source was handed over and has no outcome yet. */
  get waiting(): number {
    const { accepted, rejected, undelivered } = this.#tally;
    return this.#source.batches - accepted - rejected - undelivered;
  }

  /** @param read - how much of the input was read, from 0 to 1: what of it waits is not done. */
  state(read: number | undefined): RunState {
    const { records } = this.#source;
    const share = read === undefined || records === 0 ? read : read * (1 - this.waiting / records);
    return {
      ...this.#tally,
      events: this.#tally.eventsAccepted,
      waiting: this.waiting,
      share,
      pausedUntilMs: this.#pausedUntilMs,
      pausedBy: this.#pausedBy,
      isStopping: this.#stop.signal.aborted,
    };
  }

  /** Told by the client. */
  readonly observers = {
    onAttempt: ({ status }: { readonly status?: number | undefined }): void => {
      if (status !== undefined) this.#unansweredSinceMs = "answered";
      else this.#unansweredSinceMs ??= this.#terminal.now();
    },
    onRetry: ({ error }: { readonly error: MParticleError }): void => {
      this.#lastFailure = error.message;
    },
    onPause: ({ durationMs, error }: { readonly durationMs: number; readonly error: MParticleError }): void => {
      this.#pausedUntilMs = this.#terminal.now() + durationMs;
      this.#pausedBy = error.name === "ApiError" ? "service" : "no-answer";
    },
  };

  /** The first time ends the reading, the second time everything. */
  interrupt(): "stopping" | "ending" {
    if (this.#stop.signal.aborted && this.#interruption === "interrupted") {
      this.#abort.abort();
      return "ending";
    }
    this.#end("interrupted");
    return "stopping";
  }

  /** Called now and then, also while nothing happens. */
  tick(): void {
    const since = this.#unansweredSinceMs;
    if (typeof since === "number" && this.#terminal.now() - since > FIRST_ANSWER_MS) {
      this.#end("no-answer");
      this.#abort.abort();
    }
    this.#writeNowAndThen();
  }

  /** @throws UsageError - of the source, and of the files that are written; what was sent is in the books then. */
  async deliver(
    client: EventsClient,
    options: { concurrency: number; endpoint: "bulk" | "historical"; lingerMs: number },
  ): Promise<void> {
    let isComplete = false;
    // Whoever resumes a run that was killed at once finds where its rejected batches are.
    this.#write(false);
    try {
      const outcomes = client.deliver(this.#source.read(), {
        ...options,
        stop: this.#stop.signal,
        signal: this.#abort.signal,
      });
      for await (const outcome of outcomes) {
        this.#take(outcome);
        this.#source.settleThrough(Math.min(outcome.settledThrough, this.#holdsAt));
        this.#writeNowAndThen();
      }
      // Not where the source threw, nor where it was broken off: what it gave last may never have been sent.
      isComplete = this.interruption === undefined;
      if (isComplete) this.#source.settleAll();
    } finally {
      this.#books.rejected.close();
      this.#write(isComplete);
    }
  }

  #take(outcome: DeliveryOutcome): void {
    const { index, batch } = outcome;
    if (outcome.kind === "accepted") {
      this.#tally.accepted++;
      this.#tally.eventsAccepted += eventsOf(batch);
      return;
    }
    if (outcome.kind === "undelivered") {
      this.#undelivered(outcome.error.message, "undelivered");
      return;
    }
    const { error } = outcome;
    // Not the batch was refused: all others would be, too.
    if (error.code === "UNAUTHORIZED" || error.code === "REDIRECTED") {
      this.#holdsAt = Math.min(this.#holdsAt, index);
      this.#undelivered(error.message, "credentials");
      return;
    }
    this.#tally.rejected++;
    this.#source.freeId(batch);
    const isOurs = "findings" in error;
    const origin = this.#source.originOf(index);
    const { record, file, line, column } = origin;
    const place = { file, line, column };
    const said = isOurs ? error.findings : findingsOf(error);
    const findings = said.map((finding) => this.#books.advise(finding, origin));
    this.#books.onFindings(findings, place);
    this.#books.rejected.write({
      record,
      place,
      by: isOurs ? "check" : "service",
      ...(!isOurs && { status: error.status }),
      findings,
      batch,
    });
  }

  #undelivered(message: string, why: Interruption): void {
    this.#tally.undelivered++;
    this.#trouble ??= message;
    this.#end(why);
  }

  #end(why: Interruption): void {
    this.#interruption ??= why;
    this.#stop.abort();
  }

  #writeNowAndThen(): void {
    if (this.#terminal.now() - this.#writtenAtMs >= CHECKPOINT_MS) this.#write(false);
  }

  #write(finished: boolean): void {
    const { checkpoint, rejected } = this.#books;
    if (checkpoint === undefined) return;
    this.#writtenAtMs = this.#terminal.now();
    // First what a checkpoint says is written.
    rejected.sync();
    const { name, path, head } = checkpoint;
    writeCheckpoint(name, path, { ...head, ...this.#source.settled, finished });
  }
}

function findingsOf(error: ApiError): readonly Finding[] {
  const said = error.details.map(({ code, message, path, hint }) => ({
    code: code ?? "refused",
    message: message ?? error.message,
    // The one batch of a bulk request; a batch itself has no member of that name.
    path: path?.replace(/^\/0(?=\/|$)/, "") ?? "",
    ...(hint !== undefined && { hint }),
  }));
  const all = said.length > 0 ? said : [{ code: "refused", message: error.message, path: "" }];
  return all.map((one) => ({ severity: "error", ...one }));
}
