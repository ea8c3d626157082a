// @ts-check
/**
 * A command that sends a batch again, for a POSIX shell.
 *
 * @param {{ path: string, batch: unknown }} entry
 * @param {string} origin
 */
export function curlOf({ path, batch }, origin) {
  const body = JSON.stringify(path.endsWith("/events") ? batch : [batch]).replaceAll("'", `'\\''`);
  return `curl -i -u KEY:SECRET -H 'content-type: application/json' ${origin}${path} -d '${body}'`;
}

/**
 * What makes an event in code: a call of its factory where it is a custom event, and the event itself otherwise.
 *
 * @param {any} event
 */
export function codeOf(event) {
  const { event_name, custom_event_type, event_id, timestamp_unixtime_ms, ...rest } = event?.data ?? {};
  if (event?.event_type !== "custom_event" || typeof event_name !== "string") {
    return `const event = ${JSON.stringify(event, undefined, 2)} satisfies Event;`;
  }
  const more = Object.keys(rest).length > 0 ? `, ${JSON.stringify(rest, undefined, 2)}` : "";
  return `customEvent(${JSON.stringify(event_name)}, ${JSON.stringify(custom_event_type ?? "other")}${more})`;
}
