/** Sends orders of a CSV file to where history goes. It may be stopped at any time, and goes on behind what is settled. */
import { createReadStream, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parse } from "csv-parse";
import { createBatch, purchase, requestIdFrom, type Batch, type EventsClient } from "mparticle-events";

/** A row of the file. */
interface OrderRow {
  readonly order: string;
  readonly customer: string;
  readonly ordered_at: string;
  readonly sku: string;
  readonly name: string;
  readonly price: string;
  readonly quantity: string;
}

/** What became of the rows of one run. */
export interface BackfillReport {
  accepted: number;
  readonly failed: string[];
}

function batchOf(row: OrderRow): Batch {
  const [price, quantity] = [Number(row.price), Number(row.quantity)];
  const user = {
    environment: "development",
    user_identities: { customer_id: row.customer },
    // The same in every run: a row that is sent twice counts once.
    source_request_id: requestIdFrom(`order-${row.order}`),
  } as const;
  const transaction = { transaction_id: row.order, total_amount: price * quantity };
  const data = { timestamp_unixtime_ms: Date.parse(row.ordered_at) };
  return createBatch(user, [purchase([{ id: row.sku, name: row.name, price, quantity }], transaction, data)]);
}

async function* readOrders(file: string, from: number): AsyncGenerator<Batch> {
  let index = 0;
  for await (const row of createReadStream(file).pipe(parse({ bom: true, columns: true }))) {
    if (index++ >= from) yield batchOf(row as OrderRow); // the columns are those of the first line
  }
}

/** Where a run begins: behind what earlier ones have settled. */
function readCheckpoint(checkpoint: string): number {
  return existsSync(checkpoint) ? Number(readFileSync(checkpoint, "utf8")) : 0;
}

/**
 * Sends the rows that no earlier run has settled.
 *
 * @param checkpoint - the file that keeps how far it came.
 * @param stop - ends the reading; what is in flight is settled first.
 */
export async function backfill(
  client: EventsClient,
  file: string,
  checkpoint: string,
  stop?: AbortSignal,
): Promise<BackfillReport> {
  const from = readCheckpoint(checkpoint);
  const report: BackfillReport = { accepted: 0, failed: [] };
  for await (const outcome of client.deliver(readOrders(file, from), { endpoint: "historical", stop })) {
    if (outcome.kind === "accepted") report.accepted++;
    else report.failed.push(`row ${String(from + outcome.index + 1)}: ${outcome.error.message}`);
    // In one step, so that a crash leaves the old mark or the new one.
    writeFileSync(`${checkpoint}.new`, String(from + outcome.settledThrough));
    renameSync(`${checkpoint}.new`, checkpoint);
  }
  return report;
}
