import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventsClient, MParticleError, type Batch, type EventsClientOptions, type Outcome } from "mparticle-events";
import type { OutgoingBatch } from "../../src/delivery/outgoing-batch.ts";
import type { Verdict } from "../../src/delivery/outcome.ts";
import { userKeyOfBatch } from "../../src/delivery/user-key.ts";
import { UserOrder } from "../../src/delivery/user-order.ts";
import { recordingFetch, type FetchStep, type RecordingFetch } from "../../src/testing/testing.ts";
import { virtualTime } from "./virtual-time.ts";
import { full } from "../full.ts";

const batchOf = (id: number, user: string): Batch => ({
  environment: "development",
  source_request_id: String(id),
  user_identities: { customer_id: user },
});

const userOf = ({ user_identities }: Batch): string => String(user_identities?.customer_id);
const idOf = ({ source_request_id }: Batch): string => String(source_request_id);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

interface Service {
  readonly fetch: RecordingFetch;
  /** Most batches of one user that were in flight at a time. */
  readonly most: () => number;
  /** The ids of each user's accepted batches, as they arrived. */
  readonly arrived: () => ReadonlyMap<string, readonly string[]>;
}

/** A service that takes its time, differently for each request, and notes what is in flight together. */
function serviceOf(answer: (batches: readonly Batch[], request: number) => FetchStep = () => 202): Service {
  const inFlight = new Map<string, number>();
  let most = 0;
  const count = (batches: readonly Batch[], change: number): void => {
    for (const batch of batches) {
      const travelling = (inFlight.get(userOf(batch)) ?? 0) + change;
      inFlight.set(userOf(batch), travelling);
      most = Math.max(most, travelling);
    }
  };
  const fetch = recordingFetch(async ({ batches, index }) => {
    count(batches, 1);
    await turns((index * 7) % 5);
    count(batches, -1);
    return answer(batches, index);
  });
  return {
    fetch,
    most: () => most,
    arrived: () => {
      const arrived = new Map<string, string[]>();
      for (const batch of fetch.accepted()) {
        arrived.set(userOf(batch), [...(arrived.get(userOf(batch)) ?? []), idOf(batch)]);
      }
      return arrived;
    },
  };
}

function clientOf({ fetch }: Service, options: Partial<EventsClientOptions> = {}): EventsClient {
  return new EventsClient({ apiKey: "k", apiSecret: "s3cr3t", fetch, ...options }, virtualTime());
}

async function readAll<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Batches of so many users, shuffled; a user's ids grow. */
function mixed(count: number, users: number): Batch[] {
  return Array.from({ length: count }, (_, id) => batchOf(id, String((id * 7) % users)));
}

const METHODS: [string, (client: EventsClient, batches: readonly Batch[]) => Promise<readonly Outcome[]>][] = [
  ["uploadBulk", (client, batches) => client.uploadBulk(batches, { ordered: true })],
  ["deliver", (client, batches) => readAll(client.deliver(batches, { ordered: true }))],
];

