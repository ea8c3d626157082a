/**
 * How many jobs BullMQ may fetch beyond those that are worked on. It fetches them one after the other, and starts none
 * of them before it has all: from a store that takes 100 ms for an answer, 400 would come in 40 seconds, by which time the
 * locks of the first, which nobody renews before they are started, have ended.
 */
const AHEAD = 25;

/** Lets the concurrency of a worker of BullMQ grow with the jobs that are worked on. */
export class GradualConcurrency {
  readonly #worker: { concurrency: number };
  readonly #most: number;
  #working = 0;
  #isDrained = true;

  /** @param most - jobs that are worked on at a time. */
  constructor(worker: { concurrency: number }, most: number) {
    this.#worker = worker;
    this.#most = most;
    worker.concurrency = this.#wanted();
  }

  /** A job is worked on. */
  begin(): void {
    this.#working++;
    this.#isDrained = false;
    // Never less meanwhile: whoever finishes a job takes the next one for it only while there is room for both.
    this.#worker.concurrency = Math.max(this.#worker.concurrency, this.#wanted());
  }

  /** It is not worked on any more. */
  end(): void {
    this.#working--;
    if (this.#isDrained) this.#worker.concurrency = this.#wanted();
  }

  /** No job waits: those that come after a while begin with few again. */
  drained(): void {
    this.#isDrained = true;
    this.#worker.concurrency = this.#wanted();
  }

  #wanted(): number {
    return Math.min(this.#most, this.#working + AHEAD);
  }
}
