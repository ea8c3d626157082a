import { createInstance, Types } from "@amplitude/analytics-node";
import { attributesOf, MARK } from "./payload.mjs";

export async function open({ url, prompt = false, onError }) {
  const amplitude = createInstance();
  const options = { serverUrl: `${url}/2/httpapi`, logLevel: Types.LogLevel.None };
  await amplitude.init("key", { ...options, ...(prompt && { flushQueueSize: 1 }) }).promise;
  return {
    make: (userIndex, index) => ({
      event_type: MARK,
      user_id: `customer-${userIndex}`,
      event_properties: attributesOf(4, index),
    }),
    add: (made) => {
      const { promise } = amplitude.track(made);
      if (onError !== undefined) void promise.then(({ code }) => code >= 300 && onError());
    },
    flush: () => amplitude.flush().promise,
  };
}