describe.each(METHODS)("%s, ordered", (_, send) => {
  it.each(full([1, 40], [1, 3, 40, 120]))(
    "keeps the order of each of %d users, one of their batches in flight at a time",
    async (users) => {
      const service = serviceOf((batches, request) => (request % 5 === 1 ? 503 : request % 11 === 2 ? "reset" : 202));
      const batches = mixed(full(users === 1 ? 40 : 120, 120), users);
      const outcomes = await send(clientOf(service), batches);
      expect(outcomes.map(({ index }) => index).sort((a, b) => a - b)).toEqual(batches.map((_, index) => index));
      expect(outcomes.every(({ kind }) => kind === "accepted")).toBe(true);
      expect(service.most()).toBe(1);
      for (const [user, ids] of service.arrived()) {
        expect(ids).toEqual(batches.filter((batch) => userOf(batch) === user).map(idOf));
      }
    },
  );

  it("packs batches of different users into full requests", async () => {
    const service = serviceOf();
    await send(clientOf(service), mixed(400, 400));
    expect(service.fetch.requests.map(({ batchCount }) => batchCount)).toEqual(expect.arrayContaining([100]));
    expect(service.fetch.requests.length).toBeLessThan(12);
  });

  it("lets a user's next batch follow one that was refused", async () => {
    const service = serviceOf((batches) => (batches.some((batch) => idOf(batch) === "2") ? 400 : 202));
    const outcomes = await send(
      clientOf(service),
      [0, 1, 2, 3, 4].map((id) => batchOf(id, "a")),
    );
    const kinds = [...outcomes].sort((a, b) => a.index - b.index).map(({ kind }) => kind);
    expect(kinds).toEqual(["accepted", "accepted", "rejected", "accepted", "accepted"]);
    expect(service.arrived().get("a")).toEqual(["0", "1", "3", "4"]);
  });

  it("holds back what follows a batch that was not delivered, of its user alone", async () => {
    const service = serviceOf((batches) => (batches.some((batch) => idOf(batch) === "2") ? 500 : 202));
    const batches = [0, 1, 2, 3, 4, 5, 6, 7].map((id) => batchOf(id, id % 2 === 0 ? "even" : "odd"));
    const outcomes = await send(clientOf(service, { retry: { maxElapsedMs: 60_000 } }), batches);
    const byIndex = [...outcomes].sort((a, b) => a.index - b.index);
    expect(byIndex.filter(({ kind }) => kind === "undelivered").map(({ index }) => index)).toEqual([2, 4, 6]);
    expect(service.arrived().get("odd")).toEqual(["1", "3", "5", "7"]);
    expect(service.arrived().get("even")).toEqual(["0"]);
    const last = byIndex[6];
    expect(last).toMatchObject({
      error: { code: "UNAVAILABLE", requestIds: ["6"], attempts: 0, cause: { requestIds: ["2"] } },
    });
    expect(last?.kind === "undelivered" && last.error.message).toMatch(
      /^Held back, because an earlier batch of its user/,
    );
  });

  it("keeps the order of the parts of a batch that is too large for one request", async () => {
    const service = serviceOf((_, request) => (request === 1 ? 503 : 202));
    const label = "x".repeat(40_000);
    const events = Array.from({ length: 9 }, () => ({ event_type: "breadcrumb" as const, data: { label } }));
    const outcomes = await send(clientOf(service), [{ ...batchOf(0, "a"), events }, batchOf(1, "a")]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "accepted"]);
    expect(service.most()).toBe(1);
    const ids = service.arrived().get("a") ?? [];
    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual(
      [...ids].sort((a, b) => Number(/\/(\d+)/.exec(a)?.[1] ?? 99) - Number(/\/(\d+)/.exec(b)?.[1] ?? 99)),
    );
  });
});

describe("deliver, ordered", () => {
  it("reads no further ahead than its requests may hold, while a user's first batch is on its way", async () => {
    const service = serviceOf(() => "hang");
    let pulled = 0;
    function* source(): Generator<Batch> {
      for (;;) yield batchOf(pulled++, "a");
    }
    const controller = new AbortController();
    const reading = readAll(
      clientOf(service).deliver(source(), { ordered: true, concurrency: 2, signal: controller.signal }),
    );
    await turns(50);
    expect(service.fetch.requests.map(({ batchCount }) => batchCount)).toEqual([1]);
    expect(pulled).toBeLessThanOrEqual(202);
    controller.abort();
    const outcomes = await reading;
    expect(outcomes).toHaveLength(pulled);
    expect(outcomes.every(({ kind }) => kind === "undelivered")).toBe(true);
  });

  it("reports every batch that was read once, when its reader leaves", async () => {
    const reported: Outcome[] = [];
    const service = serviceOf();
    const client = clientOf(service, { onOutcome: (outcome) => reported.push(outcome) });
    let pulled = 0;
    function* source(): Generator<Batch> {
      for (;;) yield batchOf(pulled++, String(pulled % 3));
    }
    for await (const { index } of client.deliver(source(), { ordered: true })) if (index === 20) break;
    await turns(10);
    expect(reported.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
      Array.from({ length: pulled }, (_, n) => n),
    );
  });
});

