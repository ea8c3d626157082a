import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What the service does with a request that it has read. */
export type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | "reset";

/** A service that accepts, and remembers each batch by what its event is called: "user:number". */
export interface RecordingService {
  readonly url: string;
  /** How often each `source_request_id` was accepted. */
  readonly accepted: ReadonlyMap<string, number>;
  /** Ids under which one event arrived; more than one would be a repetition that the service cannot know. */
  readonly idsOfEvent: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of each user the numbers of their events, in the order in which they arrived. */
  readonly numbersOfUser: ReadonlyMap<string, readonly number[]>;
  /** Texts of `mpid`, which are beyond 2^53. */
  readonly mpids: ReadonlySet<string>;
  readonly requests: number;
  /** The most batches that arrived within any second, whatever was answered. */
  maxInOneSecond(): number;
  close(): Promise<void>;
}

interface ReceivedBatch {
  readonly source_request_id: string;
  readonly events?: readonly { readonly data: { readonly event_name: string } }[];
}

/** @returns `undefined` for what is no JSON, as when somebody has edited a store by hand. */
function readBatches(text: string): readonly ReceivedBatch[] | undefined {
  try {
    return JSON.parse(text) as readonly ReceivedBatch[]; // as this package writes it
  } catch {
    return undefined;
  }
}

/** @param answer - decides about each request, by its batches; 202 unless it says otherwise. */
export async function startRecordingService(
  answer: (names: readonly string[]) => Answer | undefined = () => undefined,
): Promise<RecordingService> {
  const accepted = new Map<string, number>();
  const idsOfEvent = new Map<string, Set<string>>();
  const numbersOfUser = new Map<string, number[]>();
  const mpids = new Set<string>();
  const arrivals: { readonly atMs: number; readonly batches: number }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      for (const [, mpid = ""] of text.matchAll(/"mpid":(\d+)/g)) mpids.add(mpid);
      const batches = readBatches(text);
      if (batches === undefined) {
        response.writeHead(400, { "content-length": "0" }).end();
        return;
      }
      const names = batches.map(({ events }) => events?.[0]?.data.event_name ?? "");
      arrivals.push({ atMs: performance.now(), batches: batches.length });
      const decided = answer(names) ?? { status: 202 };
      if (decided === "reset") {
        request.socket.destroy();
        return;
      }
      if (decided.status === 202) {
        for (const [index, { source_request_id: id }] of batches.entries()) {
          const name = names[index] ?? "";
          const [user = "", number = ""] = name.split(":");
          if (!accepted.has(id)) numbersOfUser.set(user, [...(numbersOfUser.get(user) ?? []), Number(number)]);
          accepted.set(id, (accepted.get(id) ?? 0) + 1);
          idsOfEvent.set(name, (idsOfEvent.get(name) ?? new Set()).add(id));
        }
      }
      response.writeHead(decided.status, { "content-length": "0", ...decided.headers }).end();
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${String(port)}/v2`,
    accepted,
    idsOfEvent,
    numbersOfUser,
    mpids,
    get requests() {
      return arrivals.length;
    },
    maxInOneSecond: () => {
      let [most, sum, first] = [0, 0, 0];
      for (const { atMs, batches } of arrivals) {
        sum += batches;
        for (
          let oldest = arrivals[first];
          oldest !== undefined && oldest.atMs <= atMs - 1_000;
          oldest = arrivals[first]
        ) {
          sum -= oldest.batches;
          first++;
        }
        most = Math.max(most, sum);
      }
      return most;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
