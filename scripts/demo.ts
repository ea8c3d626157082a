/** Sends real events through the library to the mock server, and shows what happened: `npm run demo`. */
import { parseArgs, styleText } from "node:util";
import {
  ApiError,
  EventsClient,
  InvalidBatchError,
  ccpaOptOut,
  createBatch,
  customEvent,
  gdprConsent,
  mergeConsent,
  purchase,
  screenView,
  sessionEnd,
  sessionStart,
  type AttemptReport,
  type Batch,
  type UserContext,
} from "../src/index.ts";
import { everyEvent } from "../examples/every-event.ts";
import { startMockServer } from "../src/testing/testing.ts";
import { checkBatch } from "../src/validate/validate.ts";

const tick = styleText("green", "✓");
const { values } = parseArgs({ options: { live: { type: "boolean", default: false } } });

/** The user of mParticle's Go SDK guide, and what else may be known about one. */
const user: UserContext = {
  environment: "development",
  user_identities: { customer_id: "go1234", email: "go-example@foo.com" },
  user_attributes: { foo: "bar", "foo-array": ["bar1", "bar2"] },
  device_info: { platform: "iOS", os_version: "18.1", ios_advertising_id: "607258d9-c28b-43ad-95ed-e9593025d5a1" },
  application_info: { application_name: "Lamps", application_version: "4.2.0", package: "com.example.lamps" },
  consent_state: mergeConsent(
    gdprConsent("my-purpose", true, { document: "document_agreement.v2" }),
    ccpaOptOut(false, { document: "document_agreement.v3" }),
  ),
  context: { data_plan: { plan_id: "freddy_s_plan", plan_version: 1 } },
  ip: "203.0.113.7",
};

const session_uuid = crypto.randomUUID();
const goGuide = createBatch(user, [
  sessionStart({ session_uuid }),
  customEvent("My Custom Event Name", "other", { custom_attributes: { foo: "bar" }, session_uuid }),
  screenView("My Screen Name", { session_uuid }),
  purchase(
    [{ id: "product-id", name: "product-name", total_product_amount: 123.12 }],
    { transaction_id: "foo-transaction-id", total_amount: 123.12 },
    { currency_code: "USD", session_uuid },
  ),
  sessionEnd(61_000, { session_uuid }),
]);

const target = values.live ? liveTarget() : await mockTarget();
const client = new EventsClient({
  ...target.options,
  retry: false,
  onAttempt: ({ path, batches, bytes, status, result, durationMs }: AttemptReport) => {
    const size = `${String(batches)} batch${batches === 1 ? "" : "es"}, ${bytes.toLocaleString("en")} bytes`;
    const colour = result === "accepted" ? "green" : "red";
    say(
      `  POST ${path}  ${dim(size)}  ${styleText(colour, String(status ?? result))}  ${dim(`${durationMs.toFixed(0)} ms`)}`,
    );
  },
});

try {
  heading(`Sending to ${target.name}`);
  await send(
    "The Go guide's user: identities, attributes, GDPR and CCPA consent, device, data plan, five events",
    goGuide,
  );
  const all = createBatch(user, everyEvent);
  await send(`One event of every type (${String(new Set(everyEvent.map((event) => event.event_type)).size)})`, all);

  say("\nMany users in one request");
  const users = Array.from({ length: 50 }, (_, index) =>
    createBatch({ environment: "development", user_identities: { customer_id: `user-${String(index)}` } }, [
      customEvent("app opened", "navigation"),
    ]),
  );
  const outcomes = await client.uploadBulk(users);
  say(
    `  ${tick} ${String(outcomes.filter(({ kind }) => kind === "accepted").length)} of ${String(users.length)} batches accepted`,
  );

  say("\nA batch that is wrong, as JavaScript or another service might send it");
  // What the compiler would underline, a cast lets through.
  const wrong = {
    ...goGuide,
    events: [
      { event_type: "custom_event", data: { event_name: "typo", custom_event_type: "other", custom_atributes: {} } },
    ],
  } as unknown as Batch;
  await expectRefusal("the service", () => client.upload(wrong));
  await expectRefusal("checkBatch, before it is sent", () =>
    new EventsClient({ ...target.options, validate: checkBatch }).upload(wrong),
  );
  say("");
} finally {
  await target.close();
}

async function send(title: string, batch: Batch): Promise<void> {
  say(`\n${title}`);
  const { requestId } = await client.upload(batch);
  say(`  ${tick} accepted ${String(batch.events?.length ?? 0)} events as ${dim(requestId)}`);
}

async function expectRefusal(by: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof InvalidBatchError)) throw error;
    say(`  ${styleText("yellow", "✗")} refused by ${by}\n    ${styleText("yellow", error.name)}: ${error.message}`);
    return;
  }
  throw new Error(`${by} took a wrong batch`);
}

async function mockTarget() {
  const server = await startMockServer();
  const options = { apiKey: "us1-demo", apiSecret: "not-a-secret", baseUrl: server.url };
  return { name: `the mock server at ${server.url}`, options, close: () => server.close() };
}

function liveTarget() {
  const { MPARTICLE_API_KEY: apiKey, MPARTICLE_API_SECRET: apiSecret, MPARTICLE_POD: pod } = process.env;
  if (!apiKey || !apiSecret || !isPod(pod)) {
    console.error("--live needs MPARTICLE_API_KEY, MPARTICLE_API_SECRET and MPARTICLE_POD (us1, us2, eu1 or au1).");
    process.exit(2);
  }
  return {
    name: `mParticle, pod ${pod}, environment development`,
    options: { apiKey, apiSecret, pod },
    close: () => Promise.resolve(),
  };
}

function isPod(pod: string | undefined): pod is "us1" | "us2" | "eu1" | "au1" {
  return pod === "us1" || pod === "us2" || pod === "eu1" || pod === "au1";
}

function say(line: string): void {
  console.log(line);
}

function heading(line: string): void {
  say(`\n${styleText("bold", line)}`);
}

function dim(text: string): string {
  return styleText("dim", text);
}
