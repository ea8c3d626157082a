import type { Cancellation } from "./abort.ts";

/**
 * A body as the texts it consists of, one after the other. Joining those of a bulk request and encoding the whole costs
 * as much as serialising it; who writes bytes can write each text to where it is sent from.
 */
export interface RequestBody {
  readonly texts: readonly string[];
  /** Of all of them, in UTF-8. */
  readonly bytes: number;
}

/** What one HTTP exchange needs. */
export interface ExchangeRequest {
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RequestBody;
  /** Ends the exchange at once, whatever its stage. */
  readonly cancellation: Cancellation;
}

/** The part of an answer that decides: its body, drained by whoever made it, is text only where it explains a failure. */
export interface ExchangeResponse {
  /** From 200 on, or the 0 behind which a browser hides a redirect. */
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** The start of the body of an answer that is not 2xx, as far as it arrived. */
  readonly text: string;
}

/** The same, whose headers can be listed for a `Response`. */
export interface ListedResponse extends ExchangeResponse {
  readonly headers: { get(name: string): string | null; entries(): [string, string][] };
}

/** The connection was kept alive and closed under us, hardly for what was sent: trying again at once is right. */
export class StaleConnectionError extends Error {
  /** As of the error that it is made of. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/**
 * One POST and its answer. Rejects with a {@link StaleConnectionError} where that is so, and with any other error when no
 * status arrived; what happens to a body after its status never changes the verdict.
 */
export interface Exchange {
  (request: ExchangeRequest): Promise<ExchangeResponse>;
  /** Ends the connections that nobody uses now. What is sent later opens new ones. */
  readonly close?: (() => Promise<void>) | undefined;
}

/** An exchange whose answers can be made into a `Response`. */
export interface ListedExchange {
  (request: ExchangeRequest): Promise<ListedResponse>;
  /** As `close` of an {@link Exchange}. */
  close(): Promise<void>;
}

/** Where a `fetch` carries its own {@link Exchange}, the client may skip `Request` and `Response` objects. */
export const EXCHANGE: unique symbol = Symbol.for("mparticle-events.exchange");

/** A `fetch` that takes the one form openapi-fetch uses. The global `fetch` is one. */
export type Fetch = ((request: Request) => Promise<Response>) & { readonly [EXCHANGE]?: Exchange };

/** What an exchange rejects with in place of a status that is none of an answer, which is as if no answer had come. */
export function noStatus(status: number): string {
  return `the status is ${String(status)}; expected one from 200 to 599`;
}

/** A body of this size is read to its end, so that its connection can be used again. */
export const MAX_ACCEPTED_BYTES = 1024 * 1024;

/** As long the body of a 2xx may take, in milliseconds: the verdict was in its head. */
export const MAX_ACCEPTED_MS = 1_000;

/** More of an error body than this is never of use, and it comes from outside. */
export const MAX_BODY_CHARS = 16_384;
