import { show } from "../rules/show.ts";

/**
 * The same UUID for the same text, in every process, on every machine and in every language: a UUID of version 5
 * (RFC 9562: SHA-1 over a namespace and the text in UTF-8). Give it what names a row, such as the number of an order, and
 * sending the row again, even from another program, is recognised as the same.
 *
 * @param text - what names the batch; different batches need different texts.
 * @returns 36 characters, for `source_request_id` or `source_message_id`. Elsewhere it is
 *   `uuid5("0ba8a3a2-5e6f-4c3b-9a64-3d1f2e7c9b58", text)`.
 * @throws TypeError - when the text is none, or empty: all batches without a name would become one.
 */
export function requestIdFrom(text: string): string {
  const given: unknown = text;
  if (typeof given !== "string" || given === "") {
    throw new TypeError(`The text is ${show(given)}; expected what names the batch, such as the number of an order.`);
  }
  const hash = sha1(NAMESPACE, given);
  hash[1] = ((hash[1] ?? 0) & 0xffff0fff) | 0x5000; // the version
  hash[2] = ((hash[2] ?? 0) & 0x3fffffff) | 0x80000000; // the variant
  let hex = "";
  for (let word = 0; word < 4; word++) hex += ((hash[word] ?? 0) >>> 0).toString(16).padStart(8, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Ours alone: the same text under another one is another id. Never change it. */
const NAMESPACE = /* @__PURE__ */ [0x0ba8a3a2, 0x5e6f4c3b, 0x9a643d1f, 0x2e7c9b58] as const;

const NAMESPACE_BYTES = 16;
const BLOCK_BYTES = 64;

/** Reused, because a backfill asks a million times. */
const schedule = /* @__PURE__ */ new Int32Array(80);
const encoder = /* @__PURE__ */ new TextEncoder();

/**
 * SHA-1 (FIPS 180-4) of the namespace and the text, in five words. The web's own is asynchronous, and this has to do with
 * names and not with secrets.
 */
function sha1(namespace: readonly number[], text: string): Int32Array {
  const bytes = encoder.encode(text);
  const length = NAMESPACE_BYTES + bytes.length;
  const padded = new Uint8Array(Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  const words = new DataView(padded.buffer);
  for (let word = 0; word < 4; word++) words.setUint32(word * 4, namespace[word] ?? 0);
  padded.set(bytes, NAMESPACE_BYTES);
  padded[length] = 0x80;
  words.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  words.setUint32(padded.length - 4, (length * 8) >>> 0);

  const hash = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  for (let block = 0; block < padded.length; block += BLOCK_BYTES) addBlock(hash, words, block);
  return hash;
}

function addBlock(hash: Int32Array, words: DataView, block: number): void {
  for (let at = 0; at < 16; at++) schedule[at] = words.getInt32(block + at * 4);
  for (let at = 16; at < 80; at++) {
    schedule[at] = rotate(word(at - 3) ^ word(at - 8) ^ word(at - 14) ^ word(at - 16), 1);
  }
  let a = hash[0] ?? 0;
  let b = hash[1] ?? 0;
  let c = hash[2] ?? 0;
  let d = hash[3] ?? 0;
  let e = hash[4] ?? 0;
  for (let at = 0; at < 80; at++) {
    let mixed: number;
    if (at < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (at < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (at < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (rotate(a, 5) + mixed + e + word(at)) | 0;
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  add(hash, 0, a);
  add(hash, 1, b);
  add(hash, 2, c);
  add(hash, 3, d);
  add(hash, 4, e);
}

function add(hash: Int32Array, at: number, value: number): void {
  hash[at] = ((hash[at] ?? 0) + value) | 0;
}

function word(at: number): number {
  return schedule[at] ?? 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
