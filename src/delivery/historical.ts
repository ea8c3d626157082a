import type { Batch } from "../../generated/schema.ts";
import type { Finding } from "../errors.ts";
import { HISTORICAL_WITHOUT_EVENTS, historicalTimeProblem, secondsProblem } from "../rules/history.ts";
import { isObject } from "../rules/objects.ts";

/** The service answers 202 to a historical batch that breaks these rules, and drops it: so they are checked here. */
export function findHistoricalProblems(batch: Batch, nowMs: number): readonly Finding[] {
  const events: readonly unknown[] = Array.isArray(batch.events) ? batch.events : [];
  if (events.length === 0) return [{ severity: "error", ...HISTORICAL_WITHOUT_EVENTS, path: "/events" }];
  return events.flatMap((event, index): Finding[] => {
    const time = timeOf(event);
    // The service would take a time in seconds for one of 1970, which is old enough for anything.
    const problem = (typeof time === "number" ? secondsProblem(time) : undefined) ?? historicalTimeProblem(time, nowMs);
    if (problem === undefined) return [];
    return [{ severity: "error", ...problem, path: `/events/${String(index)}/data/timestamp_unixtime_ms` }];
  });
}

function timeOf(event: unknown): unknown {
  return isObject(event) && isObject(event["data"]) ? event["data"]["timestamp_unixtime_ms"] : undefined;
}
