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
  // Date.parse takes far more than an HTTP date, such as "-5"; the weekday tells them apart.
  const dateMs = /^[A-Z][a-z]{2},? /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(dateMs) ? undefined : Math.min(Math.max(0, dateMs - nowMs), MAX_RETRY_AFTER_MS);
}
