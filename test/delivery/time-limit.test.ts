import { expect, it } from "vitest";
import { endsInTime } from "../../src/delivery/time-limit.ts";
import { heldTime } from "./held-time.ts";

it("a wait with a limit tells whether what it was for ended in time, and leaves no timer behind", async () => {
  const time = heldTime();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const late = endsInTime(ended, 100, time);
  await time.advance(100);
  expect(await late).toBe(false);
  const inTime = endsInTime(ended, 100, time);
  await time.advance(99);
  expect(time.timers).toBe(1);
  end();
  expect(await inTime).toBe(true);
  expect(time.timers).toBe(0);
});

it("a wait without a limit lasts as long as what it is for, and needs no timer", async () => {
  const time = heldTime();
  let end = (): void => undefined;
  const ended = endsInTime(new Promise<void>((resolve) => (end = resolve)), undefined, time);
  expect(time.timers).toBe(0);
  await time.advance(1_000_000);
  end();
  expect(await ended).toBe(true);
});
