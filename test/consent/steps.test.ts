import { createHash } from "node:crypto";
import fc from "fast-check";
import { createBatch, customEvent, purchase, screenView, type Batch } from "mparticle-events";
import { addToBatch, dropAttributes, hashIdentities, keepAttributes, truncateToLimits } from "mparticle-events/consent";
import { checkBatch } from "mparticle-events/validate";
import { describe, expect, it } from "vitest";
import { runSteps, type BeforeSend } from "../../src/delivery/before-send.ts";

const user = { environment: "development" } as const;

function pass(step: BeforeSend, batch: Batch): Batch {
  const result = runSteps([step], batch);
  if (result.kind !== "send") throw new Error("the batch was not to be kept back");
  return result.batch;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("hashIdentities", () => {
  const batch = createBatch({ ...user, user_identities: { email: " Ann@Example.COM\n", customer_id: "42" } });

  it("puts the hash of the trimmed and lower-cased identity where the workspace wants it, and takes out the plain one", () => {
    expect(pass(hashIdentities({ email: "other" }), batch).user_identities).toEqual({
      customer_id: "42",
      other: sha256("ann@example.com"),
    });
  });

  it("hashes an identity into itself", () => {
    expect(pass(hashIdentities({ email: "email" }), batch).user_identities).toEqual({
      customer_id: "42",
      email: sha256("ann@example.com"),
    });
  });

  it("leaves a hash as it is, so that nothing is hashed twice", () => {
    const step = hashIdentities({ email: "email" });
    expect(pass(step, pass(step, batch))).toEqual(pass(step, batch));
  });

  it("leaves alone what the batch has there already", () => {
    const given = { ...batch, user_identities: { email: "ann@example.com", other: "mine" } };
    expect(pass(hashIdentities({ email: "other" }), given).user_identities).toEqual({ other: "mine" });
  });

  it("does nothing to a batch without identities, and adds none for an empty one", () => {
    expect(pass(hashIdentities({ email: "other" }), createBatch(user))).not.toHaveProperty("user_identities");
    const given = createBatch({ ...user, user_identities: { email: null, google: "" } });
    expect(pass(hashIdentities({ email: "other", google: "other_id_2" }), given).user_identities).toEqual({});
  });

  it.each([
    [{ mail: "other" }, /got "mail"/],
    [{ email: "other11" }, /got "other11"/],
    [{ email: "other", google: "other" }, /two identities for one hash/],
  ])("refuses %j", (into, message) => {
    expect(() => hashIdentities(into as never)).toThrow(message);
  });
});

describe("dropAttributes and keepAttributes", () => {
  const batch = createBatch({ ...user, user_attributes: { ssn: "1", plan: "free", internal_a: "b" } }, [
    customEvent("x", "other", { custom_attributes: { ssn: "2", color: "red", SSN: "3" } }),
    purchase([{ id: "p", name: "P", custom_attributes: { ssn: "4", size: "L" } }], { transaction_id: "t" }),
  ]);
  const attributesOf = ({ user_attributes, events }: Batch): unknown => [
    user_attributes,
    ...(events ?? []).map(({ data }) => data.custom_attributes),
    (events?.[1]?.data as { product_action?: { products?: { custom_attributes?: unknown }[] } }).product_action
      ?.products?.[0]?.custom_attributes,
  ];

  it("reach user attributes, event attributes and those of products, by name and by pattern", () => {
    expect(attributesOf(pass(dropAttributes(["ssn", /^internal_/]), batch))).toEqual([
      { plan: "free" },
      { color: "red", SSN: "3" },
      undefined,
      { size: "L" },
    ]);
    expect(attributesOf(pass(keepAttributes(["plan", /^(color|size)$/g]), batch))).toEqual([
      { plan: "free" },
      { color: "red" },
      undefined,
      { size: "L" },
    ]);
  });

  it("stay within the user or within the events when told so", () => {
    expect(attributesOf(pass(dropAttributes([/ssn/i], { of: "user" }), batch))).toEqual([
      { plan: "free", internal_a: "b" },
      { ssn: "2", color: "red", SSN: "3" },
      undefined,
      { ssn: "4", size: "L" },
    ]);
    expect(attributesOf(pass(dropAttributes([/ssn/i], { of: "event" }), batch))).toEqual([
      { ssn: "1", plan: "free", internal_a: "b" },
      { color: "red" },
      undefined,
      { size: "L" },
    ]);
  });

  it("match a global pattern each time, although it remembers where it stopped", () => {
    const step = dropAttributes([/a/g]);
    const given = createBatch({ ...user, user_attributes: { a1: 1, a2: 2, a3: 3, b: 4 } });
    expect(pass(step, given).user_attributes).toEqual({ b: 4 });
  });

  it("refuse what is no list of names and patterns", () => {
    expect(() => dropAttributes("ssn" as never)).toThrow(
      '`dropAttributes` got "ssn"; expected a list of names and patterns.',
    );
    expect(() => keepAttributes([1] as never)).toThrow(/expected a list of names and patterns/);
    expect(() => keepAttributes([], { of: "users" as never })).toThrow('`of` is "users"; expected "user" or "event".');
  });
});

describe("truncateToLimits", () => {
  it("makes of a batch beyond every limit one that the lints pass", () => {
    const long = "x".repeat(5_000);
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`a${String(index)}`, "v"]));
    const given = createBatch(
      {
        ...user,
        user_identities: { customer_id: "1" },
        user_attributes: { [long]: long, list: Array.from({ length: 1_200 }, () => long), ...many },
      },
      [customEvent(long, "other", { custom_attributes: { [long]: long, ...many } }), screenView(long)],
    );
    const limits = (batch: Batch): readonly string[] =>
      checkBatch(batch)
        .map(({ code }) => code)
        .filter((code) => /long|many|limit|length|count/.test(code));
    expect(limits(given).length).toBeGreaterThan(0);
    expect(limits(pass(truncateToLimits(), given))).toEqual([]);
  });

  it("changes nothing that is within the limits, and no identity", () => {
    const given = createBatch(
      { ...user, user_identities: { customer_id: "i".repeat(5_000) }, user_attributes: { n: 1, t: ["a"] } },
      [customEvent("x".repeat(256), "other", { custom_attributes: { a: "y".repeat(4_096) } })],
    );
    expect(pass(truncateToLimits(), given)).toEqual(given);
  });

  it("does not cut a character in two", () => {
    const given = createBatch(user, [screenView(`${"x".repeat(255)}😀`)]);
    expect(pass(truncateToLimits(), given).events?.[0]).toMatchObject({ data: { screen_name: "x".repeat(255) } });
  });
});

