import { acknowledged, imported, url } from "./clock.mjs";
const { request } = await import("node:http");
imported();
const body = JSON.stringify({
  environment: "development",
  events: [{ event_type: "custom_event", data: { event_name: "video watched", custom_event_type: "media" } }],
});
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
const outgoing = request(`${url}/v2/events`, { method: "POST", headers }, (incoming) => {
  incoming.resume();
  incoming.on("end", acknowledged);
});
outgoing.end(body);
