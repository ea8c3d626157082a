/** The consent room and the plan room, as the program uses them in every runtime. */
import {
  ccpaOptOut,
  createBatch,
  customEvent,
  EventQueue,
  gdprConsent,
  screenView,
  type EventsClient,
  type Outcome,
} from "mparticle-events";
import {
  ccpaFromGpc,
  ccpaFromGpp,
  ccpaFromUsp,
  consentFromRequest,
  consentFromTcf,
  consentGate,
  hashIdentities,
  truncateToLimits,
} from "mparticle-events/consent";
import { planCheck, readPlan } from "mparticle-events/plan";
import { DECIDED_AT_MS, PLANNED, SIGNALS } from "./scenarios.ts";

const MAPPING = { purposes: { 1: "storage", 2: "ads" }, vendors: { 28: "google" }, atMs: DECIDED_AT_MS } as const;

/** What each signal is read as; those of TCF and GPP by their optional peers. */
export async function readSignals(): Promise<unknown> {
  const { tcf, gpp, usp } = SIGNALS;
  const atMs = DECIDED_AT_MS;
  const headers = new Headers({ "sec-gpc": "1", cookie: `euconsent-v2=${tcf}; usprivacy=1YNN` });
  return {
    tcf: await consentFromTcf(tcf, MAPPING),
    gpp: await ccpaFromGpp(gpp, { atMs }),
    usp: ccpaFromUsp(usp, { atMs }),
    gpc: ccpaFromGpc("1", { atMs }),
    request: await consentFromRequest({ headers }, MAPPING),
    junk: await consentFromTcf("junk", MAPPING).then(
      () => "nothing was thrown",
      (error: unknown) => error instanceof TypeError,
    ),
  };
}

/** A gate, and steps after it: what they let pass is sent, with hashes for addresses. */
export async function sendThroughGate(client: EventsClient): Promise<unknown> {
  const outcomes: Outcome[] = [];
  const queue = new EventQueue(client, {
    beforeSend: [
      consentGate({ require: { gdpr: ["analytics"] }, whenUnknown: "hold", optedOutOfSale: "drop" }),
      hashIdentities({ email: "other" }),
      truncateToLimits(),
    ],
    flushIntervalMs: 60_000,
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  const at = { timestamp_unixtime_ms: DECIDED_AT_MS };
  const user = (customer_id: string) =>
    ({
      environment: "development",
      user_identities: { customer_id, email: ` ${customer_id}@Example.com` },
    }) as const;
  await queue.add(user("ada"), screenView("Before"));
  await queue.add(user("bob"), screenView("Before"));
  await queue.add({ ...user("eve"), consent_state: ccpaOptOut(true, at) }, screenView("Sold"));
  await queue.add({ ...user("ada"), consent_state: gdprConsent("analytics", true, at) }, screenView("After"));
  await queue.add({ ...user("bob"), consent_state: gdprConsent("analytics", false, at) }, screenView("After"));
  const { accepted, rejected, unsent } = await queue.close();
  return { accepted, rejected, unsent: unsent.length, kinds: outcomes.map(({ kind }) => kind).sort() };
}

/** What a plan has to say about an event that it has, and about one that it has not. */
export function checkAgainstPlan(): unknown {
  const plan = readPlan({
    data_plan_id: "coffee_shop",
    version: 2,
    version_document: {
      data_points: [
        {
          match: { type: "custom_event", criteria: { event_name: PLANNED, custom_event_type: "other" } },
          validator: {
            type: "json_schema",
            definition: {
              properties: {
                data: {
                  required: ["custom_attributes"],
                  properties: { custom_attributes: { properties: { cups: { type: "number", minimum: 1 } } } },
                },
              },
            },
          },
        },
      ],
    },
  });
  const check = planCheck(plan);
  const codesOf = (name: string, custom_attributes?: Record<string, number>): readonly string[] => {
    const user = {
      environment: "development",
      context: { data_plan: { plan_id: "coffee_shop", plan_version: 2 } },
    } as const;
    return check(createBatch(user, [customEvent(name, "other", { custom_attributes })])).map(({ code }) => code);
  };
  return [codesOf(PLANNED, { cups: 2 }), codesOf(PLANNED, { cups: 0 }), codesOf(PLANNED), codesOf("Choose item")];
}
