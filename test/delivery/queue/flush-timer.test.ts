import { expect, it } from "vitest";
import { FlushTimer } from "../../../src/delivery/queue/flush-timer.ts";
import type { PendingBatches } from "../../../src/delivery/queue/pending-batches.ts";
import { heldTime } from "../held-time.ts";

/** Batches that were opened at these times, and when each was due. */
function make(intervalMs = 1_000) {
  const time = heldTime();
  const open: number[] = [];
  const due: (readonly [openedAtMs: number, dueAtMs: number])[] = [];
  const pending = {
    get oldestOpen() {
      return open[0] === undefined ? undefined : { openedAtMs: open[0] };
    },
    makeDue: (untilMs: number) => {
      while (open[0] !== undefined && open[0] <= untilMs) due.push([open.shift() ?? 0, time.now()]);
    },
  } as unknown as PendingBatches; // as far as a timer looks
  const timer = new FlushTimer(pending, time, intervalMs);
  const openNow = (): void => {
    open.push(time.now());
    timer.start();
  };
  return { time, due, timer, openNow };
}

it("each batch is due when it has been open for the interval, with one timer for all", async () => {
  const { time, due, timer, openNow } = make();
  timer.start();
  expect(time.timers).toBe(0);
  await time.advance(5_000);
  openNow();
  await time.advance(300);
  openNow();
  expect(time.timers).toBe(1);
  await time.advance(10_000);
  expect(due).toEqual([
    [5_000, 6_000],
    [5_300, 6_300],
  ]);
  expect(time.timers).toBe(0);
  openNow();
  await time.advance(1_000);
  expect(due.at(-1)).toEqual([15_300, 16_300]);
});

it("a timer that is stopped makes nothing due, and goes on when it is started again, at once where it is late", async () => {
  const { time, due, timer, openNow } = make();
  openNow();
  timer.stop();
  timer.stop();
  expect(time.timers).toBe(0);
  await time.advance(3_000);
  expect(due).toEqual([]);
  timer.start();
  await time.advance(0);
  expect(due).toEqual([[0, 3_000]]);
});
