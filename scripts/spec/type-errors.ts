import type TS from "typescript";
import { ts } from "../typescript.ts";

/**
 * Type-checks generated TypeScript on its own.
 *
 * @param files - file name to text.
 * @returns the errors of the compiler, none when there are none.
 */
export function typeErrors(files: ReadonlyMap<string, string>): string[] {
  const options: TS.CompilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2020,
    lib: ["lib.es5.d.ts"],
    types: [],
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([...files.keys()], options, {
    ...host,
    getSourceFile: (name, target) => {
      const text = files.get(name);
      return text === undefined ? libraryFile(host, name, target) : ts.createSourceFile(name, text, target);
    },
    fileExists: (name) => files.has(name) || host.fileExists(name),
  });
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const { file, start } = diagnostic;
    const at = file === undefined || start === undefined ? undefined : file.getLineAndCharacterOfPosition(start);
    const place = file === undefined || at === undefined ? "" : `${file.fileName}:${String(at.line + 1)}: `;
    return `${place}${ts.flattenDiagnosticMessageText(diagnostic.messageText, " ")}`;
  });
}

/** The compiler's own declarations: longer than all that is generated, and the same each time. */
const libraryFiles = new Map<string, TS.SourceFile | undefined>();

function libraryFile(
  host: TS.CompilerHost,
  name: string,
  target: TS.ScriptTarget | TS.CreateSourceFileOptions,
): TS.SourceFile | undefined {
  const known = libraryFiles.get(name);
  if (known !== undefined) return known;
  const file = host.getSourceFile(name, target);
  libraryFiles.set(name, file);
  return file;
}
