import { figure, medianOf, type Bench } from "../measure.ts";
import { digits, type Row } from "../row.ts";
import type { SinkService, Step } from "../sink-protocol.ts";

const PATIENCE_MS = 8_000;
const REFUSED_MS = 3_000;
const RETRY_AFTER_MS = 2_000;

/** Each says what becomes of the first requests; all that follow are accepted. */
const CASES = {
  unavailable: { label: "503, 503", steps: [{ status: 503 }, { status: 503 }] },
  limited: { label: "429, Retry-After: 2", steps: [{ status: 429, headers: { "Retry-After": "2" } }] },
  reset: { label: "reset", steps: ["reset"] },
  refused: { label: "refused for 3 s", steps: [] },
  invalid: { label: "400", steps: [{ status: 400 }] },
} as const satisfies Readonly<Record<string, { readonly label: string; readonly steps: readonly Step[] }>>;

type Case = keyof typeof CASES;

/** The keys of the table of cases. */
const NAMES = Object.keys(CASES) as Case[];

const PEERS = {
  official: "official SDK",
  segment: "Segment",
  posthog: "PostHog",
  amplitude: "Amplitude",
  rudder: "Rudder",
  snowplow: "Snowplow",
} as const;

/** What became of one event. */
interface Recovered {
  /** After the call; `undefined` when it was not accepted in time. */
  readonly acceptedMs: number | undefined;
  readonly attempts: number;
  /** The caller was told that it failed. */
  readonly reported: boolean;
}

type Recoveries = Readonly<Record<Case, readonly Recovered[]>>;

async function recover(bench: Bench, candidate: string): Promise<Recoveries> {
  const services: { readonly name: Case; readonly service: SinkService }[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    for (const name of NAMES) services.push({ name, service: await bench.sink.open(false) });
  }
  const urls = services.map(({ service }) => service.url);
  const runner = await bench.start({ scenario: "recovery", candidate, urls, patienceMs: PATIENCE_MS });
  const recoveries = Object.fromEntries(NAMES.map((name): [string, Recovered[]] => [name, []])) as Record<
    Case,
    Recovered[]
  >;
  try {
    for (const { name, service } of services) {
      await service.script(CASES[name].steps);
      if (name === "refused") await service.refuse(REFUSED_MS);
    }
    const report = await runner.round();
    for (const [index, { name, service }] of services.entries()) {
      const { arrivals } = await service.counts();
      const withEvents = arrivals.filter(({ events }) => events > 0);
      const accepted = withEvents.find(({ status }) => status >= 200 && status < 300);
      recoveries[name].push({
        acceptedMs: accepted === undefined ? undefined : accepted.atMs - figure(report, `started${String(index)}`),
        attempts: withEvents.length,
        reported: report[`refused${String(index)}`] !== undefined,
      });
    }
  } finally {
    await runner.stop();
    for (const { service } of services) await service.close();
  }
  return recoveries;
}

/** In the median, a loss counting as endless. */
function acceptedAfterMs(recovered: readonly Recovered[]): number {
  return medianOf(recovered.map(({ acceptedMs }) => acceptedMs ?? Infinity));
}

function describe(recovered: readonly Recovered[]): string {
  const ms = acceptedAfterMs(recovered);
  const attempts = medianOf(recovered.map((one) => one.attempts));
  if (Number.isFinite(ms)) return `${digits(ms / 1_000)} s`;
  return `no, ${String(attempts)} attempt${attempts === 1 ? "" : "s"}${recovered.every((one) => one.reported) ? ", reported" : ""}`;
}

export const recovery: Row = {
  number: 7,
  name: "recovery",
  title: "Recovery",
  how: "One event against a service that fails first and then accepts, each round with a service and a client of its own; peers send at once instead of gathering.",
  async run(bench) {
    // They mostly wait, and so all rounds are made at the same time; ours by itself, for its targets are close.
    const ours = await recover(bench, "ours");
    const peers = await Promise.all(
      Object.entries(PEERS).map(async ([candidate, label]): Promise<[string, Recoveries]> => [
        label,
        await recover(bench, candidate),
      ]),
    );
    const all = [["ours", ours], ...peers] as const;
    const recoveriesOf = (wanted: string): Recoveries => all.find(([label]) => label === wanted)?.[1] ?? ours;
    const seconds = (name: Case): number => acceptedAfterMs(ours[name]) / 1_000;
    const limited = ours.limited.map(({ acceptedMs = Infinity }) => acceptedMs / 1_000);
    const invalid = ours.invalid.filter(({ attempts, reported }) => attempts === 1 && reported).length;
    return {
      checks: [
        { what: "two 503s, then accepted", measured: seconds("unavailable"), atMost: 1.5, unit: " s" },
        {
          what: "429 with Retry-After: 2, earliest",
          measured: Math.min(...limited),
          atLeast: RETRY_AFTER_MS / 1_000,
          unit: " s",
          exact: true,
        },
        { what: "429 with Retry-After: 2, latest", measured: Math.max(...limited), atMost: 2.3, unit: " s" },
        { what: "a reset", measured: seconds("reset"), atMost: 0.3, unit: " s" },
        {
          what: "refused for 3 s, after its return",
          measured: seconds("refused") - REFUSED_MS / 1_000,
          atMost: 0.7,
          unit: " s",
        },
        {
          what: "a 400: one attempt, reported",
          measured: invalid,
          atLeast: bench.rounds,
          unit: ` of ${String(bench.rounds)}`,
          exact: true,
        },
      ],
      choices: [
        {
          work: "send an event while the service answers 503 twice",
          instead: "the official SDK",
          ours: `delivers it after ${describe(ours.unavailable)}; the SDK: ${describe(recoveriesOf("official SDK").unavailable)}`,
        },
      ],
      tables: [
        {
          title: `Accepted after; within ${String(PATIENCE_MS / 1_000)} s`,
          columns: ["", ...NAMES.map((name) => CASES[name].label)],
          rows: all.map(([label, recoveries]) => [label, ...NAMES.map((name) => describe(recoveries[name]))]),
        },
      ],
    };
  },
};
