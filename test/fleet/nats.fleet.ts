import { jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { createBatch, customEvent, EventsClient } from "mparticle-events";
import { checkBatch } from "mparticle-events/validate";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { consume, prepare, publish } from "../../examples/nats/consumer.ts";
import { runExample } from "../../scripts/examples/run-example.ts";
import { allAccepted, eventually, upTo, user } from "./on-postgres.ts";
import { startRecordingService, type Answer } from "./recording-service.ts";
import { startNats, type Server } from "./servers.ts";

let nats: Server;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
});

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of open.splice(0).reverse()) await close();
});

async function setUp(answer?: (names: readonly string[]) => Answer | undefined) {
  const connection = await connect({ servers: `nats://127.0.0.1:${String(nats.port)}` });
  open.push(() => connection.close());
  await prepare(connection);
  await prepare(connection);
  const service = await startRecordingService(answer);
  open.push(() => service.close());
  const client = new EventsClient({
    apiKey: "key",
    apiSecret: "secret-of-tests",
    baseUrl: service.url,
    validate: checkBatch,
    strict: true,
    retry: false,
  });
  const start = (): (() => Promise<void>) => {
    const stop = new AbortController();
    const consuming = consume(connection, client, stop.signal);
    return async () => {
      stop.abort();
      await consuming;
    };
  };
  return { connection, service, start };
}

async function left(connection: NatsConnection, stream: string): Promise<number> {
  const { state } = await (await jetstreamManager(connection)).streams.info(stream);
  return state.messages;
}

async function lastDead(connection: NatsConnection): Promise<StoredMsg | undefined> {
  const manager = await jetstreamManager(connection);
  return (await manager.streams.getMessage("EVENTS_DEAD", { last_by_subj: "events.dead" })) ?? undefined;
}

const numbered = (number: number) =>
  createBatch({ ...user(`u${String(number)}`), source_request_id: `id-${String(number)}` }, [
    customEvent(`u${String(number)}:0`, "other"),
  ]);

describe("the example of NATS", () => {
  it("runs as it is", async () => {
    vi.spyOn(console, "log").mockReturnValue();
    vi.stubEnv("NATS_URL", `nats://127.0.0.1:${String(nats.port)}`);
    try {
      const records = await runExample("nats", (file) => import(file));
      expect(records.map(({ verdict }) => verdict)).toEqual(Array.from({ length: 5 }, () => "accepted"));
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("acknowledges what is accepted, buries what is refused, and lets the rest come back with its id", async () => {
    let isDown = true;
    const { connection, service, start } = await setUp((names) => {
      if (names.some((name) => name.startsWith("u7:"))) return { status: 400 };
      return isDown ? { status: 503 } : undefined;
    });
    const dead = await left(connection, "EVENTS_DEAD");
    for (const number of upTo(20)) {
      await publish(connection, numbered(number));
      await publish(connection, numbered(number));
    }
    expect(await left(connection, "EVENTS")).toBe(20);
    const stop = start();
    await eventually(() => {
      expect(service.requests).toBeGreaterThan(0);
    });
    isDown = false;
    await allAccepted(service, 19);
    await eventually(async () => {
      expect(await left(connection, "EVENTS")).toBe(0);
    });
    expect(await left(connection, "EVENTS_DEAD")).toBe(dead + 1);
    expect((await lastDead(connection))?.string()).toContain("u7:0");
    expect([...service.mpids]).toEqual(["9007199254740993"]);
    await stop();
  });

  it("loses nothing when the server is killed and comes back", async () => {
    const { connection, service, start } = await setUp();
    for (const number of upTo(10)) await publish(connection, numbered(100 + number));
    await nats.restart();
    await eventually(() => publish(connection, numbered(200)));
    const stop = start();
    await allAccepted(service, 11);
    await stop();
  });
});
