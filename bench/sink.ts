/**
 * The service that everything is measured against, in a process of its own: takes whatever is posted, answers at once,
 * and keeps count. Spoken to over IPC, see {@link SinkCommand}.
 *
 * Reads HTTP off the sockets itself: `node:http` costs as much here as the fastest candidates cost there, and would hide
 * the differences between them.
 */
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { gunzipSync } from "node:zlib";
import { selfSigned } from "../test/testing/self-signed.ts";
import { MARK } from "./candidates/payload.mjs";
import type { Arrival, Counts, SinkAnswer, SinkCommand, Step } from "./sink-protocol.ts";

const certificate = selfSigned();
const MARK_BYTES = Buffer.from(MARK);
const EMPTY = Buffer.alloc(0);

/** What the service says for success; the peers' services answer 200 and something in JSON. */
const ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
const PEER_ACCEPTED =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n{"code":200,"status":1}';

class Service {
  readonly server: Server;
  port = 0;
  script: Step[] = [];
  requests = 0;
  events = 0;
  sockets = 0;
  peakSockets = 0;
  readonly open = new Set<Socket>();
  arrivals: Arrival[] = [];
  stalled = false;
  held: (() => void)[] = [];

  constructor(secure: boolean) {
    const accept = (socket: Socket): void => {
      this.#accept(socket);
    };
    this.server = secure ? createTlsServer(certificate, accept) : createTcpServer(accept);
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen({ port: this.port, host: "127.0.0.1", backlog: 4096 }, () => {
        // A server that listens on a port has an address of this kind.
        this.port = (this.server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  reset(): void {
    this.requests = this.events = 0;
    this.arrivals = [];
    this.script = [];
    // Who keeps its connections alive through all rounds has opened those.
    this.sockets = this.peakSockets = this.open.size;
  }

  close(): void {
    this.server.close();
    for (const socket of this.open) socket.destroy();
  }

  stall(forMs: number): void {
    this.stalled = true;
    setTimeout(() => {
      this.stalled = false;
      for (const answer of this.held.splice(0)) answer();
    }, forMs);
  }

  async refuse(forMs: number): Promise<void> {
    this.server.close();
    for (const socket of this.open) socket.destroy();
    this.open.clear();
    await new Promise((resolve) => setTimeout(resolve, forMs));
    await this.listen();
  }

  counts(): Counts {
    const { requests, events, sockets, peakSockets, arrivals } = this;
    return { requests, events, sockets, peakSockets, arrivals };
  }

  #accept(socket: Socket): void {
    this.sockets++;
    this.open.add(socket);
    this.peakSockets = Math.max(this.peakSockets, this.open.size);
    socket.setNoDelay(true);
    const reader = new RequestReader((head, body) => {
      this.#answer(socket, head, body);
    });
    socket.on("data", (chunk) => {
      reader.push(chunk);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.open.delete(socket));
  }

  #answer(socket: Socket, head: string, body: Buffer): void {
    if (this.stalled) {
      this.held.push(() => {
        this.#answer(socket, head, body);
      });
      return;
    }
    const step = this.script.shift();
    const events = countMarks(head, body);
    const status = step === "reset" ? 0 : (step?.status ?? 202);
    if (this.arrivals.length < 1_000) this.arrivals.push({ atMs: Date.now(), status, events });
    this.requests++;
    if (step === "reset") {
      socket.resetAndDestroy();
      return;
    }
    if (status < 300) this.events += events;
    const answer = step === undefined ? accepted(head) : refused(step);
    if (/\r\nconnection: *close/i.test(head)) socket.end(answer);
    else socket.write(answer);
  }
}

function accepted(head: string): string {
  return /^POST \/(v2\/)?(bulk)?events/.test(head) ? ACCEPTED : PEER_ACCEPTED;
}

function refused({ status, headers = {} }: Exclude<Step, "reset">): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${String(status)} Scripted\r\n${lines.join("")}Content-Length: 0\r\n\r\n`;
}

/** The name of each event holds the mark once. */
function countMarks(head: string, body: Buffer): number {
  const text = /\r\ncontent-encoding: *gzip/i.test(head) ? gunzipSync(body) : body;
  let count = 0;
  for (let at = text.indexOf(MARK_BYTES); at >= 0; at = text.indexOf(MARK_BYTES, at + MARK_BYTES.length)) count++;
  return count;
}

/** Finds requests in what arrives on one connection. */
class RequestReader {
  readonly #onRequest: (head: string, body: Buffer) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes to wait for before looking again. */
  #needed = 0;

  constructor(onRequest: (head: string, body: Buffer) => void) {
    this.#onRequest = onRequest;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > 0 && this.#bytes >= this.#needed) {
      const [first = EMPTY] = this.#chunks;
      const buffer = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
      const used = this.#take(buffer);
      const rest = buffer.subarray(used);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#bytes = rest.length;
      if (used === 0) return;
    }
  }

  /** Takes one request off the front; returns the bytes that it had, 0 when it is not all there. */
  #take(buffer: Buffer): number {
    const headEnd = buffer.indexOf("\r\n\r\n");
    if (headEnd < 0) return 0;
    const head = buffer.toString("latin1", 0, headEnd);
    const start = headEnd + 4;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return this.#takeChunked(buffer, head, start);
    this.#needed = start + Number(length);
    if (buffer.length < this.#needed) return 0;
    const end = this.#needed;
    this.#needed = 0;
    this.#onRequest(head, buffer.subarray(start, end));
    return end;
  }

  #takeChunked(buffer: Buffer, head: string, start: number): number {
    this.#needed = 0;
    if (!/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#onRequest(head, EMPTY);
      return start;
    }
    const parts: Buffer[] = [];
    for (let at = start; ;) {
      const lineEnd = buffer.indexOf("\r\n", at);
      if (lineEnd < 0) return 0;
      const size = Number.parseInt(buffer.toString("latin1", at, lineEnd), 16);
      const end = lineEnd + 2 + size + 2;
      if (buffer.length < end) return 0;
      if (size === 0) {
        this.#onRequest(head, Buffer.concat(parts));
        return end;
      }
      parts.push(buffer.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = end;
    }
  }
}

const services: Service[] = [];

async function obey(command: SinkCommand): Promise<Omit<SinkAnswer, "id">> {
  if (command.do === "open") {
    const service = new Service(command.secure);
    const index = services.push(service) - 1;
    await service.listen();
    return { service: index, port: service.port, cert: certificate.cert };
  }
  const service = services[command.service];
  if (service === undefined) throw new Error(`There is no service ${String(command.service)}.`);
  switch (command.do) {
    case "reset":
      service.reset();
      return {};
    case "close":
      service.close();
      return {};
    case "counts":
      return { counts: service.counts() };
    case "script":
      service.script = [...command.steps];
      return {};
    case "stall":
      service.stall(command.forMs);
      return {};
    case "refuse":
      void service.refuse(command.forMs);
      return {};
  }
}

process.on("message", (message) => {
  // Only `startSink` speaks to this process.
  const { id, ...command } = message as SinkCommand & { readonly id: number };
  void obey(command).then((answer) => process.send?.({ id, ...answer }));
});
process.on("disconnect", () => process.exit());
