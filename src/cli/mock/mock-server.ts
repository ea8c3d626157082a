import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { codeOf, UsageError } from "../usage-error.ts";
import type { Answering, MockAnswer } from "./contract-service.ts";

/** A mock that listens. */
export interface ListeningMock {
  /** For the `baseUrl` of a client, with its `/v2`. */
  readonly url: string;
  /** Breaks all connections and stops. */
  close(): Promise<void>;
}

/** What one answer tells whoever looks on. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Who answered, where it was not the mock. */
  readonly from: string | undefined;
}

/** Answers before the service does, where it has something to say. */
export type Extension = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Serves on 127.0.0.1.
 *
 * @param extend - what else is served, such as a page for people; it says whether a request was its own.
 * @throws UsageError - when the port is taken, or may not be used.
 */
export async function listen(
  service: Answering,
  port: number,
  onExchange: (exchange: Exchange) => void,
  extend: Extension = () => false,
): Promise<ListeningMock> {
  const server = createServer((request, response) => {
    if (!extend(request, response)) void serve(service, request, response, onExchange);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(explain(error, port));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const used = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${String(used)}/v2`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function serve(
  service: Answering,
  request: IncomingMessage,
  response: ServerResponse,
  onExchange: (exchange: Exchange) => void,
): Promise<void> {
  try {
    const { pathname: path } = new URL(request.url ?? "/", "http://127.0.0.1");
    const method = request.method ?? "";
    const body = (await buffer(request)).toString("utf8");
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, value?.toString()]),
    );
    const answer = await service.answer({ method, path, headers, body });
    send(response, answer);
    onExchange({ method, path, status: answer.status, from: answer.from });
  } catch (error) {
    // A client that goes away while it sends is nobody to answer.
    if (response.destroyed || request.errored !== null) return;
    const message = `The mock failed: ${error instanceof Error ? error.message : String(error)}`;
    send(response, {
      status: 500,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ errors: [{ message }] }),
    });
  }
}

function send(response: ServerResponse, { status, headers, body }: MockAnswer): void {
  response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) });
  response.end(body);
}

function explain(error: Error, port: number): Error {
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return new UsageError(`Port ${String(port)} is taken.`, "Choose another by --port, or --port 0 for a free one.");
    case "EACCES":
      return new UsageError(`Port ${String(port)} may not be used by this user.`, "Choose one above 1023.");
    default:
      return error;
  }
}
