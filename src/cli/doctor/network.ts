import { lookup } from "node:dns/promises";
import { connect } from "node:tls";
import { codeOf, messageOf } from "../usage-error.ts";
import { ill, unknown, well, type Diagnosis } from "./diagnosis.ts";

const TIMEOUT_MS = 10_000;
const EXPIRES_SOON_MS = 14 * 86_400_000;

/** Whether the name of the host leads anywhere. */
export async function diagnoseHost(url: URL): Promise<Diagnosis> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  try {
    const { address } = await lookup(host);
    return well("host", `${host} is ${address}.`);
  } catch (error) {
    const what = codeOf(error) === "ENOTFOUND" ? "there is no such host" : messageOf(error);
    return ill(
      "host",
      `${host}: ${what}.`,
      "Check the pod or the base URL, the DNS of this machine, and its way to the internet.",
    );
  }
}

/** A proxy that the environment names is not used by itself. */
export function diagnoseProxy(url: URL, env: Readonly<Record<string, string | undefined>>): Diagnosis {
  const name = [`${url.protocol.slice(0, -1)}_proxy`, "all_proxy"]
    .flatMap((one) => [one.toUpperCase(), one])
    .find((one) => (env[one] ?? "") !== "");
  if (name === undefined) return well("proxy", "none is set.");
  return unknown(
    "proxy",
    `${name} is set, and is not used by itself.`,
    "Where the service is reached through it alone, pass an agent: fetch: nodeFetch({ agent }); see the README.",
  );
}

/** Whether the certificate of the host verifies, and how long it is valid. */
export function diagnoseCertificate(url: URL, nowMs: number): Promise<Diagnosis> {
  const subject = "certificate";
  if (url.protocol !== "https:") {
    return Promise.resolve(unknown(subject, "none: the base URL is http, and whoever listens can read the secret."));
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const isName = !/^[\d.]+$|:/.test(host);
    const socket = connect({
      host,
      port: Number(url.port || 443),
      ...(isName && { servername: host }),
      rejectUnauthorized: false,
    });
    const settle = (diagnosis: Diagnosis): void => {
      socket.destroy();
      resolve(diagnosis);
    };
    socket.setTimeout(TIMEOUT_MS, () => {
      settle(
        ill(
          subject,
          `no connection within ${String(TIMEOUT_MS / 1000)} s.`,
          "Does a firewall let this machine out to port 443?",
        ),
      );
    });
    socket.once("error", (error) => {
      settle(
        ill(
          subject,
          `no secure connection: ${messageOf(error)}.`,
          "Does a firewall or a proxy break connections to this host?",
        ),
      );
    });
    socket.once("secureConnect", () => {
      const { valid_to, issuer } = socket.getPeerCertificate();
      if (!socket.authorized) {
        const reason = String(socket.authorizationError);
        settle(
          ill(
            subject,
            `it does not verify: ${reason}.`,
            "Does something on the way look into connections? Give its certificate to Node: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.",
          ),
        );
        return;
      }
      const leftMs = Date.parse(valid_to) - nowMs;
      const issued = typeof issuer.O === "string" ? `, issued by ${issuer.O}` : "";
      const message = `valid until ${valid_to}${issued}.`;
      settle(
        leftMs < EXPIRES_SOON_MS
          ? ill(subject, message, "It ends soon: tell whoever runs the host.")
          : well(subject, message),
      );
    });
  });
}
