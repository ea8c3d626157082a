/** Measures the library against its peers and the floor: `npm run bench`, or `npm run bench -- NAME …` for some rows. */
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { Bench } from "./measure.ts";
import { installPackages } from "./packages.ts";
import { printChecks, printTables } from "./print.ts";
import { writeResults, type Measured } from "./results.ts";
import { better, judge, mayHaveBeenNoise, type Check, type Row, type RowResult } from "./row.ts";
import { ROWS } from "./rows.ts";
import { startSink } from "./sink-protocol.ts";

const ATTEMPTS = 3;
/** After this long nothing gets another chance: the whole has to end within ten minutes. */
const PATIENCE_MS = 300_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 3 : 7));
if (!Number.isInteger(rounds) || rounds < 1)
  throw new RangeError(`\`--rounds\` is ${values.rounds ?? ""}; expected a count.`);
const rows = positionals.length === 0 ? ROWS : positionals.map(findRow);

installPackages();
const machine = describeMachine();
console.log(machine.join("\n"));

const startedMs = Date.now();
const bench = new Bench(await startSink(), { rounds, quick });
const measured: Measured[] = [];
try {
  for (const row of rows) {
    const rowStartedMs = Date.now();
    console.log(`\n${String(row.number)}. ${row.title}\n   ${row.how}`);
    const result = await runRow(row, bench);
    printTables(result.tables);
    for (const note of result.notes ?? []) console.log(`   ${note}`);
    printChecks(result.checks);
    console.log(`   ${String(Math.round((Date.now() - rowStartedMs) / 1_000))} s`);
    const { number, name, title, how } = row;
    measured.push({ number, name, title, how, rounds, ...result });
  }
} finally {
  bench.close();
}

const checks = measured.flatMap((row) => row.checks);
const missed = checks.filter((check) => judge(check) === "missed");
console.log(
  `\n${String(checks.length - missed.length)} of ${String(checks.length)} targets reached, in ${String(Math.round((Date.now() - startedMs) / 1_000))} s.`,
);
if (values.write || positionals.length === 0) await writeResults(machine, measured);
process.exitCode = missed.length === 0 ? 0 : 1;

function findRow(wanted: string): Row {
  const row = ROWS.find(({ name, number }) => name === wanted || String(number) === wanted);
  if (row === undefined) {
    throw new RangeError(`There is no row ${wanted}; there are ${ROWS.map(({ name }) => name).join(", ")}.`);
  }
  return row;
}

/** A target that was narrowly missed gets two more chances, for the machine may have been busy: the best of three counts. */
async function runRow(row: Row, bench: Bench): Promise<RowResult> {
  const { attempts = ATTEMPTS } = quick ? { attempts: 1 } : row;
  const best = new Map<string, Check>();
  for (let attempt = 1; ; attempt++) {
    const result = await row.run(bench);
    for (const check of result.checks) best.set(check.what, better(check, best.get(check.what)));
    const checks = [...best.values()];
    if (!checks.some(mayHaveBeenNoise) || attempt === attempts || Date.now() - startedMs > PATIENCE_MS)
      return { ...result, checks };
    console.log(`   missed; once more (${String(attempt + 1)} of ${String(attempts)}) …`);
  }
}
