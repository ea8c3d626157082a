import type { FetchFlags } from "../commands/plan.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { messageOf, UsageError } from "../usage-error.ts";
import { readPlanText, writeResult } from "./plan-file.ts";

const TIMEOUT_MS = 30_000;
/** A plan of 1,000 points is far below it. */
const MAX_BYTES = 50_000_000;

/** Who asks, and for what. */
interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly workspace: string;
}

type Get = (request: Request) => Promise<Response>;

/** The service could not be reached, or is out of order: another run may succeed. */
class UnreachedError extends Error {
  override name = "UnreachedError" as const;
}

/** Fetches a plan, or one version of it. */
export async function runPlanFetch(id: string, flags: FetchFlags, terminal: Terminal): Promise<number> {
  const { workspace, ...client } = readCredentials(flags, terminal.env);
  const [authUrl, apiUrl] = [baseOf("--auth-url", flags.authUrl), baseOf("--api-url", flags.apiUrl)];
  const get = terminal.fetch ?? globalThis.fetch;
  try {
    const token = await fetchToken(get, authUrl, client);
    const version = flags.planVersion === undefined ? "" : `/versions/${String(flags.planVersion)}`;
    const path = `/platform/v2/workspaces/${encodeURIComponent(workspace)}/plans/${encodeURIComponent(id)}${version}`;
    const text = await request(get, `${apiUrl}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    });
    return await keep(text, id, flags, terminal);
  } catch (error) {
    if (!(error instanceof UnreachedError)) throw error;
    await terminal.stderr.write(`${error.message}\nRun it again later.\n`);
    return EXIT.undelivered;
  }
}

/** @throws UsageError - naming what is missing. */
function readCredentials(flags: FetchFlags, env: Terminal["env"]): Credentials {
  const credentials = {
    clientId: env["MPARTICLE_CLIENT_ID"] ?? "",
    clientSecret: env["MPARTICLE_CLIENT_SECRET"] ?? "",
    workspace: flags.workspace ?? env["MPARTICLE_WORKSPACE_ID"] ?? "",
  };
  const names = {
    clientId: "MPARTICLE_CLIENT_ID",
    clientSecret: "MPARTICLE_CLIENT_SECRET",
    workspace: "MPARTICLE_WORKSPACE_ID",
  };
  const missing = Object.entries(names).flatMap(([key, name]) =>
    credentials[key as keyof Credentials] === "" ? [name] : [],
  );
  if (missing.length === 0) return credentials;
  throw new UsageError(
    `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not set.`,
    "Make API credentials with the Platform permission in the workspace's settings, and put them into the environment.",
  );
}

/** Secrets travel encrypted, or not beyond this machine. */
function baseOf(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url === undefined || !(url.protocol === "https:" || (url.protocol === "http:" && isLocal))) {
    throw new UsageError(`${flag} is no https address.`, `Give one such as ${flag} https://api.mparticle.com.`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

async function fetchToken(
  get: Get,
  authUrl: string,
  { clientId, clientSecret }: Omit<Credentials, "workspace">,
): Promise<string> {
  const body = JSON.stringify({
    client_id: clientId,
    client_secret: clientSecret,
    audience: "https://api.mparticle.com",
    grant_type: "client_credentials",
  });
  const text = await request(get, `${authUrl}/oauth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const answer = parse(text);
  const token =
    typeof answer === "object" && answer !== null && "access_token" in answer ? answer.access_token : undefined;
  if (typeof token === "string" && token !== "") return token;
  throw new UnreachedError(`${authUrl} gave no token.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The body of an answer. Nothing of a refusal is repeated but its status: some services put into it what they were sent.
 *
 * @throws UsageError - when the service refuses.
 * @throws UnreachedError - when there is no answer, or the service is out of order.
 */
async function request(get: Get, url: string, init: RequestInit): Promise<string> {
  const { host, pathname } = new URL(url);
  let response: Response;
  let text: string;
  try {
    // A redirect would take the credentials to wherever it leads.
    response = await get(new Request(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) }));
    text = await response.text();
  } catch (cause) {
    throw new UnreachedError(`${host} was not reached: ${reasonOf(cause)}.`, { cause });
  }
  const { status } = response;
  if (status === 429 || status >= 500) throw new UnreachedError(`${host} answered ${String(status)}.`);
  if (response.ok && text.length <= MAX_BYTES) return text;
  const remedies: Readonly<Record<number, string>> = {
    401: "Check MPARTICLE_CLIENT_ID and MPARTICLE_CLIENT_SECRET.",
    403: "The credentials need the Platform permission, and the workspace has to be theirs.",
    404: "Check the id of the plan, its version and the workspace.",
  };
  throw new UsageError(
    `${host} answered ${String(status)} to ${pathname}.`,
    remedies[status] ?? "Check the flags and the environment.",
  );
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return messageOf(inner);
}

/** Writes what came, laid out for people, and says when it is no plan. */
async function keep(text: string, id: string, flags: FetchFlags, terminal: Terminal): Promise<number> {
  const document = parse(text);
  if (document === undefined) throw new UnreachedError("What came is no JSON.");
  // Integers that a number would round are better left as they came.
  await writeResult(/\d{16}/.test(text) ? text : `${JSON.stringify(document, null, 2)}\n`, flags.out, terminal);
  try {
    readPlanText(text, id, flags.planVersion);
  } catch (error) {
    if (messageOf(error).includes("has the versions")) return EXIT.clean; // all of them were asked for
    await terminal.stderr.write(`${messageOf(error)}\n`);
    return EXIT.findings;
  }
  return EXIT.clean;
}
