import { PostHog } from "posthog-node";
import { attributesOf, MARK } from "./payload.mjs";

export function open({ url, prompt = false, onError }) {
  const posthog = new PostHog("phc_key", { host: url, ...(prompt && { flushAt: 1 }) });
  posthog.on("error", () => onError?.());
  return {
    make: (userIndex, index) => ({
      distinctId: `customer-${userIndex}`,
      event: MARK,
      properties: attributesOf(4, index),
    }),
    add: (made) => posthog.capture(made),
    flush: () => posthog.shutdown(120_000),
  };
}
