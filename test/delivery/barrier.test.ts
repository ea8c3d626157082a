import { describe, expect, it, vi } from "vitest";
import { Barrier } from "../../src/delivery/barrier.ts";

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("Barrier", () => {
  it("waits for all that entered before, and for nothing that enters after", async () => {
    const barrier = new Barrier();
    const [first, second] = [barrier.enter(), barrier.enter()];
    const passed = vi.fn();
    void barrier.wait().then(passed);
    const late = barrier.enter();
    barrier.leave(first);
    await turn();
    expect(passed).not.toHaveBeenCalled();
    barrier.leave(second);
    await turn();
    expect(passed).toHaveBeenCalledTimes(1);
    barrier.leave(late);
  });

  it("lets waits without a newcomer in between be one", () => {
    const barrier = new Barrier();
    barrier.enter();
    expect(barrier.wait()).toBe(barrier.wait());
  });

  it("holds a later wait until the earlier one is over, too", async () => {
    const barrier = new Barrier();
    const old = barrier.enter();
    void barrier.wait();
    const young = barrier.enter();
    const passed = vi.fn();
    void barrier.wait().then(passed);
    barrier.leave(young);
    await turn();
    expect(passed).not.toHaveBeenCalled();
    barrier.leave(old);
    await turn();
    expect(passed).toHaveBeenCalledTimes(1);
  });

  it("lets whoever waits for nobody pass at once", async () => {
    const barrier = new Barrier();
    await barrier.wait();
    barrier.leave(barrier.enter());
    await barrier.wait();
  });
});
