import { describe, expect, it, vi } from "vitest";
import { MParticleError } from "mparticle-events";
import { StoreWrites, type WriteEnd } from "../../../src/delivery/queue/store-writes.ts";
import { turns } from "./a-queue.ts";

function deferred() {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  return { promise, resolve, reject };
}

const error = (message: string): MParticleError => new MParticleError("OUTBOX", message);

/** As a store may. */
function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

/** What becomes of a promise, as far as it is known. */
function watch(promise: Promise<void>): { state: string } {
  const watched = { state: "waits" };
  promise.then(
    () => (watched.state = "resolved"),
    (error: unknown) => (watched.state = (error as Error).message),
  );
  return watched;
}

describe("a write to a store", () => {
  it("is waited for by who waits for its end, and by who waits for the end of all", async () => {
    const writes = new StoreWrites();
    const [first, second] = [deferred(), deferred()];
    expect(writes.track(() => first.promise)).toBeInstanceOf(Promise);
    writes.track(() => second.promise).catch(() => undefined);
    const ended = watch(writes.ended());
    first.resolve();
    await turns(1);
    expect(ended.state).toBe("waits");
    second.reject(new Error("full"));
    await turns(1);
    expect(ended.state).toBe("resolved");
  });

  it.each<[string, () => Promise<void>, unknown]>([
    ["throws", throwing(new Error("closed")), new Error("closed")],
    ["throws no error", throwing("closed"), new Error("closed")],
    ["gives nothing", () => undefined as never, undefined],
  ])("of a store that %s ends at once, as a promise", async (_, start, expected) => {
    const writes = new StoreWrites();
    const write = writes.track(start);
    await expect(write.catch((cause: unknown) => cause)).resolves.toEqual(expected);
    await writes.ended();
  });
});

describe("who waits for a write", () => {
  it("is told in the turn after it, once what it means was done", async () => {
    const writes = new StoreWrites();
    for (const how of ["stored", "failed"] as const) {
      const [write, turn] = [deferred(), deferred()];
      const end: WriteEnd = { turn: turn.promise, onStored: vi.fn(), onFailed: vi.fn(() => error("full")) };
      const waiting = watch(writes.waitFor(write.promise, end));
      if (how === "stored") write.resolve();
      else write.reject(new Error("ENOSPC"));
      await turns(1);
      expect(waiting.state).toBe("waits");
      expect(end.onStored).toHaveBeenCalledTimes(how === "stored" ? 1 : 0);
      expect(vi.mocked(end.onFailed).mock.calls).toEqual(how === "stored" ? [] : [[new Error("ENOSPC")]]);
      turn.resolve();
      await turns(1);
      expect(waiting.state).toBe(how === "stored" ? "resolved" : "full");
    }
  });

  it("is told at once where there is no turn to wait for", async () => {
    const writes = new StoreWrites();
    const end: WriteEnd = { turn: undefined, onStored: vi.fn(), onFailed: () => error("full") };
    await expect(writes.waitFor(Promise.resolve(), end)).resolves.toBeUndefined();
    await expect(writes.waitFor(Promise.reject(new Error("ENOSPC")), end)).rejects.toThrow("full");
  });

  it("waits no longer when all is given up, while the write may go on; whose write has ended is told how", async () => {
    const writes = new StoreWrites();
    const [hangs, fails, turn] = [deferred(), deferred(), deferred()];
    const end: WriteEnd = { turn: undefined, onStored: vi.fn(), onFailed: () => error("full") };
    const waiting = watch(writes.waitFor(hangs.promise, end));
    const told = watch(writes.waitFor(fails.promise, { ...end, turn: turn.promise }));
    fails.reject(new Error("ENOSPC"));
    await turns(1);
    writes.giveUp(error("closed"));
    await turns(1);
    expect([waiting.state, told.state]).toEqual(["closed", "waits"]);
    turn.resolve();
    hangs.resolve();
    await turns(1);
    expect([waiting.state, told.state]).toEqual(["closed", "full"]);
    expect(end.onStored).toHaveBeenCalledTimes(1);
  });
});
