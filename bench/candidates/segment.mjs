import { Analytics } from "@segment/analytics-node";
import { attributesOf, MARK } from "./payload.mjs";

export function open({ url, prompt = false, onError }) {
  const analytics = new Analytics({ writeKey: "key", host: url, ...(prompt && { flushAt: 1 }) });
  analytics.on("error", () => onError?.());
  return {
    make: (userIndex, index) => ({ userId: `customer-${userIndex}`, event: MARK, properties: attributesOf(4, index) }),
    add: (made) => analytics.track(made),
    flush: () => analytics.closeAndFlush({ timeout: 120_000 }),
  };
}
