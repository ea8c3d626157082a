import { cpuMicros, figure, median, medianRatio } from "../measure.ts";
import type { Row } from "../row.ts";
import { compare, rate, singles } from "./single.ts";

const HTTP = {
  official: { candidate: "official", count: 200, kind: "peer", label: "official SDK" },
  coalesced: { candidate: "ours-coalesced", count: 10_000, kind: "ours", label: "ours, coalesced" },
  plain: { candidate: "ours", count: 1_000, kind: "ours", label: "ours, one a request" },
  undici: { candidate: "undici", count: 1_000, kind: "floor", label: "undici Pool + stringify" },
} as const;

const HTTPS = {
  officialTls: { candidate: "official", count: 50, kind: "peer", label: "official SDK" },
  coalescedTls: { candidate: "ours-coalesced", count: 10_000, kind: "ours", label: "ours, coalesced" },
} as const;

export const coalesce: Row = {
  number: 2,
  name: "coalesce",
  title: "Concurrent uploads, coalesced",
  how: "As before, 64 calls in flight, and `coalesce: true`: what is ready at the same time travels in one bulk request.",
  async run(bench) {
    const reports = await bench.inRounds({
      official: singles(HTTP.official, false, 64),
      coalesced: singles(HTTP.coalesced, false, 64),
      plain: singles(HTTP.plain, false, 64),
      undici: singles(HTTP.undici, false, 64),
      officialTls: singles(HTTPS.officialTls, true, 64),
      coalescedTls: singles(HTTPS.coalescedTls, true, 64),
    });
    const http = compare(HTTP, reports, "official", "HTTP, 64 in flight", "coalesce-http");
    const https = compare(HTTPS, reports, "officialTls", "HTTPS, 64 in flight", "coalesce-https");
    const lost = [...reports.coalesced, ...reports.coalescedTls].reduce(
      (sum, report) => sum + figure(report, "count") - figure(report, "events"),
      0,
    );
    return {
      checks: [
        {
          what: "HTTP, of the official SDK",
          measured: median(reports.coalesced, rate) / median(reports.official, rate),
          atLeast: 15,
          unit: "×",
        },
        {
          what: "HTTPS, of the official SDK",
          measured: median(reports.coalescedTls, rate) / median(reports.officialTls, rate),
          atLeast: 60,
          unit: "×",
        },
        {
          what: "CPU an event, of undici's Pool one by one",
          measured: medianRatio(reports.coalesced, reports.undici, cpuMicros),
          atMost: 0.5,
          unit: "×",
        },
        { what: "events lost", measured: lost, atMost: 0, unit: "", exact: true },
      ],
      tables: [...http.tables, ...https.tables],
      plots: [...http.plots, ...https.plots],
    };
  },
};
