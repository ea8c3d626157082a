import { acknowledged, imported, url } from "./clock.mjs";
const { Analytics } = await import("@segment/analytics-node");
imported();
const analytics = new Analytics({ writeKey: "key", host: url, flushAt: 1 });
analytics.track({ userId: "customer-1", event: "video watched" }, acknowledged);
