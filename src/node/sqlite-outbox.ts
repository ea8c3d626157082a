import { resolve, sep } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { DeadLetter, Outbox, OutboxEntry, OutboxOwner, StoredBatch } from "../delivery/outbox.ts";
import { show } from "../rules/show.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";
import { toRejectedBatch, wantedIds, type RejectedBatch } from "./dead-letters.ts";
import { outboxError } from "./outbox-error.ts";
import { OutboxFile, type OutboxFileSettings } from "./outbox-file.ts";
import { OwnerWatch } from "./outbox-lease.ts";
import type { OutboxLog } from "./outbox-log.ts";
import { loadSqlite } from "./sqlite.ts";
import { charactersOf, perform, performOneByOne, type Write } from "./outbox-writes.ts";

/** How safe, and how large, an outbox is. */
export interface SqliteOutboxOptions {
  /**
   * What an event survives once `add` has resolved. `"process"`: the end of the process, however it comes, SIGKILL
   * included; the operating system has the bytes. `"power"`: a power cut as well; each group of writes waits for the
   * disk, and the event loop with it, for as long as that takes. `@default "process"`
   */
  readonly durability?: "process" | "power" | undefined;
  /**
   * Largest size of the file, in bytes; beside it lies a log of up to 5 MB. When it is reached, or the disk has less than
   * 8 MB left, `add` rejects with `OUTBOX`. `@default 1_073_741_824`
   */
  readonly maxBytes?: number | undefined;
  /** Whether batches that the service refused are set aside, to be looked at and sent again. `@default true` */
  readonly keepRejected?: boolean | undefined;
  /**
   * How long to wait for an owner that is about to end, in milliseconds: longer than it may take to drain its queue.
   * `@default 15_000`
   */
  readonly takeoverTimeoutMs?: number | undefined;
}

/** An {@link Outbox} in a file. */
export interface SqliteOutbox extends Outbox {
  /**
   * Lists what the service refused, and what was damaged on the disk, oldest first.
   *
   * @throws MParticleError - `OUTBOX`, when it is not open: a queue opens it, and a program without one calls `open`.
   */
  deadLetters(): Promise<readonly RejectedBatch[]>;
  /**
   * Makes refused batches pending again, as they are: the next queue that opens the file sends them; the one that has it open
   * does not. What has to be mended first is added anew, and discarded here; what cannot be read stays.
   *
   * @param letters - `source_request_id` of each batch, or what {@link deadLetters} lists; all when there is no argument.
   * What is not there is passed over.
   * @returns how many there were.
   * @throws TypeError - for what is no array of these, `undefined` included.
   */
  restore(...letters: readonly [] | readonly [letters: readonly (string | RejectedBatch)[]]): Promise<number>;
  /**
   * Forgets refused batches.
   *
   * @param letters - `source_request_id` of each batch, or what {@link deadLetters} lists; all when there is no argument.
   * What is not there is passed over.
   * @returns how many there were.
   * @throws TypeError - for what is no array of these, `undefined` included.
   */
  discard(...letters: readonly [] | readonly [letters: readonly (string | RejectedBatch)[]]): Promise<number>;
}

const TAKEOVER_POLL_MS = 50;
const MIN_MAX_BYTES = 48 * 1024;
/** So much is written in one transaction. */
const CHARACTERS_PER_COMMIT = 512 * 1024;
/** So much is read in one piece: a few milliseconds. */
const CHARACTERS_PER_SLICE = 128 * 1024;
/** What the smallest of them counts for. */
const LEAST_CHARACTERS = 256;
const LETTERS_AT_ONCE = 100;
/** What it counts for, in characters, that an id leaves, and that a letter is set aside or discarded. */
const CHARACTERS_PER_ID = 128;
const CHARACTERS_PER_LETTER = 32 * 1024;
const DEFAULT_MAX_BYTES = 1024 * 1024 * 1024;

/**
 * Keeps events in a SQLite file until the service has accepted them: for the `outbox` option of an `EventQueue`.
 *
 * Uses the SQLite of Node 22.13 and later, or the optional peer `libsql`. The file belongs to one input, and has one owner
 * at a time, which a file `…-owner` beside it names; when its process dies, the next one takes over. Put it on a local disk:
 * locks of network file systems cannot be relied on.
 *
 * @param path - of the file, made when there is none; its folder has to exist.
 * @param options - see {@link SqliteOutboxOptions}.
 * @throws TypeError, RangeError - naming the option, its value and what was expected. What is wrong with the file is
 * told by `open`, and so by the first `add` of the queue.
 * @throws Error - when there is no SQLite, naming the package and the version to install.
 */
export function sqliteOutbox(path: string, options: SqliteOutboxOptions = {}): SqliteOutbox {
  return new FileOutbox(path, options);
}

