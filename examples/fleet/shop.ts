/** A process that makes events; there may be many. Events are in Redis when `add` resolves. */
import { purchase } from "mparticle-events";
import type { FleetQueue } from "mparticle-events/bullmq";

export async function sell(queue: FleetQueue, customer_id: string, transaction_id: string): Promise<void> {
  const user = { environment: "development", user_identities: { customer_id } } as const;
  await queue.add(user, purchase([{ id: "sku-1", price: 5 }], { transaction_id, total_amount: 5 }));
}
