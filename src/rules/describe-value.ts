/** How much of a value is shown: a finding names what is wrong and never repeats a payload. */
const MAX_SHOWN = 40;

/** A few words on a value, for a sentence such as "expected a string, got the number 5". */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
    case "boolean":
      return `the ${typeof value} ${String(value)}`;
    case "bigint":
      return `the bigint ${shorten(String(value))}`;
    case "undefined":
      return "nothing";
    case "object":
      return describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

/** Text in JSON's quotes, shortened. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function describeObject(value: object | null): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : `an array of ${String(value.length)}`;
  if (value instanceof Date) return "a Date";
  if (value instanceof Map) return "a Map";
  if (value instanceof Set) return "a Set";
  return "an object";
}
