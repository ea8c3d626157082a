import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as root from "mparticle-events";
import { EventQueue, EventsClient, purchase, screenView } from "mparticle-events";
import * as testing from "mparticle-events/testing";
import { recordingFetch } from "mparticle-events/testing";
import { ContractService } from "../../src/cli/mock/contract-service.ts";
import { listen } from "../../src/cli/mock/mock-server.ts";

/**
 * Lines for frameworks that are not installed here are run with stand-ins that have what they use of them: a mistake in the
 * part that is ours shows, and a change of the framework does not.
 */
const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");

function blocksOf(path: string, language: string): readonly string[] {
  return Array.from(
    read(path).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms")),
    ([, code = ""]) => code,
  );
}

/** Runs lines of a page as the body of a function that has these names. */
async function run(code: string, names: Readonly<Record<string, unknown>>): Promise<void> {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the code of our own pages
  const program = new Function(...Object.keys(names), `return (async () => {${code}})();`) as (
    ...values: unknown[]
  ) => Promise<void>;
  await program(...Object.values(names));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("docs/guides/web-service.md", () => {
  const [express = "", fastify = "", hono = ""] = blocksOf("docs/guides/web-service.md", "js");
  const order = { id: "T-1", products: [{ id: "sku-1" }] };
  type Handler = (...of: readonly unknown[]) => unknown;

  /** A queue, the route that the lines add, and what they do at the end. */
  function stand() {
    const fetch = recordingFetch();
    const queue = new EventQueue(new EventsClient({ apiKey: "key", apiSecret: "secret", fetch }));
    const routes = new Map<string, Handler>();
    const app = { post: (path: string, handler: Handler) => routes.set(path, handler) };
    const atSigterm: (() => void)[] = [];
    const server = { close: vi.fn() };
    const names = {
      queue,
      purchase,
      userOf: () => ({ environment: "development", user_identities: { customer_id: "1234" } }),
      productsOf: (body: typeof order) => body.products,
      process: { once: (signal: string, listener: () => void) => signal === "SIGTERM" && atSigterm.push(listener) },
    };
    const post = async (...of: readonly unknown[]): Promise<unknown> => await routes.get("/orders")?.(...of);
    const sent = async (): Promise<unknown> => {
      await queue.close();
      return fetch.accepted().map(({ events }) => events);
    };
    return { app, atSigterm, names, post, sent, server };
  }

  const ONE_PURCHASE = [[{ data: { product_action: { action: "purchase", transaction_id: "T-1" } } }]];

  it("adds an event in Express, and closes the server at SIGTERM", async () => {
    const { app, atSigterm, names, post, sent, server } = stand();
    await run(express, { ...names, app: { ...app, listen: () => server } });
    const sendStatus = vi.fn();
    await post({ body: order }, { sendStatus });
    expect(sendStatus).toHaveBeenCalledWith(201);
    for (const listener of atSigterm) listener();
    expect(server.close).toHaveBeenCalledOnce();
    expect(await sent()).toMatchObject(ONE_PURCHASE);
  });

  it("adds an event in Fastify, and closes the queue when the application closes", async () => {
    const { app, names, post, sent } = stand();
    const hooks = new Map<string, () => Promise<unknown>>();
    await run(fastify, {
      ...names,
      fastify: { ...app, addHook: (name: string, hook: () => Promise<unknown>) => hooks.set(name, hook) },
    });
    const reply = { code: vi.fn(() => ({ send: () => "sent" })) };
    expect(await post({ body: order }, reply)).toBe("sent");
    expect(reply.code).toHaveBeenCalledWith(201);
    await hooks.get("onClose")?.();
    await expect(names.queue.add({ environment: "development" }, screenView("late"))).rejects.toThrow(/closed/);
    expect(await sent()).toMatchObject(ONE_PURCHASE);
  });

  it("adds an event in Hono, and closes the server at SIGTERM", async () => {
    const { app, atSigterm, names, post, sent, server } = stand();
    await run(hono, { ...names, app: { ...app, fetch: () => undefined }, serve: () => server });
    const context = { req: { json: () => Promise.resolve(order) }, body: (_: null, status: number) => status };
    expect(await post(context)).toBe(201);
    for (const listener of atSigterm) listener();
    expect(server.close).toHaveBeenCalledOnce();
    expect(await sent()).toMatchObject(ONE_PURCHASE);
  });
});

describe("docs/testing.md", () => {
  const [vitest = "", jest = ""] = blocksOf("docs/testing.md", "js");
  const modules: Readonly<Record<string, object>> = { "mparticle-events": root, "mparticle-events/testing": testing };
  const visit = (queue: EventQueue, customer_id: string): Promise<void> =>
    queue.add({ environment: "development", user_identities: { customer_id } }, screenView("Home"));

  /** Runs the tests of a block, of which there is one. */
  async function runTests(code: string, customer: (queue: EventQueue, id: string) => Promise<void>): Promise<void> {
    const tests: (() => Promise<void>)[] = [];
    const test = (_title: string, body: () => Promise<void>): void => void tests.push(body);
    const required = code
      .replace('import { expect, test } from "vitest";', "")
      .replace(/import (\{[^}]*\}) from ("[^"]*");/g, "const $1 = require($2);");
    await run(required, { require: (name: string) => modules[name], test, expect, visit: customer });
    expect(tests).toHaveLength(1);
    for (const body of tests) await body();
  }

  it.each([
    ["Vitest", vitest],
    ["Jest", jest],
  ])("has a test for %s that passes, and that fails when nothing is sent", async (_, code) => {
    await runTests(code, visit);
    await expect(runTests(code, () => Promise.resolve())).rejects.toThrow(/expected/);
  });
});

describe("docs/guides/other-languages.md", () => {
  /** What the lines use of `requests`, by what Python has of its own. */
  const REQUESTS = `
import base64, json, sys, types, urllib.error, urllib.request
def post(url, auth, json):
    token = base64.b64encode(":".join(auth).encode()).decode()
    body = _dumps(json).encode()
    request = urllib.request.Request(url, body, {"authorization": "Basic " + token, "content-type": "application/json"})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read()
    return types.SimpleNamespace(status_code=answer.status, json=lambda: _loads(text))
_dumps, _loads = json.dumps, json.loads
sys.modules["requests"] = types.SimpleNamespace(post=post)
`;

  it("has lines of Python that the mock accepts", async () => {
    const [lines = ""] = blocksOf("docs/guides/other-languages.md", "python");
    const service = new ContractService({ profile: "canonical", failures: [], now: Date.now, random: Math.random });
    const verdicts: string[] = [];
    service.onBatch(({ verdict }) => verdicts.push(verdict));
    const mock = await listen(service, 0, () => undefined);
    try {
      const program = `${REQUESTS}\n${lines.replace("http://127.0.0.1:4010/v2", mock.url)}`;
      const python = process.platform === "win32" ? "python" : "python3";
      await new Promise<void>((resolve, reject) => {
        execFile(python, ["-c", program], (error, _stdout, stderr) => {
          if (error === null) resolve();
          else reject(new Error(stderr));
        });
      });
    } finally {
      await mock.close();
    }
    expect(verdicts).toEqual(["accepted"]);
  });
});
