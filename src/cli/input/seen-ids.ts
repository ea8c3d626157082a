import type { Finding } from "../../errors.ts";
import type { LintCode } from "../../validate/codes.ts";
import { formatPlace, type Place } from "./entry.ts";

/** The lint of a series of batches, whoever finds it. */
export const REPEATED_ID = "duplicate-request-id" satisfies LintCode;

/** 16 bytes a slot, of which three in four are used at most: 128 MiB when it is full. */
const MAX_SLOTS = 2 ** 23;
/** Ids that are remembered; of those that come later only repetitions of these are found. */
const MAX_IDS = (MAX_SLOTS / 4) * 3;
const FIRST_SLOTS = 1024;
/** Of a slot: two halves of a hash of the id, one of the content, and where it stands. */
const WORDS = 4;

/**
 * The ids of all batches of a run, by their hashes: an id in a file of millions may come back at its other end. Of each it
 * keeps 16 bytes; with six million ids two are taken for the same once in half a million runs.
 */
export class SeenIds {
  readonly #maxIds: number;
  /** An open table: a `Map` takes five times the memory, and the garbage collector goes through it again and again. */
  #slots = new Uint32Array(FIRST_SLOTS * WORDS);
  #count = 0;
  /** Where the lines of each file begin, if all lines were numbered on: a place is one number then. */
  readonly #files: { readonly name: string; readonly start: number }[] = [];
  #end = 0;

  /** Ids that came when there were too many: a repetition of one of them is not found. */
  missed = 0;

  constructor(maxIds = MAX_IDS) {
    this.#maxIds = maxIds;
  }

  /**
   * Takes note of the next batch.
   *
   * @param content - see {@link contentOf}.
   * @returns where the first batch stands that has its id and says something else. The very same batch again is what a file
   * holds that was written twice: it is to be dropped.
   */
  note(id: string, content: number, place: Place): Place | undefined {
    const at = this.#find(id);
    const slots = this.#slots;
    if (slots[at + 3] !== 0) return slots[at + 2] === content ? undefined : this.#placeOf((slots[at + 3] ?? 0) - 1);
    const isNew = slots[at] === 0;
    if (isNew && this.#count >= this.#maxIds) {
      this.missed++;
      return undefined;
    }
    [slots[at], slots[at + 1]] = hash;
    slots[at + 2] = content;
    slots[at + 3] = this.#numberOf(place) + 1;
    if (isNew && ++this.#count * 4 > (slots.length / WORDS) * 3) this.#grow();
    return undefined;
  }

  /** The batch of that id was rejected: the service has not got it, and another one may have its id. */
  forget(id: string): void {
    // Its slot stays, because a search for others may lead over it.
    this.#slots[this.#find(id) + 3] = 0;
  }

  /** Ids that are remembered. */
  get size(): number {
    return this.#count;
  }

  /** Of the slot that an id has, or will have. Leaves its hash in `hash`. */
  #find(id: string): number {
    hashInto(id);
    return this.#slotOf(hash[0], hash[1]);
  }

  #slotOf(one: number, other: number): number {
    const slots = this.#slots;
    const last = slots.length / WORDS - 1;
    for (let slot = one & last; ; slot = (slot + 1) & last) {
      const at = slot * WORDS;
      if (slots[at] === 0 || (slots[at] === one && slots[at + 1] === other)) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const [one = 0, other = 0] = [old[at], old[at + 1]];
      if (one !== 0) this.#slots.set(old.subarray(at, at + WORDS), this.#slotOf(one, other));
    }
  }

  #numberOf({ file, line }: Place): number {
    const last = this.#files[this.#files.length - 1];
    const current = last?.name === file ? last : { name: file, start: this.#end };
    if (current !== last) this.#files.push(current);
    this.#end = Math.max(this.#end, current.start + line + 1);
    return current.start + line;
  }

  #placeOf(number: number): Place {
    const { name, start } = this.#files.findLast((one) => one.start <= number) ?? { name: "", start: 0 };
    return { file: name, line: number - start };
  }
}

/** Of the id that was looked for last: an array for each of millions is work for the garbage collector. */
const hash: [number, number] = [0, 0];

/** 64 bits of two runs of MurmurHash3; the first half is never 0, which a free slot has. */
function hashInto(id: string): void {
  let [one, other] = [0x9747b28c, 0x3c074a61];
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    one = turn(one ^ turn(unit, 0xcc9e2d51, 0x1b873593, 15), 5, 1, 13) + 0xe6546b64;
    other = turn(other ^ turn(unit, 0x1b873593, 0xcc9e2d51, 17), 9, 1, 19) + 0x52dce729;
  }
  hash[0] = scatter(one ^ id.length) || 1;
  hash[1] = scatter(other ^ hash[0]);
}

function turn(value: number, before: number, after: number, by: number): number {
  const product = Math.imul(value, before);
  return Math.imul((product << by) | (product >>> (32 - by)), after);
}

function scatter(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The id that a batch brings along. */
export function idOf(batch: unknown): string | undefined {
  const id = typeof batch === "object" && batch !== null && "source_request_id" in batch ? batch.source_request_id : "";
  return typeof id === "string" && id !== "" ? id : undefined;
}

/**
 * A number for what a batch says. Records are told apart by what was read, and not by how it was written: the order of the
 * keys of an object says nothing.
 */
export function contentOf(batch: unknown): number {
  try {
    return hashOf(batch);
  } catch {
    return 0; // nested too deeply to be written, which the check tells of
  }
}

/** Of a value of JSON. Members are added up, because to sort them takes half as long again. */
function hashOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return textHash(String(value), typeof value === "string" ? 1 : 2);
  if (Array.isArray(value)) return scatter(value.reduce((sum: number, one) => Math.imul(sum, 31) + hashOf(one), 3));
  let sum = 4;
  for (const [key, member] of Object.entries(value)) sum += scatter(Math.imul(textHash(key, 5), 31) + hashOf(member));
  return scatter(sum);
}

function textHash(text: string, start: number): number {
  let hashed = start;
  for (let at = 0; at < text.length; at++) hashed = Math.imul(hashed ^ text.charCodeAt(at), 0x01000193);
  return scatter(hashed);
}

/** What is wrong with a batch whose id an earlier one has. */
export function repetition(earlier: Place): Finding {
  return {
    severity: "error",
    code: REPEATED_ID,
    path: "/source_request_id",
    message: `${formatPlace(earlier)} has the same id and says something else: the service keeps one of the two, unless it refuses that one.`,
    hint: "Leave source_request_id out of what is copied, or give each batch an id of its own.",
  };
}
