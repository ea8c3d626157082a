import { execFile, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startPostgres, startRedis, type Server } from "../../test/fleet/servers.ts";
import { figure, median, medianRatio, type Bench, type Report } from "../measure.ts";
import { BENCH } from "../packages.ts";
import { digits, times, type Bar, type Row } from "../row.ts";

/** Batches that are measured; those before them are for warming up, of each worker so many. */
const COUNT = 2_000;
const WARM_UP = 500;
const TIMEOUT_MS = 300_000;

interface Entrant {
  readonly label: string;
  readonly kind: Bar["kind"];
  /** What the programs of `bench/fleet` are told; none is the queue without a store. */
  readonly entrant?: "redis" | "postgres" | "plain" | "boss";
  readonly workers: number;
}

const ENTRANTS: readonly Entrant[] = [
  { label: "`EventQueue`, no store", kind: "ours", workers: 1 },
  ...([1, 2, 4, 8] as const).flatMap((workers): Entrant[] => {
    const many = `${String(workers)} worker${workers === 1 ? "" : "s"}`;
    return [
      { label: `ours, Redis, ${many}`, kind: "ours", entrant: "redis", workers },
      { label: `ours, PostgreSQL, ${many}`, kind: "ours", entrant: "postgres", workers },
    ];
  }),
  { label: "BullMQ, one upload a job", kind: "peer", entrant: "plain", workers: 1 },
  { label: "pg-boss, fetched by hundreds", kind: "peer", entrant: "boss", workers: 1 },
];

const run = promisify(execFile);

function program(name: string): string {
  return join(BENCH, `fleet/${name}.mjs`);
}

