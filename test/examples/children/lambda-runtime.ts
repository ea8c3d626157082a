/** Lambda's own part: asks its Runtime API for a call, makes it, and says what came of it, for ever. */
import { handler, type ApiEvent } from "../../../examples/lambda/handler.ts";

const api = `http://${process.env["AWS_LAMBDA_RUNTIME_API"] ?? ""}/2018-06-01/runtime/invocation`;
for (;;) {
  const next = await fetch(`${api}/next`);
  const answer = await handler((await next.json()) as ApiEvent); // as the test sends it
  const id = next.headers.get("lambda-runtime-aws-request-id") ?? "";
  await fetch(`${api}/${id}/response`, { method: "POST", body: JSON.stringify(answer) });
}
