/** A word behind its article, such as `a custom_event`, `an opt_out`, `an uninstall` and `a URL`. */
export function withArticle(word: string): string {
  return `${/^(?:[aeio]|un[^i]|unin)/i.test(word) ? "an" : "a"} ${word}`;
}
