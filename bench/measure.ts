/** Measurements: scenarios with candidates, each in a process of its own, each against a service of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BENCH } from "./packages.ts";
import type { Sink, SinkService } from "./sink-protocol.ts";

/** What to run; everything else is passed to the scenario as it is. */
export interface Job {
  readonly scenario: string;
  readonly candidate: string;
  readonly secure?: boolean;
  /** More file descriptors than this cannot be opened. */
  readonly maxFiles?: number;
  /** Each round in a process that has done nothing before; else all rounds in one, which is warm. */
  readonly fresh?: boolean;
  /** Takes too long to be measured again when a target is missed: it is not ours that has to have its chance. */
  readonly once?: boolean;
  /** A round is ended after this long; what the sink saw until then counts. `@default 60_000` */
  readonly timeoutMs?: number;
  readonly [option: string]: unknown;
}

/** Numbers by name: those of the scenario, and what the sink counted. */
export type Report = Readonly<Record<string, number>>;

/** A process with a candidate in it, ready to be measured. */
export interface Runner {
  readonly service: SinkService;
  /** `begin` is told when the service has no memory of earlier rounds and the round begins. */
  readonly round: (begin?: () => Promise<void>) => Promise<Report>;
  stop(): Promise<void>;
}

export class Bench {
  readonly sink: Sink;
  readonly rounds: number;
  /** Whether rows leave out what takes long and is not ours. */
  readonly quick: boolean;
  /** For files of a scenario; gone when all is over. */
  readonly folder = mkdtempSync(join(tmpdir(), "mparticle-events-bench-"));
  readonly #measuredOnce = new Map<string, Report[]>();
  readonly #certPath = join(this.folder, "cert.pem");

