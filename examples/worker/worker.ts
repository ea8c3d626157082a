/** A Worker that counts what is looked at. The page is answered first, and the event is sent afterwards. */
import { createBatch, EventsClient, screenView } from "mparticle-events";

/** Secrets of the Worker. */
export interface Env {
  readonly MPARTICLE_API_KEY: string;
  readonly MPARTICLE_API_SECRET: string;
  /** Of a mock; the real service when it is left out. */
  readonly MPARTICLE_BASE_URL?: string | undefined;
}

/** What the platform hands over with each request. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

export default {
  fetch(request: Request, env: Env, context: Context): Response {
    const { pathname } = new URL(request.url);
    // One for each request: nothing may wait here for what another request does.
    const client = new EventsClient({
      apiKey: env.MPARTICLE_API_KEY,
      apiSecret: env.MPARTICLE_API_SECRET,
      baseUrl: env.MPARTICLE_BASE_URL,
      retry: { maxElapsedMs: 20_000 }, // the platform ends what waits for longer than 30 s
    });
    const customer_id = request.headers.get("x-customer") ?? "nobody";
    const batch = createBatch({ environment: "development", user_identities: { customer_id } }, [screenView(pathname)]);
    context.waitUntil(
      client.upload(batch).catch((error: unknown) => {
        console.error(error);
      }),
    );
    return new Response(`This is ${pathname}.`);
  },
};
