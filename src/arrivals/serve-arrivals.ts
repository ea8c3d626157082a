import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readFilter, type ArrivalFilter } from "./arrival-filter.ts";
import type { Arrival, Arrivals } from "./arrivals.ts";
import { readPage } from "./page-files.ts";
import { openStream } from "./stream.ts";

/** Answers what begins with `/_`; false for what is none of its own. */
export type ServeArrivals = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Streams that are open at once; each one more is answered 503. */
const MAX_STREAMS = 50;
const FILTERS = ["type", "name", "user", "verdict"];
const GOOD = ["accepted"];
const BAD = ["refused", "failed"];

/** Serves what arrived: a page for people; all, the good and the bad, a stream of them, and a way to forget them. */
export function serveArrivals(arrivals: Arrivals): ServeArrivals {
  // Positions begin anew with each start: an id of an earlier one must not be taken for one of this.
  const run = randomUUID().slice(0, 8);
  let streams = 0;

  const list = (response: ServerResponse, query: URLSearchParams, verdicts: readonly string[] | undefined): void => {
    const filter = readFilter(query, verdicts === undefined ? FILTERS : FILTERS.filter((name) => name !== "verdict"));
    if (typeof filter === "string") refuse(response, 400, filter);
    else sendBatches(response, arrivals, verdicts === undefined ? filter : { ...filter, verdict: verdicts });
  };

  const stream = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void => {
    const filter = readFilter(query, [...FILTERS, "since"]);
    if (typeof filter === "string") {
      refuse(response, 400, filter);
      return;
    }
    if (streams >= MAX_STREAMS) {
      refuse(response, 503, `There are ${String(MAX_STREAMS)} streams already.`);
      return;
    }
    streams += 1;
    response.once("close", () => (streams -= 1));
    const lastSeen = request.headers["last-event-id"]?.toString() ?? query.get("since") ?? undefined;
    openStream(response, arrivals, { filter, run, lastSeen });
  };

  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const file = readPage(pathname);
    if (pathname !== "/_" && !pathname.startsWith("/_/")) return false;
    const method = request.method ?? "";
    const foreign = foreignName(request);
    if (foreign !== undefined) {
      refuse(response, 403, `${foreign} is not this server: it answers to pages and programs of this machine alone.`);
    } else if (pathname === "/_/reset") {
      if (method !== "POST") refuse(response, 405, "/_/reset takes POST.", { allow: "POST" });
      else {
        arrivals.reset();
        response.writeHead(204, HEADERS).end();
      }
    } else if (method !== "GET") {
      refuse(response, 405, `${pathname} takes GET.`, { allow: "GET" });
    } else if (pathname === "/_") {
      response.writeHead(302, { ...HEADERS, location: "/_/", "content-length": "0" }).end();
    } else if (file !== undefined) {
      response.writeHead(200, { ...HEADERS, ...file.headers, "content-length": String(file.bytes.length) });
      response.end(file.bytes);
    } else if (pathname === "/_/all") list(response, searchParams, undefined);
    else if (pathname === "/_/good") list(response, searchParams, GOOD);
    else if (pathname === "/_/bad") list(response, searchParams, BAD);
    else if (pathname === "/_/stream") stream(request, response, searchParams);
    else
      refuse(response, 404, `There is no ${pathname}; there are /_/, /_/all, /_/good, /_/bad, /_/stream and /_/reset.`);
    // What is not read of a body would keep the connection from its next request.
    request.resume();
    return true;
  };
}

/** Nothing of it is for another page, nor for a cache. */
const HEADERS = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/**
 * The name of another server that a request was meant for, or came from. A page of anybody's can have its own name lead
 * to this machine; the browser then sends that name (DNS rebinding).
 */
function foreignName(request: IncomingMessage): string | undefined {
  const port = request.socket.localPort;
  const hosts = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${String(port)}`);
  const { host = "", origin } = request.headers;
  if (!hosts.includes(host.toLowerCase())) return `The host ${JSON.stringify(host)}`;
  if (origin !== undefined && !hosts.some((own) => origin.toLowerCase() === `http://${own}`)) {
    return `The origin ${JSON.stringify(origin)}`;
  }
  return undefined;
}

function sendBatches(response: ServerResponse, arrivals: Arrivals, filter: ArrivalFilter): void {
  const batches = arrivals.select(filter).map(({ json }: Arrival) => json);
  const counts = JSON.stringify(arrivals.counts()).slice(0, -1);
  sendJson(response, 200, `${counts},"batches":[${batches.join(",")}]}`);
}

function refuse(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  sendJson(response, status, JSON.stringify({ errors: [{ message }] }), headers);
}

function sendJson(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    ...HEADERS,
    ...headers,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
  });
  response.end(text);
}
