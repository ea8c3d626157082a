/** The built package, with batches that come from a source of any length. */
import { EventsClient } from "mparticle-events";

export function open({ url }) {
  const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2` });
  return {
    uploadAll: async (batches) => {
      const outcomes = [];
      for await (const outcome of client.deliver(batches)) outcomes.push(outcome);
      return outcomes;
    },
  };
}
