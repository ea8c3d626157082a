import type { ConnectionOptions } from "bullmq";
import type { Redis, RedisOptions } from "ioredis";
import { loadPeer } from "../rules/optional-peer.ts";
import { show } from "../rules/show.ts";
import { isObject } from "../rules/objects.ts";

/** Where Redis or Valkey is: the options of ioredis, or a client of it, whose connection is not shared. */
export type FleetConnection = RedisOptions | Redis;

const IOREDIS = ["ioredis", "^5.0.0"] as const;
const BULLMQ = ["bullmq", "^6.0.0"] as const;

/** @throws MissingPeerError - (as a rejection) when it is not installed. */
export function loadBullmq(user: string): Promise<typeof import("bullmq")> {
  return loadPeer(user, ...BULLMQ, () => import("bullmq"));
}

/** @throws TypeError - for what is no connection. */
export function requireConnection(connection: unknown): void {
  if (isObject(connection)) return;
  throw new TypeError(
    `\`connection\` is ${show(connection)}; expected options of ioredis, such as { host: "localhost" }.`,
  );
}

/** As BullMQ wants it: its options are those of ioredis, but for types that do not let `undefined` in. */
export function toBullmq(connection: FleetConnection): ConnectionOptions {
  return connection as ConnectionOptions;
}

/**
 * A connection of one's own.
 *
 * @param options - what it must have whatever the caller's connection has.
 */
export async function openConnection(user: string, connection: FleetConnection, options: RedisOptions): Promise<Redis> {
  if (isClient(connection)) return connection.duplicate(options);
  const ioredis = await loadPeer(user, ...IOREDIS, () => import("ioredis"));
  return new ioredis.Redis({ ...connection, ...options });
}

function isClient(connection: FleetConnection): connection is Redis {
  return "duplicate" in connection && typeof connection.duplicate === "function";
}

/** What this Redis loses as it is configured, in one sentence each; nothing of what it does not say. */
export async function describeDurability(redis: Redis): Promise<readonly string[]> {
  const losses = [await describeEviction(redis), await describePersistence(redis)];
  return losses.filter((loss) => loss !== undefined);
}

async function describeEviction(redis: Redis): Promise<string | undefined> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info("memory"))?.[1] ?? "noeviction";
  return policy === "noeviction"
    ? undefined
    : `This Redis throws away keys when its memory is full (maxmemory-policy ${policy}), and batches with them. Set \`maxmemory-policy noeviction\`: then whoever adds is told.`;
}

/** @returns `undefined` when it writes each change to disk within a second, or does not say what it does. */
async function describePersistence(redis: Redis): Promise<string | undefined> {
  const information = await redis.info("persistence");
  if (!/^aof_enabled:\d/m.test(information) || /^aof_enabled:1/m.test(information)) return undefined;
  const save = await redis.config("GET", "save").catch(() => undefined); // managed services refuse the command
  const snapshots: unknown = Array.isArray(save) ? save[1] : undefined;
  return snapshots === ""
    ? "This Redis keeps nothing on disk (appendonly no, save off): any restart loses every batch that waits in it. Set `appendonly yes`."
    : "This Redis only takes snapshots (appendonly no): when it is killed, batches added since the last one are lost. Set `appendonly yes`.";
}
