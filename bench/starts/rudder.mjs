import { acknowledged, imported, url } from "./clock.mjs";
const { default: Analytics } = await import("@rudderstack/rudder-sdk-node");
imported();
const analytics = new Analytics("key", { dataPlaneUrl: url, flushAt: 1 });
analytics.track({ userId: "customer-1", event: "video watched" }, acknowledged);
