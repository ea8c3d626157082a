/** A function behind API Gateway. The client outlives a call; what it has to send does not. */
import { customEvent, EventQueue, EventsClient } from "mparticle-events";

/** What API Gateway hands over, as far as it is read here. */
export interface ApiEvent {
  readonly body?: string | null;
  readonly requestContext: { readonly requestId: string };
}

/** What API Gateway takes. */
export interface ApiAnswer {
  readonly statusCode: number;
  readonly body: string;
}

const client = new EventsClient({
  apiKey: process.env["MPARTICLE_API_KEY"] ?? "",
  apiSecret: process.env["MPARTICLE_API_SECRET"] ?? "",
  baseUrl: process.env["MPARTICLE_BASE_URL"],
});
const queue = new EventQueue(client, {
  onOutcome: (outcome) => {
    if (outcome.kind !== "accepted") console.error("not accepted:", outcome.error.message);
  },
});

export async function handler({ body, requestContext }: ApiEvent): Promise<ApiAnswer> {
  const { customerId, title } = JSON.parse(body ?? "{}") as { readonly customerId: string; readonly title: string };
  const user = { environment: "development", user_identities: { customer_id: customerId } } as const;
  const seen = customEvent("article read", "media", {
    custom_attributes: { title },
    // The same for a call that is made again: one who counts events by it counts one.
    source_message_id: requestContext.requestId,
  });
  await queue.add(user, seen);
  // The process is frozen when this function returns: what is pending would wait for the next call, or for ever.
  const isSent = await queue.flush({ timeoutMs: 2_000 });
  return { statusCode: isSent ? 200 : 202, body: JSON.stringify({ isSent }) };
}
