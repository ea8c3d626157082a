import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, createWriteStream, statSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createReadStream } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requestIdFrom } from "mparticle-events";
import { startFakeServer, type FakeServer, type Step } from "mparticle-events/testing";
import { FULL, full, onlyInFull } from "../full.ts";
import { build, CLI } from "../package/packed.ts";
import { run } from "./test-terminal.ts";

/** `BACKFILL_ROWS=1000000` asks for as many; a million takes minutes of two cores. */
const ROWS = Number(process.env["BACKFILL_ROWS"] ?? 200_000);
/** Written wrong, so that the check refuses them. */
const isInvalid = (row: number): boolean => row % 997 === 0;
/** Right, and refused by the service, which refuses the whole request. */
const isPoison = (row: number): boolean => row % 9973 === 1;
/** A quote too many. */
const isBroken = (row: number): boolean => row % 2503 === 2;

let cwd: string;
beforeAll(build);
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "cli-backfill-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

/** Random numbers that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function writeRows(path: string): Promise<void> {
  const file = createWriteStream(path);
  const time = Date.now() - 86_400_000;
  let text =
    "environment,user_identities.customerid,events.data.event_name,events.data.custom_event_type,events.data.timestamp_unixtime_ms,events.data.custom_attributes.note\n";
  for (let row = 0; row < ROWS; row++) {
    const type = isInvalid(row) ? "nonsense" : "other";
    text += `development,${String(row)},${isPoison(row) ? "poison" : "bought"},${type},${String(time + row)},${isBroken(row) ? 'a "broken" row' : `"a note, ${String(row)}"`}\n`;
    if (text.length > 1_000_000) {
      if (!file.write(text)) await once(file, "drain");
      text = "";
    }
  }
  file.end(text);
  await once(file, "close");
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Memory that the process held at most, in MB; `undefined` where the system does not tell. */
  readonly peakMegabytes: number | undefined;
}

