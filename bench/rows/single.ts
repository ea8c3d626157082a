import { figure, median, type Job, type Report } from "../measure.ts";
import { digits, times, type Bar, type Row, type RowResult } from "../row.ts";

const HTTP = {
  official: { candidate: "official", count: 200, kind: "peer", label: "official SDK" },
  fetch: { candidate: "global-fetch", count: 200, kind: "peer", label: "global fetch" },
  ours: { candidate: "ours", count: 1_500, kind: "ours", label: "ours" },
  http: { candidate: "node-http", count: 1_500, kind: "floor", label: "node:http + stringify" },
  httpText: { candidate: "node-http-text", count: 1_500, kind: "floor", label: "node:http, text ready" },
  undici: { candidate: "undici", count: 1_500, kind: "floor", label: "undici Pool + stringify" },
  undiciText: { candidate: "undici-text", count: 1_500, kind: "floor", label: "undici Pool, text ready" },
} as const;

const HTTPS = {
  officialTls: { candidate: "official", count: 50, kind: "peer", label: "official SDK" },
  oursTls: { candidate: "ours", count: 1_000, kind: "ours", label: "ours" },
  httpTls: { candidate: "node-http", count: 1_000, kind: "floor", label: "node:https + stringify" },
  undiciTls: { candidate: "undici", count: 1_000, kind: "floor", label: "undici Pool + stringify" },
} as const;

/** Tells how fast a machine is beside the one on which the targets were set. */
const REFERENCE_MICROS = 24;

interface Entrant {
  readonly candidate: string;
  readonly count: number;
  readonly kind: Bar["kind"];
  readonly label: string;
}

/** Requests a second, of one report. */
export function rate(report: Report): number {
  return (figure(report, "count") / figure(report, "wallMs")) * 1_000;
}

export function cpuMicros(report: Report): number {
  return (figure(report, "cpuMs") / figure(report, "count")) * 1_000;
}

/** Single uploads by one candidate. */
export function singles({ candidate, count }: Entrant, secure: boolean, inFlight: number): Job {
  return { scenario: "singles", candidate, secure, count, inFlight, warmUp: 3 * count };
}

/** The table and the plot of single uploads, ratios to the official SDK first. */
export function compare<Name extends string>(
  entrants: Readonly<Record<Name, Pick<Bar, "kind" | "label">>>,
  reports: Readonly<Record<Name, readonly Report[]>>,
  baseline: Name,
  title: string,
  name: string,
): Required<Pick<RowResult, "tables" | "plots">> {
  const base = median(reports[baseline], rate);
  // The keys of the table of entrants.
  const names = (Object.keys(entrants) as Name[]).sort((a, b) => median(reports[b], rate) - median(reports[a], rate));
  const rows = names.map((entry) => {
    const perSecond = median(reports[entry], rate);
    return [
      entrants[entry].label,
      times(perSecond / base),
      digits(median(reports[entry], cpuMicros)),
      digits(perSecond),
      digits(median(reports[entry], (report) => figure(report, "sockets"))),
    ];
  });
  const bars = names.map((entry) => {
    const ratio = median(reports[entry], rate) / base;
    return { label: entrants[entry].label, value: ratio, text: times(ratio), kind: entrants[entry].kind };
  });
  return {
    tables: [{ title, columns: ["", "× official", "CPU µs each", "a second", "sockets"], rows }],
    plots: [{ name, title: `${title}: times the official SDK`, bars }],
  };
}

export const single: Row = {
  number: 1,
  name: "single",
  title: "One batch a request",
  how: "One event a batch, one batch a request, on the default transport; 64 calls in flight over HTTP and 16 over HTTPS.",
  async run(bench) {
    const reports = await bench.inRounds({
      official: singles(HTTP.official, false, 64),
      fetch: singles(HTTP.fetch, false, 64),
      ours: singles(HTTP.ours, false, 64),
      http: singles(HTTP.http, false, 64),
      httpText: singles(HTTP.httpText, false, 64),
      undici: singles(HTTP.undici, false, 64),
      undiciText: singles(HTTP.undiciText, false, 64),
      officialTls: singles(HTTPS.officialTls, true, 16),
      oursTls: singles(HTTPS.oursTls, true, 16),
      httpTls: singles(HTTPS.httpTls, true, 16),
      undiciTls: singles(HTTPS.undiciTls, true, 16),
    });
    const ours = median(reports.ours, rate);
    const oursTls = median(reports.oursTls, rate);
    const http = compare(HTTP, reports, "official", "HTTP, 64 in flight", "single-http");
    const https = compare(HTTPS, reports, "officialTls", "HTTPS, 16 in flight", "single-https");
    return {
      checks: [
        { what: "HTTP, of the official SDK", measured: ours / median(reports.official, rate), atLeast: 3.5, unit: "×" },
        {
          what: "HTTPS, of the official SDK",
          measured: oursTls / median(reports.officialTls, rate),
          atLeast: 25,
          unit: "×",
        },
        { what: "of `node:http` + stringify", measured: ours / median(reports.http, rate), atLeast: 0.7, unit: "×" },
        { what: "CPU a request", measured: median(reports.ours, cpuMicros), atMost: 40, unit: " µs" },
      ],
      notes: [
        `Where the targets in µs and ms come from, \`node:http\` + stringify took ${digits(REFERENCE_MICROS)} µs of CPU a request; here it took ${digits(median(reports.http, cpuMicros))}, ${times(median(reports.http, cpuMicros) / REFERENCE_MICROS)} as much.`,
      ],
      tables: [...http.tables, ...https.tables],
      plots: [...http.plots, ...https.plots],
    };
  },
};
