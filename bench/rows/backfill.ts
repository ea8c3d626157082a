import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { medianOf, type Bench } from "../measure.ts";
import { BENCH, MODULES } from "../packages.ts";
import { digits, times, type Row } from "../row.ts";

const BATCHES = 4_000;
const EVENTS = 5;

const ENTRANTS = {
  byHand: "by hand: readline, JSON.parse, `node:http`",
  deliver: "ours, `deliver` of the lines",
  command: "ours, the command `upload`",
} as const;

type Name = keyof typeof ENTRANTS;

/** The keys of the table of entrants. */
const NAMES = Object.keys(ENTRANTS) as Name[];

const run = promisify(execFile);

async function writeLines(path: string): Promise<void> {
  // What the scenarios send, which are plain JavaScript.
  const { batch } = (await import(join(BENCH, "candidates/payload.mjs"))) as {
    readonly batch: (index: number, events: number) => object;
  };
  const file = createWriteStream(path);
  for (let n = 0; n < BATCHES; n++) file.write(`${JSON.stringify(batch(n, EVENTS))}\n`);
  file.end();
  await once(file, "finish");
}

function programOf(name: Name, url: string, path: string, folder: string): readonly string[] {
  if (name !== "command")
    return [join(BENCH, `ends/backfill-${name === "byHand" ? "by-hand" : "deliver"}.mjs`), url, path];
  const options = ["--base-url", `${url}/v2`, "--checkpoint", join(folder, "checkpoint.json")];
  const rejected = ["--rejected", join(folder, "rejected.ndjson")];
  return [join(MODULES, "mparticle-events/dist/cli.js"), "upload", path, ...options, ...rejected];
}

/** CPU of a whole process, in milliseconds. */
async function measure(
  bench: Bench,
  name: Name,
  path: string,
): Promise<{ readonly cpuMs: number; readonly lost: number }> {
  const service = await bench.sink.open(false);
  const program = programOf(name, service.url, path, bench.folder);
  const report = join(BENCH, "ends/report-cpu.mjs");
  const { stderr } = await run(process.execPath, ["--import", report, ...program], {
    env: { ...process.env, MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret" },
    timeout: 60_000,
  });
  const { events } = await service.counts();
  await service.close();
  return { cpuMs: Number(/^cpu ([\d.]+)$/m.exec(stderr)?.[1]), lost: BATCHES * EVENTS - events };
}

export const backfill: Row = {
  number: 15,
  name: "backfill",
  title: "A backfill",
  how: `A file of ${BATCHES.toLocaleString("en")} lines with a batch of ${String(EVENTS)} events each, sent by a process of its own; CPU from its start to its end.`,
  async run(bench) {
    const path = join(bench.folder, "backfill.ndjson");
    await writeLines(path);
    const measured = new Map(NAMES.map((name): [Name, number[]] => [name, []]));
    let lost = 0;
    for (let round = 0; round < bench.rounds; round++) {
      for (const name of NAMES) {
        const one = await measure(bench, name, path);
        measured.get(name)?.push(one.cpuMs);
        lost += one.lost;
      }
    }
    const of = (name: Name): readonly number[] => measured.get(name) ?? [];
    const ofHand = (name: Name): number =>
      medianOf(of(name).map((cpuMs, round) => cpuMs / (of("byHand")[round] ?? NaN)));
    return {
      checks: [
        { what: "`deliver`, CPU of the same by hand", measured: ofHand("deliver"), atMost: 1.5, unit: "×" },
        { what: "`upload`, CPU of the same by hand", measured: ofHand("command"), atMost: 3, unit: "×" },
        { what: "events lost", measured: lost, atMost: 0, unit: "", exact: true },
      ],
      tables: [
        {
          title: "CPU of the process",
          columns: ["", "× by hand", "ms"],
          rows: NAMES.map((name) => [ENTRANTS[name], times(ofHand(name)), digits(medianOf(of(name)))]),
        },
      ],
      notes: [
        "The command checks each batch against the contract, keeps where it is, and sets aside what is refused; by hand nothing of that is done.",
      ],
    };
  },
};
