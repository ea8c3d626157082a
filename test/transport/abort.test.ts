import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { Cancellation, EndSignal, asError, onAbort, untilAborted } from "../../src/transport/abort.ts";

describe("onAbort", () => {
  it("calls everybody once, and holds one listener however many wait", () => {
    const controller = new AbortController();
    const callbacks = Array.from({ length: 500 }, () => vi.fn());
    for (const callback of callbacks) onAbort(controller.signal, callback);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    controller.abort();
    for (const callback of callbacks) expect(callback).toHaveBeenCalledTimes(1);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("leaves no listener when the last one no longer waits", () => {
    const controller = new AbortController();
    const ignore = [vi.fn(), vi.fn()].map((callback) => [callback, onAbort(controller.signal, callback)] as const);
    for (const [, stop] of ignore) stop();
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    controller.abort();
    for (const [callback] of ignore) expect(callback).not.toHaveBeenCalled();
  });

  it("calls who still waits when others no longer do, be it told so twice", () => {
    const controller = new AbortController();
    const [gone, waiting] = [vi.fn(), vi.fn()];
    const ignore = onAbort(controller.signal, gone);
    onAbort(controller.signal, waiting);
    ignore();
    ignore();
    controller.abort();
    expect(gone).not.toHaveBeenCalled();
    expect(waiting).toHaveBeenCalledTimes(1);
  });

  it("calls at once when the signal has aborted before", () => {
    const callback = vi.fn();
    onAbort(AbortSignal.abort(), callback);
    expect(callback).toHaveBeenCalledTimes(1);
  });
});

describe("a signal of our own", () => {
  it("calls everybody once, with the first reason, and at once who comes late", () => {
    const signal = new EndSignal();
    const early = vi.fn();
    onAbort(signal, early);
    onAbort(signal, early);
    expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
    signal.abort("first");
    signal.abort("second");
    expect([signal.aborted, signal.reason]).toEqual([true, "first"]);
    expect(early).toHaveBeenCalledTimes(2);
    const late = vi.fn();
    onAbort(signal, late);
    expect(late).toHaveBeenCalledTimes(1);
  });

  it("does not call who no longer waits, be it told so by a callback", () => {
    const signal = new EndSignal();
    const gone = vi.fn();
    const ignore = onAbort(signal, gone);
    ignore();
    const behind = vi.fn();
    onAbort(signal, () => {
      ignoreBehind();
    });
    const ignoreBehind = onAbort(signal, behind);
    signal.abort();
    expect(gone).not.toHaveBeenCalled();
    expect(behind).not.toHaveBeenCalled();
  });
});

describe("a cancellation", () => {
  it("ends its exchange once, with the first reason", () => {
    const cancellation = new Cancellation();
    const callback = vi.fn();
    cancellation.onCancel(callback);
    expect(cancellation.cancelled).toBe(false);
    cancellation.cancel("first");
    cancellation.cancel("second");
    expect([cancellation.cancelled, cancellation.reason]).toEqual([true, "first"]);
    expect(callback.mock.calls).toEqual([["first"]]);
  });

  it("tells an exchange that comes later at once", () => {
    const cancellation = new Cancellation();
    cancellation.cancel("before");
    const callback = vi.fn();
    cancellation.onCancel(callback);
    expect(callback.mock.calls).toEqual([["before"]]);
  });
});

describe("work that a signal may end", () => {
  const never = new Promise<never>(() => undefined);
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

  it("comes to what it came to, or fails as it failed, and leaves no listener", async () => {
    const { signal } = new AbortController();
    for (const graceMs of [0, 60_000]) {
      await expect(untilAborted(Promise.resolve("done"), signal, graceMs)).resolves.toBe("done");
      await expect(untilAborted(Promise.reject(new Error("its own")), signal, graceMs)).rejects.toThrow("its own");
    }
    expect(listeners(signal)).toBe(0);
  });

  it("is left with the reason at once when it is aborted, and leaves no listener", async () => {
    const controller = new AbortController();
    const left = untilAborted(never, controller.signal);
    controller.abort("why");
    await expect(left).rejects.toBe("why");
    await expect(untilAborted(Promise.resolve("too late"), controller.signal)).rejects.toBe("why");
    expect(listeners(controller.signal)).toBe(0);
  });

  it("may end by itself within its grace, with its own result", async () => {
    const controller = new AbortController();
    const ends = untilAborted(
      new Promise((resolve) => {
        onAbort(controller.signal, () => {
          setImmediate(resolve, "a verdict all the same");
        });
      }),
      controller.signal,
      60_000,
    );
    controller.abort("why");
    await expect(ends).resolves.toBe("a verdict all the same");
  });

  it("is left with the reason after its grace", async () => {
    const controller = new AbortController();
    const left = untilAborted(never, controller.signal, 1);
    controller.abort("why");
    await expect(left).rejects.toBe("why");
  });
});

describe("the reason of an abort", () => {
  it("is an error, or the cause of one", () => {
    const error = new TypeError("mine");
    expect(asError(error)).toBe(error);
    expect(asError("why")).toMatchObject({ name: "Error", message: "The request was aborted.", cause: "why" });
  });
});
