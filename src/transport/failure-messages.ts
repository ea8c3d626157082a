import type { ErrorCode, ServiceError } from "../errors.ts";

/**
 * What an answer that is no acceptance says, and what to do about it.
 *
 * @param contentType - of a body that is not the documented JSON.
 */
export function describeAnswer(
  url: string,
  status: number,
  details: readonly ServiceError[],
  contentType: string | undefined,
): string {
  const said = shortened(details.map(describeDetail).join("; "), MAX_SAID);
  // A mock of ours has named it, and by more than `checkBatch`: by a plan, or a check of one's own.
  const isNamed = status === 400 && details.some(({ path, hint }) => (path ?? hint) !== undefined);
  const advice =
    (isNamed ? "The service refused the payload." : ADVICE[status]) ??
    (status >= 500
      ? "The service failed; the same batch may succeed later."
      : status < 400
        ? REDIRECT
        : "The service, or something in front of it, refused the request.");
  const stranger = contentType === undefined ? "" : ` The body is ${contentType}, which the service never sends.`;
  return `POST ${url} answered ${String(status)}${said === "" ? "" : ` (${said})`}. ${advice}${stranger}`;
}

function describeDetail({ code, path, message, hint }: ServiceError): string {
  const what = [code, path, message].filter(Boolean).join(": ");
  return [what, hint].filter(Boolean).join(" ");
}

/** Of all that the service says, in the message of an error: the details have more. */
const MAX_SAID = 1_000;

/** The text, or its beginning where it is longer: what a server says may be of any length, and goes into logs. */
export function shortened(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  // A pair that is cut in two is no character.
  return `${text.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

const REDIRECT = "Redirects are not followed with credentials; set `pod` or `baseUrl` to the final host.";

const ADVICE: Readonly<Record<number, string>> = {
  400: "The service refused the payload; `checkBatch` of mparticle-events/validate names the field.",
  401: "Check `apiKey` and `apiSecret`, and that they belong to this `pod`.",
  403: "Check `apiKey` and `apiSecret`, that they belong to this `pod`, and that the input may send this data.",
  404: "Check `baseUrl`: it ends with /v2.",
  405: "Check `baseUrl`: it ends with /v2.",
  407: "A proxy on the way refused the request, and not the service: it wants credentials of its own. Check the proxy's settings.",
  408: "Whoever answered gave up waiting for the request; the same batch may succeed later.",
  413: "The request is too large for the service; send fewer or smaller batches.",
  421: "The connection led to a server that is not responsible; the same batch may succeed later.",
  425: "It came too early for whoever answered; the same batch may succeed later.",
  429: "The account's rate limit is reached; the same batch will succeed later.",
};

/** What to say of a 2xx with a web page. */
export function describeWebPage(url: string, status: number): string {
  return `POST ${url} answered ${String(status)} with a web page, which the service never does: something in between took the request, such as a proxy that wants a sign-in. Check \`baseUrl\`.`;
}

const FAULTS = {
  TIMEOUT: "was not answered in time; whether it arrived is unknown, and sending it again is safe",
  ABORTED: "was aborted by its signal; whether it arrived is unknown, and sending it again is safe",
  CONNECTION: "got no answer; whether it arrived is unknown, and sending it again is safe",
  TLS: "was not sent: the server's certificate does not verify. Check `baseUrl`, or trust its authority with NODE_EXTRA_CA_CERTS or nodeFetch({ ca })",
} as const satisfies Partial<Record<ErrorCode, string>>;

/** Why there was no answer. */
export type FaultCode = keyof typeof FAULTS;

/** Faults before anything is sent. */
const UNSENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host. Check `baseUrl`, and the network",
  EAI_AGAIN: "the host could not be looked up. Check the network",
  EPROTO: "the other side speaks no TLS. Check `baseUrl`: http or https?",
};

/**
 * What happened to a request that got no answer, and what to do about it.
 *
 * @param waitedFor - what it never got, where that is not an answer.
 */
export function describeFault(url: string, code: FaultCode, cause: unknown, waitedFor: string | undefined): string {
  const known = findCode(cause);
  const detail = known ?? (cause instanceof Error ? cause.message : String(cause));
  if (waitedFor !== undefined && code === "TIMEOUT") {
    return `POST ${url} was not sent: it waited for ${waitedFor} in vain. Allow more of them, or fewer requests at once (${detail}).`;
  }
  const isUnsent = code === "CONNECTION" && known !== undefined && Object.hasOwn(UNSENT, known);
  return `POST ${url} ${isUnsent ? `was not sent: ${String(UNSENT[known])}` : FAULTS[code]} (${detail}).`;
}

/** Whether it was the certificate, or anything else. */
export function codeOfFault(cause: unknown): "CONNECTION" | "TLS" {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS_/.test(findCode(cause) ?? "")
    ? "TLS"
    : "CONNECTION";
}

function findCode(fault: unknown): string | undefined {
  const code: unknown = typeof fault === "object" && fault !== null ? Reflect.get(fault, "code") : undefined;
  return typeof code === "string" ? code : undefined;
}
