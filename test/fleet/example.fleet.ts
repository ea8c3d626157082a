import { expect, it, vi } from "vitest";
import { runExample } from "../../scripts/examples/run-example.ts";
import { startRedis } from "./servers.ts";

it("the example of a fleet sends each order once", async () => {
  const redis = await startRedis();
  vi.stubEnv("REDIS_URL", `redis://127.0.0.1:${String(redis.port)}`);
  vi.spyOn(console, "log").mockReturnValue();
  try {
    const records = await runExample("fleet", (file) => import(file));
    const orders = records.map(({ batch }) => /T-\d+/.exec(JSON.stringify(batch))?.[0]);
    expect(orders.toSorted()).toEqual(Array.from({ length: 20 }, (_, index) => `T-${String(index + 1)}`).toSorted());
    expect(records.filter(({ verdict }) => verdict !== "accepted")).toEqual([]);
  } finally {
    await redis.stop();
    vi.unstubAllEnvs();
  }
});