/** Of a process that lives. */
function peakOf(id: number | undefined): number | undefined {
  try {
    const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${String(id)}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}

/** Runs the built command as a process; `interrupt` is told each time a request arrives, and may end it. */
async function start(
  args: readonly string[],
  server: FakeServer,
  watch: { onChild?: (kill: (signal: NodeJS.Signals) => void) => void } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: {
      ...process.env,
      MPARTICLE_API_KEY: "key",
      MPARTICLE_API_SECRET: "secret-of-the-input",
      MPARTICLE_BASE_URL: server.url,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  watch.onChild?.((signal) => child.kill(signal));
  let peakMegabytes: number | undefined;
  const sampling = setInterval(() => (peakMegabytes = peakOf(child.pid) ?? peakMegabytes), 100);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  clearInterval(sampling);
  return { code, signal, stdout, stderr, peakMegabytes };
}

/** What the checkpoint says; there is one from the first request on. */
function settledRecords(): number {
  return (JSON.parse(readFileSync(join(cwd, "c.json"), "utf8")) as { records: number }).records;
}

/** Fails at random, takes requests without answering, and has a storm of 429 in its middle. */
function faultyScript(
  random: () => number,
  onRequest: () => void,
): (request: { batches: readonly unknown[]; index: number }) => Step {
  return ({ batches, index }) => {
    onRequest();
    if (index >= 40 && index < 45) return { status: 429, headers: { "retry-after": "0" } };
    const drawn = random();
    if (drawn < 0.04) return 503;
    if (drawn < 0.06) return "reset";
    const isRefused = (batches as readonly { events: readonly { data: { event_name: string } }[] }[]).some(
      (batch) => batch.events[0]?.data.event_name === "poison",
    );
    if (isRefused) return { status: 400, body: { errors: [{ code: "BAD_REQUEST", message: "no" }] } };
    // Taken, and the client never learns of it.
    return drawn < 0.08 ? { status: 202, reset: "before-answer" } : 202;
  };
}

onlyInFull(() => {
  describe("a backfill", () => {
    it("accounts for each row through faults, a storm of 429, two kill -9 and one Ctrl+C", async () => {
      await writeRows(join(cwd, "rows-custom_event.csv"));
      const ids = new Map(Array.from({ length: ROWS }, (_, row) => [requestIdFrom(String(row)), row]));
      let kill: (signal: NodeJS.Signals) => void = () => undefined;
      /** When which signal comes, in rows that were accepted. */
      const endings: { at: number; signal: NodeJS.Signals }[] = [
        { at: ROWS * 0.2, signal: "SIGKILL" },
        { at: ROWS * 0.4, signal: "SIGKILL" },
        { at: ROWS * 0.6, signal: "SIGINT" },
      ];
      const server = await startFakeServer({
        record: "counts",
        script: faultyScript(randomFrom(7), () => {
          const [next] = endings;
          if (next === undefined || server.counts().acceptedBatchesOnce < next.at) return;
          endings.shift();
          kill(next.signal);
        }),
      });
      const args = [
        "upload",
        "rows-custom_event.csv",
        "--id-from",
        "user_identities.customerid",
        "--concurrency",
        "8",
        "--checkpoint",
        "c.json",
        "--resume",
      ];
      const watch = { onChild: (end: typeof kill) => void (kill = end) };
      const startedAtMs = performance.now();
      const killed = await start(args, server, watch);
      expect(killed).toMatchObject({ signal: "SIGKILL" });
      const first = settledRecords();
      const killedAgain = await start(args, server, watch);
      expect(killedAgain).toMatchObject({ signal: "SIGKILL" });
      expect(settledRecords()).toBeGreaterThanOrEqual(first);
      const interrupted = await start(args, server, watch);
      expect(interrupted).toMatchObject({ code: 3, signal: null });
      expect(interrupted.stderr).toContain("Go on with: mparticle-events upload");
      const last = await start(args, server);
      expect(last).toMatchObject({ code: 1, signal: null });
      expect(endings).toEqual([]);
      const peaks = [killed, killedAgain, interrupted, last].flatMap(({ peakMegabytes }) => peakMegabytes ?? []);
      // The same for a thousand rows and for a million: what is kept is what is in flight.
      for (const peak of peaks) expect(peak).toBeLessThan(400);
      if (process.env["BACKFILL_ROWS"] !== undefined) {
        const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
        console.log(
          `${String(ROWS)} rows in ${seconds} s, ${peaks.map((peak) => `${peak.toFixed(0)} MB`).join(", ")}.`,
        );
        console.log(JSON.stringify(server.counts().byStatus), last.stdout);
      }

      // Every row has one end: accepted under its id, or written down as rejected.
      const accepted = [...server.acceptedIds().keys()].map((id) => ids.get(id));
      expect(accepted).not.toContain(undefined);
      const rejected: number[] = [];
      for await (const line of createInterface({ input: createReadStream(join(cwd, "rejected.ndjson")) })) {
        rejected.push((JSON.parse(line) as { rejected: { record: number } }).rejected.record - 1);
      }
      expect(new Set(rejected).size).toBe(rejected.length);
      const ends = [...accepted, ...rejected].sort((one, other) => (one ?? 0) - (other ?? 0));
      expect(ends).toHaveLength(ROWS);
      expect(ends.every((row, index) => row === index)).toBe(true);
      expect(rejected.sort((one, other) => one - other)).toEqual(
        Array.from({ length: ROWS }, (_, row) => row).filter((row) => isInvalid(row) || isPoison(row) || isBroken(row)),
      );
      expect(server.counts().byStatus).toMatchObject({
        400: expect.any(Number) as number,
        429: expect.any(Number) as number,
        503: expect.any(Number) as number,
      });

      // The summary of the last run adds up.
      const numbers = Object.fromEntries(
        last.stdout
          .trim()
          .split("\n")
          .map((line): [string, number] => {
            const [name = "", number = ""] = line.split(/\s+/);
            return [name, Number(number.replaceAll(",", ""))];
          }),
      );
      expect(numbers["records"]).toBe(ROWS);
      expect(
        (numbers["accepted"] ?? 0) +
          (numbers["rejected"] ?? 0) +
          (numbers["undelivered"] ?? 0) +
          (numbers["before"] ?? 0),
      ).toBe(ROWS);
      expect(numbers["undelivered"]).toBe(0);
      await server.close();
    }, 1_800_000);
  });
});

describe("the built command", () => {
  it("checks what comes through a pipe, and ends quietly when nobody reads on", () => {
    const line = JSON.stringify({ environment: "development", nope: 1 });
    writeFileSync(join(cwd, "a.ndjson"), `${line}\n`.repeat(full(5_000, 50_000)));
    const check = `{ ${process.execPath} ${CLI} check - 2>err; echo $? >code; }`;
    const piped = execFileSync("sh", ["-c", `cat a.ndjson | ${check} | head -n 1`], { cwd, encoding: "utf8" });
    expect(piped).toMatch(/^-:1 \/nope unknown-key /);
    expect(readFileSync(join(cwd, "code"), "utf8")).toBe("1\n");
    expect(readFileSync(join(cwd, "err"), "utf8")).not.toMatch(/EPIPE|Error/);
  });

  it("starts without loading what the command does not need", async () => {
    const { stdout } = FULL
      ? { stdout: execFileSync(process.execPath, [CLI, "--version"], { encoding: "utf8" }) }
      : await run(["--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
    // One file, and the parser of arguments: the rest is loaded by the commands.
    expect(statSync(CLI).size).toBeLessThan(60_000);
    expect(readFileSync(CLI, "utf8")).not.toMatch(/^import .* from "mparticle-events/m);
  });
});
