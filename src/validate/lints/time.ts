import { LIMITS } from "../../../generated/contract.ts";
import { historicalTimeProblem, isoDate, liveAgeProblem, secondsProblem } from "../../rules/history.ts";
import { isObject } from "../../rules/objects.ts";
import { isDurationKey, isTimestampKey } from "../timestamp-keys.ts";
import { EVERY_EVENT, everyKeyThat, key, lint, type Verdict } from "./lint.ts";

/**
 * Clocks of devices are off by minutes or hours, local time taken for UTC by up to 14 hours, and neither can be helped
 * here. More than a day is a mistake of the sender: another unit, or a clock that was never set.
 */
const FUTURE_TOLERANCE_MS = 86_400_000;

/** The batch's own time is the service's to set: a lint of its own says so. */
const TIMES = [
  everyKeyThat((name, of) => isTimestampKey(name) && !(of === "Batch" && name === "timestamp_unixtime_ms")),
];

export const secondsNotMilliseconds = lint({
  code: "seconds-not-milliseconds",
  means: "A time that would be of before March 1973, 0 and less among them",
  advice:
    "Multiply seconds by 1,000; leave out a time that is not known. Only `session_start_unixtime_ms` takes 0 for none",
  at: TIMES,
  check: (value, name) => {
    // An official sample has 0 for "no session", and nowhere else.
    if (typeof value !== "number" || (value === 0 && name === "session_start_unixtime_ms")) return undefined;
    return secondsProblem(value);
  },
});

export const timestampInFuture = lint({
  code: "timestamp-in-future",
  means: "A time more than a day ahead of now",
  advice: "Look for microseconds, or a clock that was never set",
  at: TIMES,
  check: (value, _, { nowMs }) => {
    if (typeof value !== "number" || value <= nowMs + FUTURE_TOLERANCE_MS) return undefined;
    return {
      message: `${String(value)} is ${isoDate(value)}, more than a day ahead of now.`,
      hint: "Pass milliseconds since the Unix epoch: not micro- or nanoseconds, and of a clock that is set.",
    };
  },
});

export const olderThan30Days = lint({
  code: "older-than-30-days",
  means: "An old event on its way to the live operations, where it distorts audiences",
  advice: "Send it with `uploadHistorical`",
  at: [EVERY_EVENT],
  check: (data, _, { historical, nowMs }) => {
    const time = timeOf(data);
    const problem = historical || typeof time !== "number" ? undefined : liveAgeProblem(time, nowMs);
    return problem && { ...problem, at: "timestamp_unixtime_ms" };
  },
});

export const historicalTimestampMissing = lint({
  code: "historical-timestamp-missing",
  severity: "error",
  means: "A historical event without a time; the service drops the whole batch",
  advice: "Set `timestamp_unixtime_ms` on every event",
  at: [EVERY_EVENT],
  check: (data, _, { historical, nowMs }): Verdict => {
    const problem = historical ? historicalTimeProblem(timeOf(data), nowMs) : undefined;
    if (problem?.code !== "historical-timestamp-missing") return undefined;
    return data === undefined
      ? { ...problem, at: "data" }
      : { ...problem, at: "timestamp_unixtime_ms", isAbsence: true };
  },
});

export const historicalTooRecent = lint({
  code: "historical-too-recent",
  severity: "error",
  means: "A historical event of less than 72 hours ago; the service drops the whole batch",
  advice: "Send recent events with `upload` or `uploadBulk`",
  at: [EVERY_EVENT],
  check: (data, _, { historical, nowMs }) => {
    const problem = historical ? historicalTimeProblem(timeOf(data), nowMs) : undefined;
    return problem?.code === "historical-too-recent" ? { ...problem, at: "timestamp_unixtime_ms" } : undefined;
  },
});

function timeOf(data: unknown): unknown {
  return isObject(data) ? data["timestamp_unixtime_ms"] : undefined;
}

export const epochInDuration = lint({
  code: "epoch-in-duration",
  means: "A duration of years: a point in time, most likely",
  advice: "Pass the difference of two times",
  at: [everyKeyThat(isDurationKey)],
  check: (value) => {
    if (typeof value !== "number" || value < LIMITS.secondsSuspectBelowMs) return undefined;
    return {
      message: `${String(value)} milliseconds are ${String(Math.round(value / 31_557_600_000))} years.`,
      hint: "Pass how long it took, not when it ended.",
    };
  },
});

export const offsetNotInHours = lint({
  code: "offset-not-in-hours",
  means: "`timezone_offset` is beyond -12 to 14",
  advice: "Pass hours, not minutes or seconds, positive to the east",
  at: [key("DeviceInformation", "timezone_offset")],
  check: (value) => {
    if (typeof value !== "number" || (value >= -12 && value <= 14)) return undefined; // the zones there are (IANA)
    return {
      message: `${String(value)} hours is no offset from UTC.`,
      hint: "Pass whole hours, east positive: Math.trunc(-date.getTimezoneOffset() / 60).",
    };
  },
});
