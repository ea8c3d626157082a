import { isObject, type Members } from "../../rules/objects.ts";
import { entryCount } from "../entry-count.ts";
import { isNothing } from "./absence.ts";
import { object, objectLint } from "./lint.ts";

const ASK_THE_GUIDE = "docs/guides/sessions.md says where it comes from.";

export const sessionMissing = objectLint({
  code: "session-missing",
  means: "A session start or end that names no session: it starts or ends none",
  advice: "Set the same `session_uuid` on all events of a session; `docs/guides/sessions.md` says where it comes from",
  at: [object("SessionStartEventData"), object("SessionEndEventData")],
  check: (data) =>
    isNothing(data["session_uuid"]) && isNothing(data["session_id"])
      ? {
          message: "it belongs to no session: neither session_uuid nor session_id is set.",
          hint: `Set the session_uuid of the session. ${ASK_THE_GUIDE}`,
          at: "session_uuid",
          isAbsence: true,
        }
      : undefined,
});

export const sessionIdWithoutUuid = objectLint({
  code: "session-id-without-uuid",
  means: "A session that is named by its number alone, which the service otherwise derives from the UUID",
  advice: "Set `session_uuid` where there is one; a sender that has only numbers switches the lint off",
  at: [object("SessionStartEventData"), object("SessionEndEventData")],
  check: (data) =>
    !isNothing(data["session_id"]) && isNothing(data["session_uuid"])
      ? {
          message: "the session is named by its number alone.",
          hint: `Set session_uuid, from which the service derives the number. ${ASK_THE_GUIDE}`,
          at: "session_id",
        }
      : undefined,
});

export const sessionMismatch = objectLint({
  code: "session-mismatch",
  means: "The start and the end of a session, in one batch, that name two sessions",
  advice: "Give both the id of the one session",
  at: [object("Batch")],
  check: ({ events }) => {
    const pair = Array.isArray(events) ? startAndEnd(events) : undefined;
    if (pair === undefined) return undefined;
    const differing = SESSION_KEYS.find((name) => differ(pair.start[name], pair.end[name]));
    if (differing === undefined) return undefined;
    return {
      message: `it is not that of the session's start, /events/${String(pair.startIndex)}.`,
      hint: "Give all events of a session the same one.",
      at: ["events", pair.endIndex, "data", differing],
    };
  },
});

const SESSION_KEYS = ["session_uuid", "session_id"];

interface Pair {
  readonly start: Members;
  readonly end: Members;
  readonly startIndex: number;
  readonly endIndex: number;
}

/** The one start and the one end of a batch, the start first: an end that comes before it is that of an earlier session. */
function startAndEnd(events: readonly unknown[]): Pair | undefined {
  let [startIndex, endIndex] = [-1, -1];
  for (let index = 0, count = entryCount(events); index < count; index++) {
    const event = events[index];
    if (!isObject(event)) continue;
    if (event["event_type"] === "session_start") {
      if (startIndex >= 0) return undefined;
      startIndex = index;
    } else if (event["event_type"] === "session_end") {
      if (endIndex >= 0) return undefined;
      endIndex = index;
    }
  }
  if (startIndex < 0 || endIndex < 0) return undefined;
  const [start, end] = [dataOf(events[startIndex]), dataOf(events[endIndex])];
  if (start === undefined || end === undefined) return undefined;
  const [startedAt, endedAt] = [start["timestamp_unixtime_ms"], end["timestamp_unixtime_ms"]];
  const areDated = typeof startedAt === "number" && typeof endedAt === "number" && startedAt !== endedAt;
  return (areDated ? startedAt < endedAt : startIndex < endIndex) ? { start, end, startIndex, endIndex } : undefined;
}

function dataOf(event: unknown): Members | undefined {
  return isObject(event) && isObject(event["data"]) ? event["data"] : undefined;
}

/** Ids may be a bigint on one side and digits on the other, with zeros in front, and UUIDs in capitals: their texts tell. */
function differ(one: unknown, other: unknown): boolean {
  return !isNothing(one) && !isNothing(other) && textOf(one) !== textOf(other);
}

function textOf(id: unknown): string | undefined {
  if (typeof id === "string") return id.toLowerCase().replace(/^(-?)0+(?=\d+$)/, "$1");
  return typeof id === "number" || typeof id === "bigint" ? String(id) : undefined;
}

export const sessionDurationMissing = objectLint({
  code: "session-duration-missing",
  means: "A session end that does not say how long the session was",
  advice: "Set `session_duration_ms`, or make the event with `sessionEnd`",
  at: [object("SessionEndEventData")],
  check: (data) =>
    isNothing(data["session_duration_ms"])
      ? {
          message: "how long the session was is not said.",
          hint: "Set session_duration_ms, in milliseconds.",
          at: "session_duration_ms",
          isAbsence: true,
        }
      : undefined,
});

/** A session of less than a second is rarer than one whose length is in seconds. */
const SHORTEST_SESSION_MS = 1000;

export const secondsInDuration = objectLint({
  code: "seconds-in-duration",
  means:
    "The length of a session that looks like seconds: less than a second, or a thousandth of the time that it took",
  advice: "Multiply seconds by 1,000",
  at: [object("SessionEndEventData")],
  check: (data) => {
    const duration = data["session_duration_ms"];
    if (typeof duration !== "number" || duration <= 0 || !looksLikeSeconds(duration, spanOf(data))) return undefined;
    return {
      message: `${String(duration)} milliseconds is shorter than a session is; as seconds it would be usual.`,
      hint: `Pass milliseconds: ${String(duration * 1000)}, if these are seconds.`,
      at: "session_duration_ms",
    };
  },
});

/** How long the session was by the times of its start and its end; undefined when one of them is not known. */
function spanOf(data: Members): number | undefined {
  const [startedAt, endedAt] = [data["session_start_unixtime_ms"], data["timestamp_unixtime_ms"]];
  return typeof startedAt === "number" && typeof endedAt === "number" && startedAt > 0 && endedAt >= startedAt
    ? endedAt - startedAt
    : undefined;
}

function looksLikeSeconds(duration: number, spanMs: number | undefined): boolean {
  if (spanMs === undefined) return duration < SHORTEST_SESSION_MS;
  // Half as much or twice as much: the application may count otherwise than the clock, and pauses.
  const asSecondsMs = duration * 1000;
  return spanMs >= SHORTEST_SESSION_MS && asSecondsMs >= spanMs / 2 && asSecondsMs <= spanMs * 2;
}
