/** OpenTelemetry for clients, queues and workers of this process. It needs the optional peer `@opentelemetry/api`, `^1.4.0`. */
export { instrumentEvents, type InstrumentOptions } from "./instrument-events.ts";
export { MissingPeerError } from "../rules/optional-peer.ts";
