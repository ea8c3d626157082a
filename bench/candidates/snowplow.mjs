import snowplow from "@snowplow/node-tracker";
import { attributesOf, MARK } from "./payload.mjs";

export function open({ url, prompt = false, onError }) {
  const { hostname, port } = new URL(url);
  const tracker = snowplow.newTracker(
    // Not in base64, for the sink to recognise them.
    { namespace: "bench", appId: "bench", encodeBase64: false },
    {
      endpoint: hostname,
      port: Number(port),
      protocol: "http",
      eventMethod: "post",
      onRequestFailure: () => onError?.(),
      ...(prompt && { bufferSize: 1 }),
    },
  );
  return {
    make: (userIndex, index) => {
      tracker.setUserId(`customer-${userIndex}`);
      const data = { name: MARK, ...attributesOf(4, index) };
      return snowplow.buildSelfDescribingEvent({
        event: { schema: "iglu:com.example/watched/jsonschema/1-0-0", data },
      });
    },
    add: (made) => void tracker.track(made),
    flush: () => tracker.flush(),
  };
}
