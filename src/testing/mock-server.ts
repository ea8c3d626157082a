import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Arrivals } from "../arrivals/arrivals.ts";
import { serveArrivals } from "../arrivals/serve-arrivals.ts";
import type { ServiceError } from "../errors.ts";
import { planCheck, type PlanCheck } from "../plan/plan.ts";
import { show } from "../rules/show.ts";
import { describe } from "../rules/describe-value.ts";
import { checkOptions } from "../transport/option-checks.ts";
import { checkPort, listenOnLoopback, readBody } from "./loopback.ts";
import { errorsIn } from "./refusal.ts";
import { loadPrism, type Prism, type PrismPreferences, type PrismProblem, type PrismViolation } from "./prism.ts";

/** Which contract is served, and where. */
export interface MockServerOptions {
  /**
   * `"canonical"` refuses what a well-behaved sender would not send, `"wire"` only what no official source permits.
   * `@default "canonical"`
   */
  readonly profile?: "canonical" | "wire" | undefined;
  /** `@default a free one` */
  readonly port?: number | undefined;
  /**
   * A data plan that batches are held against as well: what `readPlan` of `mparticle-events/plan` gave, or parsed JSON. A
   * batch with an event that is not planned is answered 400, unless the plan allows it.
   */
  readonly plan?: object | undefined;
  /**
   * Whether it keeps the newest 1,000 batches and shows them, with what `checkBatch` and the plan say of each, on a page at
   * {@link MockServer.arrivalsUrl}, which has an API beside it. `@default false`
   */
  readonly page?: boolean | undefined;
}

type Profile = NonNullable<MockServerOptions["profile"]>;

/** The contract, answering on this machine. */
export interface MockServer {
  /** For the `baseUrl` of a client, with its `/v2`. */
  readonly url: string;
  /** The port that it listens on, on 127.0.0.1. */
  readonly port: number;
  /** Where what arrived is shown, such as `http://127.0.0.1:4010/_/`; undefined without `page`. */
  readonly arrivalsUrl: string | undefined;
  /** Breaks all connections and stops. */
  close(): Promise<void>;
  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves the packaged OpenAPI contract on 127.0.0.1 by Prism, in this process and silently: every request is checked
 * against it, and answered with its examples; a 400 names the fields that are wrong, and lists all in `sl-violations`.
 *
 * A request asks for another answer with `Prefer: code=429`, or `Prefer: code=400, example=…` by name. It has to be
 * valid, and have credentials, nevertheless. The first call takes about a second, to load Prism.
 *
 * @param options - see {@link MockServerOptions}.
 * @example
 * await using mock = await startMockServer();
 * const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: mock.url });
 * await client.upload(batch); // throws ApiError with status 400 unless the batch fits the contract
 * @throws Error - when the optional peer `@stoplight/prism-cli` is not installed.
 */
