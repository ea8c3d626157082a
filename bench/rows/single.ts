import { cpuMicros, figure, median, medianRatio, type Job, type Report } from "../measure.ts";
import { digits, times, type Bar, type Row, type RowResult } from "../row.ts";

const HTTP = {
  official: { candidate: "official", count: 200, kind: "peer", label: "official SDK" },
  fetch: { candidate: "global-fetch", count: 200, kind: "peer", label: "global fetch" },
  ours: { candidate: "ours", count: 1_500, kind: "ours", label: "ours" },
  oursUndici: { candidate: "ours-undici", count: 1_500, kind: "ours", label: "ours, undiciFetch" },
  http: { candidate: "node-http", count: 1_500, kind: "floor", label: "node:http + stringify" },
  httpText: { candidate: "node-http-text", count: 1_500, kind: "floor", label: "node:http, text ready" },
  undici: { candidate: "undici", count: 1_500, kind: "floor", label: "undici Pool + stringify" },
  undiciText: { candidate: "undici-text", count: 1_500, kind: "floor", label: "undici Pool, text ready" },
} as const;

const HTTPS = {
  officialTls: { candidate: "official", count: 50, kind: "peer", label: "official SDK" },
  oursTls: { candidate: "ours", count: 1_000, kind: "ours", label: "ours" },
  oursUndiciTls: { candidate: "ours-undici", count: 1_000, kind: "ours", label: "ours, undiciFetch" },
  httpTls: { candidate: "node-http", count: 1_000, kind: "floor", label: "node:https + stringify" },
  undiciTls: { candidate: "undici", count: 1_000, kind: "floor", label: "undici Pool + stringify" },
} as const;

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
  how: "One event a batch, one batch a request; 64 calls in flight over HTTP and 16 over HTTPS.",
  async run(bench) {
    const reports = await bench.inRounds({
      official: singles(HTTP.official, false, 64),
      fetch: singles(HTTP.fetch, false, 64),
      ours: singles(HTTP.ours, false, 64),
      oursUndici: singles(HTTP.oursUndici, false, 64),
      http: singles(HTTP.http, false, 64),
      httpText: singles(HTTP.httpText, false, 64),
      undici: singles(HTTP.undici, false, 64),
      undiciText: singles(HTTP.undiciText, false, 64),
      officialTls: singles(HTTPS.officialTls, true, 16),
      oursTls: singles(HTTPS.oursTls, true, 16),
      oursUndiciTls: singles(HTTPS.oursUndiciTls, true, 16),
      httpTls: singles(HTTPS.httpTls, true, 16),
      undiciTls: singles(HTTPS.undiciTls, true, 16),
    });
    const overOfficial = median(reports.ours, rate) / median(reports.official, rate);
    const overOfficialTls = median(reports.oursTls, rate) / median(reports.officialTls, rate);
    const http = compare(HTTP, reports, "official", "HTTP, 64 in flight", "single-http");
    const https = compare(HTTPS, reports, "officialTls", "HTTPS, 16 in flight", "single-https");
    const cpu = (ours: readonly Report[], floor: readonly Report[]): number => medianRatio(ours, floor, cpuMicros);
    const ofHttp = cpu(reports.ours, reports.http);
    return {
      checks: [
        { what: "HTTP, CPU of `node:http` + stringify", measured: ofHttp, atMost: 1.2, unit: "×" },
        {
          what: "HTTPS, CPU of `node:https` + stringify",
          measured: cpu(reports.oursTls, reports.httpTls),
          atMost: 1.2,
          unit: "×",
        },
        {
          what: "`undiciFetch`, HTTP, CPU of undici's Pool + stringify",
          measured: cpu(reports.oursUndici, reports.undici),
          atMost: 1.3,
          unit: "×",
        },
        {
          what: "`undiciFetch`, HTTPS, CPU of undici's Pool + stringify",
          measured: cpu(reports.oursUndiciTls, reports.undiciTls),
          atMost: 1.3,
          unit: "×",
        },
        { what: "HTTP, a second, of the official SDK", measured: overOfficial, atLeast: 3.5, unit: "×" },
        { what: "HTTPS, a second, of the official SDK", measured: overOfficialTls, atLeast: 10, unit: "×" },
      ],
      choices: [
        {
          work: "send batches one by one, over HTTPS",
          instead: "the official SDK",
          ours: `sends ${times(overOfficialTls)} as many a second`,
        },
      ],
      tables: [...http.tables, ...https.tables],
      plots: [...http.plots, ...https.plots],
    };
  },
};
