import type { Finding } from "../../errors.ts";

/** Whether a field of milliseconds is a point in time: the others are durations. */
export function isTime(name: string): boolean {
  return name.endsWith("unixtime_ms") || name === "added_to_cart_time_ms";
}

const DATE_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?:(Z|UTC)|([+-]\d\d)(?::?(\d\d))?)$/;

/** The milliseconds of a time with its zone, as ISO 8601 writes it, and as databases do. One without could be anywhere. */
export function readTime(text: string): number | undefined {
  const [, day, time, utc, hours, minutes = "00"] = DATE_TIME.exec(text) ?? [];
  if (day === undefined || time === undefined) return undefined;
  // `Date` counts on: the 30th of February would be the 2nd of March.
  if (new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(-2))) return undefined;
  const ms = Date.parse(`${day}T${time}${utc === undefined ? `${hours ?? ""}:${minutes}` : "Z"}`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A finding about a row of CSV with what can be written there: the hint of the library is for who writes code. */
export function adviseOnTime(finding: Finding): Finding {
  const name = finding.path.slice(finding.path.lastIndexOf("/") + 1);
  if (finding.code !== "wrong-type" || !isTime(name)) return finding;
  return {
    ...finding,
    hint: "Write the time with its zone, such as 2026-11-28T10:00:00Z or 2026-11-28 10:00:00 +01:00, or in milliseconds since 1970.",
  };
}
