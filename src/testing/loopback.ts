import type { IncomingMessage, Server } from "node:http";
import { show } from "../rules/show.ts";

/** @throws RangeError - for what is no port. */
export function checkPort(port: number): void {
  if (!Number.isInteger(port))
    throw new RangeError(`\`port\` is ${show(port)}; expected a whole number, such as 0 for a free one.`);
}

/**
 * Listens on this machine only; gives the port.
 *
 * @throws RangeError - for what is no port.
 */
export function listenOnLoopback(server: Server, port: number): Promise<number> {
  checkPort(port);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      const address = server.address();
      // null or a string only for servers that are closed or listen on a pipe
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/**
 * The text of a request's body; `undefined` when it is larger than `maxBytes`: read to its end then, so that an answer
 * gets through, and not kept.
 *
 * @throws Error - when the client goes away before its end.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}
