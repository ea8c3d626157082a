import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../usage-error.ts";

/** A file to read, or the standard input. */
export interface InputFile {
  /** As people know it: as it was named, or below the folder that was. `-` is the standard input. */
  readonly name: string;
  /** `undefined` for the standard input. */
  readonly path: string | undefined;
  /** In bytes, as it lies on the disk; `undefined` where nobody knows. */
  readonly bytes: number | undefined;
}

const DATA = /\.(ndjson|jsonl|json|csv)(\.gz)?$/i;

/**
 * The files that the arguments of a command stand for, in the order of the arguments; those of a folder or a pattern in
 * the order of their names. A file that is found twice is read once.
 *
 * @param given - files, folders (their data files at any depth), patterns such as `exports/**\/*.ndjson`, and `-`.
 * @throws UsageError - when there is nothing, or something that cannot be read.
 */
export async function findInputs(given: readonly string[], cwd: string): Promise<readonly InputFile[]> {
  if (given.length === 0) {
    throw new UsageError("No input is named.", "Name files, folders or patterns, or - for the standard input.");
  }
  if (given.filter((name) => name === "-").length > 1) {
    throw new UsageError("The standard input is named twice.", "Name - once.");
  }
  const found: InputFile[] = [];
  for (const name of given) found.push(...(await findInput(name, cwd)));
  // A file that is named, and is in a folder that is named as well, would be sent twice.
  return [...new Map(found.map((file) => [file.path, file])).values()];
}

async function findInput(name: string, cwd: string): Promise<readonly InputFile[]> {
  if (name === "-") return [{ name, path: undefined, bytes: undefined }];
  const path = resolve(cwd, name);
  const stats = await stat(path).catch((error: unknown) => error);
  if (stats instanceof Error) {
    if (/[*?[{]/.test(name)) return matching(name, cwd);
    throw new UsageError(`${name}: there is no such file or folder.`, "Check the name, and the folder it starts from.");
  }
  const { size, isFolder, isPipe } = describe(stats as Awaited<ReturnType<typeof stat>>);
  if (isPipe) return [{ name, path, bytes: undefined }];
  if (!isFolder) return [fileNamed(name, path, size)];
  const inside = (await filesBelow(path)).filter((file) => DATA.test(file));
  if (inside.length === 0) {
    throw new UsageError(
      `${name}: the folder holds no .ndjson, .jsonl, .json or .csv file, with or without .gz.`,
      "Name the files themselves if they are called otherwise.",
    );
  }
  return withSizes(inside.map((file) => [join(name, file), join(path, file)]));
}

function describe(stats: Awaited<ReturnType<typeof stat>>) {
  return { size: Number(stats.size), isFolder: stats.isDirectory(), isPipe: !stats.isFile() && !stats.isDirectory() };
}

function fileNamed(name: string, path: string, bytes: number): InputFile {
  if (/\.(zip|xlsx?|parquet|avro|orc|bz2|xz|zst|7z|rar|tar|tgz|tar\.gz)$/i.test(name)) {
    throw new UsageError(`${name}: this kind of file is not read.`, "Unpack it, or export it as NDJSON or CSV.");
  }
  return { name, path, bytes };
}

async function withSizes(files: readonly (readonly [name: string, path: string])[]): Promise<readonly InputFile[]> {
  return Promise.all(files.map(async ([name, path]) => ({ name, path, bytes: (await stat(path)).size })));
}

/** Relative to the folder, sorted. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.replace(/[/\\]+$/, "").length + 1))
    .sort();
}

/** The shell has not spread the pattern: it was quoted, or there is no shell, or it knows no `**`. */
async function matching(pattern: string, cwd: string): Promise<readonly InputFile[]> {
  const parts = pattern.split(/[/\\]/);
  const firstWild = parts.findIndex((part) => /[*?[{]/.test(part));
  const base = folderOf(parts.slice(0, firstWild));
  const folder = resolve(cwd, base);
  const wanted = patternToRegExp(parts.slice(firstWild).join("/"));
  const files = await filesBelow(folder).catch(() => [] as const);
  const found = files.filter((file) => wanted.test(file.replaceAll("\\", "/")));
  if (found.length === 0)
    throw new UsageError(`${pattern}: no file matches.`, "Check the pattern, and where it starts.");
  return withSizes(found.map((file) => [join(base, file), join(folder, file)]));
}

/**
 * The folder that a pattern starts from.
 *
 * @param parts - those of its steps that are plain names; the first is empty where the pattern is absolute.
 */
export function folderOf(parts: readonly string[]): string {
  const [first] = parts;
  if (first === undefined) return ".";
  // `C:` alone is the folder where drive C stands, and not its root.
  const isRoot = parts.length === 1 && (first === "" || /^[a-z]:$/i.test(first));
  return isRoot ? `${first}/` : parts.join("/");
}

/** `*` and `?` stay within a folder, `**` does not; `[abc]` and `{one,two}` choose. */
export function patternToRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|\[!?[^\]]+\]|\{[^}]+\}|[.+^${}()|\\[\]]/g, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.startsWith("[") && token.length > 1) return token.replace("[!", "[^").replaceAll("\\", "\\\\");
    if (token.startsWith("{") && token.length > 1) {
      return `(?:${token.slice(1, -1).split(",").map(escape).join("|")})`;
    }
    return `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}

function escape(text: string): string {
  return text.replace(/[.+^${}()|\\[\]]/g, "\\$&").replaceAll("*", "[^/]*");
}
