import { describe, expect, it } from "vitest";
import { ApiError, createBatch, customEvent, EventsClient, type Batch } from "mparticle-events";
import { recordingFetch, startFakeServer, startMockServer } from "mparticle-events/testing";
import { customPoint, planOf } from "./plan-builder.ts";

const plan = planOf([customPoint("Order", { required: ["total"] })]);

const batch = (event: Parameters<typeof createBatch>[1]): Batch =>
  createBatch({ environment: "development", context: { data_plan: { plan_id: "shop" } } }, event);
const good = batch([customEvent("Order", "other", { custom_attributes: { total: 1 } })]);
const bad = batch([customEvent("Ordr", "other", { custom_attributes: { total: 1 } })]);
const DETAIL = {
  code: "plan-unplanned-event",
  path: "/events/0",
  message: 'the custom event "Ordr" of the type "other" is not in the plan.',
  hint: 'Did you mean "Order"?',
};

async function expectRefusal(options: { readonly baseUrl?: string; readonly fetch?: typeof fetch }): Promise<void> {
  const client = new EventsClient({ apiKey: "key", apiSecret: "secret", ...options });
  await client.upload(good);
  const refused = await client.upload(bad).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(ApiError);
  expect((refused as ApiError).details).toEqual([DETAIL]);
  // `checkBatch` would find nothing.
  const { code, path, message, hint } = DETAIL;
  expect((refused as ApiError).message).toMatch(/answered 400 \(.*\)\. The service refused the payload\.$/);
  expect((refused as ApiError).message).toContain(`(${code}: ${path}: ${message} ${hint}).`);
  const [first, second] = await client.uploadBulk([good, bad]);
  expect([first?.kind, second?.kind]).toEqual(["accepted", "rejected"]);
}

describe("a plan has an event that is not in it answered 400", () => {
  it("by a fake server", async () => {
    await using server = await startFakeServer({ plan });
    await expectRefusal({ baseUrl: server.url });
  });

  it("by a recording fetch", async () => {
    await expectRefusal({ fetch: recordingFetch(202, { plan }) });
  });

  it("by the mock", async () => {
    await using mock = await startMockServer({ plan });
    await expectRefusal({ baseUrl: mock.url });
  });

  it("beside a check of one's own", async () => {
    const check = () => [{ severity: "error", code: "mine", path: "", message: "no." } as const];
    const fetch = recordingFetch(202, { plan, check });
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", fetch });
    const refused = await client.upload(bad).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect((refused as ApiError).details).toEqual([{ code: "mine", message: "no." }, DETAIL]);
  });

  it("and a plan that is broken is refused at once", async () => {
    expect(() => recordingFetch(202, { plan: { data_points: 1 } })).toThrow("The data plan is broken: `/data_points`");
    await expect(startFakeServer({ plan: {} })).rejects.toThrow(TypeError);
    await expect(startMockServer({ plan: {} })).rejects.toThrow(TypeError);
  });
});
