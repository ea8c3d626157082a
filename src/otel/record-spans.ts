import type { Link, SpanContext, Tracer } from "@opentelemetry/api";
import type { RunInContext } from "../delivery/attempt-start.ts";
import { listen } from "./listen.ts";
import type { requireApi } from "./opentelemetry-api.cjs";
import { attributesOfEnd, attributesOfPath } from "./semantics.ts";

type Api = ReturnType<typeof requireApi>;

/** As many as an SDK keeps by default. */
const MAX_LINKS = 128;

/**
 * Makes a span of each request: a child of the span of who uploads, or, for a queue, linked to the spans of those who
 * added. The HTTP request is made within it.
 *
 * @returns a function that ends it.
 */
export function recordSpans(api: Api, tracer: Tracer): () => void {
  const { context, SpanKind, SpanStatusCode, trace } = api;
  return listen("attempt-start", (start) => {
    const { path, attempt, requestIds, bytes, origins } = start;
    const [requestId] = requestIds;
    const span = tracer.startSpan(`send ${path}`, {
      kind: SpanKind.PRODUCER,
      links: linksTo(api, origins),
      attributes: {
        ...attributesOfPath(path),
        // A single one has an id in place of a count, as the conventions want it.
        ...(path !== "/events"
          ? { "messaging.batch.message_count": requestIds.length }
          : requestId !== undefined && { "messaging.message.id": requestId, "messaging.message.body.size": bytes }),
        "mparticle.request.attempt": attempt,
      },
    });
    start.runIn((send) => {
      context.with(trace.setSpan(context.active(), span), send);
    });
    start.onEnd((report) => {
      span.setAttributes(attributesOfEnd(report));
      if (report.result !== "accepted") span.setStatus({ code: SpanStatusCode.ERROR, message: report.result });
      span.end();
    });
  });
}

/** One for each span in which something was handed over. */
function linksTo({ isSpanContextValid, trace }: Api, origins: readonly RunInContext[]): Link[] {
  const spans = new Map<string, SpanContext>();
  for (const runInOrigin of origins) {
    const spanContext = runInOrigin(() => trace.getActiveSpan())?.spanContext();
    if (spanContext === undefined || !isSpanContextValid(spanContext)) continue;
    spans.set(`${spanContext.traceId} ${spanContext.spanId}`, spanContext);
    if (spans.size === MAX_LINKS) break;
  }
  return Array.from(spans.values(), (spanContext): Link => ({ context: spanContext }));
}
