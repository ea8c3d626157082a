/** Nobody means a longer wait; a larger number is a mistake of a proxy, and must not overflow a timer. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * What a `Retry-After` header asks for, in milliseconds.
 *
 * The service documents whole seconds; proxies also send the HTTP-date form of RFC 9110, and fractions. Anything else is `undefined`.
 */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), MAX_RETRY_AFTER_MS);
  const dateMs = parseHttpDate(text);
  return Number.isNaN(dateMs) ? undefined : Math.min(Math.max(0, dateMs - nowMs), MAX_RETRY_AFTER_MS);
}

/** The three forms of RFC 9110, all of them UTC; `Date.parse` takes far more, such as "-5", and one of them for local time. */
function parseHttpDate(text: string): number {
  if (/^[A-Z][a-z]{2}, .* GMT$/.test(text)) return Date.parse(text);
  if (/^[A-Z][a-z]{2} [A-Z][a-z]{2} .*\d$/.test(text)) return Date.parse(`${text} GMT`);
  const [, day, month, year, time] = /^[A-Z][a-z]+day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\S+) GMT$/.exec(text) ?? [];
  return day === undefined ? NaN : Date.parse(`${day} ${String(month)} 20${String(year)} ${String(time)} GMT`);
}
