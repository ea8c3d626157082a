import { describe, expect, it } from "vitest";
import type { Event } from "../../generated/schema.ts";
import { createBatch } from "../../src/model/batch.ts";
import { customEvent } from "../../src/model/events.ts";
import { stampBatch } from "../../src/model/stamp.ts";
import type { UserContext } from "../../src/model/types.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const USER: UserContext = Object.freeze({ environment: "development", user_identities: { customer_id: "42" } });

/** As JavaScript calls it, where nothing is checked before. */
const call: (...args: unknown[]) => unknown = (...args) => createBatch(...(args as [UserContext, readonly Event[]])); // any arguments at all

describe("createBatch", () => {
  it("gives each batch an id of its own, and keeps one that the caller has", () => {
    const [one, two] = [createBatch(USER), createBatch(USER)];
    expect(one.source_request_id).toMatch(UUID);
    expect(one.source_request_id).not.toBe(two.source_request_id);
    expect(createBatch({ ...USER, source_request_id: "mine" }).source_request_id).toBe("mine");
  });

  it.each(["", null, undefined])(
    "takes the id %j for none, so that it is settled here and not at each upload",
    (id) => {
      const batch = createBatch({ ...USER, source_request_id: id });
      expect(batch.source_request_id).toMatch(UUID);
      expect(stampBatch(batch, true)).toBe(batch);
    },
  );

  it.each([
    [42, "42"],
    [true, "true"],
    [{ id: "a" }, "an object"],
  ])("refuses an id that is no string: %j", (id, shown) => {
    expect(() => call({ ...USER, source_request_id: id })).toThrow(
      new TypeError(`\`source_request_id\` is ${shown}; expected a string, or nothing to get a new UUID.`),
    );
  });

  it("refuses a batch without its environment, which the service would take for production", () => {
    expect(() => call({})).toThrow('`environment` is missing; expected "development" or "production".');
    expect(() => call({ environment: "prod" })).toThrow('`environment` is "prod"');
    expect(() => call({ environment: 5n })).toThrow("`environment` is 5n;");
  });

  it.each([
    [undefined, "missing"],
    [null, "null"],
    ["42", '"42"'],
    [[USER], "an array of 1"],
    [customEvent, "a function"],
  ])("names a user that is none: %j", (user, shown) => {
    expect(() => call(user)).toThrow(
      new TypeError(
        `\`user\` is ${shown}; expected an object such as { environment: "development", user_identities: { … } }.`,
      ),
    );
  });

  it("names the missing user when it is called with nothing at all", () => {
    expect(() => call()).toThrow("`user` is missing;");
  });

  it("refuses another batch for a user: its events would be lost, and its id make the new batch a repetition", () => {
    const old = createBatch(USER, [customEvent("a", "other"), customEvent("b", "other")]);
    expect(() => call({ ...old, user_attributes: { plan: "premium" } })).toThrow(
      new TypeError(
        "`user.events` is an array of 2; expected none: events are the second argument, and another batch has its own id.",
      ),
    );
    expect(() => call({ ...createBatch(USER), ip: "203.0.113.7" })).toThrow("`user.events` is an array of 0;");
    expect(() => call({ ...old, events: null })).toThrow("`user.events` is null;");
    const { events, source_request_id, ...user } = old;
    const fresh = call({ ...user, events: undefined }, events);
    expect(fresh).toMatchObject({ ...user, events });
    expect(fresh).not.toMatchObject({ source_request_id });
  });

  it.each([
    [customEvent("a", "other"), "an object"],
    [new Set([customEvent("a", "other")]), "an object"],
    ["a", '"a"'],
    [null, "null"],
  ])("refuses events that are no list, such as a single one: %j", (events, shown) => {
    expect(() => call(USER, events)).toThrow(
      new TypeError(`\`events\` is ${shown}; expected an array of events, such as [screenView(…)].`),
    );
  });

  it("leaves the user and the events as they are", () => {
    const events = Object.freeze([customEvent("a", "other")]);
    expect(createBatch(USER, events)).toEqual({ ...USER, source_request_id: expect.any(String) as unknown, events });
  });
});
