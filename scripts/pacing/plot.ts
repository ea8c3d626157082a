import { perSecond, simulate, type Arrival, type Simulation } from "./model.ts";

/** What happens in the plot: clients come one after the other, and once the service is down for half a minute. */
const SCENARIO = {
  seed: 1,
  durationMs: 240_000,
  service: {
    batchesPerSecond: 270,
    acceleration: 100,
    retryAfterMs: 1_000,
    percentageWindowMs: 1_000,
    outages: [{ fromMs: 150_000, toMs: 180_000, kind: "503" }],
  },
  clients: Array.from({ length: 5 }, (_, index) => ({
    startMs: index * 15_000,
    concurrency: 16,
    batchesPerRequest: 5,
  })),
} as const satisfies Simulation;

/** Half-tones that are read on white and on black alike: an image does not know what it is shown on. */
const COLORS = { text: "#768390", grid: "#76839040", clients: "#2f81f7", limit: "#d4691a", failed: "#a371f7" } as const;
const WIDTH = 960;
const HEIGHT = 420;
const PLOT = { left: 48, right: 936, top: 64, bottom: 372 } as const;
/** Batches per second at the upper edge. */
const TOP_RATE = 400;

/** The plot as SVG: the same text each time. */
export function plotPacing(): string {
  const { clients, durationMs, service } = SCENARIO;
  const arrivals = simulate(SCENARIO);
  const rates = clients.map((_, client) => accepted(arrivals, client));
  const areas = rates.map((_, client) =>
    drawArea(stack(rates.slice(0, client)), stack(rates.slice(0, client + 1)), client),
  );
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" font-family="system-ui, sans-serif" font-size="13" fill="${COLORS.text}">`,
    `<title>Five clients share an account</title>`,
    `<desc>Accepted batches per second over four minutes, stacked by client, below the limit of ${String(service.batchesPerSecond)}; refusals are marked, and an outage is shaded.</desc>`,
    ...drawOutages(),
    ...drawAxes(),
    ...areas,
    drawLine(stack(rates), `stroke="${COLORS.clients}" stroke-width="1.5"`),
    drawLine(failed(arrivals), `stroke="${COLORS.failed}" stroke-width="1.5"`),
    drawLimit(),
    ...drawStarts(),
    ...drawRefusals(arrivals),
    ...drawLegend(arrivals, durationMs),
    `</svg>`,
  ];
  return `${lines.join("\n")}\n`;
}

function accepted(arrivals: readonly Arrival[], client: number): readonly number[] {
  return perSecond(
    arrivals,
    SCENARIO.durationMs,
    (arrival) => arrival.fate === "accepted" && arrival.client === client,
  );
}

/** Where nothing failed there is nothing to draw, but for the seconds next to it, from which the line rises. */
function failed(arrivals: readonly Arrival[]): readonly (number | undefined)[] {
  const rates = perSecond(arrivals, SCENARIO.durationMs, ({ fate }) => fate === "failed");
  const [outage] = SCENARIO.service.outages;
  return rates.map((rate, second) =>
    second * 1_000 >= outage.fromMs - 1_000 && second * 1_000 <= outage.toMs ? rate : undefined,
  );
}

function stack(rates: readonly (readonly number[])[]): readonly number[] {
  const seconds = SCENARIO.durationMs / 1_000;
  return Array.from({ length: seconds }, (_, second) => rates.reduce((sum, rate) => sum + (rate[second] ?? 0), 0));
}

function drawArea(lower: readonly number[], upper: readonly number[], client: number): string {
  const there = upper.map((rate, second) => `${x(second + 0.5)},${y(rate)}`);
  const back = lower.map((rate, second) => `${x(second + 0.5)},${y(rate)}`).reverse();
  const opacity = (0.55 - 0.09 * client).toFixed(2);
  return `<polygon points="${[...there, ...back].join(" ")}" fill="${COLORS.clients}" fill-opacity="${opacity}"/>`;
}

function drawLine(rates: readonly (number | undefined)[], style: string): string {
  const points = rates.flatMap((rate, second) => (rate === undefined ? [] : [`${x(second + 0.5)},${y(rate)}`]));
  return `<polyline points="${points.join(" ")}" fill="none" ${style}/>`;
}

