import { expect, it } from "vitest";
import type { UserContext } from "mparticle-events";
import { contextOf } from "../../../src/delivery/queue/user-context.ts";
import type { Lane } from "../../../src/delivery/queue/queued-batch.ts";

const USER: UserContext = { environment: "development", user_identities: { customer_id: "ü" } };
const TEXT = '{"environment":"development","user_identities":{"customer_id":"ü"}}';

it("the context of a user is all of a batch but its id and its events", () => {
  const context = contextOf(new Map(), USER);
  expect(context).toMatchObject({ text: TEXT, bytes: Buffer.byteLength(TEXT) });
  for (const more of [{ source_request_id: "r" }, { events: [] }, { source_request_id: "r", events: [] }])
    expect(contextOf(new Map(), { ...USER, ...more } as UserContext)).toEqual(context);
});

it("a user has the lane of their identity, or of all that is said of them where there is none", () => {
  const changed = { ...USER, user_attributes: { plan: "free" } };
  expect(contextOf(new Map(), changed).laneKey).toBe(contextOf(new Map(), USER).laneKey);
  const nobody = { environment: "development" } as const;
  expect(contextOf(new Map(), nobody).laneKey).toBe('{"environment":"development"}');
});

it("batches of a user who has not changed share one text", () => {
  const context = contextOf(new Map(), USER);
  const lanes = new Map([[context.laneKey, { context } as Lane]]);
  expect(contextOf(lanes, { ...USER })).toBe(context);
  expect(contextOf(lanes, USER, TEXT)).toBe(context);
  const changed = contextOf(lanes, { ...USER, ip: "203.0.113.7" });
  expect(changed).not.toBe(context);
  expect(changed.text).toContain('"ip":"203.0.113.7"');
});
