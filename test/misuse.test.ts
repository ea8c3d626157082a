import { describe, expect, it } from "vitest";
import * as root from "mparticle-events";
import * as consent from "mparticle-events/consent";
import * as node from "mparticle-events/node";
import * as otel from "mparticle-events/otel";
import * as plan from "mparticle-events/plan";
import * as postgres from "mparticle-events/postgres";
import * as testing from "mparticle-events/testing";
import * as validate from "mparticle-events/validate";

/** What JavaScript may pass by mistake: a variable that is not set, or the wrong one. */
const MISTAKES = [undefined, null, 5, "x"] as const;

const PLAN = { version_document: { data_points: [] } };

/** Right first arguments, so that the mistake is in the second. */
const FIRST: Readonly<Record<string, unknown>> = {
  attributesFrom: {},
  checkAll: () => [],
  createBatch: { environment: "development" },
  gdprConsent: "analytics",
  ccpaOptOut: true,
  mergeConsent: {},
  hasGdprConsent: {},
  ccpaFromGpc: "1",
  ccpaFromGpp: "DBABLA~BVQqAAAAAgA.QA",
  ccpaFromUsp: "1YNN",
  consentFromRequest: {},
  consentFromTcf: "x",
  dropAttributes: ["a"],
  keepAttributes: ["a"],
  checkBatch: {},
  planCheck: PLAN,
  readPlan: PLAN,
  sqliteOutbox: "never-opened.sqlite",
};

const entries: Readonly<Record<string, object>> = { root, consent, node, otel, plan, postgres, testing, validate };

const calls = Object.entries(entries).flatMap(([entry, exported]) =>
  Object.entries(exported)
    // Classes have checks, and tests, of their own; servers are real.
    .filter(([name, value]) => typeof value === "function" && !/^(?:[A-Z]|start)/.test(name))
    .flatMap(([name, value]) => {
      const call = value as (...given: readonly unknown[]) => unknown; // filtered above
      const second = Object.hasOwn(FIRST, name) ? MISTAKES.map((mistake) => [FIRST[name], mistake]) : [];
      const given = [...MISTAKES.map((mistake) => [mistake]), ...second];
      return given.map((args) => ({ title: `${entry}: ${name}(${args.map(String).join(", ")})`, name, call, args }));
    }),
);

describe("what only JavaScript can pass to a function", () => {
  it("is refused with what was given and what was expected, or has a result: the engine's own errors name neither", async () => {
    const wrong: string[] = [];
    for (const { title, name, call, args } of calls) {
      try {
        const result = await call(...args);
        // It listens from then on.
        if (name === "instrumentEvents") (result as () => void)();
      } catch (error) {
        const isOurs =
          (error instanceof TypeError || error instanceof RangeError) && error.message.includes("; expected ");
        if (!isOurs && !(name === "parseJsonExact" && error instanceof SyntaxError)) {
          wrong.push(`${title}: ${String(error)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(calls.length).toBeGreaterThan(200);
  });
});