export async function startMockServer(options: MockServerOptions = {}): Promise<MockServer> {
  checkOptions(options, { profile: "any", port: "any", plan: "any", page: "boolean" });
  const { profile = "canonical", port: wantedPort = 0, plan, page = false } = options;
  // At once, and not after the second that it takes to load Prism.
  checkPort(wantedPort);
  const check = plan === undefined ? undefined : planCheck(plan);
  const prism = await prismOf(profile);
  const arrivals = page ? new Arrivals() : undefined;
  const record = arrivals === undefined ? undefined : await recordInto(arrivals, profile, check);
  const serveArrived = arrivals === undefined ? undefined : serveArrivals(arrivals);
  const server = createServer((request, response) => {
    if (serveArrived?.(request, response) !== true) void answer(prism, profile, check, record, request, response);
  });
  const port = await listenOnLoopback(server, wantedPort);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  const origin = `http://127.0.0.1:${String(port)}`;
  return {
    url: `${origin}/v2`,
    port,
    arrivalsUrl: page ? `${origin}/_/` : undefined,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is told of a request that was read and answered. */
type RecordRequest = (path: string, body: unknown, status: number) => void;

/** Keeps the batches of each request, with what is wrong with them; loads the checks, as one who does not ask needs none. */
async function recordInto(arrivals: Arrivals, profile: Profile, check: PlanCheck | undefined): Promise<RecordRequest> {
  const { checkBatch } = await import("../validate/validate.ts");
  let index = 0;
  return (path, body, status) => {
    const endpoint = endpointOf(path);
    for (const batch of batchesOf(path, body)) {
      const findings = [...checkBatch(batch, { profile, endpoint }), ...(check?.(batch) ?? [])];
      const isRefused = findings.some(({ severity }) => severity === "error");
      const verdict = status <= 299 ? "accepted" : isRefused || status === 400 ? "refused" : "failed";
      arrivals.add({ index: index++, receivedAtMs: Date.now(), path, batch, verdict, status, findings });
    }
  };
}

/** What has read the contracts, by profile: to read one takes a second of work, and nothing in it is of one server. */
const prisms = new Map<string, Promise<Prism>>();

function prismOf(profile: string): Promise<Prism> {
  const known = prisms.get(profile);
  if (known !== undefined) return known;
  const reading = readProfile(profile);
  prisms.set(profile, reading);
  // A peer that is missing may have been installed when it is asked for again.
  reading.catch(() => prisms.delete(profile));
  return reading;
}

async function readProfile(profile: string): Promise<Prism> {
  const document: unknown = JSON.parse(await readFile(findContract(profile), "utf8"));
  // A package manager that links packages together may show the peer to the application alone.
  return loadPrism(Object(document) as object, [import.meta.url, pathToFileURL(`${process.cwd()}/`)]);
}

/** By the name of this package, which holds in the repository, in the package, and in a bundle beside it. */
function findContract(profile: string): string {
  const files: Readonly<Record<string, string>> = { canonical: "openapi.json", wire: "openapi.wire.json" };
  const file = Object.hasOwn(files, profile) ? files[profile] : undefined;
  if (file === undefined) {
    throw new TypeError(`\`profile\` is ${JSON.stringify(profile)}; expected "canonical" or "wire".`);
  }
  return createRequire(import.meta.url).resolve(`mparticle-events/${file}`);
}

const BASE_PATH = "/v2";
const OPERATIONS = ["/v2/events", "/v2/bulkevents", "/v2/bulkevents/historical"];
const MAX_BODY_BYTES = 10_000_000;

async function answer(
  prism: Prism,
  profile: Profile,
  check: PlanCheck | undefined,
  record: RecordRequest | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const text = await readBody(request, MAX_BODY_BYTES);
    const { code, preferences } = readPreferences(headers["prefer"] ?? "");
    const problem = problemOfRequest(pathname, headers, code);
    if (problem !== undefined) {
      sendProblem(response, problem);
      return;
    }
    if (text === undefined) {
      sendJson(response, 413, refusal(`The body is larger than ${String(MAX_BODY_BYTES)} bytes.`));
      return;
    }
    const body = readJson(text, request.headers["content-type"] ?? "");
    if (body === undefined) {
      sendJson(response, 400, refusal("The body is not JSON."));
      return;
    }
    const result = await prism(
      {
        method: (request.method ?? "get").toLowerCase(),
        // Prism's paths begin after the base URL.
        url: { path: pathname.slice(BASE_PATH.length), query: Object.fromEntries(searchParams) },
        headers,
        body: body.value,
      },
      preferences,
    );
    if ("problem" in result) {
      sendProblem(response, result.problem);
      return;
    }
    const { output, validations } = result.answer;
    if (validations.input.length === 0 && output.statusCode !== (preferences.code ?? output.statusCode)) {
      const detail = `The contract has no example ${show(preferences.exampleKey)} of an answer ${String(code)}.`;
      sendProblem(
        response,
        problemWith(400, "NO_SUCH_ANSWER", "`Prefer` asks for an answer that there is not", detail),
      );
      return;
    }
    const unplanned = check !== undefined && output.statusCode <= 299 ? errorsOf(pathname, body.value, check) : [];
    // 401 is answered before anything is looked at.
    if (OPERATIONS.includes(pathname) && output.statusCode !== 401) {
      record?.(pathname, body.value, unplanned.length > 0 ? 400 : output.statusCode);
    }
    if (unplanned.length > 0) {
      sendJson(response, 400, { errors: unplanned });
      return;
    }
    const isRefused = output.statusCode === 400 && validations.input.some(({ severity }) => severity === 0);
    const named = isRefused ? await nameFaults(profile, pathname, body.value) : [];
    const violations = [
      ...validations.input.map((violation) => describeViolation("request", violation)),
      ...validations.output.map((violation) => describeViolation("response", violation)),
    ];
    sendJson(response, output.statusCode, named.length > 0 ? { errors: named } : output.body, {
      // In one spelling: Prism's own `Content-type` beside ours would be two headers.
      ...lowerCased(output.headers ?? {}),
      ...(violations.length > 0 && { "sl-violations": fitHeader(violations) }),
    });
  } catch (error) {
    if (request.errored !== null || response.destroyed) return;
    sendProblem(response, error instanceof Error ? error : new Error(String(error)));
  }
}

/** `undefined` for what should be JSON and is not. */
function readJson(text: string, contentType: string): { readonly value: unknown } | undefined {
  if (text === "") return { value: null };
  if (!/^application\/([\w.-]+\+)?json\b/i.test(contentType)) return { value: text };
  try {
    // Numbers that JavaScript rounds stay numbers: the contract calls for integers, and looks at no digits.
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** The parameters of `Prefer` (RFC 7240) that Prism understands, and the code as it was given. */
function readPreferences(prefer: string): {
  readonly code: string | undefined;
  readonly preferences: PrismPreferences;
} {
  const given = new Map<string, string>();
  for (const part of prefer.split(/[,;]/)) {
    const [name = "", value = ""] = part.split("=", 2).map((side) => side.trim().replace(/^"(.*)"$/, "$1"));
    given.set(name.toLowerCase(), value);
  }
  const code = given.get("code");
  const example = given.get("example");
  return {
    code,
    preferences: {
      ...(code !== undefined && { code: Number(code) }),
      ...(example !== undefined && { exampleKey: example }),
      ...(given.has("dynamic") && { dynamic: given.get("dynamic") === "true" }),
    },
  };
}

/** What Prism would pass over, or would not say so that whoever sent it sees the mistake. */
function problemOfRequest(
  path: string,
  { host = "", "content-encoding": encoding = "identity" }: Readonly<Record<string, string>>,
  code: string | undefined,
): PrismProblem | undefined {
  if (!path.startsWith(`${BASE_PATH}/`)) {
    const detail = `There is no ${path}: each path begins with ${BASE_PATH}. The base URL is http://${host}${BASE_PATH}.`;
    return problemWith(404, "NO_PATH_MATCHED", "Route not resolved, no path matched", detail);
  }
  if (encoding.toLowerCase() !== "identity") {
    const detail = `The body has the content encoding ${show(encoding)}. The service documents none: send the JSON as it is.`;
    return problemWith(415, "CONTENT_ENCODING", "The content encoding is not supported", detail);
  }
  if (code !== undefined && !/^[2-5]\d\d$/.test(code)) {
    const detail = `\`Prefer\` asks for the code ${show(code)}; expected a status that the contract has an answer for.`;
    return problemWith(400, "NO_SUCH_ANSWER", "`Prefer` asks for an answer that there is not", detail);
  }
  return undefined;
}

function problemWith(status: number, name: string, message: string, detail: string): PrismProblem {
  return { name, message, status, detail };
}

interface Violation {
  readonly location: readonly (string | number)[];
  readonly code?: string | number | undefined;
  readonly message: string;
  readonly severity: string;
}

/** As Prism's own server words it. */
function describeViolation(where: string, { path = [], code, message, severity }: PrismViolation): Violation {
  const severities = ["Error", "Warning", "Information", "Hint"];
  return { location: [where, ...path], severity: severities[severity] ?? "Error", code, message };
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** As many as fit into a header, so that it always is JSON. */
function fitHeader(violations: readonly Violation[]): string {
  let fitting = violations;
  const encode = (): string =>
    // Header values are Latin-1; payloads are not.
    JSON.stringify(fitting).replace(
      /[^\x20-\x7e]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  while (encode().length > 8000 && fitting.length > 0) fitting = fitting.slice(0, Math.floor(fitting.length / 2));
  return encode();
}

/** So many faults are in the body of an answer; all that fit are in its header. */
const MAX_NAMED = 10;

/**
 * What `checkBatch` says of a body that the contract refuses: it names the field, and what may have been meant. Loaded when
 * something is refused, as most tests send what is right.
 */
async function nameFaults(profile: Profile, path: string, body: unknown): Promise<readonly ServiceError[]> {
  const { checkBatch } = await import("../validate/validate.ts");
  if (isBulkPath(path) && !Array.isArray(body)) {
    return [{ code: "wrong-type", path: "", message: `${path} takes an array of batches, got ${describe(body)}.` }];
  }
  const endpoint = endpointOf(path);
  return errorsOf(path, body, (batch) => checkBatch(batch, { profile, endpoint })).slice(0, MAX_NAMED);
}

function endpointOf(path: string): "events" | "historical" {
  return path.endsWith("/historical") ? "historical" : "events";
}

function isBulkPath(path: string): boolean {
  return path.includes("/bulkevents");
}

/** What a request holds: one batch, or the list of them that a bulk request is. */
function batchesOf(path: string, body: unknown): readonly unknown[] {
  return isBulkPath(path) && Array.isArray(body) ? body : [body];
}

/** What a check, or the plan, has against the batches of a request. */
function errorsOf(path: string, body: unknown, check: PlanCheck): readonly ServiceError[] {
  return errorsIn(batchesOf(path, body), check, isBulkPath(path));
}

function refusal(message: string): unknown {
  return { errors: [{ code: "BAD_REQUEST", message }] };
}

/** What the contract itself has no answer for, as RFC 9457 has it. */
function sendProblem(
  response: ServerResponse,
  { name, message, status = 500, detail, additional }: PrismProblem,
): void {
  const { headers, ...members } = additional ?? {};
  sendJson(
    response,
    status,
    { type: name, title: message, status, detail: detail ?? message, ...members },
    { ...headers, "content-type": "application/problem+json" },
  );
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, {
    ...(text !== "" && { "content-type": "application/json" }),
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
