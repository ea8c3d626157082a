import { figure, median, type Job, type Report } from "../measure.ts";
import { counted, digits, times, type Check, type Row, type Table } from "../row.ts";

interface Point {
  readonly count: number;
  readonly users: number;
  readonly attributes: number;
  readonly perBatch: number;
}

/** What takes many seconds is measured less often: that long, the machine's moods even out within one round. */
function roundsOf({ count }: Point, rounds: number): number {
  if (count >= 1_000_000) return 1;
  return count >= 100_000 ? Math.min(3, rounds) : rounds;
}

function toJob(point: Point): Job {
  return { scenario: "growth", candidate: "ours", warmUp: 20_000, ...point };
}

const EVENTS = [1_000, 10_000, 100_000, 1_000_000].map((count) => ({ count, users: 100, attributes: 4, perBatch: 5 }));
const USERS = [1, 100, 10_000, 100_000].map((users) => ({
  count: Math.max(20_000, users),
  users,
  attributes: 4,
  perBatch: 1,
}));
const ATTRIBUTES = [1, 10, 100].map((attributes) => ({ count: 10_000, users: 100, attributes, perBatch: 5 }));

function micros(report: Report): number {
  return figure(report, "micros");
}

/** A thousandth of a microsecond for each byte of the event. */
function nanosPerByte(report: Report): number {
  return (figure(report, "micros") * 1_000) / figure(report, "bytes");
}

/** What the most expensive costs of what the first does; that the others are cheaper is no growth. */
function growth(costs: readonly number[]): number {
  return Math.max(...costs) / (costs[0] ?? 0);
}

export const growing: Row = {
  number: 11,
  name: "growth",
  title: "Growth",
  how: "CPU for an event in a queue, adds awaited: of 10³ to 10⁶ events of 100 users, 5 to a batch; of 1 to 10⁵ users, one event to a batch; with 1 to 100 attributes.",
  async run(bench) {
    const measure = async (points: readonly Point[]): Promise<readonly (readonly Report[])[]> => {
      const reports = new Map<Point, readonly Report[]>();
      for (const rounds of new Set(points.map((point) => roundsOf(point, bench.rounds)))) {
        const some = points.filter((point) => roundsOf(point, bench.rounds) === rounds);
        const jobs = Object.fromEntries(some.map((point, n): [string, Job] => [String(n), toJob(point)]));
        const measured = await bench.inRounds(jobs, rounds);
        for (const [n, point] of some.entries()) reports.set(point, measured[String(n)] ?? []);
      }
      return points.map((point) => reports.get(point) ?? []);
    };
    const events = EVENTS.filter(({ count }) => !bench.quick || count < 1_000_000);
    const byEvents = (await measure(events)).map((reports) => median(reports, micros));
    const byUsers = (await measure(USERS)).map((reports) => median(reports, micros));
    const byAttributes = (await measure(ATTRIBUTES)).map((reports) => median(reports, nanosPerByte));
    const check = (what: string, costs: readonly number[], atMost = 1.15): Check => ({
      what,
      measured: growth(costs),
      atMost,
      unit: "×",
      // The margin is in the target.
      exact: true,
    });
    const table = (title: string, unit: string, points: readonly number[], costs: readonly number[]): Table => ({
      title,
      columns: ["", "× the first", unit],
      rows: points.map((point, n) => [
        point.toLocaleString("en"),
        times((costs[n] ?? 0) / (costs[0] ?? 1)),
        digits(costs[n] ?? 0),
      ]),
    });
    return {
      checks: [
        check("10³ to 10⁶ events, dearest of the first", byEvents),
        check("1 to 10⁵ users, dearest of the first", byUsers, 1.25),
        check("1 to 100 attributes, per byte, dearest of the first", byAttributes),
      ],
      tables: [
        table(
          "Events",
          "CPU µs an event",
          events.map(({ count }) => count),
          byEvents,
        ),
        table(
          "Users",
          "CPU µs an event",
          USERS.map(({ users }) => users),
          byUsers,
        ),
        table(
          "Attributes",
          "CPU ns a byte",
          ATTRIBUTES.map(({ attributes }) => attributes),
          byAttributes,
        ),
      ],
      plots: [
        {
          name: "growth",
          title: "CPU for an event in a queue, by how much there is",
          bars: [
            ...events.map(({ count }, n) => ({
              label: counted(count, "event"),
              cost: byEvents[n] ?? 0,
            })),
            ...USERS.map(({ users }, n) => ({ label: counted(users, "user"), cost: byUsers[n] ?? 0 })),
          ].map(({ label, cost }) => ({ label, value: cost, text: `${digits(cost)} µs`, kind: "ours" })),
        },
      ],
      notes: ["What has 10⁵ events was measured three times, a million once. Getting cheaper is not growth."],
    };
  },
};
