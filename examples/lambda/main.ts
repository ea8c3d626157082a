/** Calls the function twice, as Lambda does: one instance, a pause in between. */
import { handler } from "./handler.ts";

for (const [requestId, title] of [
  ["r-1", "Fado"],
  ["r-2", "Morna"],
] as const) {
  console.log(await handler({ body: JSON.stringify({ customerId: "1234", title }), requestContext: { requestId } }));
}