  constructor(sink: Sink, { rounds, quick }: { readonly rounds: number; readonly quick: boolean }) {
    this.sink = sink;
    this.rounds = rounds;
    this.quick = quick;
    writeFileSync(this.#certPath, sink.cert);
  }

  close(): void {
    this.sink.close();
    rmSync(this.folder, { recursive: true });
  }

  async start(job: Job): Promise<Runner> {
    const { secure = false, timeoutMs = 60_000 } = job;
    const service = await this.sink.open(secure);
    const child = this.#spawn({ ...job, url: service.url });
    await nextMessage(child, timeoutMs);
    return {
      service,
      round: async (begin) => {
        await service.reset();
        await begin?.();
        const answer = nextMessage(child, timeoutMs);
        child.send("round");
        const report = (await answer) ?? { timedOut: 1, wallMs: timeoutMs };
        const { requests, events, sockets, peakSockets } = await service.counts();
        return { requests, events, sockets, peakSockets, ...report };
      },
      stop: async () => {
        child.kill("SIGKILL");
        await service.close();
      },
    };
  }

  /** One round in a process that has done nothing before. */
  async measure(job: Job): Promise<Report> {
    const runner = await this.start(job);
    try {
      return await runner.round();
    } finally {
      await runner.stop();
    }
  }

  /** Measures all of them once a round, so that whatever the machine is doing meets them all. */
  async inRounds<Name extends string>(
    jobs: Readonly<Record<Name, Job>>,
    rounds = this.rounds,
  ): Promise<Readonly<Record<Name, readonly Report[]>>> {
    // The keys of a record literal, which are all there are.
    const names = Object.keys(jobs) as Name[];
    const runners: Runner[] = [];
    const tasks = new Map<Name, () => Promise<Report>>();
    try {
      for (const name of names) {
        if (jobs[name].once === true && this.#measuredOnce.has(JSON.stringify(jobs[name]))) continue;
        if (jobs[name].fresh === true) {
          tasks.set(name, () => this.measure(jobs[name]));
        } else {
          const runner = await this.start(jobs[name]);
          runners.push(runner);
          tasks.set(name, () => runner.round());
        }
      }
      const reports = await interleave(rounds, tasks);
      return Object.fromEntries(names.map((name) => [name, this.#keep(jobs[name], reports.get(name))])) as Record<
        Name,
        Report[]
      >;
    } finally {
      for (const runner of runners) await runner.stop();
    }
  }

  /** What has been measured now, or once and for all. */
  #keep(job: Job, reports: Report[] | undefined): Report[] {
    if (job.once !== true) return reports ?? [];
    const key = JSON.stringify(job);
    const kept = this.#measuredOnce.get(key) ?? reports ?? [];
    this.#measuredOnce.set(key, kept);
    return kept;
  }

  #spawn(job: Job): ChildProcess {
    const { secure = false, maxFiles } = job;
    const command = [process.execPath, join(BENCH, "child.mjs"), JSON.stringify(job)];
    // Node raises its own limit as far as it may: only a shell can lower that.
    const limited = maxFiles === undefined ? command : ["sh", "-c", limitFiles(maxFiles), ...command];
    const [program = "", ...rest] = limited;
    const env = { ...process.env, NODE_OPTIONS: undefined };
    return spawn(program, rest, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...env, ...(secure && { NODE_EXTRA_CA_CERTS: this.#certPath }) },
    });
  }
}

/** What the child says next; nothing when it takes too long, and then it is ended. */
function nextMessage(child: ChildProcess, timeoutMs: number): Promise<Report | undefined> {
  return new Promise((resolve, reject) => {
    let errors = "";
    const onError = (text: Buffer): void => {
      errors = (errors + text.toString()).slice(-2_000);
    };
    const forget = (): void => {
      clearTimeout(timer);
      child.stderr?.off("data", onError);
      child.off("close", onClose);
      child.off("message", onMessage);
    };
    const settle = (report: Report | undefined): void => {
      forget();
      resolve(report);
    };
    const onMessage = (message: unknown): void => {
      // A child sends "ready" once, which nobody reads, and then its reports.
      settle(message as Report);
    };
    const onClose = (): void => {
      forget();
      reject(new Error(`${child.spawnargs.slice(-1).join()} ended without a report:\n${errors}`));
    };
    const timer = setTimeout(() => {
      settle(undefined);
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stderr?.on("data", onError);
    child.on("close", onClose);
    child.on("message", onMessage);
  });
}

async function interleave<Name extends string>(
  rounds: number,
  tasks: ReadonlyMap<Name, () => Promise<Report>>,
): Promise<ReadonlyMap<Name, Report[]>> {
  const entries = [...tasks];
  const reports = new Map(entries.map(([name]): [Name, Report[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < entries.length; n++) {
      // Each round starts somewhere else: nobody is always the one after the slowest.
      const [name, task] = entries[(round + n) % entries.length] ?? [];
      if (name !== undefined && task !== undefined) reports.get(name)?.push(await task());
    }
  }
  return reports;
}

function limitFiles(count: number): string {
  return `ulimit -n ${String(count)} && exec "$0" "$@"`;
}

/** The median over the rounds of what `read` makes of each. */
export function median(reports: readonly Report[], read: (report: Report) => number): number {
  return medianOf(reports.map(read));
}

/**
 * How much more of something one has than another: the median over the rounds of the ratio in each, because whatever else
 * the machine was doing in a round met both.
 */
export function medianRatio(
  ones: readonly Report[],
  others: readonly Report[],
  read: (report: Report) => number,
): number {
  return medianOf(ones.flatMap((one, round) => (others[round] === undefined ? [] : [read(one) / read(others[round])])));
}

/** CPU of one of what was counted, in microseconds: user and system, collecting garbage and compiling included. */
export function cpuMicros(report: Report): number {
  return (figure(report, "cpuMs") / figure(report, "count")) * 1_000;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  if (low === undefined || high === undefined) throw new Error("There is nothing to take a median of.");
  return (low + high) / 2;
}

/** A figure that the scenario must have reported. */
export function figure(report: Report, name: string): number {
  const value = report[name];
  if (value === undefined) throw new Error(`There is no \`${name}\` in ${JSON.stringify(report)}.`);
  return value;
}
