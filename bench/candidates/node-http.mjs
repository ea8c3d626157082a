/** The floor: `node:http(s)` with keep-alive, the same headers as ours and `JSON.stringify` of each batch; nothing else. */
export function open({ url }) {
  const { protocol, hostname, port } = new URL(url);
  const { Agent, request } = process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http");
  const agent = new Agent({ keepAlive: true });
  const authorization = `Basic ${btoa("key:secret")}`;
  const post = (path, body) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization,
        accept: "application/json",
        "content-type": "application/json",
        "user-agent": "node:http",
        "content-length": Buffer.byteLength(body),
      };
      const outgoing = request({ method: "POST", hostname, port, path, agent, headers }, (incoming) => {
        incoming.resume();
        incoming.on("end", () => (incoming.statusCode < 300 ? resolve() : reject(new Error(incoming.statusCode))));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  return {
    upload: (batch) => post("/v2/events", JSON.stringify(batch)),
    uploadBulk: (batches) => post("/v2/bulkevents", listOf(batches)),
    uploadText: (text) => post("/v2/events", text),
    uploadTexts: (texts) => post("/v2/bulkevents", `[${texts.join(",")}]`),
  };
}

/** A bulk request has limits in bytes: whoever keeps to them writes each batch by itself. */
export function listOf(batches) {
  const texts = [];
  for (const batch of batches) texts.push(JSON.stringify(batch));
  return `[${texts.join(",")}]`;
}
