import { acknowledged, imported, url } from "./clock.mjs";
const { default: snowplow } = await import("@snowplow/node-tracker");
imported();
const { hostname, port } = new URL(url);
const tracker = snowplow.newTracker(
  { namespace: "bench", appId: "bench", encodeBase64: false },
  {
    endpoint: hostname,
    port: Number(port),
    protocol: "http",
    eventMethod: "post",
    bufferSize: 1,
    onRequestSuccess: acknowledged,
  },
);
tracker.track(snowplow.buildStructEvent({ category: "media", action: "video watched" }));
