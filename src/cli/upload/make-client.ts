import { EventsClient, type EventsClientOptions, type Finding } from "../../index.ts";
import { EXCHANGE, type Exchange } from "../../transport/exchange.ts";
import { checkBatch } from "../../validate/validate.ts";
import type { UploadFlags } from "../commands/upload.ts";
import { requireCredentials, type Connection } from "../connection.ts";
import type { Terminal } from "../terminal.ts";
import { messageOf, UsageError } from "../usage-error.ts";
import type { WarningCount } from "./warning-count.ts";

/** What a dry run would have sent. */
export interface DryRun {
  requests: number;
  bytes: number;
}

/**
 * The client of an upload. It checks each batch, because the service takes a bulk request with bad batches in it.
 *
 * @param checkMore - what batches are held against besides the contract.
 * @param warnings - counts what is warned of in batches that are sent.
 * @param dryRun - counts requests in place of making them.
 * @throws UsageError - when the credentials are missing, or an option is not what it should be.
 */
export function makeClient(
  flags: UploadFlags,
  connection: Connection,
  checkMore: (batch: unknown) => readonly Finding[],
  terminal: Terminal,
  observers: Pick<EventsClientOptions, "onAttempt" | "onRetry" | "onPause">,
  warnings: WarningCount,
  dryRun: DryRun | undefined,
): EventsClient {
  const { profile, historical } = flags;
  const checks = { profile, endpoint: historical === true ? "historical" : "events" } as const;
  const fetch = dryRun === undefined ? terminal.fetch : countInstead(dryRun);
  const credentials = dryRun === undefined ? requireCredentials(connection) : { apiKey: "dry", apiSecret: "run" };
  const { pod, baseUrl } = connection;
  try {
    return new EventsClient({
      ...credentials,
      ...(pod !== undefined && { pod }),
      ...(baseUrl !== undefined && { baseUrl }),
      ...(fetch !== undefined && { fetch }),
      rate: dryRun === undefined ? flags.rate : undefined,
      concurrency: Math.max(64, flags.concurrency),
      retry: { maxElapsedMs: flags.giveUpAfter * 1000 },
      validate: (batch): readonly Finding[] => {
        const findings = checkBatch(batch, checks);
        const more = checkMore(batch);
        if (findings.length === 0 && more.length === 0) return findings;
        const all = [...more, ...findings];
        const errors = all.filter(({ severity }) => severity === "error");
        // A rejected batch is told of by its errors. The client is given no warnings, because nobody listens to it.
        if (errors.length === 0) warnings.add(all);
        return errors;
      },
      ...observers,
    });
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(messageOf(error), "See mparticle-events upload --help.");
  }
}

/** Nothing is sent, and so nothing needs a `Request` or a `Response`. */
function countInstead(dryRun: DryRun): NonNullable<EventsClientOptions["fetch"]> {
  const count = (bytes: number): void => {
    dryRun.requests++;
    dryRun.bytes += bytes;
  };
  const exchange: Exchange = ({ body }) => {
    count(body.bytes);
    return Promise.resolve({ status: 202, headers: { get: () => null }, text: "" });
  };
  const fetch = async (request: Request): Promise<Response> => {
    count((await request.arrayBuffer()).byteLength);
    return new Response(null, { status: 202 });
  };
  return Object.assign(fetch, { [EXCHANGE]: exchange });
}
