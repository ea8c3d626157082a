import { acknowledged, imported, url } from "./clock.mjs";
const { request } = await import("node-http-floor");
imported();
// With ids of its own, as every event has that may be sent again: making the first one loads Node's crypto.
const body = JSON.stringify({
  environment: "development",
  source_request_id: crypto.randomUUID(),
  events: [
    {
      event_type: "custom_event",
      data: {
        event_name: "video watched",
        custom_event_type: "media",
        timestamp_unixtime_ms: Date.now(),
        source_message_id: crypto.randomUUID(),
      },
    },
  ],
});
const headers = {
  authorization: `Basic ${btoa("key:secret")}`,
  accept: "application/json",
  "content-type": "application/json",
  "content-length": Buffer.byteLength(body),
};
const outgoing = request(`${url}/v2/events`, { method: "POST", headers }, (incoming) => {
  incoming.resume();
  incoming.on("end", acknowledged);
});
outgoing.end(body);