describe("addToBatch", () => {
  it("adds what the batch does not say itself, at every depth", () => {
    const step = addToBatch({
      application_info: { application_version: "1.2", application_name: "shop" },
      context: { data_plan: { plan_id: "web", plan_version: 3 } },
    });
    const given = createBatch({ ...user, application_info: { application_version: "2.0", package: null } });
    expect(pass(step, given)).toEqual({
      ...given,
      application_info: { application_version: "2.0", application_name: "shop", package: null },
      context: { data_plan: { plan_id: "web", plan_version: 3 } },
    });
  });

  it.each(["events", "source_request_id", "mpid", "user_identities", "environment"])("refuses `%s`", (name) => {
    expect(() => addToBatch({ [name]: "x" })).toThrow(
      `\`addToBatch\` got \`${name}\`; expected only what is the same for all batches.`,
    );
  });
});

describe("every ready-made step", () => {
  const STEPS = {
    hashIdentities: hashIdentities({ email: "other" }),
    dropAttributes: dropAttributes([/./]),
    keepAttributes: keepAttributes([]),
    truncateToLimits: truncateToLimits(),
    addToBatch: addToBatch({ application_info: { application_name: "shop" } }),
  };

  it.each(Object.entries(STEPS))("keeps all ids, times and names of events: %s", (_, step) => {
    const text = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), fc.dictionary(text, text), text, (names, attributes, email) => {
        const given = createBatch(
          {
            ...user,
            mpid: 9_007_199_254_740_993n,
            user_identities: { email, customer_id: "7" },
            user_attributes: attributes,
          },
          names.map((name) => customEvent(name, "other", { custom_attributes: attributes })),
        );
        const ids = (batch: Batch): unknown => [
          batch.source_request_id,
          batch.mpid,
          batch.environment,
          batch.user_identities?.customer_id,
          batch.events?.map((event) => [
            event.data.source_message_id,
            event.data.timestamp_unixtime_ms,
            event.event_type,
            (event.data as { event_name?: string }).event_name,
          ]),
        ];
        expect(ids(pass(step, given))).toEqual(ids(given));
      }),
    );
  });
});
