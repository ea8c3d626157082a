import { parseArgs } from "node:util";
import { startMockServer, type MockServer } from "../src/testing/testing.ts";
import { readFlags, runCommand, UsageError } from "./command.ts";

const HELP = `Serves the contract on this machine, until it is interrupted (Ctrl+C).

  npm run mock                      the canonical profile: refuses what a well-behaved sender would not send
  npm run mock -- --wire            the wire profile: takes whatever an official source permits

  --canonical     the default, said aloud
  --port NUMBER   the port to listen on; a free one when it is not given
  --help          this text`;

interface Options {
  readonly profile: "canonical" | "wire";
  readonly port: number;
  readonly help: boolean;
}

function readOptions(): Options {
  const { wire, canonical, port, help } = readFlags(
    () =>
      parseArgs({
        options: {
          wire: { type: "boolean", default: false },
          canonical: { type: "boolean", default: false },
          port: { type: "string", default: "0" },
          help: { type: "boolean", short: "h", default: false },
        },
      }).values,
  );
  if (wire && canonical) throw new UsageError("--wire and --canonical are two profiles; choose one.");
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(
      `--port ${JSON.stringify(port)} is no port; expected a number from 0 (any free one) to 65535.`,
    );
  }
  return { profile: wire ? "wire" : "canonical", port: Number(port), help };
}

async function start({ profile, port }: Options): Promise<MockServer> {
  try {
    return await startMockServer({ profile, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") throw new UsageError(`Port ${String(port)} is taken; choose another, or none.`);
    if (code === "EACCES") throw new UsageError(`Port ${String(port)} may not be listened on by this user.`);
    throw error;
  }
}

await runCommand(async () => {
  const options = readOptions();
  if (options.help) console.log(HELP);
  else await serve(options);
});

async function serve(options: Options): Promise<void> {
  const server = await start(options);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      void server.close();
    });
  }
  console.log(`The ${options.profile} profile is served at ${server.url}

  new EventsClient({ apiKey: "any", apiSecret: "any", baseUrl: "${server.url}" })

  curl -i -u any:any -H 'content-type: application/json' ${server.url}/events \\
    -d '{"environment":"development","user_identities":{"customer_id":"1234"},"events":[{"event_type":"opt_out","data":{"is_opted_out":true}}]}'

A header \`Prefer: code=429\` asks for another answer. Ctrl+C ends it.`);
}
