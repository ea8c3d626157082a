import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch } from "../../generated/schema.ts";
import { textOfBatch, type DeadLetter, type Outbox, type OutboxEntry, type StoredBatch } from "../delivery/outbox.ts";
import { parseExact } from "../transport/json.ts";
import { checkOptions, positive } from "../transport/option-checks.ts";
import { OutboxFile, outboxError, type OutboxFileSettings } from "./outbox-file.ts";
import type { OutboxLog } from "./outbox-log.ts";

/** How safe, and how large, an outbox is. */
export interface SqliteOutboxOptions {
  /**
   * What an event survives once `add` has resolved. `"process"`: the end of the process, however it comes, SIGKILL
   * included; the operating system has the bytes. `"power"`: a power cut as well; each group of writes waits for the
   * disk, and the event loop with it, for as long as that takes. `@default "process"`
   */
  readonly durability?: "process" | "power" | undefined;
  /**
   * Largest size of the file, in bytes; beside it lie a log of up to 5 MB and a reserve of up to 4 MB for a full disk.
   * When it is reached, `add` rejects with `OUTBOX`. `@default 1_073_741_824`
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

/** A batch that the service refused, and why. */
export interface RejectedBatch {
  /** As it was sent; 64-bit ids that a number cannot hold are strings of digits. */
  readonly batch: Batch;
  readonly reason: DeadLetter["reason"];
}

/** An {@link Outbox} in a file. */
export interface SqliteOutbox extends Outbox {
  /** Lists what the service refused, oldest first. */
  deadLetters(): Promise<readonly RejectedBatch[]>;
  /**
   * Makes refused batches pending again, as they are: the next queue that opens the file sends them. What has to be
   * mended first is added anew, and discarded here.
   *
   * @param requestIds - `source_request_id` of each; all when left out.
   * @returns how many there were.
   */
  restore(requestIds?: readonly string[]): Promise<number>;
  /**
   * Forgets refused batches.
   *
   * @param requestIds - `source_request_id` of each; all when left out.
   * @returns how many there were.
   */
  discard(requestIds?: readonly string[]): Promise<number>;
}

const TAKEOVER_POLL_MS = 50;
const MIN_MAX_BYTES = 48 * 1024;
const DEFAULT_MAX_BYTES = 1024 * 1024 * 1024;

/**
 * Keeps events in a SQLite file until the service has accepted them: for the `outbox` option of an `EventQueue`.
 *
 * Uses the SQLite of Node 22.13 and later, or the optional peer `libsql`. The file has one owner at a time; when its
 * process dies, the next one takes over. Put it on a local disk: locks of network file systems cannot be relied on.
 *
 * @param path - of the file, made when there is none; its folder has to exist.
 * @param options - see {@link SqliteOutboxOptions}.
 * @throws TypeError, RangeError - naming the option, its value and what was expected. What is wrong with the file is
 * told by `open`, and so by the first `add` of the queue.
 */
export function sqliteOutbox(path: string, options: SqliteOutboxOptions = {}): SqliteOutbox {
  return new FileOutbox(path, options);
}

/** Something to be written, in one transaction with its neighbours. */
interface Write {
  /** Entries to be appended: those of one batch are joined. */
  readonly entries?: readonly OutboxEntry[] | undefined;
  /** Anything else. */
  readonly change?: ((log: OutboxLog) => void) | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

class FileOutbox implements SqliteOutbox {
  readonly #settings: OutboxFileSettings;
  readonly #keepRejected: boolean;
  readonly #takeoverTimeoutMs: number;
  #file: OutboxFile | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;
  #writes: Write[] = [];

  constructor(path: string, options: SqliteOutboxOptions) {
    if (typeof path !== "string" || path === "" || path.startsWith(":")) {
      throw new TypeError(`\`path\` is ${JSON.stringify(path)}; expected the path of a file.`);
    }
    const { durability = "process" } = options;
    if (!["process", "power"].includes(durability)) {
      throw new TypeError(`\`durability\` is ${JSON.stringify(durability)}; expected "process" or "power".`);
    }
    const { maxBytes = DEFAULT_MAX_BYTES, keepRejected = true } = options;
    checkOptions(options, { durability: "any", maxBytes: "any", keepRejected: "boolean", takeoverTimeoutMs: "any" });
    positive("maxBytes", maxBytes);
    if (maxBytes < MIN_MAX_BYTES) {
      throw new RangeError(
        `\`maxBytes\` is ${String(maxBytes)}; expected at least ${String(MIN_MAX_BYTES)}, for SQLite's own pages.`,
      );
    }
    this.#settings = { path: resolve(path), durability, maxBytes };
    this.#keepRejected = keepRejected;
    this.#takeoverTimeoutMs = positive("takeoverTimeoutMs", options.takeoverTimeoutMs ?? 15_000);
  }