describe("users", () => {
  const user = (fields: object): Batch => ({ environment: "development", ...fields });

  it.each<[string, object, object]>([
    [
      "their customer_id, whatever else differs",
      { user_identities: { customer_id: "1", email: "a" }, mpid: 5 },
      { user_identities: { customer_id: "1" } },
    ],
    ["an mpid in every form", { mpid: "5" }, { mpid: 5n }],
    ["an mpid, whatever identities are beside it", { mpid: 5, user_identities: { email: "a" } }, { mpid: 5 }],
    [
      "all identities in any order",
      { user_identities: { email: "a", other: "b" } },
      { user_identities: { other: "b", email: "a" } },
    ],
    ["a device id in every form", { mp_deviceid: 9n }, { mp_deviceid: "9" }],
    [
      "the identities that are given",
      { user_identities: { email: "a" } },
      { user_identities: { email: "a", other: null, google: "" } },
    ],
    ["an mpid beside an empty customer_id", { mpid: 5 }, { mpid: 5, user_identities: { customer_id: "" } }],
    ["an mpid beside no customer_id", { mpid: 5 }, { mpid: 5, user_identities: { customer_id: null } }],
    [
      "all that is said of them where there is no identity",
      { ip: "1.2.3.4" },
      { ip: "1.2.3.4", source_request_id: "x", events: [] },
    ],
  ])("are the same by %s", (_, one, other) => {
    expect(userKeyOfBatch(user(one))).toBe(userKeyOfBatch(user(other)));
  });

  it.each<[string, object, object]>([
    ["another customer_id", { user_identities: { customer_id: "1" } }, { user_identities: { customer_id: "2" } }],
    ["a customer_id that looks like an mpid", { user_identities: { customer_id: "5" } }, { mpid: 5 }],
    ["an identity more", { user_identities: { email: "a" } }, { user_identities: { email: "a", other: "b" } }],
    ["another identity of that value", { user_identities: { email: "a" } }, { user_identities: { other: "a" } }],
    ["another device id", { mp_deviceid: 9 }, { mp_deviceid: 10 }],
    ["another environment", { mpid: 5 }, { mpid: 5, environment: "production" }],
    ["another description", { ip: "1.2.3.4" }, { ip: "1.2.3.5" }],
  ])("are different by %s", (_, one, other) => {
    expect(userKeyOfBatch(user(one))).not.toBe(userKeyOfBatch(user(other)));
  });
});

