export { addToBatch } from "./add-to-batch.ts";
export { dropAttributes, keepAttributes } from "./attributes.ts";
export { consentGate } from "./gate.ts";
export { ccpaFromGpc } from "./gpc.ts";
export { ccpaFromGpp } from "./gpp.ts";
export { hashIdentities } from "./hash-identities.ts";
export { consentFromRequest } from "./request.ts";
export { consentFromTcf } from "./tcf.ts";
export { truncateToLimits } from "./truncate.ts";
export { ccpaFromUsp } from "./usp.ts";
export { MissingPeerError } from "../rules/optional-peer.ts";

export type { BatchAdditions } from "./add-to-batch.ts";
export type { ConsentGateOptions } from "./gate.ts";
export type { AttributeNames, AttributeScope } from "./attributes.ts";
export type { RequestHeaders, RequestSignalOptions, SignalSource } from "./request.ts";
export type { SignalOptions } from "./signal.ts";
export type { TcfOptions } from "./tcf.ts";
