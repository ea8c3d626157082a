import { execFile } from "node:child_process";
import { createWriteStream, rmSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { medianOf, type Bench } from "../measure.ts";
import { BENCH, MODULES } from "../packages.ts";
import { counted, digits, type Bar, type Row } from "../row.ts";

const ROWS = 100_000;
/** For memory: it must not grow with them. */
const ROW_COUNTS = [10_000, ROWS, 300_000] as const;
/** Each takes long. */
const ROUNDS = 3;

const ENTRANTS = {
  same: "`parseJsonExact`, `requestIdFrom`, `checkBatch` and `deliver` of the library",
  command: "the command `upload`",
} as const;

type Name = keyof typeof ENTRANTS;

const run = promisify(execFile);

/** What the scenarios send, which are plain JavaScript. */
interface Payload {
  readonly user: (index: number) => object;
  readonly attributesOf: (count: number, index: number) => object;
  readonly MARK: string;
}

/** Batches of one event each, without ids: whoever sends them makes those of the row. */
async function writeRows(path: string, count: number): Promise<void> {
  const { user, attributesOf, MARK } = (await import(join(BENCH, "candidates/payload.mjs"))) as Payload;
  const file = createWriteStream(path);
  for (let n = 0; n < count; n++) {
    const data = {
      event_name: MARK,
      custom_event_type: "media",
      timestamp_unixtime_ms: 1_750_000_000_000 + n,
      custom_attributes: attributesOf(4, n),
    };
    const batch = { ...user(n), events: [{ event_type: "custom_event", data }] };
    if (!file.write(`${JSON.stringify(batch)}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
}

function programOf(name: Name, url: string, path: string, folder: string): readonly string[] {
  if (name === "same") return [join(BENCH, "ends/backfill-same.mjs"), url, path];
  const options = ["--base-url", `${url}/v2`, "--checkpoint", join(folder, "rows.checkpoint.json")];
  const rejected = ["--rejected", join(folder, "rows.rejected.ndjson")];
  return [join(MODULES, "mparticle-events/dist/cli.js"), "upload", path, ...options, ...rejected];
}

/** What a whole process took. */
interface Taken {
  readonly cpuMs: number;
  /** At most. */
  readonly megabytes: number;
  readonly lost: number;
}

async function measure(bench: Bench, name: Name, count: number): Promise<Taken> {
  // Of a run that has ended: with it, there would be nothing to do.
  rmSync(join(bench.folder, "rows.checkpoint.json"), { force: true });
  const service = await bench.sink.open(false);
  const program = programOf(name, service.url, pathOf(bench, count), bench.folder);
  const report = join(BENCH, "ends/report-cpu.mjs");
  const { stderr } = await run(process.execPath, ["--import", report, ...program], {
    env: { ...process.env, MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret" },
    timeout: 300_000,
  });
  const { events } = await service.counts();
  await service.close();
  const told = (what: string): number => Number(new RegExp(`^${what} ([\\d.]+)$`, "m").exec(stderr)?.[1]);
  return { cpuMs: told("cpu"), megabytes: told("memory"), lost: Math.abs(count - events) };
}

function pathOf(bench: Bench, count: number): string {
  return join(bench.folder, `rows-${String(count)}.ndjson`);
}

export const backfillRows: Row = {
  number: 16,
  name: "backfill-rows",
  title: "Rows of a backfill",
  how: `A file of ${ROWS.toLocaleString("en")} rows without ids, of one event each, sent by a process of its own, three times; CPU from its start to its end.`,
  attempts: 1,
  async run(bench) {
    for (const count of ROW_COUNTS) await writeRows(pathOf(bench, count), count);
    const same: Taken[] = [];
    const command: Taken[] = [];
    for (let round = 0; round < Math.min(ROUNDS, bench.rounds); round++) {
      same.push(await measure(bench, "same", ROWS));
      command.push(await measure(bench, "command", ROWS));
    }
    const few = await measure(bench, "command", ROW_COUNTS[0]);
    const many = await measure(bench, "command", ROW_COUNTS[2]);
    for (const count of ROW_COUNTS) rmSync(pathOf(bench, count));

    const ratio = medianOf(command.map(({ cpuMs }, round) => (same[round]?.cpuMs ?? NaN) / cpuMs));
    const aSecond = (taken: readonly Taken[]): string =>
      digits(medianOf(taken.map(({ cpuMs }) => ROWS / (cpuMs / 1_000))));
    const usual = medianOf(command.map(({ megabytes }) => megabytes));
    const bars = [few.megabytes, usual, many.megabytes].map((value, n): Bar => {
      return { label: counted(ROW_COUNTS[n] ?? NaN, "row"), value, text: `${digits(value)} MB`, kind: "ours" };
    });
    return {
      checks: [
        {
          what: "`upload`, rows per second of CPU, of `deliver` with the same ids and checks",
          measured: ratio,
          atLeast: 0.85,
          unit: "×",
        },
        {
          what: "memory of `upload` with 300,000 rows, of that with 100,000",
          measured: many.megabytes / usual,
          atMost: 1.25,
          unit: "×",
        },
        {
          what: "rows lost",
          measured: Math.max(...[...same, ...command, few, many].map(({ lost }) => lost)),
          atMost: 0,
          unit: "",
          exact: true,
        },
      ],
      tables: [
        {
          title: "Rows per second of CPU",
          columns: ["", "rows"],
          rows: [
            [ENTRANTS.same, aSecond(same)],
            [ENTRANTS.command, aSecond(command)],
          ],
        },
      ],
      plots: [{ name: "backfill-memory", title: "Memory of a backfill by its rows: MB at most", bars }],
    };
  },
};
