import { show } from "../model/show.ts";
import { LIMITS } from "../../generated/contract.ts";
import type { Batch } from "../../generated/schema.ts";
import type { Finding } from "../errors.ts";

/** The service answers 202 to a historical batch that breaks these rules, and drops it: so they are checked here. */
export function findHistoricalProblems(batch: Batch, nowMs: number): readonly Finding[] {
  const events: readonly unknown[] = Array.isArray(batch.events) ? batch.events : [];
  if (events.length === 0) {
    return [
      {
        severity: "error",
        code: "historical-without-events",
        path: "/events",
        message: "a historical batch needs at least one event; without one the service drops it.",
      },
    ];
  }
  const latestMs = nowMs - LIMITS.historicalMinAgeMs;
  return events.flatMap((event, index): Finding[] => {
    const timestamp = timestampOf(event);
    const path = `/events/${String(index)}/data/timestamp_unixtime_ms`;
    if (typeof timestamp !== "number") {
      const found = timestamp === undefined || timestamp === null ? "" : `, as a number, got ${show(timestamp)}`;
      const message = `a historical event needs its own time${found}; without one the service drops the batch.`;
      return [{ severity: "error", code: "historical-timestamp-missing", path, message }];
    }
    if (timestamp < LIMITS.secondsSuspectBelowMs) {
      const message = `${String(timestamp)} is a time in seconds; expected milliseconds since 1970.`;
      return [{ severity: "error", code: "seconds-not-milliseconds", path, message }];
    }
    if (timestamp <= latestMs) return [];
    const message = `${String(timestamp)} is less than 72 hours ago; one such event makes the service drop the batch.`;
    return [
      { severity: "error", code: "historical-too-recent", path, message, hint: "Send it with upload or uploadBulk." },
    ];
  });
}

function timestampOf(event: unknown): unknown {
  if (typeof event !== "object" || event === null || !("data" in event)) return undefined;
  const { data } = event;
  return typeof data === "object" && data !== null && "timestamp_unixtime_ms" in data
    ? data.timestamp_unixtime_ms
    : undefined;
}
