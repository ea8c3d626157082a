/** The built package on undici, as its users choose it. */
import { EventsClient } from "mparticle-events";
import { undiciFetch } from "mparticle-events/node";
import { readFileSync } from "node:fs";

export function open({ url, inFlight }) {
  const ca = process.env.NODE_EXTRA_CA_CERTS;
  const connect = ca === undefined ? {} : { ca: readFileSync(ca) };
  const fetch = undiciFetch({ connections: inFlight, connect });
  const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2`, fetch });
  return { upload: (batch) => client.upload(batch) };
}
