import { Cancellation } from "../../src/transport/abort.ts";
import type { Exchange, ExchangeResponse } from "../../src/transport/exchange.ts";

/** For what happens in other processes or threads of the runtime: ends a test that would hang. */
export const HANG = { timeout: 60_000 };

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection is free for the next request some turns of the event loop after its answer. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await nextTurn();
}

/** Posts what stands for a batch. */
export function ask(
  exchange: Exchange,
  url: string,
  {
    texts = ["{}"],
    cancellation = new Cancellation(),
  }: { texts?: readonly string[]; cancellation?: Cancellation } = {},
): Promise<ExchangeResponse> {
  const body = { texts, bytes: Buffer.byteLength(texts.join("")) };
  return exchange({ url, headers: { "x-own": "mine" }, body, cancellation });
}

/** Timers that keep the process alive. To be compared within one turn: others come and go in the next. */
export function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
