import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createBatch,
  customEvent,
  EventQueue,
  EventsClient,
  type Batch,
  type EventsClientOptions,
} from "mparticle-events";
import { instrumentEvents } from "mparticle-events/otel";
import { recordingFetch, startFakeServer, type FetchStep, type Script } from "mparticle-events/testing";
import { MemoryOutbox } from "../faults/memory-outbox.ts";

const CREDENTIALS = { apiKey: "us1-key", apiSecret: "secret" };
const USER = { environment: "development" } as const;

const spans = new InMemorySpanExporter();
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
tracerProvider.register();
const tracer = tracerProvider.getTracer("test");

let reader: PeriodicExportingMetricReader;
let exporter: InMemoryMetricExporter;
let stop: () => void;

function start(): void {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9, exportTimeoutMillis: 1e8 });
  stop = instrumentEvents({ meterProvider: new MeterProvider({ readers: [reader] }), tracerProvider });
}

beforeEach(() => {
  spans.reset();
  start();
});
afterEach(async () => {
  stop();
  await reader.shutdown();
});
afterAll(async () => {
  await tracerProvider.shutdown();
  trace.disable();
  context.disable();
});

/** Metrics by name; of each, its points. */
async function metrics(): Promise<Readonly<Record<string, readonly { attributes: object; value: unknown }[]>>> {
  exporter.reset();
  await reader.forceFlush();
  const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return Object.fromEntries(
    all.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => ({ attributes, value })),
    ]),
  );
}

function makeClient(script: Script<FetchStep> = 202, options: Partial<EventsClientOptions> = {}): EventsClient {
  return new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(script), ...options });
}

function makeBatch(): Batch {
  return createBatch(USER, [customEvent("opened", "other")]);
}

/** Runs within a span of its own, as a request handler does. */
async function inSpan<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await run();
    } finally {
      span.end();
    }
  });
}

function spanCalled(name: string) {
  const found = spans.getFinishedSpans().find((span) => span.name === name);
  if (found === undefined) throw new Error(`There is no span ${name}.`);
  return found;
}

const SENT = {
  "messaging.system": "mparticle",
  "messaging.operation.name": "send",
  "messaging.operation.type": "send",
};

/** An upload that is asked to wait, one that is refused, and a queue with something in it: all metrics. */
async function makeEveryMetric() {
  const accept: FetchStep = { status: 202, headers: { "X-mp-rate-limit-percentage-used": "25" } };
  const client = makeClient([429, accept, 400], { rate: 1_000, retry: { baseDelayMs: 1 } });
  await client.upload(makeBatch());
  await client.upload(makeBatch()).catch(() => undefined);
  const queue = new EventQueue(client, { flushIntervalMs: 1e8 });
  await queue.add(USER, customEvent("one", "other"), customEvent("two", "other"));
  return { client, queue };
}

