import { createRequire } from "node:module";
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterAll, expect, it } from "vitest";
import { createBatch, customEvent, EventQueue, EventsClient } from "mparticle-events";
import { instrumentEvents } from "mparticle-events/otel";
import { startFakeServer } from "mparticle-events/testing";

const spans = new InMemorySpanExporter();
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
tracerProvider.register();
const instrumentation = new HttpInstrumentation();
instrumentation.setTracerProvider(tracerProvider);
createRequire(import.meta.url)("node:http"); // it patches what is required
const stop = instrumentEvents({ tracerProvider });

afterAll(async () => {
  stop();
  instrumentation.disable();
  await tracerProvider.shutdown();
  trace.disable();
  context.disable();
  propagation.disable();
});

/** The spans that ended, each with the name of its parent. */
function tree(): readonly { name: string; kind: SpanKind; parent: string | undefined }[] {
  const finished = spans.getFinishedSpans();
  const nameOf = (spanId: string | undefined): string | undefined =>
    finished.find((span) => span.spanContext().spanId === spanId)?.name;
  return finished
    .filter(({ kind }) => kind !== SpanKind.SERVER)
    .map(({ name, kind, parentSpanContext }) => ({ name, kind, parent: nameOf(parentSpanContext?.spanId) }));
}

it("the instrumentation of HTTP sees each request within ours, and sends its `traceparent`", async () => {
  const server = await startFakeServer({ script: [503, 202, 202] });
  const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", baseUrl: server.url });
  const batch = createBatch({ environment: "development" }, [customEvent("opened", "other")]);
  await tracerProvider.getTracer("test").startActiveSpan("handler", async (span) => {
    await client.upload(batch);
    span.end();
  });
  const queue = new EventQueue(client, { flushIntervalMs: 1e8 });
  await queue.add({ environment: "development" }, customEvent("opened", "other"));
  await queue.close();
  await client.close();
  await server.close();

  expect(tree()).toEqual([
    { name: "POST", kind: SpanKind.CLIENT, parent: "send /events" },
    { name: "send /events", kind: SpanKind.PRODUCER, parent: "handler" },
    { name: "POST", kind: SpanKind.CLIENT, parent: "send /events" },
    { name: "send /events", kind: SpanKind.PRODUCER, parent: "handler" },
    { name: "handler", kind: SpanKind.INTERNAL, parent: undefined },
    { name: "POST", kind: SpanKind.CLIENT, parent: "send /bulkevents" },
    { name: "send /bulkevents", kind: SpanKind.PRODUCER, parent: undefined },
  ]);
  const ofHttp = spans.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
  expect(server.requests.map(({ headers }) => headers["traceparent"])).toEqual(
    ofHttp.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
  );
});
