/** What was given, so that a person recognises it, and no payload gets into a log: a number in quotes is the usual mistake. */
export function show(value: unknown): string {
  if (typeof value === "string") return showText(value);
  if (Array.isArray(value)) return `an array of ${String(value.length)}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${String(value)}n`; // a number of these digits may be what was expected
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function showText(text: string): string {
  if (text.length <= MAX_CHARACTERS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, MAX_CHARACTERS))}… (${String(text.length)} characters)`;
}

const MAX_CHARACTERS = 60;
