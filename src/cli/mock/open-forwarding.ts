import { basicAuthorization, resolveBaseUrl } from "../../transport/hosts.ts";
import type { MockFlags } from "../commands/mock.ts";
import { readConnection, requireCredentials } from "../connection.ts";
import type { Terminal } from "../terminal.ts";
import { messageOf, UsageError } from "../usage-error.ts";
import type { ContractService } from "./contract-service.ts";
import { ForwardingService } from "./forwarding-service.ts";

/** What passes on to the real service, and a line that says so. */
export interface Forwarding {
  readonly service: ForwardingService;
  readonly description: string;
}

/**
 * What `--forward` asks for.
 *
 * @returns `undefined` without the flag.
 * @throws UsageError - for flags of it without it, for half of the credentials, and for a target that is the mock itself.
 */
export async function openForwarding(
  contract: ContractService,
  flags: MockFlags,
  terminal: Terminal,
): Promise<Forwarding | undefined> {
  if (flags.forward !== true) {
    const flag = flags.pod !== undefined ? "--pod" : flags.baseUrl !== undefined ? "--base-url" : undefined;
    if (flag === undefined) return undefined;
    throw new UsageError(
      `${flag} says where --forward passes on to, and there is none.`,
      `Add --forward, or leave out ${flag}.`,
    );
  }
  const connection = await readConnection(flags, terminal);
  const { apiKey, apiSecret, from } = connection;
  const hasOwn = apiKey !== undefined || apiSecret !== undefined;
  let baseUrl: string;
  let authorization: string | undefined;
  try {
    baseUrl = resolveBaseUrl(connection);
    if (hasOwn) {
      const own = requireCredentials(connection);
      authorization = basicAuthorization(own.apiKey, own.apiSecret);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(messageOf(error), "See mparticle-events mock --help.", { cause: error });
  }
  const { hostname, host, port } = new URL(baseUrl);
  const isHere = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"].includes(hostname);
  if (isHere && Number(port) === flags.port) {
    throw new UsageError(
      `--forward leads to ${host}, which is this mock itself.`,
      "Say where the service is by --pod or --base-url; MPARTICLE_BASE_URL may be set to the mock for your program.",
    );
  }
  const { fetch = globalThis.fetch, now } = terminal;
  return {
    service: new ForwardingService(contract, { baseUrl, authorization, fetch, now }),
    description: `Development batches are passed on to ${host}, with ${
      authorization === undefined ? "the credentials that each request brings" : `the credentials from ${from}`
    }`,
  };
}