describe("the order of users", () => {
  const verdicts = { a: "accepted", u: "undelivered" } as const;

  function outgoing(id: string, bytes: number, settled: [string, Verdict["kind"]][]): OutgoingBatch {
    return { texts: [], bytes, requestId: id, handedOverAtMs: 0, settle: ({ kind }) => settled.push([id, kind]) };
  }

  const verdictOf = (kind: "accepted" | "undelivered"): Verdict =>
    kind === "accepted"
      ? { kind, receipt: { status: 202, requestId: "", attempts: 1, durationMs: 0 } }
      : { kind, error: new MParticleError("EXPIRED", "Too late.") };

  it("loses nothing, keeps within the limits of a request, and never lets two of a user travel together", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ add: fc.constantFrom("a", "b", "c"), bytes: fc.constantFrom(10, 90_000, 300_000) }),
        fc.record({ take: fc.boolean() }),
        fc.record({ end: fc.constantFrom("a", "a", "a", "u") }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (sequence) => {
        const line = new UserOrder();
        const settled: [string, Verdict["kind"]][] = [];
        const inFlight: OutgoingBatch[] = [];
        const travelling = (user: string): number =>
          inFlight.filter(({ requestId }) => requestId.startsWith(user)).length;
        let added = 0;
        for (const step of sequence) {
          if ("add" in step) {
            line.add(outgoing(`${step.add}${String(added++).padStart(3, "0")}`, step.bytes, settled), step.add);
          } else if ("take" in step) {
            const taken = line.take(step.take) ?? [];
            inFlight.push(...taken);
            const bytes = taken.reduce((sum, batch) => sum + batch.bytes + 1, 1);
            expect(taken.length === 1 || bytes < 256_000).toBe(true);
            for (const name of ["a", "b", "c"]) expect(travelling(name)).toBeLessThanOrEqual(1);
          } else {
            inFlight.shift()?.settle(verdictOf(verdicts[step.end]));
          }
          expect(line.size + inFlight.length + settled.length).toBe(added);
        }
        const rest = line.takeAll();
        expect(line.size).toBe(0);
        expect(line.take(true)).toBeUndefined();
        expect(rest.length + inFlight.length + settled.length).toBe(added);
        for (const name of ["a", "b", "c"]) {
          const ids = settled.filter(([id]) => id.startsWith(name));
          const sent = ids.filter(([, kind]) => kind === "accepted").map(([id]) => id);
          expect(sent).toEqual([...sent].sort());
          const firstFailed = ids.findIndex(([, kind]) => kind === "undelivered");
          if (firstFailed >= 0) expect(ids.slice(firstFailed).every(([, kind]) => kind === "undelivered")).toBe(true);
        }
      }),
    );
  });

  it("gives a full request as soon as there is one, by count or by bytes", () => {
    const line = new UserOrder();
    const settled: [string, Verdict["kind"]][] = [];
    for (let user = 0; user < 99; user++) line.add(outgoing(String(user), 10, settled), String(user));
    expect(line.take(false)).toBeUndefined();
    line.add(outgoing("99", 10, settled), "99");
    expect(line.take(false)).toHaveLength(100);
    for (let user = 100; user < 201; user++) line.add(outgoing(String(user), 10, settled), String(user));
    expect(line.take(false)).toHaveLength(100);
    expect(line.take(false)).toBeUndefined();
    expect(line.take(true)).toHaveLength(1);
    line.add(outgoing("x", 127_000, settled), "x");
    line.add(outgoing("y", 127_000, settled), "y");
    expect(line.take(false)).toBeUndefined();
    line.add(outgoing("z", 127_000, settled), "z");
    expect(line.take(false)?.map(({ requestId }) => requestId)).toEqual(["x", "y"]);
  });

  it.each([
    [
      [127_999, 127_997],
      ["0", "1"],
    ],
    [[127_999, 127_998], ["0"]],
    [[300_000, 10], ["0"]],
    [[10, 300_000], ["0"]],
  ])("puts as much into a request as it may hold, brackets and commas included: %j", (sizes, ids) => {
    const line = new UserOrder();
    for (const [index, bytes] of sizes.entries()) line.add(outgoing(String(index), bytes, []), String(index));
    expect(line.take(true)?.map(({ requestId }) => requestId)).toEqual(ids);
  });

  it("counts the first batch of each user alone towards a full request", () => {
    const line = new UserOrder();
    const add = (id: string, user: string): void => {
      line.add(outgoing(id, 127_999, []), user);
    };
    for (const id of ["first", "second", "third", "fourth"]) add(id, "a");
    expect(line.take(false)).toBeUndefined();
    add("other", "b");
    expect(line.take(false)?.map(({ requestId }) => requestId)).toEqual(["first"]);
  });

  it("has nothing to send of a user whose batch is in flight, whatever comes meanwhile", () => {
    const line = new UserOrder();
    line.add(outgoing("1", 10, []), "a");
    const [inFlight] = line.take(true) ?? [];
    for (const id of ["2", "3"]) line.add(outgoing(id, 10, []), "a");
    expect(line.take(true)).toBeUndefined();
    inFlight?.settle(verdictOf("accepted"));
    expect(line.take(true)?.map(({ requestId }) => requestId)).toEqual(["2"]);
    expect(line.take(true)).toBeUndefined();
  });

  it("has room again when it holds back what waited", () => {
    const line = new UserOrder({ maxBatches: Infinity, maxBytes: 100 });
    for (let id = 0; id < 20; id++) line.add(outgoing(String(id), 10, []), "a");
    expect(line.isFull).toBe(true);
    for (const batch of line.take(true) ?? []) batch.settle(verdictOf("undelivered"));
    expect([line.size, line.isFull]).toEqual([0, false]);
  });

  it.each([
    [{ maxBatches: 2, maxBytes: Infinity }, [false, true]],
    [{ maxBatches: Infinity, maxBytes: 20 }, [false, true]],
    [undefined, [false, false]],
  ])("is full as it is told, %j", (lookAhead, full) => {
    const line = new UserOrder(lookAhead);
    const seen = [1, 2].map((id) => {
      line.add(outgoing(String(id), 10, []), "a");
      return line.isFull;
    });
    expect(seen).toEqual(full);
    line.take(true);
    expect(line.isFull).toBe(false);
  });

  it("holds back everybody once ten thousand users are held back: the fault is not theirs", () => {
    const line = new UserOrder();
    const settled: [string, Verdict["kind"]][] = [];
    const fail = (count: number): void => {
      for (let user = 0; user < count; user++) line.add(outgoing("x", 1, settled), String(settled.length + user));
      for (let taken = line.take(true); taken !== undefined; taken = line.take(true)) {
        for (const batch of taken) batch.settle(verdictOf("undelivered"));
      }
    };
    fail(9_999);
    line.add(outgoing("other", 1, settled), "other");
    expect(line.takeAll()).toHaveLength(1);
    fail(1);
    expect(settled).toHaveLength(10_000);
    line.add(outgoing("last", 1, settled), "another");
    expect(settled.at(-1)).toEqual(["last", "undelivered"]);
  });
});
