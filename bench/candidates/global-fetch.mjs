/** What one would write by hand: the `fetch` that comes with Node. */
export function open({ url }) {
  const headers = { authorization: `Basic ${btoa("key:secret")}`, "content-type": "application/json" };
  const post = async (path, body) => {
    const response = await fetch(url + path, { method: "POST", headers, body });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(String(response.status));
  };
  return {
    upload: (batch) => post("/v2/events", JSON.stringify(batch)),
    uploadBulk: (batches) => post("/v2/bulkevents", JSON.stringify(batches)),
  };
}
