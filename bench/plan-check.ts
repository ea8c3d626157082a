/**
 * What holding a batch against a data plan costs, as a share of what `JSON.stringify` of the same batch costs: CPU time,
 * both in one run, several rounds. Run `npm run build` before; then `npx tsx bench/plan-check.ts`.
 */
// By its address: the types are there without a build.
const built = new URL("../dist/plan.js", import.meta.url).href;
const { planCheck } = (await import(built)) as typeof import("../src/plan/plan.ts");

type Attributes = Readonly<Record<string, string | number | boolean>>;

const ROUNDS = 9;
const EVENTS_PER_ROUND = 20_000;

/** A closed plan of these very attributes; texts have a length and a pattern to keep to. */
function planOf(attributes: Attributes): object {
  const properties = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      { type: typeof value, ...(typeof value === "string" && { maxLength: 100, pattern: "^[a-z0-9 ]*$" }) },
    ]),
  );
  const custom_attributes = {
    type: "object",
    additionalProperties: false,
    required: Object.keys(attributes),
    properties,
  };
  const definition = { properties: { data: { required: ["custom_attributes"], properties: { custom_attributes } } } };
  const match = { type: "custom_event", criteria: { event_name: "Order", custom_event_type: "other" } };
  const data_points = [{ match, validator: { type: "json_schema", definition } }];
  return { data_plan_id: "shop", version: 1, version_document: { data_points } };
}

function batchOf(attributes: Attributes, events: number): object {
  return {
    environment: "development",
    source_request_id: "7d5c2c1e-5a5b-4a07-9d3d-1d2f6a2b0c33",
    context: { data_plan: { plan_id: "shop", plan_version: 1 } },
    user_identities: { customer_id: "1234" },
    events: Array.from({ length: events }, (_, index) => ({
      event_type: "custom_event",
      data: {
        event_name: "Order",
        custom_event_type: "other",
        timestamp_unixtime_ms: 1_700_000_000_000 + index,
        source_message_id: `7d5c2c1e-5a5b-4a07-9d3d-1d2f6a2b${String(1000 + (index % 9000))}`,
        custom_attributes: { ...attributes },
      },
    })),
  };
}

function cpuOf(times: number, work: () => unknown): number {
  const before = process.cpuUsage().user;
  for (let count = 0; count < times; count++) work();
  return process.cpuUsage().user - before;
}

const attributesOf = (count: number, value: (index: number) => string | number | boolean): Attributes =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`attribute ${String(index)}`, value(index)]));

const SUBJECTS: Readonly<Record<string, readonly [Attributes, events: number]>> = {
  "1 event, 3 attributes": [{ quantity: 1, milk: true, item: "cortado" }, 1],
  "10 events, 3 attributes": [{ quantity: 1, milk: true, item: "cortado" }, 10],
  "20 events, 30 texts": [attributesOf(30, (index) => `value ${String(index)}`), 20],
  "20 events, 30 numbers": [attributesOf(30, (index) => index), 20],
  "100 events, 10 of each": [attributesOf(30, (index) => [`value ${String(index)}`, index, true][index % 3] ?? 0), 100],
};

for (const [name, [attributes, events]] of Object.entries(SUBJECTS)) {
  const check = planCheck(planOf(attributes));
  const batch = batchOf(attributes, events);
  const [finding] = check(batch);
  if (finding !== undefined) throw new Error(finding.message);
  const times = Math.ceil(EVENTS_PER_ROUND / events);
  const shares = Array.from({ length: ROUNDS }, () => {
    const serialised = cpuOf(times, () => JSON.stringify(batch));
    return cpuOf(times, () => check(batch)) / serialised;
  }).sort((one, other) => one - other);
  const [least = 0, median = 0, most = 0] = [shares[0], shares[Math.floor(ROUNDS / 2)], shares[ROUNDS - 1]];
  console.log(`${name.padEnd(26)} ${median.toFixed(2)} × JSON.stringify (${least.toFixed(2)} to ${most.toFixed(2)})`);
}
