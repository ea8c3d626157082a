/** A point in time, by the way the API names them: `timestamp_unixtime_ms`, `added_to_cart_time_ms`. */
export function isTimestampKey(key: string): boolean {
  return key.endsWith("_unixtime_ms") || key.endsWith("_time_ms");
}

/** A length of time, by the way the API names them. */
export function isDurationKey(key: string): boolean {
  return key === "time_elapsed" || (key.endsWith("_ms") && !isTimestampKey(key));
}
