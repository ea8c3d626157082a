/** The program as a worker, and what only workers do: answer first and deliver after, and keep a client from one request to the next. */
import { createBatch, EventQueue, EventsClient, screenView } from "mparticle-events";
import { play } from "./program.ts";
import { ADDED, CREDENTIALS } from "./scenarios.ts";

/** Of the service; put in when the worker is bundled, for a client to be made before the first request. */
declare const ORIGIN: string;

/** What a worker is given beside the request, as far as it is used here. */
interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

const USER = { environment: "development", user_identities: { customer_id: "1234" } } as const;

/** Outlives a request, and serves several at a time as long as none of them has to wait for another. */
const shared = new EventsClient({ ...CREDENTIALS, baseUrl: `${ORIGIN}/shared/v2` });

/** Of the batches that were to be delivered after the answer. */
const outcomes: string[] = [];

export default {
  async fetch(request: Request, _env: unknown, context: Context): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/play":
        return Response.json(await play(ORIGIN));
      case "/shared": {
        const { status } = await shared.upload(createBatch(USER, [screenView("Home")]));
        return Response.json(status);
      }
      case "/wait-until":
        return Response.json(await addForLater(context));
      case "/outcomes":
        return Response.json(outcomes);
      default:
        return new Response("There is no such path.", { status: 404 });
    }
  },
};

/** Leaves delivery to a timer of the queue, which the platform would drop with the request if it were not told to wait. */
async function addForLater(context: Context): Promise<number> {
  const client = new EventsClient({ ...CREDENTIALS, baseUrl: `${ORIGIN}/wait-until/v2` });
  const queue = new EventQueue(client, {
    flushIntervalMs: 100,
    waitUntil: (promise) => {
      context.waitUntil(promise);
    },
    onOutcome: ({ kind }) => outcomes.push(kind),
  });
  for (const { screen } of ADDED) await queue.add(USER, screenView(screen));
  return queue.stats().events.pending;
}
