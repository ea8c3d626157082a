/** A text as a literal. Older compilers take two separators of Unicode for the end of a line. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

/** A name as a key of an object: bare where the language takes it so. */
export function keyText(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && name !== "__proto__" ? name : quoted(name);
}

/**
 * A docstring of a text that anybody may have written: it neither ends the comment nor begins a tag, and has no line that
 * is longer than it has to be.
 */
export function docText(text: string, indent = ""): string {
  const lines = text
    .replace(/\*\//g, "*\\/")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
    .split(/\r\n|[\n\u2028\u2029]/)
    .map((line) => line.trim().replace(/^@/, "\\@"))
    .flatMap((line) => wrap(line, 110 - indent.length));
  while (lines.at(-1) === "") lines.pop();
  while (lines[0] === "") lines.shift();
  const [only = "", ...more] = lines;
  if (more.length === 0) return `${indent}/** ${only} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`).join("")}${indent} */\n`;
}

function wrap(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(" ")) {
    if (current !== "" && current.length + word.length >= width) {
      lines.push(current);
      current = word;
    } else current += current === "" ? word : ` ${word}`;
  }
  return [...lines, current];
}

/** A value as source text; integers of 64 bits with their `n`. */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case "bigint":
      return `${String(value)}n`;
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      // As a computed key, because `__proto__: x` would set the prototype.
      const texts = members.map(
        ([key, member]) => `${key === "__proto__" ? '["__proto__"]' : keyText(key)}: ${valueText(member)}`,
      );
      return texts.length === 0 ? "{}" : `{ ${texts.join(", ")} }`;
    }
    case "string":
      return quoted(value);
    default:
      return JSON.stringify(value);
  }
}
