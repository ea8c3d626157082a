import { Console } from "node:console";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, it } from "vitest";
import { createBatch, customEvent, EventsClient, type Logger } from "mparticle-events";
import { recordingFetch } from "mparticle-events/testing";

/** A refusal, told to a logger. */
async function refusal(logger: Logger): Promise<void> {
  const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch: recordingFetch(400), logger });
  const batch = createBatch({ environment: "development" }, [customEvent("opened", "other")]);
  await expect(client.upload(batch)).rejects.toMatchObject({ status: 400 });
}

it("a pino logger gets the details first, and the error where it writes errors", async () => {
  const lines: unknown[] = [];
  await refusal(pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) }));
  expect(lines).toMatchObject([
    { msg: expect.stringContaining("/events: BAD_REQUEST") as string, path: "/events", status: 400 },
    {
      msg: expect.stringContaining("Batch 0 rejected") as string,
      kind: "rejected",
      err: { type: "ApiError", code: "BAD_REQUEST", stack: expect.stringContaining("ApiError") as string },
    },
  ]);
  expect(lines).not.toContainEqual(expect.objectContaining({ error: expect.anything() as unknown }));
});

it("`console` writes the message and the error", async () => {
  let text = "";
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      text += chunk.toString();
      done();
    },
  });
  await refusal(new Console(stream));
  expect(text).toMatch(/Batch 0 rejected: .*400/);
  expect(text).toMatch(/error: ApiError: .*400/);
});
