import { styleText } from "node:util";
import { everyEvent } from "../../examples/every-event/every-event.ts";
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
  type EventsClientOptions,
  type UserContext,
} from "../../src/index.ts";
import { checkBatch } from "../../src/validate/validate.ts";

/** Where the tour sends to. */
export interface Target {
  readonly name: string;
  readonly options: EventsClientOptions;
}

const TICK = styleText("green", "✓");
const CROSS = styleText("red", "✗");

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

/** What the compiler would underline, a cast lets through: as JavaScript or another service might send it. */
const wrong = {
  ...user,
  events: [
    { event_type: "custom_event", data: { event_name: "typo", custom_event_type: "other", custom_atributes: {} } },
  ],
} as unknown as Batch;

/**
 * Sends one user's session, one event of every type, many users, and a wrong batch, and tells what came of each.
 *
 * @param say - prints a line.
 * @throws MParticleError - when the target did not take what is right.
 */
export async function giveTour({ name, options }: Target, say: (line: string) => void): Promise<void> {
  const client = new EventsClient({
    ...options,
    retry: false,
    onAttempt: (report) => {
      say(describeAttempt(report));
    },
  });
  const send = async (title: string, batch: Batch): Promise<void> => {
    say(`\n${title}`);
    const { requestId } = await client.upload(batch);
    say(`  ${TICK} accepted ${String(batch.events?.length ?? 0)} events as ${dim(requestId)}`);
  };

  say(`\n${styleText("bold", `Sending to ${name}`)}`);
  await send(
    "The Go guide's user: identities, attributes, GDPR and CCPA consent, device, data plan, five events",
    goGuide(),
  );
  const types = new Set(everyEvent.map((event) => event.event_type)).size;
  await send(`One event of every type (${String(types)})`, createBatch(user, everyEvent));

  say("\nMany users in one request");
  const outcomes = await client.uploadBulk(manyUsers());
  const accepted = outcomes.filter(({ kind }) => kind === "accepted").length;
  say(
    `  ${accepted === outcomes.length ? TICK : CROSS} ${String(accepted)} of ${String(outcomes.length)} batches accepted`,
  );
  for (const outcome of outcomes) if (outcome.kind !== "accepted") throw outcome.error;

  say("\nA batch that is wrong, as JavaScript or another service might send it");
  const refusal = await refusalOf(client.upload(wrong));
  say(refusal === undefined ? takenByService() : refused("the service", refusal));
  const found = await refusalOf(new EventsClient({ ...options, validate: checkBatch }).upload(wrong));
  if (found === undefined) throw new Error("checkBatch took a wrong batch");
  say(`${refused("checkBatch, before it is sent", found)}\n`);
}

function goGuide(): Batch {
  const session_uuid = crypto.randomUUID();
  return createBatch(user, [
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
}

function manyUsers(): Batch[] {
  return Array.from({ length: 50 }, (_, index) =>
    createBatch({ environment: "development", user_identities: { customer_id: `user-${String(index)}` } }, [
      customEvent("app opened", "navigation"),
    ]),
  );
}

/** Why the payload was refused; `undefined` when it was taken. Any other failure is none of the payload's. */
async function refusalOf(upload: Promise<unknown>): Promise<Error | undefined> {
  try {
    await upload;
    return undefined;
  } catch (error) {
    const isRefusal = error instanceof InvalidBatchError || (error instanceof ApiError && error.code === "BAD_REQUEST");
    if (!isRefusal) throw error;
    return error;
  }
}

function refused(by: string, { name, message }: Error): string {
  return `  ${styleText("yellow", "✗")} refused by ${by}\n    ${styleText("yellow", name)}: ${message}`;
}

/** The mock is strict. The service itself answers before it looks, and what it makes of an unknown field is nowhere told. */
function takenByService(): string {
  return `  ${styleText("yellow", "!")} taken by the service, misspelt field and all: 202 is no check`;
}

function describeAttempt({ path, batches, bytes, status, result, durationMs }: AttemptReport): string {
  const size = `${String(batches)} batch${batches === 1 ? "" : "es"}, ${bytes.toLocaleString("en")} bytes`;
  const outcome = styleText(result === "accepted" ? "green" : "red", String(status ?? result));
  return `  POST ${path}  ${dim(size)}  ${outcome}  ${dim(`${durationMs.toFixed(0)} ms`)}`;
}

function dim(text: string): string {
  return styleText("dim", text);
}
