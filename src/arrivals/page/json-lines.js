// @ts-check
/**
 * The lines of a value as JSON, each with the pointer (RFC 6901) of what begins on it.
 *
 * @param {unknown} value
 * @param {string} pointer - of the value itself
 * @returns {{ text: string, pointer: string }[]}
 */
export function jsonLines(value, pointer = "") {
  /** @type {{ text: string, pointer: string }[]} */
  const lines = [];
  /** @param {unknown} part @param {string} at @param {string} before @param {string} after @param {string} indent */
  const write = (part, at, before, after, indent) => {
    const isList = Array.isArray(part);
    /** @type {[string, unknown][]} */
    const members = typeof part === "object" && part !== null ? Object.entries(part) : [];
    const [open, close] = isList ? ["[", "]"] : ["{", "}"];
    if (typeof part !== "object" || part === null || members.length === 0) {
      const text = typeof part === "object" && part !== null ? open + close : JSON.stringify(part);
      lines.push({ text: indent + before + text + after, pointer: at });
      return;
    }
    lines.push({ text: indent + before + open, pointer: at });
    members.forEach(([name, member], index) => {
      const step = name.replaceAll("~", "~0").replaceAll("/", "~1");
      const label = isList ? "" : `${JSON.stringify(name)}: `;
      write(member, `${at}/${step}`, label, index < members.length - 1 ? "," : "", `${indent}  `);
    });
    lines.push({ text: indent + close + after, pointer: "" });
  };
  write(value, pointer, "", "", "");
  return lines;
}

/**
 * The number of the line that a finding belongs to: that of the value it names, or of the nearest one around it, because
 * what is missing has no line.
 *
 * @param {{ text: string, pointer: string }[]} lines
 * @param {string} path
 */
export function lineOf(lines, path) {
  let pointer = path;
  while (pointer !== "") {
    const index = lines.findIndex((line) => line.pointer === pointer);
    if (index >= 0) return index;
    pointer = pointer.slice(0, pointer.lastIndexOf("/"));
  }
  return 0;
}
