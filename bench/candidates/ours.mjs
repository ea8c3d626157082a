/** The built package, imported by its name; nothing is set that has a default, but `coalesce` where a row says so. */
import { EventQueue, EventsClient } from "mparticle-events";
import { event, user } from "./payload.mjs";

export function open({ url, coalesce = false, queueOptions = {} }) {
  const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2`, coalesce });
  let queue;
  const users = new Map();
  return {
    upload: (batch) => client.upload(batch),
    uploadAll: (batches) => client.uploadBulk(batches),
    make: (userIndex, index) => {
      if (!users.has(userIndex)) users.set(userIndex, user(userIndex));
      return { user: users.get(userIndex), event: event(index) };
    },
    add: (made) => (queue ??= new EventQueue(client, queueOptions)).add(made.user, made.event),
    flush: () => queue.flush(),
    stats: () => queue.stats(),
  };
}
