import { describe, expect, it } from "vitest";
import { ApiError, NetworkError, type MParticleError } from "mparticle-events";
import { isolate, isRefusedForContent, isSuspect } from "../../src/delivery/isolation.ts";
import type { OutgoingBatch } from "../../src/delivery/outgoing-batch.ts";
import type { Verdict } from "../../src/delivery/outcome.ts";
import type { RequestState } from "../../src/delivery/request-state.ts";
import { resolveRetry } from "../../src/delivery/retry.ts";
import { ServiceHealth } from "../../src/delivery/service-health.ts";

interface NamedBatch extends OutgoingBatch {
  readonly verdicts: Verdict[];
}

function batchOf(requestId: string, lane?: object): NamedBatch {
  const verdicts: Verdict[] = [];
  const settle = (verdict: Verdict): void => void verdicts.push(verdict);
  return { texts: ["{}"], bytes: 2, requestId, handedOverAtMs: 0, lane, verdicts, settle };
}

function requestOf(batches: readonly OutgoingBatch[], state: Partial<RequestState> = {}): RequestState {
  return {
    path: "/bulkevents",
    batches,
    signal: new AbortController().signal,
    handedOverAtMs: 0,
    retry: resolveRetry({ maxElapsedMs: 1_000 }),
    background: true,
    askedBeforeMs: 0,
    blocked: undefined,
    attempts: 4,
    firstAttemptMs: 100,
    ...state,
  };
}

const TWO = [batchOf("a"), batchOf("b")];
const answer = (status: number): MParticleError => new ApiError(status, "It failed.");

function healthAt(acceptedMs?: number): ServiceHealth {
  const health = new ServiceHealth();
  const result = { kind: "accepted", status: 202, rateLimitPercentageUsed: undefined } as const;
  if (acceptedMs !== undefined) health.observe(result, acceptedMs, false);
  return health;
}

describe("a refusal", () => {
  it.each([
    [400, 2, true],
    [413, 2, true],
    [401, 2, false],
    [400, 1, false],
  ])("of %i may be due to one of %i batches: %s", (status, count, expected) => {
    expect(isRefusedForContent(requestOf(TWO.slice(0, count)), answer(status))).toBe(expected);
  });

  it("is not what a fault of the network is", () => {
    expect(isRefusedForContent(requestOf(TWO), new NetworkError("TIMEOUT", "It was slow."))).toBe(false);
  });
});

describe("one batch may be why the service fails", () => {
  it.each<[string, boolean, Partial<RequestState>, MParticleError, number | undefined, number]>([
    ["others were accepted since its first attempt", true, {}, answer(500), 101, 200],
    ["nothing was accepted since its first attempt", false, {}, answer(500), 100, 200],
    ["half of its time has passed", true, {}, answer(500), undefined, 601],
    ["half of its time has not passed", false, {}, answer(500), undefined, 600],
    ["it is the only one", false, { batches: [batchOf("a")] }, answer(500), 101, 601],
    ["three attempts say little", false, { attempts: 3 }, answer(500), 101, 601],
    ["it was never tried", false, { firstAttemptMs: undefined }, answer(500), 101, 601],
    ["the service says that it is not there", false, {}, answer(503), 101, 601],
    ["the service asks to come later", false, {}, answer(429), 101, 601],
    ["the network fails", false, {}, new NetworkError("TIMEOUT", "It was slow."), 101, 601],
  ])("when %s: %s", (_, expected, state, error, acceptedMs, now) => {
    expect(isSuspect(requestOf(TWO, state), error, healthAt(acceptedMs), now)).toBe(expected);
  });
});

describe("the parts of a refused request", () => {
  /** Sends nothing before it is told to, and keeps the order. */
  function sending() {
    const sent: string[] = [];
    const arrive: (() => void)[] = [];
    const send = ({ batches }: RequestState): Promise<void> => {
      sent.push(batches.map(({ requestId }) => requestId).join(""));
      return new Promise((resolve) => arrive.push(resolve));
    };
    const next = async (): Promise<void> => {
      arrive.shift()?.();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    };
    return { sent, send, next };
  }

  it("travel at the same time", () => {
    const { sent, send } = sending();
    void isolate(requestOf(["a", "b", "c"].map((id) => batchOf(id))), send);
    expect(sent).toEqual(["a", "b", "c"]);
  });

  it("travel one after the other where they share a lane, and without those that a lost one blocks", async () => {
    const [lane, other] = [{}, {}];
    const blocked = new Map<object, MParticleError>();
    const lost = new NetworkError("TIMEOUT", "It was slow.");
    const batches = [batchOf("a", lane), batchOf("b", lane), batchOf("c", lane), batchOf("d", other)];
    const { sent, send, next } = sending();
    const done = isolate(requestOf(batches, { blocked }), send);
    expect(sent).toEqual(["a", "d"]);
    await next();
    expect(sent).toEqual(["a", "d", "b"]);
    blocked.set(lane, lost);
    await next();
    await next();
    await done;
    expect(sent).toEqual(["a", "d", "b"]);
    expect(batches.map(({ verdicts }) => verdicts)).toEqual([[], [], [{ kind: "undelivered", error: lost }], []]);
  });

  it("follow the part in which their lane ends", async () => {
    const lane = {};
    const batches = ["a", "b", "c", "d", "e", "f", "g", "h"].map((id) => batchOf(id, "bcd".includes(id) ? lane : {}));
    const { sent, send, next } = sending();
    void isolate(requestOf(batches), send);
    expect(sent).toEqual(["ab", "ef", "gh"]);
    await next();
    expect(sent).toEqual(["ab", "ef", "gh", "cd"]);
  });
});
