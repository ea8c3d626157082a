import { acknowledged, imported, url } from "./clock.mjs";
imported();
const body = JSON.stringify({
  environment: "development",
  events: [{ event_type: "custom_event", data: { event_name: "video watched", custom_event_type: "media" } }],
});
await fetch(`${url}/v2/events`, { method: "POST", headers: { "content-type": "application/json" }, body });
acknowledged();
