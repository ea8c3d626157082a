import type { Redis } from "ioredis";
import {
  LEAST_PART,
  PERCENT_COUNTS_MS,
  shareOfRate,
  TURN_MS,
  WINDOW_MS,
  type GivenTurn,
  type SharedPace,
  type Turn,
} from "../fleet/account-pace.ts";

const NOW = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** Turns are members of a sorted set, by the time until which they count. Gives how many batches may go, or when to ask again. */
const TAKE = `${NOW}
local wanted, rate, id, turn_ms, part = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local pause = tonumber(redis.call("GET", KEYS[2]) or "0") - now
if pause > 0 then return {0, math.ceil(pause)} end
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
local turns = redis.call("ZRANGE", KEYS[1], 0, -1, "WITHSCORES")
local limit = math.max(1, math.floor(rate * tonumber(redis.call("GET", KEYS[3]) or "1")))
local room = limit
for i = 1, #turns, 2 do room = room - tonumber(string.match(turns[i], "^(%d+):")) end
if room < math.min(wanted, math.ceil(limit / part)) then
  return {0, math.max(5, math.min(100, math.ceil(tonumber(turns[2]) - now)))}
end
local given = math.min(wanted, room)
redis.call("ZADD", KEYS[1], now + turn_ms, given .. ":" .. id)
redis.call("PEXPIRE", KEYS[1], turn_ms * 2)
return {given, 0}
`;

/** A turn that has been given up as dead meanwhile counts again. */
const COUNT_UNTIL = `${NOW}
redis.call("ZADD", KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call("PEXPIRE", KEYS[1], 60000)
`;

/** Only ever longer: two processes may have been told different times. */
const PAUSE = `${NOW}
local until_ms = now + tonumber(ARGV[1])
if until_ms > tonumber(redis.call("GET", KEYS[1]) or "0") then
  redis.call("SET", KEYS[1], string.format("%.0f", until_ms), "PX", math.ceil(tonumber(ARGV[1])))
end
`;

/** The pace of all workers of one queue, in Redis or Valkey. */
export class RedisPace implements SharedPace {
  readonly #redis: Redis;
  readonly #rate: number;
  readonly #keys: { readonly turns: string; readonly pause: string; readonly share: string };

  /** @param name - of the queue; all keys are in one slot of a cluster. */
  constructor(redis: Redis, name: string, rate: number) {
    this.#redis = redis;
    this.#rate = rate;
    const prefix = `mparticle-events:{${name}}:pace`;
    this.#keys = { turns: prefix, pause: `${prefix}:pause`, share: `${prefix}:share` };
  }

  async take(batches: number): Promise<Turn> {
    const id = crypto.randomUUID();
    const { turns, pause, share } = this.#keys;
    const given: unknown = await this.#redis.eval(
      TAKE,
      3,
      turns,
      pause,
      share,
      batches,
      this.#rate,
      id,
      TURN_MS,
      LEAST_PART,
    );
    const [granted, waitMs] = given as readonly [number, number]; // as the script returns them
    return granted > 0 ? { id, batches: granted } : { waitMs };
  }

  async extend(turn: GivenTurn): Promise<void> {
    await this.#countFor(turn, TURN_MS);
  }

  async give(turn: GivenTurn): Promise<void> {
    await this.#countFor(turn, WINDOW_MS);
  }

  async pause(durationMs: number): Promise<void> {
    await this.#redis.eval(PAUSE, 1, this.#keys.pause, Math.ceil(durationMs));
  }

  async observe(percentageUsed: number): Promise<void> {
    const share = shareOfRate(percentageUsed);
    if (share < 1) await this.#redis.set(this.#keys.share, String(share), "PX", PERCENT_COUNTS_MS);
  }

  async #countFor({ id, batches }: GivenTurn, durationMs: number): Promise<void> {
    await this.#redis.eval(COUNT_UNTIL, 1, this.#keys.turns, `${String(batches)}:${id}`, durationMs);
  }
}
