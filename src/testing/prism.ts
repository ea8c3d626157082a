/**
 * The few functions of Prism's libraries that are used, typed by hand: its own declarations need packages it does not
 * declare, and cost seconds of checking. Written against `@stoplight/prism-cli` 5.14.
 */
import { createRequire, Module } from "node:module";

/** One request, as Prism takes it. */
interface PrismRequest {
  readonly method: string;
  readonly url: { readonly path: string; readonly query: Readonly<Record<string, string>> };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What Prism chooses an answer by; from the `Prefer` header. */
export interface PrismPreferences {
  readonly code?: number;
  readonly exampleKey?: string;
  readonly dynamic?: boolean;
}

/** Something a request or an answer violates. */
export interface PrismViolation {
  readonly path?: readonly (string | number)[];
  readonly code?: string | number;
  readonly message: string;
  /** 0 is an error. */
  readonly severity: number;
}

/** What Prism answers. */
interface PrismAnswer {
  readonly output: {
    readonly statusCode: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly validations: { readonly input: readonly PrismViolation[]; readonly output: readonly PrismViolation[] };
}

/** Why Prism does not answer from the contract: an unknown path, no credentials, no such example. */
export interface PrismProblem extends Error {
  readonly status?: number;
  readonly detail?: string;
  readonly additional?: Readonly<Record<string, unknown>> & { readonly headers?: Readonly<Record<string, string>> };
}

/** Answers requests from one contract. */
export type Prism = (
  request: PrismRequest,
  preferences: PrismPreferences,
) => Promise<{ readonly answer: PrismAnswer } | { readonly problem: PrismProblem }>;

/** The parts of `@stoplight/prism-http` and `prism-core` behind {@link Prism}. */
interface PrismHttp {
  getHttpOperationsFromSpec(document: object): Promise<readonly unknown[]>;
  createInstance(
    config: object,
    components: { readonly logger: unknown },
  ): {
    request(
      input: PrismRequest,
      operations: readonly unknown[],
      config: object,
    ): () => Promise<Either<PrismProblem, PrismAnswer>>;
  };
}
interface PrismCore {
  createLogger(name: string, options: { readonly level: string }): unknown;
}
type Either<L, R> = { readonly _tag: "Left"; readonly left: L } | { readonly _tag: "Right"; readonly right: R };

/**
 * Loads Prism and has it read a contract.
 *
 * @param document - an OpenAPI document; Prism may change it.
 * @param bases - files and folders from which `@stoplight/prism-cli` is looked for, in this order.
 * @throws Error - when it is not installed.
 */
export async function loadPrism(document: object, bases: readonly (string | URL)[]): Promise<Prism> {
  const require = findPrism(bases);
  // The three casts: what Prism exports, in the types above.
  const http = withoutMadeUpWords(require, () => require("@stoplight/prism-http") as PrismHttp);
  const core = require("@stoplight/prism-core") as PrismCore;
  const config = { isProxy: false, checkSecurity: true, validateRequest: true, validateResponse: true, errors: false };
  const operations = await http.getHttpOperationsFromSpec(document);
  const instance = http.createInstance(
    { ...config, mock: { dynamic: false } },
    { logger: core.createLogger("PRISM", { level: "silent" }) },
  );
  return async (request, preferences) => {
    const result = await instance.request(request, operations, {
      ...config,
      mock: { dynamic: false, ...preferences },
    })();
    return result._tag === "Right" ? { answer: result.right } : { problem: result.left };
  };
}

/**
 * Loads Prism without `@faker-js/faker`: two thousand files in sixty languages, half of the time that Prism takes to load, for
 * answers that it makes up. Ours are the examples of the contract. Should Prism ask for a word after all, they are loaded then.
 */
function withoutMadeUpWords<Loaded>(require: NodeJS.Require, load: () => Loaded): Loaded {
  const ofPrism = createRequire(require.resolve("@stoplight/prism-http"));
  const path = findFaker(ofPrism);
  if (path === undefined || require.cache[path] !== undefined) return load();
  const standIn = new Module(path);
  standIn.exports = {
    default: new Proxy(
      {},
      { get: (_, name) => (ofPrism(path) as { readonly faker: Record<PropertyKey, unknown> }).faker[name] },
    ),
  };
  standIn.loaded = true;
  require.cache[path] = standIn;
  try {
    return load();
  } finally {
    // Others of this process are to find the real one.
    if (require.cache[path] === standIn) Reflect.deleteProperty(require.cache, path);
  }
}

/** Undefined where a version of Prism does without it. */
function findFaker(ofPrism: NodeJS.Require): string | undefined {
  try {
    return ofPrism.resolve("@faker-js/faker");
  } catch {
    return undefined;
  }
}

/** A `require` that sees what `@stoplight/prism-cli` sees: its libraries are its dependencies, not ours. */
function findPrism(bases: readonly (string | URL)[]): NodeJS.Require {
  for (const base of bases) {
    try {
      return createRequire(createRequire(base).resolve("@stoplight/prism-cli/package.json"));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND")) throw error;
    }
  }
  throw new Error(
    "startMockServer() needs Prism, which is not installed. Run `npm install --save-dev @stoplight/prism-cli@^5.14.0`.",
  );
}
