import { Arrivals, type BatchRecord } from "../../arrivals/arrivals.ts";
import { serveArrivals } from "../../arrivals/serve-arrivals.ts";
import type { MockFlags } from "../commands/mock.ts";
import { EXIT } from "../exit-codes.ts";
import { coloursFor, type Terminal } from "../terminal.ts";
import { ContractService } from "./contract-service.ts";
import { readFailures } from "./failures.ts";
import { listen, type Exchange } from "./mock-server.ts";
import { openForwarding } from "./open-forwarding.ts";
import { oneLine } from "../printable.ts";

/** Serves the contract until it is interrupted. */
export async function runMock(flags: MockFlags, terminal: Terminal): Promise<number> {
  const { stdout, stderr, env } = terminal;
  const { profile } = flags;
  const failures = readFailures(flags.fail ?? []);
  const planned = flags.plan === undefined ? undefined : await openPlan(flags.plan, flags.planVersion, terminal);
  const { now, random } = terminal;
  const service = new ContractService({ profile, failures, now, random, check: planned?.check });
  if (planned !== undefined) service.onBatch(planned.count);
  const arrivals = new Arrivals();
  service.onBatch((record) => {
    arrivals.add(record);
  });
  const forwarding = await openForwarding(service, flags, terminal);
  // Before it listens: who starts it may end it at any time.
  const ended = new Promise<void>((resolve) => {
    terminal.onInterrupt(() => {
      resolve();
    });
    terminal.onOrphaned(resolve);
  });
  const { good, bad } = coloursFor(stderr, env);
  const tell = ({ method, path, status, from }: Exchange): void => {
    const shown = status < 300 ? good(String(status)) : bad(String(status));
    const whose = from === undefined ? "" : ` from ${from}`;
    if (flags.quiet !== true) void stderr.write(`${oneLine(`${method} ${path}`)} ${shown}${oneLine(whose)}\n`);
  };
  const mock = await listen(forwarding?.service ?? service, flags.port, tell, serveArrivals(arrivals));
  const pageUrl = new URL("/_/", mock.url).href;
  await stdout.write(`The ${profile} profile is served at ${mock.url}${forwarding === undefined ? "" : `\n${forwarding.description}`}

  new EventsClient({ apiKey: "any", apiSecret: "any", baseUrl: "${mock.url}" })

  curl -i -u any:any -H 'content-type: application/json' ${mock.url}/events \\
    -d '{"environment":"development","user_identities":{"customer_id":"1234"},"events":[{"event_type":"opt_out","data":{"is_opted_out":true}}]}'

  What arrives is shown at ${pageUrl}, and told at ${pageUrl}all

A header \`Prefer: code=429\` asks for another answer. Ctrl+C ends it.
`);
  if (flags.open === true) terminal.openPage(pageUrl);
  await ended;
  forwarding?.service.close();
  await mock.close();
  await planned?.tell();
  return EXIT.clean;
}

/** The check of a plan, and the count of what is met of it. */
async function openPlan(file: string, version: number | undefined, terminal: Terminal) {
  const { planCheck } = await import("../../plan/plan.ts");
  const { JudgedCoverage } = await import("../plan/judged-coverage.ts");
  const { readPlanFile } = await import("../plan/plan-file.ts");
  const { tellCoverage } = await import("../plan/run-plan-coverage.ts");
  const plan = await readPlanFile(file, version, terminal);
  const counter = new JudgedCoverage(plan);
  return {
    check: planCheck(plan),
    count: ({ batch, verdict }: BatchRecord): void => {
      counter.add(batch, verdict === "accepted");
    },
    tell: () => tellCoverage(counter, false, terminal),
  };
}
