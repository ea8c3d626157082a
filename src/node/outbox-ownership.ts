import { statSync, type Stats } from "node:fs";
import type { OutboxOwner } from "../delivery/outbox.ts";
import { outboxError } from "./outbox-error.ts";
import { OutboxLease, type OwnerWatch } from "./outbox-lease.ts";

/** What SQLite writes to: the file and its own log. */
const WRITTEN = ["", "-wal"];

/** That the file, and no other at its path, is ours alone. */
export class Ownership {
  readonly #path: string;
  readonly #warn: OutboxOwner["warn"] | undefined;
  #lease: OutboxLease | undefined;
  #file: Stats | undefined;
  /** As we have left them. */
  #sizes: readonly number[] = [];
  #isChanged = false;
  #hasWarned = false;

  /**
   * @param isUnlocked - whether SQLite's lock is free; asked before the lease of an owner is taken that may live.
   * @returns undefined while another owner lives.
   */
  static take(
    path: string,
    watch: OwnerWatch,
    owner: OutboxOwner | undefined,
    isUnlocked: () => boolean,
  ): Ownership | undefined {
    const ownership = new Ownership(path, owner);
    const onBeat = (): void => {
      ownership.#warnOnce();
    };
    ownership.#lease = OutboxLease.acquire(path, { watch, onBeat, isUnlocked });
    return ownership.#lease === undefined ? undefined : ownership;
  }

  private constructor(path: string, owner: OutboxOwner | undefined) {
    this.#path = path;
    this.#warn = owner?.warn;
  }

  /** From now on whatever happens to the file is noticed. */
  watchFile(): void {
    this.#file = statSync(this.#path);
    this.#sizes = this.#measure();
  }

  /** Does work that may change the size of the file. */
  change(work: () => void): void {
    this.#look();
    try {
      work();
    } finally {
      if (!this.#isChanged) this.#sizes = this.#measure();
    }
  }

  /** @throws MParticleError - when what is written now would be lost. */
  require(): void {
    const problem = this.#problem;
    if (problem === undefined) return;
    this.#warnOnce();
    throw outboxError(problem);
  }

  get isTakenOver(): boolean {
    return this.#lease?.isHeld === false;
  }

  release(): void {
    this.#lease?.release();
  }

  get #problem(): string | undefined {
    if (this.isTakenOver) {
      return `${this.#path} was taken over by another process, because this one gave no sign of life for seconds.`;
    }
    const happened = this.#whatHappened;
    if (happened === undefined) return undefined;
    return (
      `${this.#path} was ${happened} while it was open: nothing more can be added. ` +
      "What was added before is still being sent, and lost if this process ends before that. Start it anew."
    );
  }

  get #whatHappened(): string | undefined {
    if (this.#file === undefined) return undefined;
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there === undefined) return "deleted";
    if (there.ino !== this.#file.ino || there.dev !== this.#file.dev) return "replaced";
    this.#look();
    return this.#isChanged ? "cut short or overwritten" : undefined;
  }

  /** Nobody but us may write to it: once another has, it is no longer what we take it for. */
  #look(): void {
    this.#isChanged ||= this.#measure().some((size, index) => size !== this.#sizes[index]);
  }

  #measure(): number[] {
    if (this.#file === undefined) return [];
    return WRITTEN.map((suffix) => statSync(this.#path + suffix, { throwIfNoEntry: false })?.size ?? 0);
  }

  #warnOnce(): void {
    const problem = this.#hasWarned ? undefined : this.#problem;
    if (problem === undefined) return;
    this.#hasWarned = true;
    this.#warn?.(problem);
  }
}
