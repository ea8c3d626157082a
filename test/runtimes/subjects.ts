/** The runtimes that the library claims to run on, and what is done in each. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { FakeServer } from "../../src/testing/testing.ts";
import { CHECKS, judgeAll, REUSE_CHECKS, type Check, type Run, type Verdict } from "./checks.ts";
import { runChild, type Ended } from "./child.ts";
import { EDGE_HOST, findBun, findDeno, findNodes, versionOf, WORKER_HOST } from "./packages.ts";
import { bundleEdge, bundleWorker, compile } from "./programs.ts";
import { ADDED, type Facts, type Report } from "./scenarios.ts";
import { startService } from "./service.ts";

/** One runtime, with one way to load the library. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** Runs everything there is for it, in a project that has the library installed. */
  readonly examine: (project: string) => Promise<readonly Verdict[]>;
}

/** Every subject that this machine has. */
export function findSubjects(): readonly Subject[] {
  return [
    ...findNodes().flatMap(({ version, path }) => [
      aProcess("Node, import", version, { command: [path], format: "esm", isNode: true }),
      aProcess("Node, require", version, { command: [path], format: "cjs", isNode: true }),
    ]),
    aProcess("Bun", versionOf("bun"), { command: [findBun(), "run", "--no-install"], format: "esm", isNode: false }),
    aProcess("Deno", versionOf("deno"), {
      // The one permission that the library needs.
      command: [findDeno(), "run", "--no-prompt", "--allow-net=127.0.0.1"],
      format: "esm",
      isNode: false,
    }),
    aWorker("workerd", versionOf("workerd")),
    anEdge("edge-light", versionOf("@edge-runtime/vm")),
  ];
}

interface ProcessOptions {
  /** What goes before the program. */
  readonly command: readonly string[];
  readonly format: "esm" | "cjs";
  readonly isNode: boolean;
}

function aProcess(name: string, version: string, { command, format, isNode }: ProcessOptions): Subject {
  return {
    name,
    version,
    examine: (project) =>
      withService(async (service, origin) => {
        const run = async (program: string, ...args: string[]): Promise<Ended> =>
          runChild([...command, await compile(program, format, project), origin, ...args], project);

        const ended = await run("in-process");
        const report = readLine(ended) as Report; // as in-process.ts prints it
        const verdicts = [
          ...judgeAll([...CHECKS, ...REUSE_CHECKS], asSeen(report, service)),
          ...judgeAll(PROCESS_CHECKS, { ended, version: { found: report.version, wanted: version } }),
        ];

        service.clear();
        // Node says when it is about to end; elsewhere the queue's own timer has to keep the process alive.
        const justEnded = await run("just-end", isNode ? "600000" : "200");
        verdicts.push(...judgeAll(JUST_END_CHECKS, { ended: justEnded, service }));
        if (!isNode) return verdicts;

        service.clear();
        const file = join(project, `${format}-${version}.db`);
        const died = await run("outbox", file, "die");
        const sentBefore = service.counts().requests;
        const delivered = await run("outbox", file, "deliver");
        return [...verdicts, ...judgeAll(OUTBOX_CHECKS, { died, sentBefore, delivered, service })];
      }),
  };
}

const PROCESS_CHECKS: readonly Check<{
  readonly ended: Ended;
  readonly version: { readonly found: string; readonly wanted: string };
}>[] = [
  {
    title: "it is the version that was asked for",
    judge: ({ version }) => {
      strictEqual(version.found, version.wanted);
    },
  },
  {
    title: "the process ends by itself, without a warning",
    judge: ({ ended: { status, stderr } }) => {
      deepStrictEqual({ status, stderr }, { status: 0, stderr: "" });
    },
  },
];

const JUST_END_CHECKS: readonly Check<{ readonly ended: Ended; readonly service: FakeServer }>[] = [
  {
    title: "a program that just ends delivers what its queue holds",
    judge: ({ ended, service }) => {
      strictEqual(ended.status, 0, ended.stderr);
      strictEqual(service.counts().acceptedEvents, ADDED.length, "events that were accepted");
    },
  },
];

