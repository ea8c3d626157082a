import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import type { Members } from "../rules/objects.ts";
import { MissingPeerError } from "../rules/optional-peer.ts";
import { show } from "../rules/show.ts";
import { checkOptions } from "../transport/option-checks.ts";
import { VERSION } from "../version.ts";
import { requireApi } from "./opentelemetry-api.cjs";
import { recordMetrics } from "./record-metrics.ts";
import { recordSpans } from "./record-spans.ts";

/** Where metrics and spans go. */
export interface InstrumentOptions {
  /** Makes the metrics. `@default` the global one of `@opentelemetry/api`, as it is at the time of the call */
  readonly meterProvider?: MeterProvider | undefined;
  /** Makes the spans. `@default` the global one of `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider | undefined;
}

const NAME = "mparticle-events";

/**
 * Reports what all clients, queues and fleet workers of this process do, as metrics and spans of OpenTelemetry. Call it
 * once, after the SDK has started; each further call reports everything once more. It works on Node, where there are
 * diagnostics channels.
 *
 * @param options - see {@link InstrumentOptions}.
 * @returns a function that ends it.
 * @throws TypeError - for an option that there is not, and for a provider that is none.
 * @throws MissingPeerError - when the optional peer `@opentelemetry/api` is not installed.
 */
export function instrumentEvents(options: InstrumentOptions = {}): () => void {
  checkOptions(options, { meterProvider: "any", tracerProvider: "any" });
  const api = loadApi();
  requireProvider(options, "meterProvider", "getMeter");
  requireProvider(options, "tracerProvider", "getTracer");
  const { meterProvider = api.metrics.getMeterProvider(), tracerProvider = api.trace.getTracerProvider() } = options;
  const stops = [
    recordMetrics(meterProvider.getMeter(NAME, VERSION)),
    recordSpans(api, tracerProvider.getTracer(NAME, VERSION)),
  ];
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

function requireProvider(options: InstrumentOptions, name: keyof InstrumentOptions, method: string): void {
  const given: unknown = options[name];
  if (given === undefined || typeof (Object(given) as Members)[method] === "function") return;
  throw new TypeError(`\`${name}\` is ${show(given)}; expected one with the method \`${method}\`.`);
}

function loadApi(): ReturnType<typeof requireApi> {
  try {
    return requireApi();
  } catch (cause) {
    throw new MissingPeerError("instrumentEvents()", "@opentelemetry/api", "^1.4.0", cause);
  }
}
