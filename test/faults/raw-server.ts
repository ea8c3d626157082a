import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** A server below HTTP: it writes what a test wants, when it wants, and breaks connections the hard way. */
export interface RawServer {
  /** For the `baseUrl` of a client. */
  readonly url: string;
  /** How many requests were read to their end. */
  readonly requests: number;
  /** Calls `look` with each connection that comes from now on. */
  onConnection(look: (socket: Socket) => void): void;
  close(): Promise<void>;
}

/** @param answer - does what it likes with the connection on which a whole request has come in; 1 for the first. */
export async function startRawServer(answer: (socket: Socket, request: number) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const headBytes = received.indexOf("\r\n\r\n") + 4;
      const [, bodyBytes] = /content-length: (\d+)/i.exec(received.toString("latin1")) ?? [];
      if (headBytes < 4 || received.length < headBytes + Number(bodyBytes)) return;
      received = Buffer.alloc(0);
      answer(socket, ++requests);
    });
    // The client gives up connections as well.
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/v2`,
    get requests() {
      return requests;
    },
    onConnection: (look) => void server.on("connection", look),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
