import { acknowledged, imported, url } from "./clock.mjs";
const { createInstance } = await import("@amplitude/analytics-node");
imported();
const amplitude = createInstance();
await amplitude.init("key", { serverUrl: `${url}/2/httpapi`, flushQueueSize: 1 }).promise;
amplitude.track("video watched", {}, { user_id: "customer-1" });
await amplitude.flush().promise;
acknowledged();
