import { show } from "../rules/show.ts";
import { PODS } from "../../generated/contract.ts";

/** A data centre of the service: an independent installation, so the wrong one loses data. */
export type Pod = keyof typeof PODS;

/** The three endpoints below the base URL. */
export type EndpointPath = "/events" | "/bulkevents" | "/bulkevents/historical";

/** Where the service is. */
export interface HostOptions {
  /** Data centre. `@default "us1"` */
  readonly pod?: Pod | undefined;
  /** In place of `pod`: a mock, a proxy or a partner host, with its `/v2`. */
  readonly baseUrl?: string | URL | undefined;
}

/**
 * The base URL requests go to.
 *
 * @throws TypeError - for an unknown pod, for both at once, and for a URL that is not http(s), holds credentials, a query or a fragment.
 */
export function resolveBaseUrl({ pod, baseUrl }: HostOptions): string {
  if (pod !== undefined && (typeof pod !== "string" || !Object.hasOwn(PODS, pod))) {
    throw new TypeError(`\`pod\` is ${show(pod)}; expected one of ${Object.keys(PODS).join(", ")}.`);
  }
  if (baseUrl === undefined) return PODS[pod ?? "us1"];
  if (pod !== undefined) throw new TypeError("`pod` and `baseUrl` exclude each other; pass one of them.");
  const url = parseUrl(baseUrl);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // One that cannot be taken apart may hold credentials that nobody would find in it.
    const given = url?.username === "" && url.password === "" ? ` ${show(url.href)},` : "";
    throw new TypeError(
      `\`baseUrl\` is${given} not an http(s) URL; expected one such as https://s2s.mparticle.com/v2.`,
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError(
      "`baseUrl` must hold no credentials, query or fragment; pass `apiKey` and `apiSecret` instead.",
    );
  }
  return url.href.replace(/\/+$/, "");
}

function parseUrl(url: string | URL): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/**
 * The value of the Authorization header: HTTP Basic (RFC 7617) over UTF-8.
 *
 * @throws TypeError - for a key or secret that is empty, not a string or holds control characters, and for a key with a colon.
 */
export function basicAuthorization(apiKey: string, apiSecret: string): string {
  checkCredential("apiKey", apiKey);
  checkCredential("apiSecret", apiSecret);
  // RFC 7617: the first colon ends the user-id, so a key with one would authenticate as somebody else.
  if (apiKey.includes(":"))
    throw new TypeError("`apiKey` contains a colon, which HTTP Basic cannot carry; is it key and secret in one?");
  const bytes = new TextEncoder().encode(`${apiKey}:${apiSecret}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

function checkCredential(name: "apiKey" | "apiSecret", value: unknown): void {
  if (typeof value !== "string") {
    throw new TypeError(
      `\`${name}\` is ${value === null ? "null" : typeof value}; expected a non-empty string. Is its environment variable set?`,
    );
  }
  if (value === "")
    throw new TypeError(
      `\`${name}\` is empty; expected the ${name === "apiKey" ? "key" : "secret"} of an input in the dashboard.`,
    );
  // RFC 7617 forbids exactly these.
  if (/[\u0000-\u001f\u007f]/.test(value))
    throw new TypeError(`\`${name}\` contains a control character or line break; was it read from a file?`);
}
