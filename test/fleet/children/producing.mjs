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

async function produce(name, number) {
  const user = { environment: "development", user_identities: { customer_id: name }, mpid: "9007199254740993" };
  // The same id after a kill: what was stored without having been told of is stored again as the same event.
  const source_request_id = `${name}.${String(number)}`;
  const batch = createBatch({ ...user, source_request_id }, [customEvent(`${name}:${String(number)}`, "other")]);
  await untilStored(() => store(batch));
  tell(source_request_id);
}

/** So many wait for the store at a time, as in a service with as many requests: more would leave workers no turn. */
const AT_A_TIME = 25;

await Promise.all(
  Array.from({ length: AT_A_TIME }, async (_, place) => {
    const mine = users.filter((_name, index) => index % AT_A_TIME === place);
    for (let number = 0; number < to; number++) {
      for (const name of mine) if (number >= (from[name] ?? 0)) await produce(name, number);
    }
  }),
);
tell("done");
process.exit(0);
