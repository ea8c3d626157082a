export { createBatch } from "./model/batch.ts";
export {
  applicationStateTransition,
  breadcrumb,
  crashReport,
  customEvent,
  firstRun,
  networkPerformance,
  optOut,
  profile,
  pushMessage,
  pushRegistration,
  screenView,
  sessionEnd,
  sessionStart,
  uninstall,
  userAttributeChange,
  userIdentityChange,
} from "./model/events.ts";
export {
  addToCart,
  addToWishlist,
  checkout,
  checkoutOption,
  impression,
  productAction,
  productClick,
  promotion,
  purchase,
  refund,
  removeFromCart,
  removeFromWishlist,
  viewDetail,
} from "./model/commerce.ts";
export { ccpaOptOut, gdprConsent, hasGdprConsent, isCcpaOptedOut, mergeConsent } from "./model/consent.ts";
export { EventsClient } from "./delivery/client.ts";
export { EventQueue } from "./delivery/queue.ts";
export { ApiError, InvalidBatchError, MParticleError, NetworkError } from "./errors.ts";

export type {
  ApplicationInformation,
  ApplicationTransitionType,
  Batch,
  BatchContext,
  ConsentPurpose,
  ConsentState,
  CustomEventType,
  DeviceInformation,
  Environment,
  Event,
  GeoLocation,
  IdentityType,
  Int64,
  Product,
  ProductAction,
  ProductActionType,
  ProductImpression,
  ProfileEventType,
  Promotion,
  PromotionActionType,
  PushMessageType,
  Uint64,
  UserAttributes,
  UserIdentities,
  UserIdentity,
} from "../generated/schema.ts";
export type { EventDataOf, EventOf, EventType, UserContext } from "./model/types.ts";
export type { ProductActionDetails, TransactionDetails } from "./model/commerce.ts";
export type { ConsentDetails } from "./model/consent.ts";
export type { ErrorCode, Finding, FindingSeverity, ServiceError } from "./errors.ts";
export type { Fetch } from "./transport/exchange.ts";
export type { Pod } from "./transport/hosts.ts";
export type { BulkOptions, DeliverOptions, EventsClientOptions, UploadOptions } from "./delivery/client.ts";
export type { DeadLetter, Outbox, OutboxEntry, StoredBatch } from "./delivery/outbox.ts";
export type { CloseReport, EventQueueOptions, Overflow, QueueStats } from "./delivery/queue.ts";
export type { Ledger } from "./delivery/tally.ts";
export type { Outcome, Receipt, Verdict } from "./delivery/outcome.ts";
export type { AttemptReport, Logger, PauseReport, RetryReport } from "./delivery/telemetry.ts";
