import { parseArgs } from "node:util";
import { EventsClient, type EventsClientOptions } from "../../src/index.ts";
import { readFlags, runCommand, UsageError, type Output } from "../command.ts";
import { giveTour, type Target } from "./tour.ts";

const HELP = `Sends events of every kind through the library, then a wrong one, and shows what came back.

  npm run demo               to a mock of the service on this machine
  npm run demo -- --live     to mParticle, as development

  --live     needs MPARTICLE_API_KEY, MPARTICLE_API_SECRET and MPARTICLE_POD (us1, us2, eu1 or au1)
  --help     this text

Exit code: 0 what is right was accepted; 1 the service or the network failed it; 2 it was called wrongly.`;

/**
 * What `npm run demo` does.
 *
 * @param args - the arguments after the name of the script.
 * @param environment - where the credentials are.
 * @param clientOptions - for the client of a live tour, such as another `fetch`.
 * @returns the exit code.
 */
export function runDemo(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
  clientOptions: Partial<EventsClientOptions> = {},
): Promise<number> {
  return runCommand(async () => {
    const { live, help } = readArguments(args);
    if (help) output.log(HELP);
    else if (live) await giveTour(liveTarget(environment, clientOptions), output.log);
    else await tourOfMock(output);
  }, output);
}

function readArguments(args: readonly string[]) {
  return readFlags(
    () =>
      parseArgs({
        args: [...args],
        options: {
          live: { type: "boolean", default: false },
          help: { type: "boolean", short: "h", default: false },
        },
      }).values,
  );
}

async function tourOfMock(output: Output): Promise<void> {
  output.log("Starting the mock server …");
  const { startMockServer } = await import("../../src/testing/testing.ts");
  const server = await startMockServer();
  try {
    // The mock answers in this very process: on a busy machine that may take it long.
    const options = { apiKey: "us1-demo", apiSecret: "not-a-secret", baseUrl: server.url, timeoutMs: 120_000 };
    await giveTour({ name: `the mock server at ${server.url}`, options }, output.log);
  } finally {
    await server.close();
  }
}

function liveTarget(environment: NodeJS.ProcessEnv, clientOptions: Partial<EventsClientOptions>): Target {
  const { MPARTICLE_API_KEY: apiKey = "", MPARTICLE_API_SECRET: apiSecret = "", MPARTICLE_POD: pod = "" } = environment;
  const missing = Object.entries({ MPARTICLE_API_KEY: apiKey, MPARTICLE_API_SECRET: apiSecret, MPARTICLE_POD: pod })
    .filter(([, value]) => value === "")
    .map(([name]) => name);
  if (missing.length > 0) throw new UsageError(`--live needs ${missing.join(", ")}, which the environment lacks.`);
  if (!isPod(pod)) {
    throw new UsageError(`MPARTICLE_POD is ${JSON.stringify(pod)}; expected us1, us2, eu1 or au1.`);
  }
  const options = { apiKey, apiSecret, pod, ...clientOptions };
  try {
    new EventsClient(options);
  } catch (error) {
    // What the client says of credentials, the person at the keyboard can mend.
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
  return { name: `mParticle, pod ${pod}, environment development`, options };
}

function isPod(pod: string): pod is "us1" | "us2" | "eu1" | "au1" {
  return pod === "us1" || pod === "us2" || pod === "eu1" || pod === "au1";
}
