/** What runs in every runtime: no more than the library, and the web standards that all of them have. */
import {
  ccpaOptOut,
  createBatch,
  customEvent,
  EventQueue,
  EventsClient,
  gdprConsent,
  mergeConsent,
  MParticleError,
  profile,
  screenView,
  type EventsClientOptions,
} from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import { checkAgainstPlan, readSignals, sendThroughGate } from "./consent.ts";
import { ADDED, BULK, CREDENTIALS, IDS, SHORT_MS, SOON_MS, TEXT, type Facts, type Scenario } from "./scenarios.ts";

/** It is told of a long wait, which would be a warning of the process. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // nobody listens
}

const USER = { environment: "development", user_identities: { customer_id: "1234" } } as const;

/** Plays every scenario against the service at `origin`; what one of them throws is its fact. */
export async function play(origin: string): Promise<Facts> {
  const facts: Partial<Record<Scenario, unknown>> = {};
  for (const [scenario, act] of Object.entries(ACTS)) {
    const connect: Connect = (options) =>
      new EventsClient({
        ...CREDENTIALS,
        baseUrl: `${origin}/${scenario}/v2`,
        retry: { baseDelayMs: 10, maxElapsedMs: 10_000 },
        ...options,
      });
    // Object.entries gives up the names.
    facts[scenario as Scenario] = await inTime(act(connect).catch(describeFailure));
  }
  return facts as Facts; // complete, for ACTS is
}

/** Makes the client of a scenario. */
type Connect = (options?: Partial<EventsClientOptions>) => EventsClient;

const ACTS: Readonly<Record<Scenario, (connect: Connect) => Promise<unknown>>> = {
  upload: async (connect) => {
    const batch = createBatch(
      {
        ...USER,
        mpid: IDS.mpid,
        user_attributes: { city: TEXT },
        consent_state: mergeConsent(
          gdprConsent("analytics", true, { document: "terms_v3", timestamp_unixtime_ms: 1_700_000_000_000 }),
          ccpaOptOut(true, { timestamp_unixtime_ms: 1_700_000_000_001 }),
        ),
      },
      [profile("login", { current_mpid: IDS.current_mpid }), customEvent(TEXT, "other")],
    );
    const { status, attempts, requestId } = await connect({ validate: checkBatch }).upload(batch);
    return { status, attempts, isOwnId: requestId === batch.source_request_id };
  },

  bulk: async (connect) => {
    const batches = Array.from({ length: BULK.batches }, (_, index) =>
      createBatch({ ...USER, user_identities: { customer_id: `user-${String(index)}` } }, [screenView(TEXT)]),
    );
    const outcomes = await connect().uploadBulk(batches);
    return outcomes.map((outcome) => (outcome.kind === "accepted" ? outcome.kind : [outcome.kind, outcome.error.code]));
  },

  retry: async (connect) => {
    const { attempts } = await connect().upload(createBatch(USER, [screenView("Home")]));
    return { attempts };
  },

  lost: async (connect) => {
    const { status } = await connect().upload(createBatch(USER, [screenView("Home")]));
    return { status };
  },

  redirect: (connect) => failureOf(connect().upload(createBatch(USER))),

  timeout: (connect) => failureOf(connect({ timeoutMs: SHORT_MS, retry: false }).upload(createBatch(USER))),

  endless: (connect) => failureOf(connect({ timeoutMs: SHORT_MS }).upload(createBatch(USER))),

  abort: (connect) => {
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort();
    }, SHORT_MS);
    return failureOf(connect().upload(createBatch(USER), { signal: controller.signal }));
  },

  // As long as the service asks for: the defaults would.
  "abort-wait": (connect) =>
    failureOf(
      connect({ retry: {}, logger: SILENT }).upload(createBatch(USER), { signal: AbortSignal.timeout(SHORT_MS) }),
    ),

  queue: async (connect) => {
    const queue = new EventQueue(connect(), { flushIntervalMs: 60_000 });
    for (const { user, screen } of ADDED) {
      await queue.add({ ...USER, user_identities: { customer_id: user } }, screenView(screen));
    }
    const isSettled = await queue.flush();
    const flushed = queue.stats().events;
    await queue.add(USER, screenView("Goodbye"));
    const { accepted, rejected, undelivered, unsent } = await queue.close();
    return { isSettled, flushed, closed: { accepted, rejected, undelivered, unsent: unsent.length } };
  },

  validate: async (connect) => {
    const good = createBatch({ ...USER, mpid: IDS.mpid }, [screenView(TEXT)]);
    const misspelt = { ...good, envronment: "development" };
    const refusal = await failureOf(connect({ validate: checkBatch }).upload(misspelt));
    return { good: checkBatch(good), misspelt: checkBatch(misspelt).map(({ code, path }) => [code, path]), refusal };
  },

  raw: async (connect) => {
    const body = createBatch({ ...USER, mpid: IDS.mpid }, [screenView(TEXT)]);
    const { response } = await connect().raw.POST("/events", { body });
    return { status: response.status };
  },

  stale: async (connect) => {
    const client = connect();
    const first = await client.upload(createBatch(USER, [screenView("Home")]));
    const second = await client.upload(createBatch(USER, [screenView("Cart")]));
    return [first.status, second.status];
  },

  signals: () => readSignals(),

  gate: (connect) => sendThroughGate(connect()),

  plan: () => Promise.resolve(checkAgainstPlan()),
};

/** What an act comes to; one that would never end must not keep the others from being played. */
async function inTime(act: Promise<unknown>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, SOON_MS, `did not end within ${String(SOON_MS)} ms`);
  });
  try {
    return await Promise.race([act, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What came of a promise that has to reject. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => "nothing was thrown", describeFailure);
}

function describeFailure(error: unknown): unknown {
  if (!(error instanceof MParticleError)) return `not an MParticleError: ${String(error)}`;
  return { name: error.name, code: error.code, ...(tellsSecret(error) && { tells: "the secret" }) };
}

/** Whether a log of the error, its causes included, would have the secret in it. */
function tellsSecret(error: unknown): boolean {
  if (!(error instanceof Error)) return String(error).includes(CREDENTIALS.apiSecret);
  const text = `${String(error)}${error.stack ?? ""}${JSON.stringify(error)}`;
  return text.includes(CREDENTIALS.apiSecret) || (error.cause !== undefined && tellsSecret(error.cause));
}
