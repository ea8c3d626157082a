export { startFakeServer, type FakeServer, type FakeServerOptions, type SocketStats } from "./fake-server.ts";
export { startMockServer, type MockServer, type MockServerOptions } from "./mock-server.ts";
export { rateLimit, type RateLimitOptions } from "./rate-limit.ts";
export type { RecordedCounts, RecordedRequest, Recording, RecordOptions } from "./recorder.ts";
export {
  recordingFetch,
  type FaultStep,
  type FetchStep,
  type RecordingFetch,
  type RecordingFetchOptions,
} from "./recording-fetch.ts";
export { outboxConformance, type ConformanceCase, type OutboxStorage } from "./outbox-conformance.ts";
export { poison } from "./refusal.ts";
export type { AnswerStep, RawStep, RedirectStep, ResetStep, Script, Step, StepFunction } from "./step.ts";
