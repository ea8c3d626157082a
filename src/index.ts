export { attributesFrom } from "./model/attributes.ts";
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
export { checkAll } from "./delivery/checks.ts";
export { requestIdFrom } from "./model/request-id.ts";
export { EventsClient } from "./delivery/client.ts";
export { EventQueue } from "./delivery/queue/event-queue.ts";
export { parseJsonExact } from "./transport/json.ts";
export { ApiError, InvalidBatchError, MParticleError, NetworkError } from "./errors.ts";

export type {
  ApplicationInformation,
  ApplicationStateTransitionEvent,
  ApplicationStateTransitionEventData,
  ApplicationTransitionType,
  AttAuthorizationStatus,
  AttributionInfo,
  Batch,
  BatchContext,
  BreadcrumbEvent,
  BreadcrumbEventData,
  CcpaConsentState,
  CommerceEvent,
  CommerceEventData,
  CommerceEventDataBase,
  CommerceEventDataWithProductAction,
  CommerceEventDataWithProductImpressions,
  CommerceEventDataWithPromotionAction,
  CommonEventData,
  ConsentPurpose,
  ConsentState,
  CrashReportEvent,
  CrashReportEventData,
  CustomAttributes,
  CustomEvent,
  CustomEventData,
  CustomEventType,
  CustomFlags,
  DataPlan,
  DeviceCurrentState,
  DeviceInformation,
  DevicePlatform,
  Environment,
  Event,
  FirstRunEvent,
  FirstRunEventData,
  GdprConsentState,
  GeoLocation,
  IdentityType,
  Int64,
  IntegrationAttributes,
  NetworkPerformanceEvent,
  NetworkPerformanceEventData,
  OptOutEvent,
  OptOutEventData,
  PartnerIdentities,
  Product,
  ProductAction,
  ProductActionType,
  ProductAttributes,
  ProductImpression,
  ProfileEvent,
  ProfileEventData,
  ProfileEventType,
  Promotion,
  PromotionAction,
  PromotionActionType,
  PushMessageEvent,
  PushMessageEventData,
  PushMessageType,
  PushRegistrationEvent,
  PushRegistrationEventData,
  ScreenViewEvent,
  ScreenViewEventData,
  SessionEndEvent,
  SessionEndEventData,
  SessionStartEvent,
  SessionStartEventData,
  ShoppingCart,
  Uint64,
  UninstallEvent,
  UninstallEventData,
  UserAttributeChangeEvent,
  UserAttributeChangeEventData,
  UserAttributes,
  UserAttributeValue,
  UserIdentities,
  UserIdentity,
  UserIdentityChangeEvent,
  UserIdentityChangeEventData,
} from "../generated/schema.ts";
export type { DataOf } from "./model/attributes.ts";
export type {
  ApplicationStateTransitionOptions,
  BreadcrumbOptions,
  CrashReportOptions,
  CustomEventOptions,
  FirstRunOptions,
  NetworkPerformanceOptions,
  OptOutOptions,
  ProfileOptions,
  PushMessageOptions,
  PushRegistrationOptions,
  ScreenViewOptions,
  SessionEndOptions,
  SessionStartOptions,
  UninstallOptions,
  UserAttributeChange,
  UserAttributeChangeOptions,
  UserIdentityChange,
  UserIdentityChangeOptions,
} from "./model/events.ts";
export type { CommerceDetails, EventDataOf, EventOf, EventType, UserContext } from "./model/types.ts";
export type { ProductActionDetails, ProductActionFactory, TransactionDetails } from "./model/commerce.ts";
export type { ConsentDetails } from "./model/consent.ts";
export type { ApiErrorFacts, ErrorCode, ErrorFacts, Finding, FindingSeverity, ServiceError } from "./errors.ts";
export type { RawClient } from "./transport/raw-client.ts";
export type { Fetch } from "./transport/exchange.ts";
export type { Pod } from "./transport/hosts.ts";
export type { BeforeSend, BeforeSendContext } from "./delivery/before-send.ts";
export type { BulkOptions, DeliverOptions, EventsClientOptions, UploadOptions } from "./delivery/client-options.ts";
export type { Effects } from "./delivery/effects.ts";
export type { DeadLetter, Outbox, OutboxEntry, OutboxOwner, StoredBatch } from "./delivery/outbox.ts";
export type { Outcome, Receipt, Verdict } from "./delivery/outcome.ts";
export type { Validate, ValidateContext } from "./delivery/checks.ts";
export type { DeliveryOutcome } from "./delivery/deliver.ts";
export type { CloseReport, QueueStats } from "./delivery/queue/queue-stats.ts";
export type { EventQueueOptions, Overflow, WaitOptions } from "./delivery/queue/queue-options.ts";
export type { RetryOptions } from "./delivery/retry.ts";
export type { Ledger } from "./delivery/queue/tally.ts";
export type { Logger } from "./delivery/logger.ts";
export type { AttemptReport, PauseReport, RetryReport } from "./delivery/telemetry.ts";
