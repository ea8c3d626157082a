/**
 * Loads `@opentelemetry/api`.
 *
 * @throws Error - when it is not installed.
 */
export function requireApi(): typeof import("@opentelemetry/api");
