import diagnostics from "node:diagnostics_channel";
import { afterEach, expect, it } from "vitest";
import type { EventQueue } from "mparticle-events";
import { internalsOfQueue } from "../../../src/delivery/queue/queue-internals.ts";
import { MEASURE_QUEUES, type QueueMeasurements } from "../../../src/delivery/queue/queue-measurement.ts";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { event, startQueue, user } from "./a-queue.ts";

const queues: EventQueue[] = [];

afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.close({ timeoutMs: 0 });
});

it("what is no queue of this copy of the package is refused by name", () => {
  expect(() => internalsOfQueue({} as unknown as EventQueue)).toThrow(
    new TypeError("The queue is an object; expected an EventQueue of this copy of the package."),
  );
});

it("a queue shares what it is for, and how to end it in a hurry", () => {
  const outbox = new MemoryOutbox();
  const { queue } = startQueue({ queue: { outbox } });
  queues.push(queue, startQueue().queue);
  expect(internalsOfQueue(queue)).toMatchObject({ apiKey: "k", outbox });
  expect(queues.map((one) => internalsOfQueue(one).outbox)).toEqual([outbox, undefined]);
});

it("queues tell whoever asks what they hold, until they are closed", async () => {
  const measure = (): QueueMeasurements["queues"] => {
    const asked: QueueMeasurements = { queues: [] };
    diagnostics.channel(MEASURE_QUEUES).publish(asked);
    return asked.queues;
  };
  const { queue } = startQueue({ queue: { maxBufferedBytes: 2_000 } });
  queues.push(queue, startQueue({ script: "hang", queue: { outbox: new MemoryOutbox() } }).queue);
  await queue.add(user(1), event("a", 1_500));
  void queue.add(user(1), event("b", 1_500)).catch(() => undefined);
  // Queues of other tests may be open, or be opened meanwhile.
  const held = { pendingEvents: 1, bufferedBytes: queue.stats().bufferedBytes, waitingAdds: 1, hasOutbox: false };
  expect(held.bufferedBytes).toBeGreaterThan(1_500);
  expect(measure()).toContainEqual(held);
  expect(measure()).toContainEqual({ pendingEvents: 0, bufferedBytes: 0, waitingAdds: 0, hasOutbox: true });
  const withIt = measure().length;
  await queue.close();
  await expect.poll(() => measure().length).toBeLessThan(withIt);
});
