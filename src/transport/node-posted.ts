import { Cancellation, onAbort } from "./abort.ts";
import { EXCHANGE, type Fetch, type ListedExchange } from "./exchange.ts";

/**
 * A `fetch` on top of an exchange, which it carries with it.
 *
 * @param name - of the public function that makes it, for what it refuses.
 */
export function fetchThrough(name: string, exchange: ListedExchange): Fetch {
  const fetch = async (request: Request): Promise<Response> => {
    const sent = await readPosted(name, request);
    const cancellation = new Cancellation();
    const ignoreAbort = onAbort(request.signal, () => {
      cancellation.cancel(request.signal.reason);
    });
    try {
      const { status, headers, text } = await exchange({
        url: request.url,
        headers: Object.fromEntries(request.headers),
        body: { texts: [sent], bytes: Buffer.byteLength(sent) },
        cancellation,
      });
      // A Response refuses a body on these.
      const body = status === 204 || status === 205 || status === 304 ? null : text;
      return new Response(body, { status, headers: headers.entries() });
    } finally {
      ignoreAbort();
    }
  };
  return Object.assign(fetch, { [EXCHANGE]: exchange });
}

/** @throws TypeError - for what is not sent here: another method than POST, and a body that is no text. */
async function readPosted(name: string, request: Request): Promise<string> {
  if (request.method !== "POST") throw new TypeError(`${name} got a ${request.method} request; it sends POST alone.`);
  const bytes = Buffer.from(await request.arrayBuffer());
  const text = bytes.toString();
  if (!Buffer.from(text).equals(bytes)) throw new TypeError(`${name} got a body that is no text in UTF-8.`);
  return text;
}
