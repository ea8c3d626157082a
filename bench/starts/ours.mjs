import { acknowledged, imported, url } from "./clock.mjs";
const { EventsClient, createBatch, customEvent } = await import("mparticle-events");
imported();
const client = new EventsClient({ apiKey: "key", apiSecret: "secret", baseUrl: `${url}/v2` });
await client.upload(createBatch({ environment: "development" }, [customEvent("video watched", "media")]));
acknowledged();
