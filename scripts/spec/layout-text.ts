import * as babel from "prettier/plugins/babel";
import * as estree from "prettier/plugins/estree";
import { format } from "prettier/standalone";

const WIDTH = 120;

/**
 * Generated code as a person would have laid it out.
 *
 * @param code - the code, valid but of any shape.
 * @param language - what it is written in.
 */
export async function layOut(code: string, language: "typescript" | "javascript"): Promise<string> {
  const formatted = await format(code, {
    // Parsed by Babel either way: to load the parser that is made of the compiler takes longer than to lay all of it out.
    parser: language === "typescript" ? "babel-ts" : "babel",
    plugins: [babel, estree],
    printWidth: WIDTH,
  });
  return wrapComments(formatted);
}

/** Comments that are too wide, broken at spaces: the formatter leaves them alone. */
function wrapComments(code: string): string {
  return code
    .split("\n")
    .flatMap((line) => {
      if (line.length <= WIDTH) return [line];
      const [, single, onlyText] = /^( *)\/\*\* (.*) \*\/$/.exec(line) ?? [];
      if (single !== undefined && onlyText !== undefined) {
        return [`${single}/**`, ...wrap(`${single} * `, onlyText), `${single} */`];
      }
      const [, prefix, text] = /^( *\* )(.*)$/.exec(line) ?? [];
      return prefix === undefined || text === undefined || text.startsWith("|") ? [line] : wrap(prefix, text);
    })
    .join("\n");
}

function wrap(prefix: string, text: string): string[] {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(" ")) {
    if (line !== prefix && line.length + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = prefix;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
