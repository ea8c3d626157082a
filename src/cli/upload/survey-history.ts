import { LIMITS } from "../../../generated/contract.ts";
import { count, formatCount } from "../check/finding-summary.ts";
import type { Entry } from "../input/entry.ts";

/** What is known of data that is going to be sent as history. */
export interface HistorySurvey {
  readonly batches: number;
  /** Batches with an event younger than 72 hours: sent as history, the service would drop them. */
  readonly tooYoung: number;
  /** Batches with an event without a time of its own, or without events: likewise. */
  readonly untimed: number;
}

/** Reads everything once before anything is sent. */
export async function surveyHistory(entries: AsyncIterable<readonly Entry[]>, nowMs: number): Promise<HistorySurvey> {
  const youngest = nowMs - LIMITS.historicalMinAgeMs;
  let [batches, tooYoung, untimed] = [0, 0, 0];
  for await (const some of entries) {
    for (const entry of some) {
      if (entry.kind !== "record") continue;
      batches++;
      const times = timesOf(entry.value);
      if (times.some((time) => typeof time === "number" && time > youngest)) tooYoung++;
      else if (times.length === 0 || times.some((time) => typeof time !== "number")) untimed++;
    }
  }
  return { batches, tooYoung, untimed };
}

/** For people, with where the others have to go. */
export function describeSurvey({ batches, tooYoung, untimed }: HistorySurvey, rejectedName: string): string {
  const lines = [`${count(batches, "record")} to send as history.`];
  if (tooYoung > 0) {
    lines.push(
      `${formatCount(tooYoung)} of them have an event younger than 72 hours: sent as history, the service would drop them.`,
      `They go to ${rejectedName}; send them without --historical: mparticle-events upload ${rejectedName}`,
    );
  }
  if (untimed > 0) {
    lines.push(
      `${formatCount(untimed)} of them have no events, or an event without a time of its own: the service would drop them too. They go to ${rejectedName}.`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function timesOf(batch: unknown): readonly unknown[] {
  if (typeof batch !== "object" || batch === null || !("events" in batch) || !Array.isArray(batch.events)) return [];
  return batch.events.map((event: unknown): unknown => {
    if (typeof event !== "object" || event === null || !("data" in event)) return undefined;
    const { data } = event;
    return typeof data === "object" && data !== null && "timestamp_unixtime_ms" in data
      ? data.timestamp_unixtime_ms
      : undefined;
  });
}