function drawOutages(): readonly string[] {
  return SCENARIO.service.outages.flatMap(({ fromMs, toMs }) => {
    const [left, right] = [fromMs / 1_000, toMs / 1_000];
    const width = (((right - left) * (PLOT.right - PLOT.left) * 1_000) / SCENARIO.durationMs).toFixed(1);
    const size = `y="${String(PLOT.top)}" width="${width}" height="${String(PLOT.bottom - PLOT.top)}"`;
    return [
      `<rect x="${x(left)}" ${size} fill="${COLORS.text}" fill-opacity="0.18"/>`,
      `<text x="${x((left + right) / 2)}" y="${String(PLOT.top + 20)}" text-anchor="middle">outage</text>`,
    ];
  });
}

function drawAxes(): readonly string[] {
  const [left, right] = [String(PLOT.left), String(PLOT.right)];
  const rates = [0, 100, 200, 300, 400].flatMap((rate) => [
    `<line x1="${left}" x2="${right}" y1="${y(rate)}" y2="${y(rate)}" stroke="${COLORS.grid}"/>`,
    `<text x="${String(PLOT.left - 8)}" y="${y(rate)}" dy="4" text-anchor="end">${String(rate)}</text>`,
  ]);
  const times = Array.from({ length: SCENARIO.durationMs / 30_000 + 1 }, (_, step) => step * 30).map(
    (second) =>
      `<text x="${x(second)}" y="${String(PLOT.bottom + 20)}" text-anchor="middle">${String(second)} s</text>`,
  );
  return [...rates, ...times];
}

function drawLimit(): string {
  const { batchesPerSecond } = SCENARIO.service;
  const at = `x1="${String(PLOT.left)}" x2="${String(PLOT.right)}" y1="${y(batchesPerSecond)}" y2="${y(batchesPerSecond)}"`;
  return `<line ${at} stroke="${COLORS.limit}" stroke-width="1.5" stroke-dasharray="6 4"/>`;
}

function drawStarts(): readonly string[] {
  return SCENARIO.clients.map(
    ({ startMs }, client) =>
      `<text x="${x(startMs / 1_000)}" y="${String(PLOT.bottom + 38)}" text-anchor="middle" font-size="11">client ${String(client + 1)}</text>`,
  );
}

/** One mark for each second with refusals, the larger the more of them. */
function drawRefusals(arrivals: readonly Arrival[]): readonly string[] {
  const refused = arrivals.filter(({ fate }) => fate === "limited").map((arrival) => ({ ...arrival, batches: 1 }));
  return perSecond(refused, SCENARIO.durationMs).flatMap((count, second) =>
    count === 0
      ? []
      : [
          `<circle cx="${x(second + 0.5)}" cy="${String(PLOT.top + 14)}" r="${(2 + Math.sqrt(count)).toFixed(1)}" fill="${COLORS.limit}"/>`,
        ],
  );
}

function drawLegend(arrivals: readonly Arrival[], durationMs: number): readonly string[] {
  const refused = arrivals.filter(({ fate }) => fate === "limited").length;
  const entries = [
    [0, COLORS.clients, "accepted batches per second, by client"],
    [320, COLORS.limit, "limit (dashed), seconds with 429 (dots)"],
    [640, COLORS.failed, "sent in vain during the outage"],
  ] as const;
  const summary = `${String(refused)} of ${String(arrivals.length)} requests in ${String(durationMs / 60_000)} minutes were answered 429.`;
  return [
    ...entries.flatMap(([offset, color, text]) => {
      const left = PLOT.left + offset;
      return [
        `<rect x="${String(left)}" y="14" width="12" height="12" fill="${color}"/>`,
        `<text x="${String(left + 18)}" y="24">${text}</text>`,
      ];
    }),
    `<text x="${String(PLOT.left)}" y="48">${summary}</text>`,
  ];
}

function x(second: number): string {
  return (PLOT.left + ((PLOT.right - PLOT.left) * second * 1_000) / SCENARIO.durationMs).toFixed(1);
}

function y(rate: number): string {
  return (PLOT.bottom - ((PLOT.bottom - PLOT.top) * Math.min(rate, TOP_RATE)) / TOP_RATE).toFixed(1);
}
