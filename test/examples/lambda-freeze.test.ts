import { fork, type ChildProcess } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { startFakeServer, type FakeServer } from "mparticle-events/testing";
import type { ApiAnswer, ApiEvent } from "../../examples/lambda/handler.ts";
import { full } from "../full.ts";
import { bundleChild } from "../bundle-child.ts";

const FROZEN_MS = full(200, 500);
/** Of them the third gets no answer from the service; the last ones are there to send what is left. */
const MAX_CALLS = 30;
const CALL_WITHOUT_ANSWER = 2;

const runtime = await bundleChild(new URL("children/lambda-runtime.ts", import.meta.url));

let child: ChildProcess | undefined;
let lambda: Server | undefined;
/** Breaks the connection on which the service has not answered. */
let breakOff: () => void = () => undefined;
afterEach(() => {
  // A process that is stopped does not hear of anything else.
  child?.kill("SIGKILL");
  lambda?.close();
  lambda?.closeAllConnections();
});

/** What a call answered, and whether the service had its event then. */
interface Call {
  readonly isSent: boolean;
  readonly hadArrived: boolean;
}

const eventsIn = ({ requests }: FakeServer): readonly unknown[] =>
  requests
    .filter(({ status }) => status === 202)
    .flatMap(({ batches }) =>
      batches.flatMap(({ events }) => (events ?? []).map(({ data }) => data.source_message_id)),
    );

/** Lambda with one instance, which is stopped from the end of a call to the next one. */
function startLambda(service: FakeServer): Promise<readonly Call[]> {
  const calls: Call[] = [];
  return new Promise((resolve, reject) => {
    const giveNext = async (response: ServerResponse): Promise<void> => {
      const isDone = calls.length > CALL_WITHOUT_ANSWER && new Set(eventsIn(service)).size === calls.length;
      if (isDone || calls.length === MAX_CALLS) {
        resolve(calls);
        return;
      }
      child?.kill("SIGSTOP");
      await sleep(FROZEN_MS / 2);
      breakOff();
      await sleep(FROZEN_MS / 2);
      child?.kill("SIGCONT");
      const body = JSON.stringify({ customerId: "1234", title: `Fado ${String(calls.length)}` });
      const event: ApiEvent = { body, requestContext: { requestId: `r-${String(calls.length)}` } };
      response.setHeader("lambda-runtime-aws-request-id", event.requestContext.requestId);
      response.end(JSON.stringify(event));
    };
    const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const answer = JSON.parse(await text(request)) as ApiAnswer;
      const hadArrived = eventsIn(service).includes(`r-${String(calls.length)}`);
      calls.push({ isSent: (JSON.parse(answer.body) as { readonly isSent: boolean }).isSent, hadArrived });
      response.writeHead(202).end();
    };
    lambda = createServer((request, response) => {
      (request.url?.endsWith("/next") === true ? giveNext(response) : take(request, response)).catch(reject);
    });
    lambda.listen(0, "127.0.0.1", () => {
      const { port } = lambda?.address() as AddressInfo;
      child = fork(runtime, {
        env: {
          ...process.env,
          AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${String(port)}`,
          MPARTICLE_API_KEY: "key",
          MPARTICLE_API_SECRET: "secret",
          MPARTICLE_BASE_URL: service.url,
        },
      });
      child.once("error", reject).once("exit", (code, signal) => {
        reject(new Error(`The instance has ended: ${String(code ?? signal)}.`));
      });
    });
  });
}

// There are no such signals on Windows.
describe.runIf(process.platform !== "win32")("the example of Lambda, frozen between its calls", () => {
  it("sends the event of each call once: before it is frozen, or else in a later call", async () => {
    await using service = await startFakeServer({
      script: ({ index }) => {
        // The connection is gone when the next call needs it; then a request is in flight while the instance is frozen.
        if (index < CALL_WITHOUT_ANSWER) return { status: 202, close: "at-next-request" };
        if (index > CALL_WITHOUT_ANSWER) return 202;
        return new Promise((resolve) => {
          breakOff = () => {
            resolve("reset");
          };
        });
      },
    });
    const calls = await startLambda(service);
    expect(calls.filter(({ isSent, hadArrived }) => isSent && !hadArrived)).toEqual([]);
    expect(calls.filter(({ isSent }) => !isSent).length).toBeGreaterThanOrEqual(1);
    expect(eventsIn(service).toSorted()).toEqual(calls.map((_, index) => `r-${String(index)}`).sort());
  });
});
