import { acknowledged, imported, url } from "./clock.mjs";
const { default: mParticle } = await import("mparticle");
imported();
const api = new mParticle.EventsApi(new mParticle.Configuration("key", "secret"));
api.apiClient.basePath = `${url}/v2`;
const batch = new mParticle.Batch(mParticle.Batch.Environment.development);
batch.addEvent(new mParticle.AppEvent("media", "video watched"));
api.uploadEvents(batch, acknowledged);
