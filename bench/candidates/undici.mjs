/** The other floor: undici's `Pool`, the same headers as ours and `JSON.stringify` of each batch. */
import { readFileSync } from "node:fs";
import { Pool } from "undici";
import { listOf } from "./node-http.mjs";

export function open({ url, inFlight }) {
  const ca = process.env.NODE_EXTRA_CA_CERTS;
  const pool = new Pool(url, {
    connections: inFlight,
    ...(ca !== undefined && { connect: { ca: readFileSync(ca) } }),
  });
  const headers = {
    authorization: `Basic ${btoa("key:secret")}`,
    accept: "application/json",
    "content-type": "application/json",
    "user-agent": "undici",
  };
  const post = async (path, body) => {
    const { statusCode, body: answer } = await pool.request({ method: "POST", path, headers, body });
    await answer.dump();
    if (statusCode >= 300) throw new Error(String(statusCode));
  };
  return {
    upload: (batch) => post("/v2/events", JSON.stringify(batch)),
    uploadBulk: (batches) => post("/v2/bulkevents", listOf(batches)),
    uploadText: (text) => post("/v2/events", text),
  };
}
