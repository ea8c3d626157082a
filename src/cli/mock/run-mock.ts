import type { MockFlags } from "../commands/mock.ts";
import { EXIT } from "../exit-codes.ts";
import { coloursFor, type Terminal } from "../terminal.ts";
import { ContractService } from "./contract-service.ts";
import { readFailures } from "./failures.ts";
import { listen } from "./mock-server.ts";

/** Serves the contract until it is interrupted. */
export async function runMock(flags: MockFlags, terminal: Terminal): Promise<number> {
  const { stdout, stderr, env } = terminal;
  const { profile } = flags;
  const failures = readFailures(flags.fail ?? []);
  const service = new ContractService({ profile, failures, now: terminal.now, random: terminal.random });
  // Before it listens: who starts it may end it at any time.
  const ended = new Promise<void>((resolve) => {
    terminal.onInterrupt(() => {
      resolve();
    });
    terminal.onOrphaned(resolve);
  });
  const { good, bad } = coloursFor(stderr, env);
  const mock = await listen(service, flags.port, ({ method, path, status }) => {
    const shown = status < 300 ? good(String(status)) : bad(String(status));
    if (flags.quiet !== true) void stderr.write(`${method} ${path} ${shown}\n`);
  });
  await stdout.write(`The ${profile} profile is served at ${mock.url}

  new EventsClient({ apiKey: "any", apiSecret: "any", baseUrl: "${mock.url}" })

  curl -i -u any:any -H 'content-type: application/json' ${mock.url}/events \\
    -d '{"environment":"development","user_identities":{"customer_id":"1234"},"events":[{"event_type":"opt_out","data":{"is_opted_out":true}}]}'

A header \`Prefer: code=429\` asks for another answer. Ctrl+C ends it.
`);
  await ended;
  await mock.close();
  return EXIT.clean;
}
