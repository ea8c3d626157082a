/**
 * The first key that an object of a JSON text has twice. Readers differ in which of the two counts, so that nobody can
 * say what such a text means.
 *
 * @param text - JSON that can be read.
 */
export function findRepeatedKey(text: string): string | undefined {
  /** Of each object that is open its keys; `undefined` for a list. */
  const open: (Set<string> | undefined)[] = [];
  // Texts, with the colon that makes keys of them, and brackets; between them is nothing of interest.
  for (const [token, quoted] of text.matchAll(/("(?:[^"\\]|\\.)*"\s*:?)|[{}[\]]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (quoted === undefined) open.pop();
    else if (quoted.endsWith(":")) {
      const key = JSON.parse(quoted.slice(0, -1)) as string; // a text by its pattern
      const keys = open[open.length - 1];
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
