/** Commands to a terminal, and what turns the direction of text: neither is ever printed as it stands in a file. */
const INVISIBLE = /[\0-\x08\v-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text that comes from a file, its name or a server, so that a terminal shows it and does not obey it; JSON says the same. */
export function printable(text: string): string {
  return text.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** As {@link printable}, where a line is all there is room for: a line of its own could say what we did not. */
export function oneLine(text: string): string {
  return printable(text.replace(/[\r\n\u2028\u2029]+/g, " "));
}
