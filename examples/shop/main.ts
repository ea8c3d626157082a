/** Lets the shop sell a lamp, take it back, and ask for consent; then it ends as a service does. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { EventQueue, EventsClient } from "mparticle-events";
import { drainOnExit } from "mparticle-events/node";
import { makeShop } from "./shop.ts";

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
const stopDraining = drainOnExit(queue);
const server = makeShop(queue).listen(Number(process.env["PORT"] ?? 0), "127.0.0.1");
await once(server, "listening");
const shop = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

const order = {
  id: "T-1",
  customerId: "1234",
  total: 19.99,
  products: [{ id: "sku-1", name: "Lamp", price: 19.99, quantity: 1 }],
};
const requests: readonly (readonly [path: string, body: string | URLSearchParams])[] = [
  ["/customers/1234/consent", new URLSearchParams({ analytics: "on" })],
  ["/orders", JSON.stringify(order)],
  ["/orders/T-1/refund", ""],
];
for (const [path, body] of requests) {
  const { status } = await fetch(`${shop}${path}`, { method: "POST", body });
  console.log("POST", path, status);
}

// What a signal to end would do: no new connections, and what is pending is sent.
server.close();
server.closeAllConnections();
await queue.close();
stopDraining();
console.log(queue.stats().events);
