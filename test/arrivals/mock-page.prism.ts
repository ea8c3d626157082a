import { describe, expect, it } from "vitest";
import { createBatch, EventsClient, screenView } from "mparticle-events";
import { startMockServer } from "mparticle-events/testing";

interface Listed {
  readonly batches: readonly { readonly verdict: string; readonly findings: readonly object[] }[];
}

describe("the mock server of a test", () => {
  it("keeps what arrived when asked to, with what the contract and a plan say", async () => {
    const plan = {
      data_plan_id: "p",
      version: 1,
      version_document: {
        data_points: [
          {
            match: { type: "screen_view", criteria: { screen_name: "Home" } },
            validator: { type: "json_schema", definition: {} },
          },
        ],
      },
    };
    await using mock = await startMockServer({ page: true, plan });
    expect(mock.arrivalsUrl).toBe(`http://127.0.0.1:${String(mock.port)}/_/`);
    const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: mock.url });
    const of = (name: string) => createBatch({ environment: "development", mpid: "1" }, [screenView(name)]);
    await client.upload(of("Home"));
    await expect(client.upload(of("Cart"))).rejects.toMatchObject({ status: 400 });
    const all = (await (await fetch(`${mock.arrivalsUrl!}all`)).json()) as Listed;
    expect(all).toMatchObject({ total: 2, good: 1, bad: 1 });
    expect(all.batches.map(({ verdict }) => verdict)).toEqual(["accepted", "refused"]);
    expect(all.batches[1]?.findings).toContainEqual(expect.objectContaining({ severity: "error" }));
  });

  it("serves nothing beside the contract otherwise", async () => {
    await using mock = await startMockServer();
    expect(mock.arrivalsUrl).toBeUndefined();
    expect((await fetch(new URL("/_/all", mock.url))).status).toBe(404);
  });
});