/** CPU of a process and all that it has started, in milliseconds; Linux tells. */
function cpuOfTree(pid: number): number {
  const folder = `/proc/${String(pid)}`;
  if (!existsSync(folder)) return NaN;
  const stat = readFileSync(`${folder}/stat`, "utf8");
  // After the name, which may hold anything: the state is the first, and the times are the 12th to the 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
  const children = readdirSync(`${folder}/task`).flatMap((task) =>
    readFileSync(`${folder}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
  return children.reduce((sum, child) => sum + cpuOfTree(Number(child)), own);
}

async function cpuOf(worker: ChildProcess): Promise<number> {
  const answer = once(worker, "message");
  worker.send("cpu");
  return Number((await answer)[0]);
}

async function measure(bench: Bench, { entrant, workers }: Entrant): Promise<Report> {
  if (entrant === undefined) {
    const job = { scenario: "queue", candidate: "ours", count: COUNT, users: COUNT, warmUp: 1, fresh: true };
    const report = await bench.measure(job);
    return { ...report, storeCpuMs: 0 };
  }
  const isRedis = entrant === "redis" || entrant === "plain";
  const store: Server = await (isRedis ? startRedis() : startPostgres());
  const service = await bench.sink.open(false);
  const children: ChildProcess[] = [];
  try {
    const told = { entrant, port: store.port, url: service.url };
    const all = COUNT + WARM_UP * workers;
    await run(process.execPath, [program("fill"), JSON.stringify({ ...told, count: all })], { timeout: TIMEOUT_MS });
    for (let n = 0; n < workers; n++) children.push(fork(program("work"), [JSON.stringify(told)], { execArgv: [] }));
    const startedMs = performance.now();
    const until = async (events: number): Promise<number> => {
      for (;;) {
        const { events: arrived } = await service.counts();
        if (arrived >= events) return arrived;
        if (performance.now() - startedMs > TIMEOUT_MS) throw new Error(`Only ${String(arrived)} arrived.`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const cpu = async (): Promise<number> =>
      (await Promise.all(children.map(cpuOf))).reduce((sum, cpuMs) => sum + cpuMs, 0);
    const warm = await until(WARM_UP * workers);
    const [fromMs, cpuBeforeMs, storeBeforeMs] = [performance.now(), await cpu(), cpuOfTree(store.pid)];
    await until(all);
    const wallMs = performance.now() - fromMs;
    // What is noted down in the store afterwards belongs to it.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const cpuMs = (await cpu()) - cpuBeforeMs;
    const { requests, events } = await service.counts();
    const storeCpuMs = cpuOfTree(store.pid) - storeBeforeMs;
    return { count: all - warm, all, events, requests, wallMs, cpuMs, storeCpuMs };
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await service.close();
    await store.stop();
  }
}

function perSecond(report: Report): number {
  return (figure(report, "count") / figure(report, "wallMs")) * 1_000;
}

function micros(name: "cpuMs" | "storeCpuMs"): (report: Report) => number {
  return (report) => (figure(report, name) / figure(report, "count")) * 1_000;
}

/** Of the worker and of the store. */
function allMicros(report: Report): number {
  return micros("cpuMs")(report) + micros("storeCpuMs")(report);
}

/** Why the stores cannot be started here. */
async function whyNoStores(): Promise<string | undefined> {
  try {
    for (const start of [startRedis, startPostgres]) await (await start()).stop();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const fleet: Row = {
  number: 17,
  name: "fleet",
  title: "A fleet",
  how: `${COUNT.toLocaleString("en")} batches of one event that wait in a store, each of another user, sent by 1 to 8 processes on one machine; ${String(WARM_UP)} for each process come before them, to warm up.`,
  async run(bench) {
    const reason = await whyNoStores();
    if (reason !== undefined) return { checks: [], tables: [], notes: [`Not measured: ${reason}`] };
    const reports = new Map(ENTRANTS.map((entrant): [Entrant, Report[]] => [entrant, []]));
    // They take long: three rounds at most.
    for (let round = 0; round < Math.min(3, bench.rounds); round++) {
      for (const entrant of ENTRANTS) reports.get(entrant)?.push(await measure(bench, entrant));
    }
    const of = (label: string): readonly Report[] =>
      [...reports].find(([entrant]) => entrant.label === label)?.[1] ?? [];
    const [redis, postgres] = [of("ours, Redis, 1 worker"), of("ours, PostgreSQL, 1 worker")];
    const [plain, boss] = [of("BullMQ, one upload a job"), of("pg-boss, fetched by hundreds")];
    const lost = [...reports]
      .filter(([{ kind, entrant }]) => kind === "ours" && entrant !== undefined)
      .flatMap(([, of]) => of.map((report) => figure(report, "all") - figure(report, "events")));
    return {
      checks: [
        {
          what: "Redis, CPU of worker and store, of BullMQ with one upload a job",
          measured: medianRatio(redis, plain, allMicros),
          atMost: 0.7,
          unit: "×",
        },
        {
          what: "PostgreSQL, CPU of worker and store, of pg-boss",
          measured: medianRatio(postgres, boss, allMicros),
          atMost: 1,
          unit: "×",
        },
        { what: "events lost", measured: Math.max(...lost), atMost: 0, unit: "", exact: true },
      ],
      tables: [
        {
          title: "Sent",
          columns: ["", "a second", "CPU µs, worker", "CPU µs, store", "batches a request"],
          rows: [...reports].map(([{ label }, of]) => [
            label,
            digits(median(of, perSecond)),
            digits(median(of, micros("cpuMs"))),
            digits(median(of, micros("storeCpuMs"))),
            digits(median(of, (report) => figure(report, "events") / figure(report, "requests"))),
          ]),
        },
      ],
      plots: [
        {
          name: "fleet",
          title: "CPU of a batch, worker and store, in µs; less is better",
          bars: [...reports]
            .filter(([{ workers }]) => workers === 1)
            .map(([{ label, kind }, of]) => {
              const cpu = median(of, allMicros);
              return { label: label.replaceAll("`", ""), value: cpu, text: digits(cpu), kind };
            }),
        },
      ],
      choices: [
        {
          work: "send what many processes add to Redis",
          instead: "a BullMQ worker that uploads each job",
          ours: `takes ${times(medianRatio(redis, plain, allMicros))} the CPU of worker and store, and keeps to one rate for all`,
        },
        {
          work: "send what transactions of PostgreSQL have written",
          instead: "pg-boss, fetched by hundreds",
          ours: `takes ${times(medianRatio(postgres, boss, allMicros))} the CPU of worker and store, and keeps each user's order`,
        },
      ],
      notes: [
        "All of it shares the processors of one machine, so more workers are not faster here; the figure to plan with is the CPU of a batch. The rate is set so high that nobody waits for it.",
      ],
    };
  },
};
