/** `checkBatch` beside `JSON.stringify` of the same batches. */
import { createBatch, customEvent, purchase, screenView, sessionStart, userAttributeChange } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import { attributesOf, user } from "../candidates/payload.mjs";

const COUNT = 400;

const KINDS = {
  custom: (n) => Array.from({ length: 5 }, () => customEvent("video watched", "media", data(n))),
  mixed: (n) => [
    sessionStart({ session_uuid: SESSION }),
    screenView("Home", data(n)),
    customEvent("video watched", "media", data(n)),
    userAttributeChange("plan", { old: "free", new: "premium", is_new_attribute: false, session_uuid: SESSION }),
    purchase(
      [{ id: "sku-1", name: "Lamp", price: 19.99, quantity: 1 }],
      { transaction_id: `T-${n}`, total_amount: 21 },
      { session_uuid: SESSION },
    ),
  ],
};

/** What belongs to no session is worth a warning. */
const SESSION = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

function data(n) {
  return { custom_attributes: attributesOf(4, n), session_uuid: SESSION };
}

function cpuMicros(batches, task) {
  const before = process.cpuUsage();
  for (const batch of batches) task(batch);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / batches.length;
}

export async function prepare({ candidate }) {
  const batches = Array.from({ length: COUNT }, (_, n) => createBatch(user(n), KINDS[candidate](n)));
  const findings = batches.flatMap((batch) => checkBatch(batch));
  if (findings.length > 0) throw new Error(`The batches are not flawless: ${JSON.stringify(findings[0])}`);
  let written = 0;
  const tasks = {
    stringifyMicros: (batch) => (written += JSON.stringify(batch).length),
    checkMicros: (batch) => (written += checkBatch(batch, { lints: false }).length),
    lintMicros: (batch) => (written += checkBatch(batch).length),
  };
  const round = async () => {
    const sums = { stringifyMicros: 0, checkMicros: 0, lintMicros: 0 };
    // In turns, for what the machine does meanwhile to meet all of them.
    for (let turn = 0; turn < 10; turn++) {
      for (const [name, task] of Object.entries(tasks)) sums[name] += cpuMicros(batches, task) / 10;
    }
    return { ...sums, written };
  };
  for (let warmUp = 0; warmUp < 5; warmUp++) await round();
  return round;
}
