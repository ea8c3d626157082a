/** What a TC string says, as far as the tests vary it. */
export interface TcFacts {
  readonly purposes?: readonly number[];
  readonly vendors?: readonly number[];
  readonly version?: number;
  readonly legitimateInterests?: readonly number[];
}

/** Writes the core segment of a TC string, bit by bit as its specification lays it out; vendors as a bit field. */
export function writeTcString({ purposes = [], vendors = [], version = 2, legitimateInterests = [] }: TcFacts): string {
  const maxVendor = Math.max(0, ...vendors);
  const deciseconds = 15_800_000_000;
  const bits = [
    number(version, 6),
    number(deciseconds, 36), // created
    number(deciseconds, 36), // last updated
    number(31, 12), // CMP
    number(1, 12), // its version
    number(1, 6), // screen
    number(4, 6) + number(13, 6), // language "EN"
    number(126, 12), // vendor list
    number(2, 6), // policy
    "00", // service specific, non-standard texts
    flags([], 12), // special features
    flags(purposes, 24),
    flags(legitimateInterests, 24),
    "0", // purpose one treatment
    number(3, 6) + number(4, 6), // country "DE"
    number(maxVendor, 16) + "0" + flags(vendors, maxVendor),
    number(0, 16) + "0", // vendors with a legitimate interest
    number(0, 12), // publisher restrictions
  ].join("");
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, "0"), 2));
  return Buffer.from(bytes).toString("base64url");
}

function number(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}

function flags(set: readonly number[], width: number): string {
  return Array.from({ length: width }, (_, index) => (set.includes(index + 1) ? "1" : "0")).join("");
}