describe("the metrics", () => {
  it("count requests, retries, pauses and outcomes, and measure what is held", async () => {
    const { queue } = await makeEveryMetric();
    const stored = new EventQueue(makeClient(), { outbox: new MemoryOutbox(), flushIntervalMs: 1e8 });
    await stored.add(USER, customEvent("stored", "other"));
    const path = { "messaging.destination.name": "/events" };
    const all = await metrics();
    expect(all["messaging.client.operation.duration"]).toMatchObject([
      {
        attributes: { ...SENT, ...path, "error.type": "RATE_LIMITED", "http.response.status_code": 429 },
        value: { count: 1 },
      },
      { attributes: { ...SENT, ...path, "http.response.status_code": 202 }, value: { count: 1 } },
      {
        attributes: { ...SENT, ...path, "error.type": "BAD_REQUEST", "http.response.status_code": 400 },
        value: { count: 1 },
      },
    ]);
    expect(all["messaging.client.sent.messages"]?.map(({ value }) => value)).toEqual([1, 1, 1]);
    expect(all["mparticle.batches.settled"]).toEqual([
      { attributes: { outcome: "accepted" }, value: 1 },
      { attributes: { outcome: "rejected", "error.type": "BAD_REQUEST" }, value: 1 },
    ]);
    expect(all["mparticle.request.retries"]).toEqual([
      { attributes: { ...path, "error.type": "RATE_LIMITED" }, value: 1 },
    ]);
    expect(all["mparticle.client.pause.duration"]).toMatchObject([
      { attributes: { "error.type": "RATE_LIMITED" }, value: { count: 1 } },
    ]);
    expect(all["mparticle.rate_limit.utilization"]).toEqual([{ attributes: {}, value: 0.25 }]);
    expect(all["mparticle.client.active_requests"]).toEqual([{ attributes: { ...SENT, ...path }, value: 0 }]);
    const [memory, outbox] = [{ "mparticle.queue.outbox": false }, { "mparticle.queue.outbox": true }];
    expect(all["mparticle.queue.pending"]).toEqual([
      { attributes: memory, value: 2 },
      { attributes: outbox, value: 1 },
    ]);
    expect(all["mparticle.queue.bytes"]).toEqual([
      { attributes: memory, value: queue.stats().bufferedBytes },
      { attributes: outbox, value: stored.stats().bufferedBytes },
    ]);
    expect(all["mparticle.queue.waiting_adds"]?.map(({ value }) => value)).toEqual([0, 0]);

    await Promise.all([queue.close(), stored.close()]);
    expect((await metrics())["mparticle.queue.pending"]?.map(({ value }) => value)).toEqual([0, 0]);
  });

  it("tell the pace of a client once there is one, and how many requests are under way", async () => {
    let answer = (): void => undefined;
    const fetch = recordingFetch(202);
    const held: typeof globalThis.fetch = async (...request) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return fetch(...request);
    };
    await makeClient().upload(makeBatch());
    expect((await metrics())["mparticle.client.pace"]).toBeUndefined();
    const upload = makeClient(202, { fetch: held, rate: 200 }).upload(makeBatch());
    expect((await metrics())["mparticle.client.active_requests"]?.map(({ value }) => value)).toEqual([1]);
    answer();
    await upload;
    expect((await metrics())["mparticle.client.active_requests"]?.map(({ value }) => value)).toEqual([0]);
    expect((await metrics())["mparticle.client.pace"]).toEqual([{ attributes: {}, value: 200 }]);
  });

  it("measure a queue that was made before, and nothing after the end", async () => {
    stop();
    const { queue } = await makeEveryMetric();
    expect(await metrics()).toEqual({});
    expect(spans.getFinishedSpans()).toEqual([]);
    await reader.shutdown();
    start();
    expect((await metrics())["mparticle.queue.pending"]?.[0]?.value).toBe(2);
    await queue.close();
  });

  it("are all that the dashboard asks for, and the dashboard asks for all", async () => {
    const { queue } = await makeEveryMetric();
    const emitted = Object.keys(await metrics());
    await queue.close();
    const units: Readonly<Record<string, string>> = {
      "messaging.client.operation.duration": "_seconds_bucket",
      "mparticle.client.pause.duration": "_seconds_bucket",
      "messaging.client.sent.messages": "_total",
      "mparticle.batches.settled": "_total",
      "mparticle.request.retries": "_total",
      "mparticle.rate_limit.utilization": "_ratio",
      "mparticle.client.pace": "_per_second",
    };
    // As the OpenTelemetry exporters for Prometheus write them.
    const inPrometheus = emitted.map((name) => `${name.replaceAll(".", "_")}${units[name] ?? ""}`);
    const dashboard = readFileSync(new URL("../../docs/grafana.json", import.meta.url), "utf8");
    const asked = new Set(dashboard.match(/\b(messaging_client|mparticle)_[a-z_]+(?=[{[])/g));
    expect([...asked].sort()).toEqual(inPrometheus.sort());
  });
});

describe("the spans", () => {
  it("are children of the caller's, and the HTTP request is made within them", async () => {
    const server = await startFakeServer({ script: [503, 202] });
    const { request } = http;
    const within: (string | undefined)[] = [];
    http.request = ((...given: Parameters<typeof request>) => {
      within.push(trace.getActiveSpan()?.spanContext().spanId);
      return request(...given);
    }) as typeof request;
    syncBuiltinESMExports();
    try {
      const client = new EventsClient({ ...CREDENTIALS, baseUrl: server.url });
      await inSpan("handler", () => client.upload(makeBatch()));
      await client.close();
    } finally {
      http.request = request;
      syncBuiltinESMExports();
      await server.close();
    }
    const handler = spanCalled("handler").spanContext();
    const sent = spans.getFinishedSpans().filter(({ name }) => name === "send /events");
    expect(sent.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([handler.spanId, handler.spanId]);
    expect(sent.map((span) => span.spanContext().traceId)).toEqual([handler.traceId, handler.traceId]);
    expect(within).toEqual(sent.map((span) => span.spanContext().spanId));
    expect(sent).toMatchObject([
      {
        kind: SpanKind.PRODUCER,
        status: { code: SpanStatusCode.ERROR, message: "UNAVAILABLE" },
        attributes: {
          ...SENT,
          "messaging.destination.name": "/events",
          "mparticle.request.attempt": 1,
          "error.type": "UNAVAILABLE",
          "http.response.status_code": 503,
        },
      },
      { status: { code: SpanStatusCode.UNSET }, attributes: { "mparticle.request.attempt": 2 } },
    ]);
  });

  it("of a queue are linked to each request that added, and are a child of none", async () => {
    const queue = new EventQueue(makeClient(), { flushIntervalMs: 1e8 });
    const users = ["a", "b"].map((customer_id) => ({ ...USER, user_identities: { customer_id } }));
    for (const [index, user] of users.entries()) {
      await inSpan(`request ${String(index)}`, async () => {
        await queue.add(user, customEvent("one", "other"));
        await queue.add(user, customEvent("two", "other"));
      });
    }
    await inSpan("flush", () => queue.flush());
    await queue.close();
    const sent = spanCalled("send /bulkevents");
    expect(sent.parentSpanContext).toBeUndefined();
    expect(sent.attributes).toMatchObject({ ...SENT, "messaging.batch.message_count": 2 });
    expect(sent.links.map((link) => link.context.spanId)).toEqual(
      ["request 0", "request 1"].map((name) => spanCalled(name).spanContext().spanId),
    );
  });

  it("of coalesced uploads are linked to each caller", async () => {
    const client = makeClient(202, { coalesce: true });
    await Promise.all(["a", "b"].map((name) => inSpan(name, () => client.upload(makeBatch()))));
    const sent = spanCalled("send /bulkevents");
    expect(sent.parentSpanContext).toBeUndefined();
    expect(sent.links.map((link) => link.context.spanId)).toEqual(
      ["a", "b"].map((name) => spanCalled(name).spanContext().spanId),
    );
  });

  it("do not stop delivery where a subscriber throws", async () => {
    const { subscribe, unsubscribe } = await import("node:diagnostics_channel");
    const onStart = (message: unknown): void => {
      const start = message as { runIn(around: () => void): void; onEnd(listener: () => void): void };
      const fail = (): void => {
        throw new Error("a bug in a subscriber");
      };
      start.runIn(fail);
      start.onEnd(fail);
    };
    subscribe("mparticle-events:attempt-start", onStart);
    try {
      expect((await makeClient().upload(makeBatch())).attempts).toBe(1);
    } finally {
      unsubscribe("mparticle-events:attempt-start", onStart);
    }
  });
});

describe("`onOutcome` of a queue", () => {
  const request = new AsyncLocalStorage<string>();

  async function contextsOfOutcomes(): Promise<readonly (string | undefined)[]> {
    const contexts: [string, string | undefined][] = [];
    const queue = new EventQueue(makeClient([503, 202]), {
      flushIntervalMs: 1e8,
      onOutcome: ({ batch }) => void contexts.push([batch.user_identities?.customer_id ?? "", request.getStore()]),
    });
    for (const customer_id of ["a", "b"]) {
      await request.run(customer_id, () => queue.add({ ...USER, user_identities: { customer_id } }));
    }
    await request.run("c", () => queue.flush());
    await queue.close();
    expect(contexts.map(([customerId]) => customerId)).toEqual(["a", "b"]);
    return contexts.map(([, store]) => store);
  }

  it("runs in the context of who added, while spans are recorded", async () => {
    expect(await contextsOfOutcomes()).toEqual(["a", "b"]);
  });

  it("runs in nobody's context otherwise, and never in that of another", async () => {
    stop();
    expect(await contextsOfOutcomes()).toEqual([undefined, undefined]);
  });
});

it("an option that there is not is named", () => {
  expect(() => {
    instrumentEvents({ meter: undefined } as never)();
  }).not.toThrow();
  expect(() => instrumentEvents({ tracer } as never)).toThrow("There is no option `tracer`");
  expect(() => instrumentEvents({ meterProvider: {} } as never)).toThrow(
    "`meterProvider` is an object; expected one with the method `getMeter`.",
  );
  expect(() => instrumentEvents({ tracerProvider: null } as never)).toThrow(
    "`tracerProvider` is null; expected one with the method `getTracer`.",
  );
  expect(context.active()).toBe(ROOT_CONTEXT);
});

describe("OpenTelemetry that throws", () => {
  it("ends no process and no upload, and is told of once", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const uncaught = vi.fn();
    process.on("uncaughtException", uncaught);
    const fail = (): never => {
      throw new Error("a processor of the application");
    };
    const meters = { ...new MeterProvider().getMeter("m"), createCounter: () => ({ add: fail }) };
    const throwing = {
      meterProvider: {
        getMeter: () => Object.assign(Object.create(new MeterProvider().getMeter("m")) as object, meters),
      },
      tracerProvider: { getTracer: () => ({ startSpan: fail, startActiveSpan: fail }) },
    };
    const end = instrumentEvents(throwing); // a part of what they are is enough
    try {
      const client = new EventsClient({ ...CREDENTIALS, fetch: recordingFetch(202) });
      for (let count = 0; count < 2; count++) {
        expect(await client.upload(createBatch(USER, []))).toMatchObject({ status: 202 });
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(uncaught).not.toHaveBeenCalled();
      expect(warn).toHaveBeenCalledTimes(1);
    } finally {
      end();
      process.off("uncaughtException", uncaught);
      warn.mockRestore();
    }
  });
});
