import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { Option, type Command } from "commander";
import { PODS } from "../../generated/contract.ts";
import type { Terminal } from "./terminal.ts";
import { codeOf, messageOf, UsageError } from "./usage-error.ts";

type Pod = keyof typeof PODS;

/** What the command line says about where to send to. */
export interface ConnectionFlags {
  readonly pod?: Pod | undefined;
  readonly baseUrl?: string | undefined;
  readonly envFile?: string | undefined;
}

/** Where to send to, and as whom. */
export interface Connection {
  /** Empty where the variable is, as those of a CI are whose secret is missing. */
  readonly apiKey: string | undefined;
  readonly apiSecret: string | undefined;
  readonly pod: Pod | undefined;
  readonly baseUrl: string | undefined;
  /** Where the credentials were found, for people. */
  readonly from: string;
}

/** Adds the flags of {@link ConnectionFlags}. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(new Option("--pod <name>", "the data centre of the account (MPARTICLE_POD)").choices(Object.keys(PODS)))
    .option("--base-url <url>", "a mock, a proxy or a partner host instead, with its /v2 (MPARTICLE_BASE_URL)")
    .option(
      "--env-file <file>",
      "where MPARTICLE_API_KEY and MPARTICLE_API_SECRET are, if not in the environment (default: .env)",
    );
}

/**
 * Credentials and host, from the flags, the environment and a file, in this order.
 *
 * @throws UsageError - for a file that was named and cannot be read, for a pod that there is not, and for a variable of the two
 * that is set and empty.
 */
export async function readConnection(flags: ConnectionFlags, { env, cwd }: Terminal): Promise<Connection> {
  const file = await readEnvFile(flags.envFile, cwd);
  const fileName = flags.envFile ?? ".env";
  const read = (name: string): string | undefined => env[name] ?? file[name];
  /** Nothing in its place would be the default, and so another data centre than was meant. */
  const readTarget = (name: string): string | undefined => {
    const value = read(name);
    if (value?.trim() !== "") return value;
    const otherwise =
      name === "MPARTICLE_BASE_URL" && (read("MPARTICLE_POD") ?? "").trim() !== ""
        ? "everything goes where MPARTICLE_POD says then."
        : "without a pod or a base URL everything goes to us1.";
    throw new UsageError(
      `${name} is set in ${env[name] === undefined ? fileName : "the environment"}, and is empty.`,
      `Give it its value, or unset it: ${otherwise}`,
    );
  };
  const baseUrl = flags.baseUrl ?? (flags.pod === undefined ? readTarget("MPARTICLE_BASE_URL") : undefined);
  const pod = flags.pod ?? (baseUrl === undefined ? readTarget("MPARTICLE_POD") : undefined);
  if (pod !== undefined && !isPod(pod)) {
    throw new UsageError(
      `MPARTICLE_POD is ${JSON.stringify(pod)}.`,
      `Set it to one of ${Object.keys(PODS).join(", ")}.`,
    );
  }
  return {
    apiKey: read("MPARTICLE_API_KEY"),
    apiSecret: read("MPARTICLE_API_SECRET"),
    pod,
    baseUrl,
    from: env["MPARTICLE_API_KEY"] === undefined ? fileName : "the environment",
  };
}

/** @throws UsageError - when one of the two is missing. */
export function requireCredentials(connection: Connection): { apiKey: string; apiSecret: string } {
  const { apiKey = "", apiSecret = "" } = connection;
  const missing = describeMissing(connection);
  if (missing === undefined) return { apiKey, apiSecret };
  throw new UsageError(
    missing,
    "Set it in the environment, or in a file .env in this folder; the dashboard has it under Setup > Inputs.",
  );
}

/** Which of the credentials is not there; `undefined` when both are. */
export function describeMissing({ apiKey, apiSecret }: Connection): string | undefined {
  for (const [name, value] of Object.entries({ MPARTICLE_API_KEY: apiKey, MPARTICLE_API_SECRET: apiSecret })) {
    if (value === undefined) return `${name} is not set.`;
    if (value.trim() === "") return `${name} is set, and is empty.`;
  }
  return undefined;
}

function isPod(name: string): name is Pod {
  return Object.hasOwn(PODS, name);
}

async function readEnvFile(
  named: string | undefined,
  cwd: string,
): Promise<Readonly<Record<string, string | undefined>>> {
  const name = named ?? ".env";
  let text: string;
  try {
    text = await readFile(resolve(cwd, name), "utf8");
  } catch (error) {
    if (named === undefined && codeOf(error) === "ENOENT") return {};
    throw new UsageError(`${name}: it cannot be read: ${messageOf(error)}.`, "Check --env-file.");
  }
  // As some editors save it. Read as it is, it would only seem to hold no credentials.
  if (text.includes("\0") || text.includes("\uFFFD"))
    throw new UsageError(`${name}: it is not UTF-8.`, "Save it as UTF-8.");
  return parseEnv(text.replace(/^\uFEFF/, ""));
}
