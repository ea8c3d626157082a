/** Nobody means a longer wait; a larger number is a mistake of a proxy, and must not overflow a timer. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * What a `Retry-After` header asks for, in milliseconds. Delivery waits so long with this request (`retry.ts`), and with
 * all others of the same client (`pace.ts`).
 *
 * The service documents whole seconds; proxies also send the HTTP-date form of RFC 9110, and fractions. Anything else is `undefined`.
 *
 * @param date - the `Date` of the same answer. A date in `Retry-After` is of the same clock, and ours may be wrong.
 * @param nowMs - the present by our clock, for an answer without one.
 */
export function parseRetryAfter(value: string | null, date: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), MAX_RETRY_AFTER_MS);
  const untilMs = parseHttpDate(text);
  if (Number.isNaN(untilMs)) return undefined;
  const answeredMs = parseHttpDate(date?.trim() ?? "");
  const waitMs = untilMs - (Number.isNaN(answeredMs) ? nowMs : answeredMs);
  return Math.min(Math.max(0, waitMs), MAX_RETRY_AFTER_MS);
}

/** The three forms of RFC 9110, all of them UTC; `Date.parse` takes far more, such as "-5", and one of them for local time. */
function parseHttpDate(text: string): number {
  if (/^[A-Z][a-z]{2}, .* GMT$/.test(text)) return Date.parse(text);
  if (/^[A-Z][a-z]{2} [A-Z][a-z]{2} .*\d$/.test(text)) return Date.parse(`${text} GMT`);
  const [, day, month, year, time] = /^[A-Z][a-z]+day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\S+) GMT$/.exec(text) ?? [];
  return day === undefined ? NaN : Date.parse(`${day} ${String(month)} 20${String(year)} ${String(time)} GMT`);
}
