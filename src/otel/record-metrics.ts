import { channel } from "#platform";
import type { Meter, MetricOptions, Observable } from "@opentelemetry/api";
import { MEASURE_QUEUES, type QueueMeasurement, type QueueMeasurements } from "../delivery/queue/queue-measurement.ts";
import type { AttemptReport } from "../delivery/telemetry.ts";
import { attributesOfEnd, attributesOfPath } from "./semantics.ts";
import { listen } from "./listen.ts";

/** The boundaries that the conventions name for the duration of an operation. */
const DURATION_BOUNDARIES_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** The service asks for waits of seconds to minutes. */
const PAUSE_BOUNDARIES_S = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/**
 * Counts and measures what the channels tell.
 *
 * @returns a function that ends it.
 */
export function recordMetrics(meter: Meter): () => void {
  const stops = [...recordRequests(meter), ...recordWaits(meter), recordQueues(meter), ...recordPace(meter)];
  return () => {
    for (const stop of stops) stop();
  };
}

function recordRequests(meter: Meter): (() => void)[] {
  const duration = meter.createHistogram("messaging.client.operation.duration", {
    description: "Duration of each request to the service, whatever its end.",
    unit: "s",
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES_S },
  });
  const sent = meter.createCounter("messaging.client.sent.messages", {
    description: "Batches in requests that were made; one that is sent again counts again.",
    unit: "{message}",
  });
  const settled = meter.createCounter("mparticle.batches.settled", {
    description: "Batches that were accepted, rejected or left undelivered.",
    unit: "{batch}",
  });
  return [
    listen("attempt", (report) => {
      const attributes = { ...attributesOfPath(report.path), ...attributesOfEnd(report) };
      duration.record(report.durationMs / 1_000, attributes);
      sent.add(report.batches, attributes);
    }),
    listen("outcome", (outcome) => {
      const error = outcome.kind === "accepted" ? {} : { "error.type": outcome.error.code };
      settled.add(1, { outcome: outcome.kind, ...error });
    }),
  ];
}

function recordWaits(meter: Meter): (() => void)[] {
  const retries = meter.createCounter("mparticle.request.retries", {
    description: "Requests that failed and will be made again.",
    unit: "{retry}",
  });
  const pauses = meter.createHistogram("mparticle.client.pause.duration", {
    description: "How long all requests of a client wait because the service asked for it.",
    unit: "s",
    advice: { explicitBucketBoundaries: PAUSE_BOUNDARIES_S },
  });
  return [
    listen("retry", ({ path, error }) => {
      retries.add(1, { "messaging.destination.name": path, "error.type": error.code });
    }),
    listen("pause", ({ durationMs, error }) => {
      pauses.record(durationMs / 1_000, { "error.type": error.code });
    }),
  ];
}

/** What the open queues hold, asked when somebody reads it. */
function recordQueues(meter: Meter): () => void {
  const pending = meter.createObservableUpDownCounter("mparticle.queue.pending", {
    description: "Events in queues that have no outcome yet.",
    unit: "{event}",
  });
  const bytes = meter.createObservableUpDownCounter("mparticle.queue.bytes", {
    description: "JSON that queues hold in memory.",
    unit: "By",
  });
  const waiting = meter.createObservableUpDownCounter("mparticle.queue.waiting_adds", {
    description: "Calls of `add` that wait for room, or for the outbox.",
    unit: "{call}",
  });
  const observables: Observable[] = [pending, bytes, waiting];
  const observe: Parameters<Meter["addBatchObservableCallback"]>[0] = (result) => {
    const measurements: QueueMeasurements = { queues: [] };
    channel(MEASURE_QUEUES).publish(measurements);
    for (const hasOutbox of [false, true]) {
      const queues = measurements.queues.filter((queue) => queue.hasOutbox === hasOutbox);
      const total = (valueOf: (queue: QueueMeasurement) => number): number =>
        queues.reduce((sum, queue) => sum + valueOf(queue), 0);
      const attributes = { "mparticle.queue.outbox": hasOutbox };
      result.observe(
        pending,
        total(({ pendingEvents }) => pendingEvents),
        attributes,
      );
      result.observe(
        bytes,
        total(({ bufferedBytes }) => bufferedBytes),
        attributes,
      );
      result.observe(
        waiting,
        total(({ waitingAdds }) => waitingAdds),
        attributes,
      );
    }
  };
  meter.addBatchObservableCallback(observe, observables);
  return () => {
    meter.removeBatchObservableCallback(observe, observables);
  };
}

/** How near the limit the latest request was, how fast its client sends since, and how many are under way. */
function recordPace(meter: Meter): (() => void)[] {
  const active = meter.createUpDownCounter("mparticle.client.active_requests", {
    description: "Requests that wait for their answer.",
    unit: "{request}",
  });
  return [
    recordLatest(
      meter,
      "mparticle.rate_limit.utilization",
      {
        description: "Share of the rate limit that is used, from 0 to 1, as the latest answer that told it said.",
        unit: "1",
      },
      ({ rateLimitPercentageUsed: percent }) => (percent === undefined ? undefined : percent / 100),
    ),
    recordLatest(
      meter,
      "mparticle.client.pace",
      {
        description: "Batches a second that the client of the latest request keeps to, once a limit has shown.",
        unit: "{batch}/s",
      },
      ({ batchesPerSecond }) => batchesPerSecond,
    ),
    listen("attempt-start", (start) => {
      const attributes = attributesOfPath(start.path);
      active.add(1, attributes);
      start.onEnd(() => {
        active.add(-1, attributes);
      });
    }),
  ];
}

/** Observed and not recorded, because the API has gauges to record since 1.9 alone. */
function recordLatest(
  meter: Meter,
  name: string,
  options: MetricOptions,
  valueOf: (report: AttemptReport) => number | undefined,
): () => void {
  let latest: number | undefined;
  const gauge = meter.createObservableGauge(name, options);
  const observe: Parameters<typeof gauge.addCallback>[0] = (result) => {
    if (latest !== undefined) result.observe(latest);
  };
  gauge.addCallback(observe);
  const stopListening = listen("attempt", (report) => {
    latest = valueOf(report) ?? latest;
  });
  return () => {
    stopListening();
    gauge.removeCallback(observe);
  };
}
