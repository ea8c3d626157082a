/**
 * Runs the packed library in every runtime that it claims to run on: `npm run test:runtimes`. Exit code 1 when a check
 * fails, 2 when nothing could be run because the runtimes could not be fetched.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeProject } from "../package/packed.ts";
import type { Verdict } from "./checks.ts";
import { installRuntimes, Unreachable } from "./packages.ts";
import { findSubjects, type Subject } from "./subjects.ts";

function install(): boolean {
  try {
    installRuntimes();
    return true;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const reason = error.message.split("\n", 4).join("\n");
    console.error(`Nothing was run: the runtimes are not installed, and the registry cannot be reached.\n${reason}`);
    return false;
  }
}

/** What cannot even be run has failed once. */
async function examine(subject: Subject, project: string): Promise<readonly Verdict[]> {
  try {
    return await subject.examine(project);
  } catch (error) {
    return [{ title: "it runs", problem: error instanceof Error ? error.message : String(error) }];
  }
}

async function runAll(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "mparticle-events-"));
  const verdicts: Verdict[] = [];
  try {
    await makeProject(folder);
    console.log(row("runtime", "version", "checks", "ms"));
    for (const subject of findSubjects()) {
      const startedMs = performance.now();
      const found = await examine(subject, folder);
      verdicts.push(...found);
      const failed = found.filter(({ problem }) => problem !== undefined);
      const passed = `${String(found.length - failed.length)}/${String(found.length)}`;
      console.log(row(subject.name, subject.version, passed, (performance.now() - startedMs).toFixed(0)));
      for (const { title, problem = "" } of failed) console.log(`  ✗ ${title}\n${problem.replace(/^/gm, "      ")}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const failed = verdicts.filter(({ problem }) => problem !== undefined).length;
  console.log(`\n${String(verdicts.length - failed)} passed, ${String(failed)} failed`);
  return failed === 0;
}

function row(runtime: string, version: string, checks: string, ms: string): string {
  return `${runtime.padEnd(14)} ${version.padEnd(16)} ${checks.padStart(7)} ${ms.padStart(7)}`;
}

if (install()) process.exitCode = (await runAll()) ? 0 : 1;
else process.exitCode = 2;
