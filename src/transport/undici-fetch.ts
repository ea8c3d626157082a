import type { ConnectionOptions } from "node:tls";
import type { Fetch } from "./exchange.ts";
import { fetchThrough } from "./node-posted.ts";
import { checkOptions, positive, wholeNumber } from "./option-checks.ts";
import { createUndiciExchange } from "./undici-exchange.ts";

/** How connections are made, in the terms of undici's `Pool`. */
export interface UndiciFetchOptions {
  /** Connections to one host at most. `@default 64` */
  readonly connections?: number | undefined;
  /** Ends a connection that nobody has used for so long, in milliseconds. `@default 10_000` */
  readonly keepAliveTimeout?: number | undefined;
  /** For TLS: `ca`, `cert`, `key` and what else `node:tls` takes. */
  readonly connect?: ConnectionOptions | undefined;
}

/**
 * A `fetch` on undici's `Pool`, for the `fetch` option of the client. It is for processes that live long and send single
 * batches: a request costs less than on `node:http`. Everybody else need not take it, because loading undici takes longer
 * than all of this package, and bulk requests gain nothing.
 *
 * Takes what openapi-fetch passes: one `Request`, which posts text. Follows no redirect, stores no cookie, unpacks no
 * compression. Needs the optional peer `undici` 7.
 *
 * @param options - see {@link UndiciFetchOptions}.
 * @throws MissingPeerError - when undici is not installed.
 * @throws TypeError, RangeError - naming the option, its value and what was expected.
 * @example new EventsClient({ apiKey, apiSecret, fetch: undiciFetch() })
 */
export function undiciFetch(options: UndiciFetchOptions = {}): Fetch {
  checkOptions(options, { connections: "any", keepAliveTimeout: "any", connect: "any" });
  return fetchThrough(
    "undiciFetch",
    createUndiciExchange({
      connections: wholeNumber("connections", options.connections ?? 64),
      keepAliveTimeout: positive("keepAliveTimeout", options.keepAliveTimeout ?? 10_000),
      connect: options.connect ?? {},
    }),
  );
}
