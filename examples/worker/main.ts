/** Hands the Worker two requests, as the platform does; `wrangler dev` runs `worker.ts` itself. */
import worker from "./worker.ts";

const { MPARTICLE_API_KEY = "", MPARTICLE_API_SECRET = "", MPARTICLE_BASE_URL } = process.env;
const env = { MPARTICLE_API_KEY, MPARTICLE_API_SECRET, MPARTICLE_BASE_URL };
const waiting: Promise<unknown>[] = [];
const context = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise) };

for (const path of ["/lamps", "/cart"]) {
  const request = new Request(`https://shop.example${path}`, { headers: { "x-customer": "1234" } });
  console.log(await worker.fetch(request, env, context).text());
}
await Promise.all(waiting);
