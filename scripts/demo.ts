/** Sends real events through the library to the mock server, and shows what happened: `npm run demo`. */
import { parseArgs } from "node:util";
import { EventsClient } from "../src/index.ts";
import { startMockServer } from "../src/testing/testing.ts";
import { readFlags, runCommand, UsageError } from "./command.ts";
import { giveTour, type Target } from "./demo/tour.ts";

const HELP = `Sends events of every kind through the library, then a wrong one, and shows what came back.

  npm run demo               to a mock of the service on this machine
  npm run demo -- --live     to mParticle, as development

  --live     needs MPARTICLE_API_KEY, MPARTICLE_API_SECRET and MPARTICLE_POD (us1, us2, eu1 or au1)
  --help     this text

Exit code: 0 what is right was accepted; 1 the service or the network failed it; 2 it was called wrongly.`;

await runCommand(async () => {
  const { live, help } = readFlags(
    () =>
      parseArgs({
        options: {
          live: { type: "boolean", default: false },
          help: { type: "boolean", short: "h", default: false },
        },
      }).values,
  );
  if (help) {
    console.log(HELP);
    return;
  }
  if (live) await giveTour(liveTarget(process.env), console.log);
  else await tourOfMock();
});

async function tourOfMock(): Promise<void> {
  const server = await startMockServer();
  try {
    const options = { apiKey: "us1-demo", apiSecret: "not-a-secret", baseUrl: server.url };
    await giveTour({ name: `the mock server at ${server.url}`, options }, console.log);
  } finally {
    await server.close();
  }
}

function liveTarget(environment: NodeJS.ProcessEnv): Target {
  const { MPARTICLE_API_KEY: apiKey = "", MPARTICLE_API_SECRET: apiSecret = "", MPARTICLE_POD: pod = "" } = environment;
  const missing = Object.entries({ MPARTICLE_API_KEY: apiKey, MPARTICLE_API_SECRET: apiSecret, MPARTICLE_POD: pod })
    .filter(([, value]) => value === "")
    .map(([name]) => name);
  if (missing.length > 0) throw new UsageError(`--live needs ${missing.join(", ")}, which the environment lacks.`);
  if (!isPod(pod)) {
    throw new UsageError(`MPARTICLE_POD is ${JSON.stringify(pod)}; expected us1, us2, eu1 or au1.`);
  }
  const options = { apiKey, apiSecret, pod };
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
