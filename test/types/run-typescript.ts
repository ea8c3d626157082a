import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The newest compiler: it says the same as the others in a fraction of their time. */
export const QUICK = "typescript-7.0";

/** What a `tsconfig.json` may hold. */
export interface Configuration {
  readonly extends?: string;
  readonly files?: readonly string[];
  readonly include?: readonly string[];
  readonly compilerOptions?: Readonly<Record<string, unknown>>;
}

/**
 * Runs one of the compilers that are installed.
 *
 * @param compiler - the name that its package has in `node_modules`, such as `"typescript"` or `"typescript-5.0"`.
 * @param folder - where it runs, and the configuration is written.
 * @param name - of the configuration, for which `.json` is appended.
 * @returns what it says: a line for each error, followed by the indented lines that belong to it.
 */
export async function runTypescript(
  compiler: string,
  folder: string,
  name: string,
  configuration: Configuration,
): Promise<string[]> {
  const of = join(ROOT, "node_modules", compiler);
  if (!existsSync(of)) throw new Error(`${compiler} is not installed.`);
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(configuration));
  // In several threads it does more than in one, and there are not more of them here.
  const program =
    compiler === QUICK ? [await nativeProgram(of), "--singleThreaded"] : [process.execPath, join(of, "bin/tsc")];
  const [command, ...args] = [...program, "--pretty", "false", "-p", file];
  return await new Promise((resolve) => {
    execFile(command, args, { cwd: folder }, (_error, stdout, stderr) => {
      resolve(`${stdout}${stderr}`.split("\n").filter((line) => line !== ""));
    });
  });
}

/** The program that the newest compiler is, which its `tsc` of Node does no more than start. */
async function nativeProgram(of: string): Promise<string> {
  const found = (await import(pathToFileURL(join(of, "lib/getExePath.js")).href)) as { readonly default: () => string };
  return found.default();
}

/** What is left without complaints about the declarations of others, which we can neither cause nor cure. */
export function withoutForeign(output: readonly string[]): string[] {
  return withoutFiles(output, /(@types\/node|undici-types)\//);
}

/** What is left without complaints about files whose paths match, and the lines that belong to them. */
function withoutFiles(output: readonly string[], paths: RegExp): string[] {
  let isLeftOut = false;
  return output.filter((line) => {
    if (!line.startsWith(" ")) isLeftOut = paths.test(line.split("(", 1)[0] ?? "");
    return !isLeftOut;
  });
}
