import fc from "fast-check";
import { EventsClient, MParticleError } from "mparticle-events";
import { describe, expect, it } from "vitest";
import { jobIdOf } from "../../src/bullmq/job-id.ts";
import { internalsOf } from "../../src/delivery/client.ts";
import { RequestSender } from "../../src/fleet/request-sender.ts";
import type { SharedPace, Turn } from "../../src/fleet/account-pace.ts";
import { full } from "../full.ts";

/**
 * A clock that jumps to the next timer as soon as nothing else is to do.
 *
 * @param lookMs - passes with each look at the clock.
 */
function jumpingEffects(lookMs: number) {
  let nowMs = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => (nowMs += lookMs),
    random: () => 1,
    startTimer: (callback: () => void, delayMs: number): (() => void) => {
      const dueMs = nowMs + delayMs;
      const timer = setTimeout(
        () => {
          nowMs = Math.max(nowMs, dueMs);
          waits.push(delayMs);
          callback();
        },
        Math.min(delayMs / 20, 500),
      );
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

/** What a request that is not full waits for more. */
const GATHERED_MS = 10;

const freePace: SharedPace = {
  take: (batches) => Promise.resolve<Turn>({ id: "turn", batches }),
  extend: () => Promise.resolve(),
  give: () => Promise.resolve(),
  pause: () => Promise.resolve(),
  observe: () => Promise.resolve(),
};

/** @param statusOf - the answer to a request with these names. */
function setUp(
  statusOf: (names: readonly string[]) => number,
  pace: Partial<SharedPace> = {},
  concurrency = 1,
  lookMs = 0,
) {
  const requests: (readonly string[])[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const body = await new Request(input, init).text();
    const names = (JSON.parse(body) as { readonly name: string }[]).map(({ name }) => name); // as written below
    requests.push(names);
    return new Response(null, { status: statusOf(names) });
  };
  const { transport, telemetry } = internalsOf(new EventsClient({ apiKey: "key", apiSecret: "secret", fetch }));
  const effects = jumpingEffects(lookMs);
  const sender = new RequestSender({
    transport,
    telemetry,
    effects,
    pace: { ...freePace, ...pace },
    maxBatches: 100,
    concurrency,
    maxHoldMs: 30_000,
  });
  const send = (name: string, padding = 0, userKey = name) => {
    const text = JSON.stringify({ name, padding: "x".repeat(padding) });
    return sender.send({ requestId: name, userKey, text, bytes: text.length });
  };
  return { sender, send, requests, effects };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `b${String(index)}`);

describe("RequestSender", () => {
  it("packs up to the number of batches, and up to the bytes, of a request", async () => {
    const { send, requests } = setUp(() => 202);
    await Promise.all(names(250).map((name) => send(name)));
    expect(requests.map(({ length }) => length)).toEqual([100, 100, 50]);
    requests.length = 0;
    await Promise.all(names(5).map((name) => send(name, 100_000)));
    expect(requests.map(({ length }) => length)).toEqual([2, 2, 1]);
  });

  it("rejects another user's batch under an id that was sent: the service would drop it, and say that it has it", async () => {
    const { send, requests } = setUp(() => 202);
    expect(await send("a")).toMatchObject({ kind: "accepted" });
    expect(await send("a", 0, "another")).toMatchObject({
      kind: "rejected",
      error: { findings: [{ code: "request-id-reused" }] },
    });
    expect(requests).toEqual([["a"]]);
  });

  it("takes what the same user's producer made anew under an id for the repetition that it is", async () => {
    const { send, requests } = setUp(() => 202);
    for (const padding of [0, 1]) expect(await send("a", padding)).toMatchObject({ kind: "accepted" });
    expect(requests).toEqual([["a"], ["a"]]);
  });

  it("finds who is to blame for a refusal, and everybody else is accepted once", async () => {
    const { send, requests } = setUp((sent) => (sent.includes("b7") || sent.includes("b40") ? 400 : 202));
    const verdicts = await Promise.all(names(60).map((name) => send(name)));
    const rejected = verdicts.flatMap(({ kind }, index) => (kind === "rejected" ? [index] : []));
    expect(rejected).toEqual([7, 40]);
    const accepted = requests.filter((sent) => !sent.includes("b7") && !sent.includes("b40")).flat();
    expect(new Set(accepted).size).toBe(accepted.length);
    expect(accepted).toHaveLength(58);
  });

  it("gives all back at once when the credentials are wrong", async () => {
    const { send, requests } = setUp(() => 401);
    const verdicts = await Promise.all(names(3).map((name) => send(name)));
    expect(verdicts.map(({ kind }) => kind)).toEqual(["undelivered", "undelivered", "undelivered"]);
    expect(requests).toHaveLength(1);
  });

  it("takes failures at the same time for one, so that the service is not left alone for longer than it needs", async () => {
    let failures = 0;
    const { send, effects } = setUp(() => (failures++ < 3 ? 503 : 202), {}, 3);
    await Promise.all(names(300).map((name) => send(name)));
    expect(Math.max(...effects.waits)).toBe(200);
  });

  it("takes a refusal for a sign of life: the next failure is the first one again", async () => {
    const statuses = [503, 503, 400, 503, 202];
    const { send, effects } = setUp(() => statuses.shift() ?? 202);
    for (const name of names(3)) await send(name);
    expect(effects.waits.filter((waitMs) => waitMs > GATHERED_MS)).toEqual([200, 400, 200]);
  });

  it("puts what comes one after the other, and what comes while there is no turn, into one request", async () => {
    let asked = 0;
    const wanted: number[] = [];
    const take = (batches: number): Promise<Turn> => {
      wanted.push(batches);
      return Promise.resolve(asked++ === 0 ? { waitMs: 2_000 } : { id: "turn", batches });
    };
    const { send, requests } = setUp(() => 202, { take }, 8);
    const sent = [];
    for (const name of names(20)) {
      sent.push(send(name));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sent);
    expect(requests.map(({ length }) => length)).toEqual([20]);
    expect(wanted.at(-1)).toBe(20);
  });

  it("asks for one turn at a time, however many requests wait for theirs", async () => {
    let [asking, most, left] = [0, 0, 20];
    const take = async (batches: number): Promise<Turn> => {
      most = Math.max(most, ++asking);
      await new Promise((resolve) => setImmediate(resolve));
      asking--;
      return left-- > 0 ? { waitMs: 100 } : { id: "turn", batches };
    };
    const { send, requests } = setUp(() => 202, { take }, 8);
    await Promise.all(names(800).map((name) => send(name)));
    expect(requests).toHaveLength(8);
    expect(most).toBe(1);
  });

  it("waits until the store knows of the turns that were given back, but not for a store that does not answer", async () => {
    let know = (): void => undefined;
    const given = new Promise<void>((resolve) => {
      know = resolve;
    });
    const { sender, send } = setUp(() => 202, { give: () => given });
    await send("b0");
    let isTold = false;
    const told = sender.end().then(() => {
      isTold = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isTold).toBe(false);
    know();
    await told;
    const deaf = setUp(() => 202, { give: () => new Promise(() => undefined) });
    await deaf.send("b0");
    await deaf.sender.end();
    expect(deaf.effects.waits.at(-1)).toBe(1_000);
  });

  it("asks again when the pace fails, and sends nothing meanwhile", async () => {
    let asked = 0;
    const take = (batches: number): Promise<Turn> =>
      asked++ < 2 ? Promise.reject(new Error("no store")) : Promise.resolve({ id: "turn", batches });
    const { send, requests, effects } = setUp(() => 202, { take });
    expect((await send("b0")).kind).toBe("accepted");
    expect(effects.waits).toEqual([GATHERED_MS, 1_000, 1_000]);
    expect(requests).toHaveLength(1);
  });

  it("gives all back when it is stopped, also what it is given afterwards", async () => {
    const { sender, send } = setUp(() => 202, { take: () => Promise.resolve({ waitMs: 20_000 }) });
    const before = send("b0");
    await Promise.resolve();
    sender.stop(new MParticleError("CLOSED", "over"));
    for (const verdict of [await before, await send("b1")]) {
      expect(verdict).toMatchObject({ kind: "undelivered", error: { code: "CLOSED" } });
    }
    expect(sender.pending).toBe(0);
  });
});

// Side by side: their waits are the longest.
describe.concurrent("RequestSender, for long", () => {
  it("lets those through who are beside a batch that the service fails at, even when nobody else is there", async () => {
    const { send } = setUp((sent) => (sent.includes("b1") ? 500 : 202));
    const verdicts = await Promise.all(names(4).map((name) => send(name)));
    expect(verdicts.map(({ kind }) => kind)).toEqual(["accepted", "undelivered", "accepted", "accepted"]);
  });

  it("has a verdict for each, also where some become late while it looks who is", async () => {
    const lateBy = async (waitMs: number): Promise<string> => {
      let asked = 0;
      const take = (batches: number): Promise<Turn> =>
        Promise.resolve(asked++ === 0 ? { waitMs } : { id: "turn", batches });
      const { send, effects } = setUp(() => 202, { take }, 1, 1);
      const verdicts = names(20).map((name) => {
        effects.now();
        return send(name);
      });
      return [...new Set((await Promise.all(verdicts)).map(({ kind }) => kind))].sort().join();
    };
    // The clock goes on by 1 ms with each look: from none that is late, over some, to all.
    const waitsMs = Array.from({ length: 40 }, (_, index) => 29_900 + 5 * index);
    const kinds = new Set(await Promise.all(waitsMs.map(lateBy)));
    expect(kinds).toEqual(new Set(["accepted", "accepted,undelivered", "undelivered"]));
  });

  it("gives back what got no turn in time instead of sending it late", async () => {
    let asked = 0;
    const take = (batches: number): Promise<Turn> =>
      Promise.resolve(asked++ === 0 ? { waitMs: 30_000 } : { id: "turn", batches });
    const { send, requests } = setUp(() => 202, { take });
    expect(await send("b0")).toMatchObject({ kind: "undelivered", error: { code: "EXPIRED" } });
    expect(requests).toEqual([]);
  });

  it("waits twice as long after each failure of the service, and then sends the same again", async () => {
    let failures = 0;
    const { send, requests, effects } = setUp(() => (failures++ < 4 ? 503 : 202));
    const [verdict] = await Promise.all(names(2).map((name) => send(name)));
    expect(verdict).toMatchObject({ kind: "accepted", receipt: { attempts: 5 } });
    expect(requests).toEqual(Array.from({ length: 5 }, () => ["b0", "b1"]));
    expect(effects.waits).toEqual([GATHERED_MS, 200, 400, 800, 1_600]);
  });
});

describe("jobIdOf", () => {
  it("gives each id a job id of its own that BullMQ takes", () => {
    const id = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.stringMatching(/^\d{1,5}$/),
      fc.stringMatching(/^(id-)?[:%\d]{1,4}$/),
    );
    fc.assert(
      fc.property(id, id, (one, other) => {
        const [jobOfOne, jobOfOther] = [jobIdOf(one), jobIdOf(other)];
        expect(jobOfOne).not.toMatch(/:|^\d+$|^$/);
        expect(jobOfOne === jobOfOther).toBe(one === other);
      }),
      { numRuns: full(100, 1_000) },
    );
  });
});
