import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { medianOf } from "../measure.ts";
import { BENCH } from "../packages.ts";
import { digits, type Row } from "../row.ts";

/** Together they make 200 kB, and a little more. */
const EVENTS = 630;
const USERS = 20;

interface End {
  readonly spillMs: number;
  readonly cpuMs: number;
  /** To write and sync the same bytes and their name. */
  readonly floorMs: number;
  readonly floorCpuMs: number;
  readonly bytes: number;
}

const run = promisify(execFile);

async function end(url: string, path: string): Promise<End> {
  const program = [join(BENCH, "ends", "spill.mjs"), url, path, String(EVENTS), String(USERS)];
  const { stdout } = await run(process.execPath, program, { timeout: 10_000 });
  // Printed by it.
  return JSON.parse(stdout) as End;
}

export const spill: Row = {
  number: 12,
  name: "spill",
  title: "Spilling at the end",
  how: `Processes that add ${String(EVENTS)} events of ${String(USERS)} users and call \`process.exit\`: the time that \`drainOnExit\` takes to write them to the disk, once in the life of each; two to a round.`,
  async run(bench) {
    const service = await bench.sink.open(false);
    const ends: End[] = [];
    for (let n = 0; n < bench.rounds * 2; n++) {
      ends.push(await end(service.url, join(bench.folder, `${String(n)}.spill`)));
    }
    await service.close();
    const sorted = (figureOf: (one: End) => number): readonly number[] =>
      ends.map(figureOf).sort((one, other) => one - other);
    const kinds = [
      { label: "ours", times: sorted(({ spillMs }) => spillMs) },
      { label: "ours, CPU", times: sorted(({ cpuMs }) => cpuMs) },
      { label: "the same bytes and their name, written and synced by hand", times: sorted(({ floorMs }) => floorMs) },
      { label: "the same, CPU", times: sorted(({ floorCpuMs }) => floorCpuMs) },
    ];
    const kilobytes = medianOf(ends.map(({ bytes }) => bytes)) / 1_000;
    return {
      checks: [
        {
          what: "CPU, of the same bytes and their name, written and synced by hand",
          measured: medianOf(ends.map(({ cpuMs, floorCpuMs }) => cpuMs / floorCpuMs)),
          atMost: 4,
          unit: "×",
        },
        { what: "written", measured: kilobytes, atLeast: 200, unit: " kB", exact: true },
      ],
      tables: [
        {
          title: "Written at the end",
          columns: ["", "fastest ms", "median ms", "slowest ms", "kB"],
          rows: kinds.map(({ label, times }) => [
            label,
            digits(times[0] ?? 0),
            digits(medianOf(times)),
            digits(times.at(-1) ?? 0),
            digits(kilobytes),
          ]),
        },
      ],
    };
  },
};
