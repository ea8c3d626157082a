import type { Attributes } from "@opentelemetry/api";
import type { AttemptReport } from "../delivery/telemetry.ts";
import type { EndpointPath } from "../transport/hosts.ts";

/** What is known of a request before it is made, by the semantic conventions for messaging. */
export function attributesOfPath(path: EndpointPath): Attributes {
  return {
    "messaging.system": "mparticle",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": path,
  };
}

/** What its end adds. */
export function attributesOfEnd({ result, status }: AttemptReport): Attributes {
  return {
    ...(result === "accepted" ? {} : { "error.type": result }),
    ...(status === undefined ? {} : { "http.response.status_code": status }),
  };
}
