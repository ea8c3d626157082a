import Analytics from "@rudderstack/rudder-sdk-node";
import { attributesOf, MARK } from "./payload.mjs";

export function open({ url, prompt = false, onError }) {
  const options = { dataPlaneUrl: url, logLevel: "error", errorHandler: () => onError?.() };
  const analytics = new Analytics("key", { ...options, ...(prompt && { flushAt: 1 }) });
  return {
    make: (userIndex, index) => ({ userId: `customer-${userIndex}`, event: MARK, properties: attributesOf(4, index) }),
    add: (made) => analytics.track(made),
    flush: () => analytics.flush(),
  };
}
