import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** Path within the folder to text, in the order in which they are listed. */
export type GeneratedFiles = ReadonlyMap<string, string>;

/**
 * Writes all files or none: every text is on disk under another name before the first file is replaced.
 *
 * @param folder - where they belong; made when it does not exist.
 */
export async function writeGenerated(folder: string, files: GeneratedFiles): Promise<void> {
  const staged: { from: string; to: string }[] = [];
  try {
    for (const [name, text] of files) {
      const to = join(folder, name);
      const from = `${to}.${String(process.pid)}.tmp`;
      await mkdir(dirname(to), { recursive: true });
      staged.push({ from, to });
      await writeFile(from, text);
    }
    for (const { from, to } of staged) await rename(from, to);
  } finally {
    await Promise.all(staged.map(({ from }) => rm(from, { force: true })));
  }
}

/**
 * What is out of date about the files on disk.
 *
 * @param folder - where they belong.
 * @param shown - what the sentences call the folder.
 * @returns one sentence for each file that is missing, differs, or is not one of them; none when everything is as it
 *   would be written.
 */
export async function findStale(folder: string, files: GeneratedFiles, shown = folder): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, expected] of files) {
    const found = await readFile(join(folder, name), "utf8").catch(() => undefined);
    if (found === undefined) stale.push(`${shown}/${name}: missing`);
    else if (found !== expected) stale.push(`${shown}/${name}: ${firstDifference(found, expected)}`);
  }
  for (const name of await filesBelow(folder)) {
    // Not deleted by a run either: the folder may have been named by mistake.
    if (!files.has(name)) stale.push(`${shown}/${name}: nothing in the description makes this file; delete it`);
  }
  return stale;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

function firstDifference(found: string, expected: string): string {
  const foundLines = found.split("\n");
  const expectedLines = expected.split("\n");
  const index = expectedLines.findIndex((line, at) => line !== foundLines[at]);
  const line = index < 0 ? expectedLines.length : index;
  return `differs from line ${String(line + 1)} on\n  is:        ${excerpt(foundLines[line])}\n  should be: ${excerpt(expectedLines[line])}`;
}

function excerpt(line: string | undefined): string {
  if (line === undefined) return "(end of file)";
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
