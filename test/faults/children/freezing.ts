/**
 * A process that is frozen with a request in flight: `freezing.ts URL MAX_ELAPSED_MS` uploads one batch, and prints what
 * became of it.
 */
import { EventsClient, MParticleError, screenView } from "mparticle-events";

const [baseUrl, maxElapsedMs] = process.argv.slice(2);
const client = new EventsClient({
  apiKey: "k",
  apiSecret: "s",
  baseUrl,
  retry: { baseDelayMs: 1, maxElapsedMs: Number(maxElapsedMs) },
});
const batch = { environment: "development", source_request_id: "frozen", events: [screenView("Home")] } as const;
const said = await client.upload({ ...batch, events: [...batch.events] }).then(
  ({ status, attempts }) => ({ status, attempts }),
  (error: unknown) =>
    error instanceof MParticleError ? { code: error.code, attempts: error.attempts } : String(error),
);
console.log(JSON.stringify(said));