const OUTBOX_CHECKS: readonly Check<{
  readonly died: Ended;
  /** Requests of the process that was killed. */
  readonly sentBefore: number;
  readonly delivered: Ended;
  readonly service: FakeServer;
}>[] = [
  {
    title: "what an outbox held when its process was killed is delivered by the next one",
    judge: ({ died, sentBefore, delivered, service }) => {
      deepStrictEqual([died.status, sentBefore], ["SIGKILL", 0], died.stderr);
      deepStrictEqual(readLine(delivered), { accepted: ADDED.length, unsent: 0 });
      strictEqual(service.counts().acceptedEventsOnce, ADDED.length);
    },
  },
];

function aWorker(name: string, version: string): Subject {
  return {
    name,
    version,
    examine: (project) =>
      withService(async (service, origin) => {
        const script = await bundleWorker("in-worker", project, origin);
        const ended = await runChild([process.execPath, WORKER_HOST, script], project);
        const seen = readLine(ended) as WorkerReport; // as worker.mjs prints it
        const report = { version, facts: seen.facts };
        return [
          ...judgeAll([...CHECKS, ...REUSE_CHECKS], asSeen(report, service)),
          ...judgeAll(WORKER_CHECKS, { ...seen, service }),
        ];
      }),
  };
}

/** What a worker was asked, and answered. */
interface WorkerReport {
  readonly facts: Facts;
  /** Statuses of uploads by one client in two requests, one after the other. */
  readonly inTurn: readonly unknown[];
  /** Statuses of uploads by the same client in requests at the same time. */
  readonly atOnce: readonly unknown[];
  /** Events that were pending when the worker answered. */
  readonly addedForLater: unknown;
  /** What became of them. */
  readonly settledLater: readonly unknown[];
}

const WORKER_CHECKS: readonly Check<WorkerReport & { readonly service: FakeServer }>[] = [
  {
    title: "a client serves one request after the other",
    judge: ({ inTurn }) => {
      deepStrictEqual(inTurn, [202, 202]);
    },
  },
  {
    title: "a client serves requests at the same time, while none has to wait for another",
    judge: ({ atOnce }) => {
      deepStrictEqual(atOnce, Array(12).fill(202));
    },
  },
  {
    title: "waitUntil has the platform wait for what is delivered after the answer",
    judge: ({ addedForLater, settledLater, service }) => {
      deepStrictEqual([addedForLater, settledLater], [ADDED.length, ["accepted"]]);
      const late = service.requests.filter(({ path }) => path.startsWith("/wait-until/"));
      deepStrictEqual(
        late.map(({ eventCount }) => eventCount),
        [ADDED.length],
      );
    },
  },
];

function anEdge(name: string, version: string): Subject {
  return {
    name,
    version,
    examine: (project) =>
      withService(async (service, origin) => {
        const script = await bundleEdge("in-edge", project, origin);
        const ended = await runChild([process.execPath, EDGE_HOST, script], project);
        const report = { version, facts: readLine(ended) as Facts }; // as edge.mjs prints it
        // Without those of reuse: its `fetch` opens a connection for each request.
        return judgeAll(CHECKS, asSeen(report, service));
      }),
  };
}

function asSeen(report: Report, { requests, sockets }: FakeServer): Run {
  return { report, requests, staleRequests: sockets.staleRequests };
}

async function withService<T>(work: (service: FakeServer, origin: string) => Promise<T>): Promise<T> {
  const service = await startService();
  try {
    return await work(service, new URL(service.url).origin);
  } finally {
    await service.close();
  }
}

/** The line of JSON that a program printed. */
function readLine({ status, stdout, stderr }: Ended): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`It ended with ${String(status)} and printed: ${(stdout + stderr).trim().slice(0, 2_000)}`);
  }
}
