/** The API of a shop. Its events go through a queue, so that no customer waits for mParticle. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { mergeConsent, purchase, refund, type ConsentState, type EventQueue, type Product } from "mparticle-events";
import { readConsentForm } from "./consent-form.ts";

/** An order as the shop keeps it. */
interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly products: readonly Product[];
  readonly total: number;
}

/** An answer of the shop. */
interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/**
 * Makes the server; the caller lets it listen.
 *
 * @param queue - where events go.
 * @param environment - `"production"` in production alone.
 */
export function makeShop(queue: EventQueue, environment: "development" | "production" = "development"): Server {
  // In place of these: your database.
  const orders = new Map<string, Order>();
  const consents = new Map<string, ConsentState>();

  const userOf = (customer_id: string) => ({
    environment,
    user_identities: { customer_id },
    consent_state: consents.get(customer_id),
  });

  async function buy(request: IncomingMessage): Promise<Answer> {
    const order = JSON.parse(await text(request)) as Order; // a real shop checks it
    orders.set(order.id, order);
    const transaction = { transaction_id: order.id, total_amount: order.total };
    await queue.add(userOf(order.customerId), purchase(order.products, transaction, { currency_code: "EUR" }));
    return { status: 201, body: { id: order.id } };
  }

  async function giveBack(id: string): Promise<Answer> {
    const order = orders.get(id);
    if (order === undefined) return { status: 404 };
    const transaction = { transaction_id: order.id, total_amount: order.total };
    await queue.add(userOf(order.customerId), refund(order.products, transaction, { currency_code: "EUR" }));
    return { status: 200 };
  }

  async function decide(customerId: string, request: IncomingMessage): Promise<Answer> {
    const form = new Request("http://shop.example/consent", {
      method: "POST",
      headers: Object.entries(request.headers).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value] as [string, string]] : [],
      ),
      body: await text(request),
    });
    const decision = await readConsentForm(form);
    consents.set(customerId, mergeConsent(consents.get(customerId), decision));
    // A batch without events: it tells mParticle what the user decided.
    await queue.add(userOf(customerId));
    return { status: 204 };
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const [, collection, id = "", action] = (request.url ?? "").split("/");
    if (request.method !== "POST") return { status: 405 };
    if (collection === "orders" && id === "") return buy(request);
    if (collection === "orders" && action === "refund") return giveBack(id);
    if (collection === "customers" && action === "consent") return decide(id, request);
    return { status: 404 };
  }

  return createServer((request, response) => {
    answer(request).then(
      ({ status, body }) => response.writeHead(status).end(body === undefined ? undefined : JSON.stringify(body)),
      (error: unknown) => {
        console.error(error);
        response.writeHead(500).end();
      },
    );
  });
}
