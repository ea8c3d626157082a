/**
 * What an `add` costs while nothing waits: bursts of adds that nobody awaits one by one, beside `JSON.stringify` of the
 * same users and events and the bytes of both, in turns in one process. Bytes are counted by whoever bounds memory, or
 * keeps to the limits of a batch, and to count them puts the pieces together that `JSON.stringify` leaves.
 */
const BURST = 1_000;
const BURSTS = 10;

export async function prepare({ candidate, url, users }) {
  const { open } = await import(`../candidates/${candidate}.mjs`);
  const opened = open({ url });
  let next = 0;
  let written = 0;
  const round = async () => {
    let [addMicros, floorMicros] = [0, 0];
    for (let burst = 0; burst < BURSTS; burst++) {
      const made = Array.from({ length: BURST }, () => opened.make(next % users, next++));
      const taken = [];
      addMicros += cpuMicros(() => {
        for (const one of made) taken.push(opened.add(one));
      });
      floorMicros += cpuMicros(() => {
        for (const { user, event } of made) written += bytesOf(user) + bytesOf(event);
      });
      await Promise.all(taken);
      await opened.flush();
    }
    const count = BURST * BURSTS;
    return { addMicros: addMicros / count, floorMicros: floorMicros / count, written };
  };
  for (let warmUp = 0; warmUp < 5; warmUp++) await round();
  return round;
}

function bytesOf(value) {
  return Buffer.byteLength(JSON.stringify(value));
}

function cpuMicros(task) {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
