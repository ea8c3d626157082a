/** The service that every runtime talks to: a fake on this machine, which does to each scenario what it is about. */
import { poison, startFakeServer, type FakeServer, type Step, type StepFunction } from "../../src/testing/testing.ts";
import { BULK, ELSEWHERE, type Scenario } from "./scenarios.ts";

/** One entry for each request of a scenario, the last one for all that follow; those that are not here are accepted. */
const SCRIPTS: Readonly<Partial<Record<Scenario, readonly (Step | StepFunction)[]>>> = {
  bulk: [poison((batch) => batch.user_identities?.customer_id === BULK.poisoned)],
  retry: [503, 202],
  lost: ["reset", 202],
  redirect: [{ redirect: ELSEWHERE }],
  timeout: ["hang"],
  // A byte in a hundred seconds.
  endless: [{ status: 400, body: "to be continued", dripBytesPerMs: 0.000_01 }],
  abort: ["hang"],
  "abort-wait": [{ status: 503, headers: { "retry-after": "60" } }],
  stale: [{ status: 202, close: "at-next-request" }, 202],
};

/** The first segment of a request's path. */
export function scenarioOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** Starts the service, without memory of any runtime that came before. */
export function startService(): Promise<FakeServer> {
  const seen = new Map<string, number>();
  const scripts = new Map(Object.entries(SCRIPTS));
  return startFakeServer({
    script: (request) => {
      const scenario = scenarioOf(request.path);
      const before = seen.get(scenario) ?? 0;
      seen.set(scenario, before + 1);
      const script = scripts.get(scenario) ?? [202];
      const entry = script[Math.min(before, script.length - 1)] ?? 202;
      return typeof entry === "function" ? entry(request) : entry;
    },
  });
}
