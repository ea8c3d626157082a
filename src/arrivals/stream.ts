import type { ServerResponse } from "node:http";
import { matches, type ArrivalFilter } from "./arrival-filter.ts";
import type { Arrivals } from "./arrivals.ts";

/** What a stream is to tell. */
export interface StreamRequest {
  readonly filter: ArrivalFilter;
  /** Names this start of the server in the ids of events. */
  readonly run: string;
  /** The id that was seen last, or `0` for all that is kept; undefined for what is still to come. */
  readonly lastSeen: string | undefined;
}

/**
 * Sends batches as server-sent events (`event: batch`), and `event: reset` when they were forgotten. A reader that is
 * slow holds up nothing and costs no memory: what it has not read stays in `arrivals`, and may be gone when it comes to it.
 */
export function openStream(
  response: ServerResponse,
  arrivals: Arrivals,
  { filter, run, lastSeen }: StreamRequest,
): void {
  response.writeHead(200, {
    "cache-control": "no-store",
    "content-type": "text/event-stream; charset=utf-8",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
  });
  let { position, resets } = startOf(arrivals, run, lastSeen);
  let isFull = false;
  const write = (text: string): void => {
    isFull = !response.write(text);
  };
  const pump = (): void => {
    while (!isFull && !response.destroyed) {
      if (resets !== arrivals.resets) {
        resets = arrivals.resets;
        write(`event: reset\ndata: {}\nid: ${idOf(run, resets, position)}\n\n`);
        continue;
      }
      const arrival = arrivals.after(position);
      if (arrival === undefined) return;
      position = arrival.position;
      if (!matches(arrival, filter)) continue;
      write(`event: batch\nid: ${idOf(run, resets, position)}\ndata: ${arrival.json}\n\n`);
    }
  };
  // So that who waits knows that from now on nothing is missed.
  write(": open\n\n");
  const stop = arrivals.onChange(pump);
  response.on("drain", () => {
    isFull = false;
    pump();
  });
  response.once("close", stop);
  pump();
}

function idOf(run: string, resets: number, position: number): string {
  return `${run}.${String(resets)}.${String(position)}`;
}

/** An id of another start of the server has seen nothing of this one. */
function startOf(
  arrivals: Arrivals,
  run: string,
  lastSeen: string | undefined,
): { readonly position: number; readonly resets: number } {
  const now = { position: arrivals.last, resets: arrivals.resets };
  if (lastSeen === undefined) return now;
  if (lastSeen === "0") return { ...now, position: 0 };
  const [ofRun, resets, position] = lastSeen.split(".");
  if (ofRun === run && Number.isInteger(Number(position)) && Number.isInteger(Number(resets))) {
    return { position: Number(position), resets: Number(resets) };
  }
  // Not what it was: it begins by a reset.
  return { position: 0, resets: -1 };
}
