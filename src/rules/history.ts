import { LIMITS } from "../../generated/contract.ts";
import { show } from "./show.ts";
import type { Statement } from "./statement.ts";

const HISTORICAL_MIN_AGE_HOURS = LIMITS.historicalMinAgeMs / 3_600_000;
const LIVE_MAX_AGE_DAYS = LIMITS.livePathMaxAgeMs / 86_400_000;

/** A historical batch without events is answered 202, and dropped. */
export const HISTORICAL_WITHOUT_EVENTS: Statement<"historical-without-events"> = {
  code: "historical-without-events",
  message: "a historical batch needs at least one event; without one the service drops it.",
};

/**
 * What is wrong with the time of an event that is sent as history; undefined when nothing is. Of a time in seconds
 * {@link secondsProblem} says more.
 *
 * @param time - its `timestamp_unixtime_ms`, whatever that is.
 * @param nowMs - the present, in milliseconds since the Unix epoch.
 */
export function historicalTimeProblem(
  time: unknown,
  nowMs: number,
): Statement<"historical-timestamp-missing" | "historical-too-recent"> | undefined {
  if (typeof time !== "number") {
    const found = time === undefined || time === null ? "" : `, as a number, got ${show(time)}`;
    return {
      code: "historical-timestamp-missing",
      message: `a historical event needs its own time${found}; without one the service drops the batch.`,
    };
  }
  if (time <= nowMs - LIMITS.historicalMinAgeMs) return undefined;
  return {
    code: "historical-too-recent",
    message: `${isoDate(time)} is less than ${String(HISTORICAL_MIN_AGE_HOURS)} hours ago; one such event makes the service drop the batch.`,
    hint: "Send it with upload or uploadBulk (on the command line: upload without --historical).",
  };
}

/**
 * What to say of an event that is too old for the operations other than the historical one; undefined when it is not.
 *
 * @param timeMs - its time, in milliseconds since the Unix epoch.
 * @param nowMs - the present, likewise.
 */
export function liveAgeProblem(timeMs: number, nowMs: number): Statement<"older-than-30-days"> | undefined {
  if (timeMs >= nowMs - LIMITS.livePathMaxAgeMs) return undefined;
  return {
    code: "older-than-30-days",
    message: `${isoDate(timeMs)} is more than ${String(LIVE_MAX_AGE_DAYS)} days ago, and old events distort audiences.`,
    hint: "Send it with uploadHistorical (on the command line: upload --historical).",
  };
}

/**
 * What to say of a time before March 1973, which is one in seconds, most likely; undefined of any other.
 *
 * @param timeMs - the time, as if it were in milliseconds since the Unix epoch.
 */
export function secondsProblem(timeMs: number): Statement<"seconds-not-milliseconds"> | undefined {
  if (timeMs >= LIMITS.secondsSuspectBelowMs) return undefined;
  return {
    code: "seconds-not-milliseconds",
    message: `${String(timeMs)} is ${isoDate(timeMs)} in milliseconds.`,
    hint:
      timeMs > 0
        ? `Seconds would be ${isoDate(timeMs * 1000)}: multiply by 1000.`
        : "Pass milliseconds since the Unix epoch, or leave it out when the time is not known.",
  };
}

/** The day and time of an epoch, for messages. */
export function isoDate(epochMs: number): string {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? "no date at all" : date.toISOString();
}
