/** The official SDK, `mparticle`; handed plain objects with the same bytes, so that it does not pay for its model classes. */
import mParticle from "mparticle";

export function open({ url }) {
  const api = new mParticle.EventsApi(new mParticle.Configuration("key", "secret"));
  api.apiClient.basePath = `${url}/v2`;
  const call = (method, body) =>
    new Promise((resolve, reject) => {
      api[method](body, (error) => (error ? reject(error) : resolve()));
    });
  return {
    upload: (batch) => call("uploadEvents", batch),
    uploadBulk: (batches) => call("bulkUploadEvents", batches),
  };
}
