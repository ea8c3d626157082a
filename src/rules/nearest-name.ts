/** Longer words are no misspelling of any key, and comparing them would take time. */
const MAX_WORD_LENGTH = 64;

/**
 * The candidate that was most likely meant: the same word in another case or with other separators, the whole of an
 * abbreviation (`prod`), or one few typing errors away. Undefined when none is near.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined;
  const plain = plainOf(word);
  if (plain === "") return undefined; // what has neither letters nor digits is near to nothing
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = distanceBetween(plain, plainOf(candidate), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** 0 for the same word, small for a likely misspelling, Infinity for another word; from `enough` on the number is of no use. */
function distanceBetween(word: string, candidate: string, enough: number): number {
  const allowed = Math.floor(Math.max(word.length, candidate.length) / 3);
  const edits = editDistance(word, candidate, Math.min(allowed, enough - 1));
  if (edits <= allowed) return edits;
  // Ranked behind every misspelling: "dev" of "development", "other5" against "other_id_5" is a matter of edits.
  return word.length >= 3 && candidate.startsWith(word) ? allowed + candidate.length - word.length : Infinity;
}

/** `customerId`, `Customer-ID` and `customer_id` are one word spelt in different ways; `注文` and `商品` are two. */
function plainOf(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); above `limit` any number above it. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    let least = i;
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let edits = Math.min(at(previous, j) + 1, at(current, j - 1) + 1, at(previous, j - 1) + (same ? 0 : 1));
      // Before the first character there is undefined, which equals no character.
      if (from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        edits = Math.min(edits, at(beforePrevious, j - 2) + 1);
      }
      current.push(edits);
      if (edits < least) least = edits;
    }
    // No later row gets below it: thousands of unplanned names are each compared with all that are planned.
    if (least > limit) return least;
    [beforePrevious, previous] = [previous, current];
  }
  return at(previous, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
