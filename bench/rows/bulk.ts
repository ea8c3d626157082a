import { figure, median } from "../measure.ts";
import type { Row } from "../row.ts";
import { compare, rate } from "./single.ts";

const ENTRANTS = {
  official: { kind: "peer", label: "official SDK" },
  fetch: { kind: "peer", label: "global fetch" },
  ours: { kind: "ours", label: "ours, uploadBulk" },
  http: { kind: "floor", label: "node:http + stringify" },
  undici: { kind: "floor", label: "undici Pool + stringify" },
} as const;

function job(candidate: string): { scenario: string; candidate: string; requests: number } {
  return { scenario: "bulk", candidate, requests: 24 };
}

export const bulk: Row = {
  number: 3,
  name: "bulk",
  title: "Bulk",
  how: "24 bulk requests a round of 100 batches with 5 events each, 4 in flight; ours gets all batches in one `uploadBulk`.",
  async run(bench) {
    const reports = await bench.inRounds({
      official: job("official"),
      fetch: job("global-fetch"),
      ours: job("ours"),
      http: job("node-http"),
      undici: job("undici"),
    });
    const ours = median(reports.ours, rate);
    const twice = Math.max(...reports.ours.map((report) => figure(report, "serialisedTwice")));
    const lost = reports.ours.reduce((sum, report) => sum + figure(report, "count") - figure(report, "events"), 0);
    return {
      checks: [
        { what: "of the official SDK", measured: ours / median(reports.official, rate), atLeast: 1.8, unit: "×" },
        { what: "of undici + stringify", measured: ours / median(reports.undici, rate), atLeast: 1.05, unit: "×" },
        { what: "batches serialised twice", measured: twice, atMost: 0, unit: "", exact: true },
        { what: "events lost", measured: lost, atMost: 0, unit: "", exact: true },
      ],
      ...compare(ENTRANTS, reports, "official", "Events, 4 requests in flight", "bulk"),
    };
  },
};
