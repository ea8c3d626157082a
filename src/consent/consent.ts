export { ccpaFromGpc } from "./gpc.ts";
export { ccpaFromGpp } from "./gpp.ts";
export { consentFromRequest } from "./request.ts";
export { consentFromTcf } from "./tcf.ts";
export { ccpaFromUsp } from "./usp.ts";
export { MissingPeerError } from "../rules/optional-peer.ts";

export type { RequestHeaders, RequestSignalOptions, SignalSource } from "./request.ts";
export type { SignalOptions } from "./signal.ts";
export type { TcfOptions } from "./tcf.ts";
