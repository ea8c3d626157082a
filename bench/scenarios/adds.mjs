/**
 * What an `add` costs while nothing waits: bursts of adds that nobody awaits one by one, beside `JSON.stringify` of the
 * same users and events, in turns in one process.
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
        for (const { user, event } of made) written += JSON.stringify(user).length + JSON.stringify(event).length;
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

function cpuMicros(task) {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
