import { BroadcastChannel, threadId } from "node:worker_threads";

/** What a worker thread does when the process ends. */
export interface ThreadDrains {
  /** Longest time that `drain` takes. */
  timeoutMs(): number;
  /** Sends what is pending, and spills the rest. */
  drain(signal: NodeJS.Signals): Promise<void>;
  /** Spills what is pending, at once. */
  spill(): void;
  warn(message: string): void;
}

/**
 * Messages between the threads of a process. A worker thread gets neither signals nor, when the main thread ends the
 * process, an "exit" event; so the main thread asks.
 */
type Message =
  | { readonly kind: "here"; readonly thread: number; readonly timeoutMs: number }
  | { readonly kind: "heard"; readonly thread: number }
  | { readonly kind: "gone"; readonly thread: number }
  | { readonly kind: "drain"; readonly signal: NodeJS.Signals }
  | { readonly kind: "draining" | "drained"; readonly thread: number }
  /** `counts` has the number of threads that have begun, and of those that have done it. */
  | { readonly kind: "spill"; readonly counts: SharedArrayBuffer }
  /** The main thread listens from now on. */
  | { readonly kind: "who" };

const CHANNEL = "mparticle-events.exit-drains";
/** A main thread that listens answers sooner than this. */
const ANSWER_TIMEOUT_MS = 2_000;
/** A thread that was terminated says no more; one that lives begins within this time. */
const BEGIN_TIMEOUT_MS = 250;
/** Longest time to wait for a thread that has begun to spill. */
const SPILL_TIMEOUT_MS = 1_000;
/** For what a thread does after the time for its drain has passed. */
const GRACE_MS = 500;
const [BEGUN, DONE] = [0, 1];

/** The main thread's side: asks the worker threads that have queues to drain. */
export class ThreadCalls {
  readonly #channel = openChannel((message) => {
    this.#receive(message);
  });
  /** Threads that have queues, with the longest time each needs. */
  readonly #threads = new Map<number, number>();
  #onProgress: (kind: Message["kind"], thread: number) => void = () => undefined;

  constructor() {
    this.#post({ kind: "who" });
  }

  /** Resolves when all of them have drained, or their time is up. */
  async drain(signal: NodeJS.Signals): Promise<void> {
    if (this.#threads.size === 0) return;
    const silent = new Set(this.#threads.keys());
    const waiting = new Set(silent);
    const timeoutMs = Math.max(...this.#threads.values()) + GRACE_MS;
    await new Promise<void>((resolve) => {
      const done = (thread: number): void => {
        waiting.delete(thread);
        if (waiting.size === 0) resolve();
      };
      this.#onProgress = (kind, thread) => {
        silent.delete(thread);
        if (kind !== "draining") done(thread);
      };
      this.#post({ kind: "drain", signal });
      setTimeout(() => {
        for (const thread of silent) done(thread);
      }, BEGIN_TIMEOUT_MS);
      setTimeout(resolve, timeoutMs).unref();
    });
  }

  /** Lets them spill, and blocks this thread until they have: the process ends when it goes on. */
  spill(): void {
    const threads = this.#threads.size;
    if (threads === 0) return;
    const counts = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
    this.#post({ kind: "spill", counts: counts.buffer }); // as made in the line before
    const startedAtMs = performance.now();
    for (;;) {
      const done = Atomics.load(counts, DONE);
      const passedMs = performance.now() - startedAtMs;
      const expected = passedMs < BEGIN_TIMEOUT_MS ? threads : Atomics.load(counts, BEGUN);
      if (done >= expected || passedMs >= SPILL_TIMEOUT_MS) return;
      Atomics.wait(counts, DONE, done, BEGIN_TIMEOUT_MS);
    }
  }

  close(): void {
    this.#channel.close();
  }

  #receive(message: Message): void {
    if (message.kind === "here") {
      this.#threads.set(message.thread, message.timeoutMs);
      this.#post({ kind: "heard", thread: message.thread });
    } else if (message.kind === "gone" || message.kind === "draining" || message.kind === "drained") {
      if (message.kind === "gone") this.#threads.delete(message.thread);
      this.#onProgress(message.kind, message.thread);
    }
  }

  #post(message: Message): void {
    this.#channel.postMessage(message);
  }
}

/**
 * The worker thread's side: does what the main thread asks. Where that does not listen, the drains are told.
 *
 * @returns a function that takes the wish back.
 */
export function hearMainThread(drains: ThreadDrains): () => void {
  const post = (message: Message): void => {
    channel.postMessage(message);
  };
  const introduce = (): void => {
    post({ kind: "here", thread: threadId, timeoutMs: drains.timeoutMs() });
  };
  const channel = openChannel((message) => {
    switch (message.kind) {
      case "who":
        introduce();
        break;
      case "heard":
        if (message.thread === threadId) clearTimeout(timer);
        break;
      case "drain":
        post({ kind: "draining", thread: threadId });
        void drains.drain(message.signal).finally(() => {
          post({ kind: "drained", thread: threadId });
        });
        break;
      case "spill": {
        const counts = new Int32Array(message.counts);
        Atomics.add(counts, BEGUN, 1);
        drains.spill();
        Atomics.add(counts, DONE, 1);
        Atomics.notify(counts, DONE);
      }
    }
  });
  const timer = setTimeout(() => {
    drains.warn(
      "drainOnExit in a worker thread hears of no signal, and of no process.exit in the main thread: what this thread " +
        "holds then is lost. Call drainOnExit in the main thread as well, or give the queue an outbox.",
    );
  }, ANSWER_TIMEOUT_MS);
  timer.unref();
  // Not before the first drain is there.
  queueMicrotask(introduce);
  return () => {
    clearTimeout(timer);
    post({ kind: "gone", thread: threadId });
    channel.close();
  };
}

/** A channel that keeps no thread alive. */
function openChannel(receive: (message: Message) => void): BroadcastChannel {
  const channel = new BroadcastChannel(CHANNEL);
  // What comes through it was sent by this package.
  channel.onmessage = (event): void => {
    receive((event as { readonly data: Message }).data);
  };
  (channel as BroadcastChannel & { unref(): void }).unref(); // as documented by Node
  return channel;
}
