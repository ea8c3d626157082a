import { PODS } from "../../../generated/contract.ts";
import { ApiError, createBatch, customEvent, EventsClient, MParticleError } from "../../index.ts";
import type { Fetch } from "../../transport/exchange.ts";
import type { DoctorFlags } from "../commands/doctor.ts";
import { describeMissing, readConnection, type Connection } from "../connection.ts";
import { EXIT } from "../exit-codes.ts";
import { coloursFor, type Terminal } from "../terminal.ts";
import { messageOf, UsageError } from "../usage-error.ts";
import { ill, unknown, well, type Diagnosis } from "./diagnosis.ts";
import { diagnoseCertificate, diagnoseHost, diagnoseProxy } from "./network.ts";

const MAX_SKEW_MS = 60_000;
const TIMEOUT_MS = 15_000;

/** Looks at everything between this machine and the service, and says of each what to do about it. */
export async function runDoctor(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const connection = await readConnection(flags, terminal);
  const { baseUrl, pod } = connection;
  const url = parseUrl(baseUrl ?? PODS[pod ?? "us1"]);
  const { good, bad, dim } = coloursFor(terminal.stdout, terminal.env);
  const verdicts = new Set<Diagnosis["verdict"]>();
  const tell = async ({ subject, verdict, message, remedy }: Diagnosis): Promise<void> => {
    verdicts.add(verdict);
    const mark = { well: good("✓"), ill: bad("✗"), unknown: dim("–") }[verdict];
    await terminal.stdout.write(`${mark} ${subject.padEnd(11)} ${message}\n`);
    if (remedy !== undefined) await terminal.stdout.write(`  ${" ".repeat(11)} ${remedy}\n`);
  };

  await tell(diagnoseCredentials(connection));
  await tell(diagnosePod(connection));
  const host = await diagnoseHost(url);
  await tell(host);
  await tell(diagnoseProxy(url, terminal.env));
  if (host.verdict !== "ill") {
    await tell(await diagnoseCertificate(url, terminal.now()));
    for (const diagnosis of await diagnoseService(connection, flags, terminal)) await tell(diagnosis);
  }
  return verdicts.has("ill") ? EXIT.findings : EXIT.clean;
}

function parseUrl(text: string): URL {
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol)) return url;
  } catch {
    // Told below.
  }
  throw new UsageError("The base URL is no http(s) URL.", "Write it as https://s2s.mparticle.com/v2.");
}

