// Adds the numbers `from` … `to` of each of its users, one of a user after the other, and tells of each that is stored.
import { createBatch, customEvent } from "mparticle-events";
import { openPool, tell, told, untilStored } from "./connect.mjs";

const { engine, port, users, from, to } = told;
const store = await (async () => {
  if (engine === "postgres") {
    const { enqueueBatch } = await import("mparticle-events/postgres");
    const pool = await openPool();
    return (batch) => enqueueBatch(pool, batch);
  }
  const { FleetQueue } = await import("mparticle-events/bullmq");
  const queue = new FleetQueue({ connection: { host: "127.0.0.1", port } });
  return (batch) => queue.addBatch(batch);
})();

await Promise.all(
  users.map(async (name) => {
    for (let number = from[name] ?? 0; number < to; number++) {
      const user = { environment: "development", user_identities: { customer_id: name }, mpid: "9007199254740993" };
      // The same id after a kill: what was stored without having been told of is stored again as the same event.
      const source_request_id = `${name}.${String(number)}`;
      const batch = createBatch({ ...user, source_request_id }, [customEvent(`${name}:${String(number)}`, "other")]);
      await untilStored(() => store(batch));
      tell(source_request_id);
    }
  }),
);
tell("done");
process.exit(0);