class FileOutbox implements SqliteOutbox {
  readonly #settings: OutboxFileSettings;
  readonly #keepRejected: boolean;
  readonly #takeoverTimeoutMs: number;
  #file: OutboxFile | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;
  #writes: Write[] = [];
  #commitScheduled = false;
  readonly #watch = new OwnerWatch();
  #warn: OutboxOwner["warn"] = () => undefined;

  constructor(path: string, options: SqliteOutboxOptions) {
    if (typeof path !== "string" || path === "" || path.startsWith(":") || path.endsWith("/") || path.endsWith(sep)) {
      throw new TypeError(`\`path\` is ${show(path)}; expected the path of a file.`);
    }
    checkOptions(options, { durability: "any", maxBytes: "any", keepRejected: "boolean", takeoverTimeoutMs: "any" });
    const { durability = "process" } = options;
    if (!["process", "power"].includes(durability)) {
      throw new TypeError(`\`durability\` is ${show(durability)}; expected "process" or "power".`);
    }
    const { maxBytes = DEFAULT_MAX_BYTES, keepRejected = true } = options;
    positive("maxBytes", maxBytes);
    if (maxBytes < MIN_MAX_BYTES) {
      throw new RangeError(
        `\`maxBytes\` is ${String(maxBytes)}; expected at least ${String(MIN_MAX_BYTES)}, for SQLite's own pages.`,
      );
    }
    loadSqlite(); // a service without it is to say so when it starts, not at its first event
    this.#settings = { path: resolve(path), durability, maxBytes };
    this.#keepRejected = keepRejected;
    this.#takeoverTimeoutMs = positive("takeoverTimeoutMs", options.takeoverTimeoutMs ?? 15_000);
  }

  async open(owner?: OutboxOwner): Promise<void> {
    if (this.#file !== undefined || this.#opening !== undefined) {
      throw outboxError(`${this.#settings.path} is open already.`);
    }
    this.#closed = false;
    this.#warn = owner?.warn ?? ((): void => undefined);
    this.#opening = this.#takeOver(owner);
    try {
      await this.#opening;
    } finally {
      this.#opening = undefined;
    }
  }

  async #takeOver(owner: OutboxOwner | undefined): Promise<void> {
    const { path } = this.#settings;
    const giveUpAtMs = performance.now() + this.#takeoverTimeoutMs;
    let file: OutboxFile | undefined;
    while ((file = OutboxFile.tryToOpen(this.#settings, this.#watch, owner)) === undefined) {
      if (performance.now() >= giveUpAtMs) {
        throw outboxError(`${path} is in use by another queue, of this process or another; each needs its own.`);
      }
      await sleep(TAKEOVER_POLL_MS);
      if (this.#closed) throw outboxError(`${path} was closed before its last owner gave it up.`);
    }
    try {
      const opened = file;
      const slices = opened.log.index();
      while (opened.guard(() => slices.next()).done !== true) {
        await nextTurn();
        if (this.#closed) throw outboxError(`${path} was closed before it was read.`);
      }
      this.#file = file;
      this.#tellOfLetters(file);
    } finally {
      if (this.#file === undefined) file.close();
    }
  }

  /** They wait for a person, and a queue that is given none to send would never speak of them. */
  #tellOfLetters({ log }: OutboxFile): void {
    let count: number;
    try {
      count = log.letters.count;
    } catch {
      return; // damage is told of by whoever reads it, and is no reason not to open
    }
    if (count === 0) return;
    const [are, each] = count === 1 ? ["1 batch", "it"] : [`${String(count)} batches`, "them"];
    this.#warn(
      `The outbox ${this.#settings.path} has ${are} set aside that the service refused, or that could not be read. ` +
        `\`await outbox.deadLetters()\` lists ${each} with the reason; \`restore\` has ${each} sent again, \`discard\` forgets ${each}.`,
    );
  }

  async *recover(): AsyncGenerator<StoredBatch> {
    await Promise.resolve();
    const file = this.#opened();
    const pending = file.log.pending((problem) => {
      this.#warn(`In the outbox ${this.#settings.path}: ${problem}`);
    });
    let characters = 0;
    for (;;) {
      const next = file.guard(() => pending.next());
      if (next.done === true) return;
      if ("requestId" in next.value) {
        yield next.value;
      } else {
        // Others get their turn while a large backlog is read.
        characters += next.value.characters;
        if (characters < CHARACTERS_PER_SLICE) continue;
        characters = 0;
        await nextTurn();
        if (this.#file !== file) return;
      }
    }
  }

  append(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#write({ entries });
  }

  remove(requestIds: readonly string[]): Promise<void> {
    return this.#write({
      cost: requestIds.length * CHARACTERS_PER_ID,
      change: (log) => {
        log.remove(requestIds);
      },
    });
  }

  setAside(letters: readonly DeadLetter[]): Promise<void> {
    if (!this.#keepRejected) return this.remove(letters.map(({ requestId }) => requestId));
    return this.#write({
      cost: letters.length * CHARACTERS_PER_LETTER,
      change: (log) => {
        log.setAside(letters);
      },
    });
  }

