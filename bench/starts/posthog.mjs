import { acknowledged, imported, url } from "./clock.mjs";
const { PostHog } = await import("posthog-node");
imported();
const posthog = new PostHog("phc_key", { host: url, flushAt: 1 });
posthog.capture({ distinctId: "customer-1", event: "video watched" });
await posthog.flush();
acknowledged();
