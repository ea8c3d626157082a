import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { Cancellation, EndSignal, onAbort } from "../../src/transport/abort.ts";

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
    expect(cancellation.cancelled).toBe(true);
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