  async deadLetters(): Promise<readonly RejectedBatch[]> {
    await this.#opening;
    await this.#commitAll(); // what was refused just now belongs to it
    const letters: RejectedBatch[] = [];
    let characters = 0;
    for (const id of this.#idsOfLetters()) {
      const file = this.#opened();
      const letter = file.guard(() => file.log.letters.read(id));
      if (letter === undefined) continue;
      const { stored, reason } = letter;
      letters.push(toRejectedBatch(stored, reason));
      characters += LEAST_CHARACTERS + charactersOf([stored]);
      if (characters < CHARACTERS_PER_SLICE) continue;
      characters = 0;
      await nextTurn();
    }
    return letters;
  }

  async restore(...letters: readonly unknown[]): Promise<number> {
    return this.#countLetters(wantedIds("restore", letters), (log, requestId) => log.restore(requestId));
  }

  async discard(...letters: readonly unknown[]): Promise<number> {
    return this.#countLetters(wantedIds("discard", letters), (log, requestId) =>
      log.letters.remove(requestId) ? CHARACTERS_PER_LETTER : undefined,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined); // whoever opens it is told
    await this.#commitAll();
    const file = this.#file;
    this.#file = undefined;
    file?.close();
  }

  /**
   * Changes letters, some at a time, and counts those that were there.
   *
   * @param change - says for how many characters it counts; undefined when there was none.
   */
  async #countLetters(
    requestIds: readonly string[] | undefined,
    change: (log: OutboxLog, requestId: string) => number | undefined,
  ): Promise<number> {
    await this.#opening;
    await this.#commitAll();
    const ids = this.#idsOfLetters(requestIds);
    let count = 0;
    for (let id = ids.next(); id.done !== true;) {
      // Looked for before: nothing is read while it is changed.
      const some: string[] = [];
      for (; id.done !== true && some.length < LETTERS_AT_ONCE; id = ids.next()) some.push(id.value);
      for (let start = 0; start < some.length;) {
        let end = start;
        let changed = 0;
        await this.#write({
          cost: CHARACTERS_PER_COMMIT,
          change: (log) => {
            // Runs once more when its neighbours have failed.
            let characters = 0;
            changed = 0;
            for (end = start; end < some.length && characters < CHARACTERS_PER_COMMIT; end++) {
              const cost = change(log, some[end] ?? "");
              characters += LEAST_CHARACTERS + (cost ?? 0);
              if (cost !== undefined) changed++;
            }
          },
        });
        start = end;
        count += changed;
      }
    }
    return count;
  }

  /** Those that are given, or all there are. */
  *#idsOfLetters(requestIds?: readonly string[]): Generator<string, void> {
    if (requestIds !== undefined) {
      this.#opened();
      yield* requestIds;
      return;
    }
    const pages = this.#opened().log.letters.ids();
    for (;;) {
      const page = this.#opened().guard(() => pages.next());
      if (page.done === true) return;
      yield* page.value;
    }
  }

  /** Everything that is asked for in one turn of the event loop is one transaction: a commit costs more than a row. */
  #write({ entries, change, cost = 0 }: Pick<Write, "entries" | "change"> & { readonly cost?: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opened();
      const characters = charactersOf(entries ?? []);
      this.#writes.push({ entries, characters, cost: characters + cost, change, resolve, reject });
      this.#scheduleCommit();
    });
  }

  #scheduleCommit(): void {
    if (this.#commitScheduled || this.#writes.length === 0) return;
    this.#commitScheduled = true;
    setImmediate(() => {
      this.#commitScheduled = false;
      this.#commit();
      this.#scheduleCommit();
    });
  }

  async #commitAll(): Promise<void> {
    await Promise.resolve();
    while (this.#file !== undefined && this.#writes.length > 0) {
      this.#commit();
      if (this.#writes.length > 0) await nextTurn();
    }
  }

  /** Writes what fits into one piece; nobody has to wait for the event loop until all is written. */
  #commit(): void {
    const file = this.#file;
    if (file === undefined || this.#writes.length === 0) return;
    let cost = 0;
    let end = 0;
    for (; end < this.#writes.length && cost < CHARACTERS_PER_COMMIT; end++) {
      cost += this.#writes[end]?.cost ?? 0;
    }
    const writes = this.#writes.splice(0, end);
    try {
      perform(writes, file);
    } catch {
      performOneByOne(writes, file);
      return;
    }
    for (const write of writes) write.resolve();
  }

  #opened(): OutboxFile {
    if (this.#file !== undefined) return this.#file;
    throw outboxError(
      `${this.#settings.path} is not open. The queue that has it as its \`outbox\` opens it, and closes it at its end; ` +
        "without a queue call `await outbox.open()` first, and `await outbox.close()` afterwards.",
    );
  }
}