  async open(): Promise<void> {
    if (this.#file !== undefined || this.#opening !== undefined) {
      throw outboxError(`${this.#settings.path} is open already.`);
    }
    this.#closed = false;
    this.#opening = this.#takeOver();
    try {
      await this.#opening;
    } finally {
      this.#opening = undefined;
    }
  }

  async #takeOver(): Promise<void> {
    const { path } = this.#settings;
    const giveUpAtMs = performance.now() + this.#takeoverTimeoutMs;
    while ((this.#file = OutboxFile.tryToOpen(this.#settings)) === undefined) {
      if (performance.now() >= giveUpAtMs) {
        throw outboxError(`${path} is in use by another queue, of this process or another; each needs its own.`);
      }
      await sleep(TAKEOVER_POLL_MS);
      if (this.#closed) throw outboxError(`${path} was closed before its last owner gave it up.`);
    }
  }

  async *recover(): AsyncGenerator<StoredBatch> {
    await Promise.resolve();
    const file = this.#opened();
    const pending = file.log.pending();
    const read = (): IteratorResult<StoredBatch, void> => file.guard(() => pending.next());
    for (let next = read(); next.done !== true; next = read()) yield next.value;
  }

  append(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#write({ entries });
  }

  remove(requestIds: readonly string[]): Promise<void> {
    return this.#write({
      change: (log) => {
        log.remove(requestIds);
      },
    });
  }

  setAside(letters: readonly DeadLetter[]): Promise<void> {
    if (!this.#keepRejected) return this.remove(letters.map(({ requestId }) => requestId));
    return this.#write({
      change: (log) => {
        log.setAside(letters);
      },
    });
  }

  async deadLetters(): Promise<readonly RejectedBatch[]> {
    await Promise.resolve();
    const file = this.#opened();
    this.#commit(); // what was refused just now belongs to it
    return file
      .guard(() => file.log.rejected())
      .map(({ reason, ...stored }) => ({
        batch: parseExact(textOfBatch(stored)) as Batch, // as a queue wrote it
        reason,
      }));
  }

  restore(requestIds?: readonly string[]): Promise<number> {
    return this.#count((log) => log.restore(requestIds ?? allIds(log)));
  }

  discard(requestIds?: readonly string[]): Promise<number> {
    return this.#count((log) => log.discard(requestIds ?? allIds(log)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined); // whoever opens it is told
    this.#commit();
    const file = this.#file;
    this.#file = undefined;
    file?.close();
  }

  async #count(change: (log: OutboxLog) => number): Promise<number> {
    let count = 0;
    await this.#write({
      change: (log) => {
        count = change(log);
      },
    });
    return count;
  }

  /** Everything that is asked for in one turn of the event loop is one transaction: a commit costs more than a row. */
  #write(write: Omit<Write, "resolve" | "reject">): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opened();
      if (this.#writes.length === 0) {
        setImmediate(() => {
          this.#commit();
        });
      }
      const { entries, change } = write;
      this.#writes.push({ entries, change, resolve, reject });
    });
  }

  #commit(): void {
    const file = this.#file;
    const writes = this.#writes;
    if (file === undefined || writes.length === 0) return;
    this.#writes = [];
    try {
      perform(writes, file);
    } catch {
      commitOneByOne(writes, file);
      return;
    }
    for (const write of writes) write.resolve();
  }

  #opened(): OutboxFile {
    if (this.#file === undefined) throw outboxError(`${this.#settings.path} is not open.`);
    return this.#file;
  }
}

/** One that cannot be written must not stop the others: what makes room goes first. */
function commitOneByOne(writes: readonly Write[], file: OutboxFile): void {
  const appends = writes.filter(({ entries }) => entries !== undefined);
  for (const write of [...writes.filter(({ entries }) => entries === undefined), ...appends]) {
    try {
      perform([write], file);
      write.resolve();
    } catch (error) {
      write.reject(error);
    }
  }
}

/** Writes all of it or nothing. */
function perform(writes: readonly Write[], file: OutboxFile): void {
  const entries = joinEntries(writes.flatMap((write) => write.entries ?? []));
  let characters = 0;
  for (const { context = "", events } of entries) {
    characters += context.length;
    for (const event of events) characters += event.length;
  }
  file.write(characters, (log) => {
    log.append(entries);
    for (const { change } of writes) change?.(log);
  });
}

/** One entry for each batch. */
function joinEntries(entries: readonly OutboxEntry[]): readonly OutboxEntry[] {
  const joined = new Map<string, { requestId: string; context: string | undefined; events: string[] }>();
  for (const { requestId, context, events } of entries) {
    const entry = joined.get(requestId);
    if (entry === undefined) joined.set(requestId, { requestId, context, events: [...events] });
    else {
      entry.context ??= context;
      for (const event of events) entry.events.push(event);
    }
  }
  return [...joined.values()];
}

function allIds(log: OutboxLog): readonly string[] {
  return log.rejected().map(({ requestId }) => requestId);
}