function diagnoseCredentials(connection: Connection): Diagnosis {
  const { apiKey = "", apiSecret = "", from } = connection;
  const subject = "credentials";
  const remedy =
    "Set MPARTICLE_API_KEY and MPARTICLE_API_SECRET in the environment or in .env; the dashboard has them under Setup > Inputs.";
  if (connection.apiKey === undefined && connection.apiSecret === undefined) {
    return ill(subject, "neither key nor secret is set.", remedy);
  }
  const missing = describeMissing(connection);
  if (missing !== undefined) return ill(subject, missing, remedy);
  const odd = [apiKey, apiSecret].some((value) => /^["']|["']$|\s/.test(value));
  if (odd)
    return ill(subject, "the key or the secret has spaces or quotes.", "Were they copied with something around them?");
  if (apiKey === apiSecret) return ill(subject, "the key and the secret are the same.", "Copy both of them again.");
  return well(
    subject,
    `key ${apiKey.slice(0, 4)}…, and a secret of ${String(apiSecret.length)} characters, from ${from}.`,
  );
}

function diagnosePod({ pod, baseUrl }: Connection): Diagnosis {
  if (baseUrl !== undefined) return well("pod", `none: ${new URL(baseUrl).host} is used in its place.`);
  if (pod !== undefined) return well("pod", `${pod}.`);
  return well(
    "pod",
    "us1, because none is set. The address of the dashboard tells yours, such as app.eu1.mparticle.com.",
  );
}

/** The batch, the clock, and the pod where the credentials are refused. */
async function diagnoseService(
  connection: Connection,
  flags: DoctorFlags,
  terminal: Terminal,
): Promise<readonly Diagnosis[]> {
  const { apiKey = "", apiSecret = "" } = connection;
  if (describeMissing(connection) !== undefined) return [unknown("batch", "not sent: there are no credentials.")];
  if (!flags.send) return [unknown("batch", "not sent, because of --no-send.")];
  const { pod, baseUrl } = connection;
  const target = baseUrl !== undefined ? { baseUrl } : { pod: pod ?? "us1" };
  const { error, date } = await sendBatch({ apiKey, apiSecret, ...target }, terminal);
  const clock = date === undefined ? [] : [diagnoseClock(date, terminal.now())];
  if (error === undefined) return [...clock, well("batch", "one batch of test data (development) was accepted.")];
  if (!(error instanceof ApiError) || error.code !== "UNAUTHORIZED") {
    return [...clock, ill("batch", messageOf(error), remedyFor(error))];
  }
  const refused = ill(
    "batch",
    `the key or the secret is not valid here (${String(error.status)}).`,
    "Are they of a server-to-server input of this workspace, and of this pod? A key belongs to one pod.",
  );
  if (baseUrl !== undefined) return [...clock, refused];
  const accepting = await findPod({ apiKey, apiSecret }, pod ?? "us1", terminal);
  if (accepting === undefined) return [...clock, refused];
  return [
    ...clock,
    ill(
      "batch",
      `the credentials are of pod ${accepting}.`,
      `Set MPARTICLE_POD=${accepting}, and pod: "${accepting}" in your programs.`,
    ),
  ];
}

type Target = ConstructorParameters<typeof EventsClient>[0];

async function sendBatch(
  target: Target,
  terminal: Terminal,
): Promise<{ readonly error: unknown; readonly date: string | undefined }> {
  let date: string | undefined;
  const send: Fetch = terminal.fetch ?? ((request) => fetch(request));
  const client = new EventsClient({
    ...target,
    retry: false,
    timeoutMs: TIMEOUT_MS,
    fetch: async (request) => {
      const response = await send(request);
      date = response.headers.get("date") ?? undefined;
      return response;
    },
  });
  const batch = createBatch(
    { environment: "development", user_identities: { customer_id: "mparticle-events-doctor" } },
    [customEvent("mparticle-events doctor", "other")],
  );
  try {
    await client.upload(batch);
    return { error: undefined, date };
  } catch (error) {
    return { error, date };
  }
}

/** The pod that knows the credentials, if another one does. */
async function findPod(
  credentials: { readonly apiKey: string; readonly apiSecret: string },
  refusing: string,
  terminal: Terminal,
): Promise<string | undefined> {
  const others = (Object.keys(PODS) as (keyof typeof PODS)[]).filter((pod) => pod !== refusing);
  const found = await Promise.all(
    others.map(async (pod) =>
      (await sendBatch({ ...credentials, pod }, terminal)).error === undefined ? pod : undefined,
    ),
  );
  return found.find((pod) => pod !== undefined);
}

function diagnoseClock(date: string, nowMs: number): Diagnosis {
  const skewMs = nowMs - Date.parse(date);
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Number.isNaN(skewMs)) return unknown("clock", "the answer has no date that can be read.");
  if (Math.abs(skewMs) <= MAX_SKEW_MS)
    return well("clock", `${seconds < 2 ? "right" : `within ${String(seconds)} s of the service`}.`);
  return ill(
    "clock",
    `${String(seconds)} s ${skewMs > 0 ? "ahead of" : "behind"} the service: events get wrong times.`,
    "Let this machine keep its time by NTP.",
  );
}

function remedyFor(error: unknown): string {
  switch (error instanceof MParticleError ? error.code : undefined) {
    case "TIMEOUT":
    case "CONNECTION":
      return "Does a firewall let this machine out to port 443? Is there a proxy on the way?";
    case "TLS":
      return "Give Node the certificate of whatever looks into connections: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.";
    case "RATE_LIMITED":
      return "Something else uses up the rate of this account; wait, or ask for more.";
    case "UNAVAILABLE":
      return "The service is in trouble: wait, and see its status page.";
    case "REDIRECTED":
      return "Something answers that is not the service: check the base URL, and whether a proxy asks for a login.";
    default:
      return "What was refused is a plain batch: check the base URL.";
  }
}
