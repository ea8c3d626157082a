import { randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { outboxError } from "./outbox-error.ts";
import { hasCertainlyEnded, ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import { codeOf } from "./system-error.ts";

/** How a lease is kept and lost, in milliseconds. */
export interface LeaseTimes {
  /** Between two signs of life. */
  readonly heartbeatMs: number;
  /** An owner that cannot be looked at is taken for dead when so much time has passed without any. */
  readonly staleMs: number;
}

const TIMES: LeaseTimes = { heartbeatMs: 1_000, staleMs: 8_000 };
/** How often to try again when others try at the same time. */
const MAX_ATTEMPTS = 3;

/** How a lease is asked for. */
export interface LeaseRequest {
  /** Of whoever tries, the same each time. */
  readonly watch: OwnerWatch;
  /** Called with each sign of life, with whether the lease is held. */
  readonly onBeat: (isHeld: boolean) => void;
  /** Whether SQLite's lock is free; asked before the lease of an owner is taken that may live. */
  readonly isUnlocked: () => boolean;
  readonly times?: LeaseTimes;
}

/** Leases of this thread, by token; an ES module and a CommonJS copy of the package share them. */
const KEY = Symbol.for("mparticle-events.outbox-leases");

function heldTokens(): Set<string> {
  const known = Reflect.get(globalThis, KEY) as Set<string> | undefined; // as put there below
  if (known !== undefined) return known;
  const tokens = new Set<string>();
  Object.defineProperty(globalThis, KEY, { value: tokens });
  return tokens;
}

/** What a lease file says. */
interface FoundLease {
  readonly text: string;
  /** Changes with each sign of life. */
  readonly beat: string;
}

/**
 * Watches the signs of life of an owner that cannot be looked at, because it is on another machine, in another container or
 * thread. It goes by the watcher's own clock alone: clocks of two machines differ, and clocks jump.
 */
export class OwnerWatch {
  #beat = "";
  #sinceMs = 0;

  isStale({ beat }: FoundLease, staleMs: number): boolean {
    const nowMs = performance.now();
    if (beat !== this.#beat) {
      this.#beat = beat;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs >= staleMs;
  }
}

/**
 * Ownership of an outbox, in a file beside it. SQLite's lock alone is not enough: the system takes it away as soon as
 * anything in the owner's process has opened and closed the outbox, such as a backup. A lease ends with its process, or
 * when it is given up. Who holds one gives signs of life.
 */
export class OutboxLease {
  readonly #path: string;
  #descriptor: number;
  readonly #token: string;
  readonly #heartbeatMs: number;
  readonly #timer: NodeJS.Timeout;
  /** When it was last known to be held, by both clocks: one stops while a machine sleeps, the other jumps. */
  #verifiedAt = { monotonicMs: 0, wallMs: 0 };
  #isLost = false;

  /**
   * @param path - of the outbox.
   * @throws MParticleError, Error - when the file cannot be written.
   * @returns undefined while another owner lives.
   */
  static acquire(path: string, { watch, onBeat, isUnlocked, times = TIMES }: LeaseRequest): OutboxLease | undefined {
    const file = `${path}-owner`;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        // "wx" fails when there is something at that name, a link included.
        return new OutboxLease(file, openSync(file, "wx", 0o600), onBeat, times);
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      const found = readLease(file);
      if (found === undefined) continue;
      if (!isOver(found, watch, times.staleMs, isUnlocked)) return undefined;
      removeStale(file, found);
    }
    return undefined;
  }

  private constructor(
    path: string,
    descriptor: number,
    onBeat: (isHeld: boolean) => void,
    { heartbeatMs }: LeaseTimes,
  ) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#token = randomUUID();
    this.#heartbeatMs = heartbeatMs;
    this.#sign();
    heldTokens().add(this.#token);
    this.#verify();
    this.#timer = setInterval(() => {
      onBeat(this.#verify());
    }, heartbeatMs);
    this.#timer.unref();
  }

  /** Whether it is held, as far as that was seen not long ago: nobody takes it in less time. */
  get isHeld(): boolean {
    const { monotonicMs, wallMs } = this.#verifiedAt;
    const passedMs = Math.max(performance.now() - monotonicMs, Math.abs(Date.now() - wallMs));
    return passedMs < 2 * this.#heartbeatMs ? !this.#isLost : this.#verify();
  }

  release(): void {
    clearInterval(this.#timer);
    if (!heldTokens().delete(this.#token)) return;
    const isHeld = this.#verify();
    closeSync(this.#descriptor);
    this.#isLost = true;
    if (isHeld) unlinkIfThere(this.#path);
  }

  /** Says whose it is. */
  #sign(): void {
    try {
      writeSync(this.#descriptor, JSON.stringify({ token: this.#token, ...ownIdentity() }));
    } catch (error) {
      // On a full disk the signs of life alone say that somebody has it: they take no room.
      if (codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT") return;
      closeSync(this.#descriptor);
      unlinkIfThere(this.#path);
      throw error;
    }
  }

  /** Gives a sign of life, and looks whether the file is still the one that was made. */
  #verify(): boolean {
    if (this.#isLost) return false;
    try {
      const nowSeconds = Date.now() / 1_000;
      futimesSync(this.#descriptor, nowSeconds, nowSeconds);
      const [own, there] = [fstatSync(this.#descriptor), lstatSync(this.#path)];
      this.#isLost = own.ino !== there.ino || own.dev !== there.dev;
    } catch (error) {
      // Any other error, as of a network disk, may pass.
      if (codeOf(error) === "ENOENT") this.#isLost = !this.#makeAnew();
    }
    this.#verifiedAt = { monotonicMs: performance.now(), wallMs: Date.now() };
    return !this.#isLost;
  }

  /** Somebody has removed the file. Nobody has it yet when it can be made. */
  #makeAnew(): boolean {
    try {
      const descriptor = openSync(this.#path, "wx", 0o600);
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
      this.#sign();
      return true;
    } catch {
      return false;
    }
  }
}

/** @returns undefined when there is none any more. */
function readLease(file: string): FoundLease | undefined {
  try {
    if (!lstatSync(file).isFile()) throw outboxError(`${file} is no regular file; remove it.`);
    const { ino, mtimeNs } = statSync(file, { bigint: true });
    return { text: readFileSync(file, "utf8"), beat: `${String(ino)} ${String(mtimeNs)}` };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function isOver(found: FoundLease, watch: OwnerWatch, staleMs: number, isUnlocked: () => boolean): boolean {
  const owner = parseOwner(found.text);
  if (owner !== undefined) {
    if (heldTokens().has(owner.token)) return false;
    if (hasCertainlyEnded(owner, ownIdentity())) return true;
  }
  // One that is stopped gives no signs of life. It goes on as the owner if it still has the lock.
  return watch.isStale(found, staleMs) && isUnlocked();
}

/** @returns undefined for a file that a full disk or a power cut has left without its text. */
function parseOwner(text: string): (ProcessIdentity & { readonly token: string }) | undefined {
  try {
    const owner: unknown = JSON.parse(text);
    const isOwner =
      typeof owner === "object" && owner !== null && "token" in owner && "pid" in owner && "boot" in owner;
    return isOwner ? (owner as ProcessIdentity & { readonly token: string }) : undefined; // as written above
  } catch {
    return undefined;
  }
}

/** Removes the lease that was found: none that another has made since, and none that has given a sign of life since. */
function removeStale(file: string, found: FoundLease): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    // Another was faster.
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = readLease(aside);
  if (moved?.text !== found.text || moved.beat !== found.beat) {
    try {
      linkSync(aside, file);
    } catch {
      // Then there is one already, and the owner of this one notices.
    }
  }
  unlinkIfThere(aside);
}

function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
