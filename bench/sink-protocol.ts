/** What the sink is told and what it answers, over IPC. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What becomes of one request instead of being accepted; a status below 300 accepts it all the same. */
export type Step = "reset" | { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

export type SinkCommand =
  | { readonly do: "open"; readonly secure: boolean }
  | { readonly do: "reset" | "counts" | "close"; readonly service: number }
  | { readonly do: "script"; readonly service: number; readonly steps: readonly Step[] }
  | { readonly do: "stall" | "refuse"; readonly service: number; readonly forMs: number };

/** One request, as the sink saw it; status 0 is a reset. */
export interface Arrival {
  readonly atMs: number;
  readonly status: number;
  readonly events: number;
}

export interface Counts {
  readonly requests: number;
  /** Events in accepted requests. */
  readonly events: number;
  /** Connections that were made. */
  readonly sockets: number;
  /** Connections open at the same time. */
  readonly peakSockets: number;
  readonly arrivals: readonly Arrival[];
}

export interface SinkAnswer {
  readonly id: number;
  readonly service?: number;
  readonly port?: number;
  readonly cert?: string;
  readonly counts?: Counts;
}

/** One port of the sink, with counts and a script of its own. */
export interface SinkService {
  readonly url: string;
  reset(): Promise<void>;
  counts(): Promise<Counts>;
  script(steps: readonly Step[]): Promise<void>;
  stall(forMs: number): Promise<void>;
  refuse(forMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface Sink {
  /** Of the HTTPS services, in PEM: nobody signed it, so clients have to be told to trust it. */
  readonly cert: string;
  open(secure: boolean): Promise<SinkService>;
  close(): void;
}

export async function startSink(): Promise<Sink> {
  const child = fork(fileURLToPath(new URL("sink.ts", import.meta.url)));
  const waiting = new Map<number, (answer: SinkAnswer) => void>();
  let lastId = 0;
  child.on("message", (message) => {
    // The sink sends nothing else.
    const answer = message as SinkAnswer;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  const tell = (command: SinkCommand): Promise<SinkAnswer> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      child.send({ id, ...command }, (error) => {
        if (error !== null) reject(error);
      });
    });

  const tellOnly = async (command: SinkCommand): Promise<void> => {
    await tell(command);
  };

  let cert = "";
  const open = async (secure: boolean): Promise<SinkService> => {
    const opened = await tell({ do: "open", secure });
    const { service = 0, port = 0 } = opened;
    cert = opened.cert ?? cert;
    return {
      url: `${secure ? "https" : "http"}://127.0.0.1:${String(port)}`,
      reset: () => tellOnly({ do: "reset", service }),
      script: (steps) => tellOnly({ do: "script", service, steps }),
      stall: (forMs) => tellOnly({ do: "stall", service, forMs }),
      refuse: (forMs) => tellOnly({ do: "refuse", service, forMs }),
      close: () => tellOnly({ do: "close", service }),
      counts: async () => {
        const { counts } = await tell({ do: "counts", service });
        if (counts === undefined) throw new Error("The sink did not answer with counts.");
        return counts;
      },
    };
  };

  await (await open(true)).close();
  return {
    cert,
    open,
    close: () => {
      child.disconnect();
    },
  };
}
