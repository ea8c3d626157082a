import { createBatch, customEvent, type Batch } from "mparticle-events";
import { describe, expect, it } from "vitest";
import { runSteps, stepsOf, type BeforeSend } from "../../src/delivery/before-send.ts";

const batch = createBatch(
  { environment: "development", user_identities: { email: "a@b.example" }, user_attributes: { tags: ["x"] } },
  [customEvent("watched", "media")],
);

describe("the steps of beforeSend", () => {
  it("run one after the other, each on what the one before gave", () => {
    const seen: unknown[] = [];
    const add =
      (value: string): BeforeSend =>
      (given) => {
        seen.push(given.user_attributes);
        return { ...given, user_attributes: { ...given.user_attributes, [value]: true } };
      };
    const result = runSteps([add("one"), add("two")], batch);
    expect(seen).toEqual([{ tags: ["x"] }, { tags: ["x"], one: true }]);
    expect(result).toMatchObject({ kind: "send", batch: { user_attributes: { tags: ["x"], one: true, two: true } } });
  });

  it("may change what they get: the caller's own object stays as it is", () => {
    const before = structuredClone(batch);
    const result = runSteps(
      [
        (given) => {
          Object.assign(given.user_attributes ?? {}, { tags: "gone" });
          Object.assign(given.events?.[0]?.data ?? {}, { event_name: "changed" });
          return given;
        },
      ],
      batch,
    );
    expect(result).toMatchObject({
      kind: "send",
      batch: { user_attributes: { tags: "gone" }, events: [{ data: { event_name: "changed" } }] },
    });
    expect(batch).toEqual(before);
  });

  it("leave null as it is, and copy objects that have no prototype", () => {
    const bare = Object.assign(Object.create(null) as object, { plan: "free", trial: null });
    const given = { environment: "development", events: null, user_attributes: bare } as unknown as Batch;
    const result = runSteps([(one) => (Object.assign(one.user_attributes ?? {}, { plan: "changed" }), one)], given);
    expect(result).toEqual({
      kind: "send",
      batch: { environment: "development", events: null, user_attributes: { plan: "changed", trial: null } },
      held: undefined,
    });
    expect(bare).toEqual({ plan: "free", trial: null });
  });

  it("copy members that are named like a prototype, and leave what is no plain object to its owner", () => {
    const date = new Date(0);
    const attributes = JSON.parse('{ "__proto__": { "polluted": true } }') as Record<string, unknown>;
    const given = { ...batch, user_attributes: { ...attributes, date } as never };
    Object.defineProperty(given.user_attributes, "__proto__", { value: "own", enumerable: true });
    const result = runSteps([(one) => one], given);
    if (result.kind !== "send") throw new Error("expected to be sent");
    expect(Object.entries(result.batch.user_attributes ?? {})).toEqual([
      ["__proto__", "own"],
      ["date", date],
    ]);
  });

  it("drop a batch with their reason, or else with their place and name, and none runs after that", () => {
    let ran = 0;
    const count: BeforeSend = (given) => {
      ran++;
      return given;
    };
    function dropTests(): undefined {
      return undefined;
    }
    expect(runSteps([(_, { drop }) => drop("a test user"), count], batch)).toStrictEqual({
      kind: "drop",
      reason: "a test user",
      held: undefined,
    });
    expect(runSteps([count, dropTests, count], batch)).toMatchObject({
      kind: "drop",
      reason: "step 2 of `beforeSend` (dropTests) gave undefined",
    });
    expect(ran).toBe(1);
  });

  it("hold a batch as the step got it that holds it, to go on from there", () => {
    let isAsked = false;
    const mark: BeforeSend = (given) => ({
      ...given,
      user_attributes: { marked: Number(given.user_attributes?.["marked"] ?? 0) + 1 },
    });
    const ask: BeforeSend = (given, { hold, release }) => {
      if (!isAsked) {
        hold("not asked");
        return;
      }
      release();
      return given;
    };
    const steps = [mark, ask, mark];
    const held = runSteps(steps, batch);
    if (held.kind !== "hold") throw new Error("expected to be held");
    expect(held).toMatchObject({ reason: "not asked", step: 1, batch: { user_attributes: { marked: 1 } } });
    isAsked = true;
    expect(runSteps(steps, held.batch, held.step)).toMatchObject({
      kind: "send",
      held: "release",
      batch: { user_attributes: { marked: 2 } },
    });
  });

  it("tell what becomes of what was held, whatever they do with the batch itself", () => {
    const withdraw: BeforeSend = (_, { drop, discard }) => {
      discard("withdrawn");
      return drop("no consent");
    };
    expect(runSteps([withdraw], batch)).toMatchObject({
      kind: "drop",
      held: { discard: "withdrawn" },
    });
  });

  it("cannot give a batch another id: what is tried again would count twice", () => {
    const result = runSteps([(given) => ({ ...given, source_request_id: "another" })], batch);
    expect(result).toMatchObject({ kind: "send", batch: { source_request_id: batch.source_request_id } });
    const given = runSteps([(one) => ({ ...one, source_request_id: "mine" })], { environment: "development" });
    expect(given).toMatchObject({ kind: "send", batch: { source_request_id: "mine" } });
    const without = runSteps([({ source_request_id: _, ...rest }) => rest], batch);
    expect(without).toMatchObject({ kind: "send", batch: { source_request_id: batch.source_request_id } });
  });

  it("give the very object that is sent, where its id is right", () => {
    const given = { ...batch };
    const result = runSteps([() => given], batch);
    expect(result.kind === "send" && result.batch).toBe(given);
  });

  it.each([
    [null, "step 1 of `beforeSend` gave null; expected a batch, or undefined to drop it"],
    ["x", 'step 1 of `beforeSend` gave "x"; expected a batch, or undefined to drop it'],
    [[], "step 1 of `beforeSend` gave an array of 0; expected a batch, or undefined to drop it"],
  ])("that give %j are named", (given, message) => {
    const { beforeSend } = { beforeSend: () => given as never };
    expect(() => runSteps([beforeSend], batch)).toThrow(new TypeError(message));
    expect(() => runSteps([() => given as never], batch)).toThrow(new TypeError(message));
  });

  it("cannot wait: a step that gives a promise is named, and its rejection ends nothing", () => {
    const late = (): never => Promise.reject(new Error("late")) as never;
    expect(() => runSteps([late], batch)).toThrow("step 1 of `beforeSend` (late) gave a promise; expected a batch");
  });

  it("pass on what they throw", () => {
    const error = new Error("the step's own");
    const fail: BeforeSend = () => {
      throw error;
    };
    expect(() => runSteps([fail], batch)).toThrow(error);
  });
});

describe("the option beforeSend", () => {
  const step: BeforeSend = (given) => given;

  it.each([
    [undefined, []],
    [step, [step]],
    [[], []],
    [
      [step, step],
      [step, step],
    ],
  ])("may be none, one step or several: %#", (option, steps) => {
    expect(stepsOf(option)).toEqual(steps);
  });

  it.each([null, "hash", {}, [step, undefined], [step, "hash"]])("refuses %j", (option) => {
    expect(() => stepsOf(option as never)).toThrow(
      /^`beforeSend` has .*; expected a function or a list of functions\.$/,
    );
  });
});
