import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { runProgram } from "../../src/cli/program.ts";
import type { Output, Terminal } from "../../src/cli/terminal.ts";
import { startFakeServer } from "../../src/testing/testing.ts";

const USERS = `id,Email,Tier,Tablet
1,ada@example.com,gold,true
2,grace@example.com,silver,perhaps
3,"linus@example.com,gold,true
,ken@example.com,gold,false
5,barbara@example.com,gold,false
`;

const MAPPING = [
  ...["--map", "Email=user_identities.email", "--map", "Tier=user_attributes.Member Tier"],
  ...["--map", "Tablet=device_info.is_tablet"],
];

/** What somebody types, and what is done for it where it is no command of ours. */
type Step = readonly string[] | { readonly typed: string; readonly does: (folder: string) => string };

const STEPS: readonly Step[] = [
  { typed: "cat users.csv", does: (folder) => readFileSync(join(folder, "users.csv"), "utf8") },
  ["check", "users.csv", ...MAPPING, "--environment", "development"],
  ["upload", "users.csv", ...MAPPING, "--environment", "development", "--id-from", "id", "--dry-run"],
  ["upload", "users.csv", ...MAPPING, "--environment", "development", "--id-from", "id"],
  {
    typed: "head -n 1 rejected.ndjson",
    does: (folder) => `${readFileSync(join(folder, "rejected.ndjson"), "utf8").split("\n")[0] ?? ""}\n`,
  },
  {
    typed: `grep perhaps rejected.ndjson | sed 's/"perhaps"/false/g' > mended.ndjson`,
    does: (folder) => {
      const lines = readFileSync(join(folder, "rejected.ndjson"), "utf8").split("\n");
      const mended = lines
        .filter((line) => line.includes("perhaps"))
        .map((line) => line.replaceAll('"perhaps"', "false"));
      writeFileSync(join(folder, "mended.ndjson"), `${mended.join("\n")}\n`);
      return "";
    },
  },
  ["upload", "mended.ndjson", "--checkpoint", "mended.checkpoint.json"],
];

/**
 * Runs a short session against a service on this machine, and gives what a terminal would show. The clock stands still,
 * so that the session is the same each time.
 */
export async function recordSession(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "terminal-session-"));
  const server = await startFakeServer();
  try {
    writeFileSync(join(folder, "users.csv"), USERS);
    let shown = "";
    const screen: Output = {
      write: (text) => {
        shown += text;
        return Promise.resolve();
      },
      isClosed: false,
      isTTY: false,
      columns: 120,
    };
    const terminal: Terminal = {
      stdin: Readable.from([]),
      stdout: screen,
      stderr: screen,
      env: { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret-of-the-input", MPARTICLE_BASE_URL: server.url },
      cwd: folder,
      now: () => 0,
      random: () => 0,
      every: () => () => undefined,
      onInterrupt: () => () => undefined,
      openPage: () => undefined,
      onOrphaned: () => () => undefined,
    };
    for (const step of STEPS) {
      shown += `$ ${"typed" in step ? step.typed : ["mparticle-events", ...step].map(quote).join(" ")}\n`;
      if ("typed" in step) {
        shown += step.does(folder);
        continue;
      }
      const code = await runProgram(step, terminal);
      if (code !== 0) shown += `$ echo $?\n${String(code)}\n`;
    }
    return shown;
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`;
}

const START = "<!-- session: written by `npm run docs:session` -->";
const END = "<!-- end of the session -->";

/** The page with the session in it. */
export function withSession(page: string, session: string): string {
  const [before, rest = ""] = page.split(START);
  const [, after] = rest.split(END);
  if (before === undefined || after === undefined) throw new Error("The page has no place for the session.");
  return `${before}${START}\n\n\`\`\`console\n${session}\`\`\`\n\n${END}${after}`;
}
