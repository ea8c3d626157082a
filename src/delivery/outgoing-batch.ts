import type { RequestBody } from "../transport/exchange.ts";
import type { EndpointPath } from "../transport/hosts.ts";
import type { RunInContext } from "./attempt-start.ts";
import type { Verdict } from "./outcome.ts";

/** A batch on its way: its texts, made once, and where its verdict goes. */
export interface OutgoingBatch {
  /** One after the other they are the batch as JSON. */
  readonly texts: readonly string[];
  /** Of all of them, in UTF-8. */
  readonly bytes: number;
  readonly requestId: string;
  /** When it was handed over. */
  readonly handedOverAtMs: number;
  /** Batches with the same one arrive in their order, whatever happens to them; others may overtake each other. */
  readonly lane?: object | undefined;
  /** The contexts of those who handed it over, where somebody wants to know and the request is not made in them. */
  readonly origins?: readonly RunInContext[] | undefined;
  /** Called exactly once. */
  settle(verdict: Verdict): void;
}

/** The body of a request with these batches: one batch for `/events`, a list of them elsewhere. */
export function bodyOf(path: EndpointPath, batches: readonly OutgoingBatch[]): RequestBody {
  const [first] = batches;
  if (path === "/events" && first !== undefined) return { texts: first.texts, bytes: first.bytes };
  const texts = ["["];
  // The brackets, and a comma less than there are batches.
  let bytes = batches.length + 1;
  for (const batch of batches) {
    if (texts.length > 1) texts.push(",");
    const whole = batch.texts.length === 1 ? batch.texts[0] : undefined;
    // An iterator for each batch costs more than all else here until it is compiled.
    if (whole !== undefined) texts.push(whole);
    else for (const text of batch.texts) texts.push(text);
    bytes += batch.bytes;
  }
  texts.push("]");
  return { texts, bytes };
}

/** When the batch that has waited longest was handed over. */
export function oldestOf(batches: readonly OutgoingBatch[]): number {
  let oldestMs = Infinity;
  for (const { handedOverAtMs } of batches) oldestMs = Math.min(oldestMs, handedOverAtMs);
  return oldestMs;
}

/** The contexts of those who handed over any of the batches. */
export function originsOf(batches: readonly OutgoingBatch[]): readonly RunInContext[] {
  return batches.flatMap(({ origins = [] }) => origins);
}

export function settleAll(batches: readonly OutgoingBatch[], verdict: Verdict): void {
  for (const batch of batches) batch.settle(verdict);
}
