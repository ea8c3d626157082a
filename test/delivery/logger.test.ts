import { Console } from "node:console";
import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { createBatch, customEvent, EventsClient, type Logger } from "mparticle-events";
import { recordingFetch } from "mparticle-events/testing";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** A refusal, told to a logger. */
async function refusal(logger: Logger): Promise<void> {
  const client = new EventsClient({ apiKey: "us1-key", apiSecret: "secret", fetch: recordingFetch(400), logger });
  const batch = createBatch({ environment: "development" }, [customEvent("opened", "other")]);
  await expect(client.upload(batch)).rejects.toMatchObject({ status: 400 });
}

/** What pino does with its arguments: the details are an object before the message; what follows a message fills it in. */
function pinoLike(lines: unknown[]): Logger {
  const write = (details: unknown, message?: unknown): void => {
    lines.push(typeof details === "string" ? { msg: details } : { ...(details as object), msg: message });
  };
  const levels = Object.fromEntries(LEVELS.map((level) => [level, write])) as unknown as Logger;
  return Object.assign(levels, { bindings: () => ({}), child: () => levels, isLevelEnabled: () => true });
}

it("a pino logger gets the details first, and the error where it writes errors", async () => {
  const lines: unknown[] = [];
  await refusal(pinoLike(lines));
  expect(lines).toMatchObject([
    { msg: expect.stringContaining("/events: BAD_REQUEST") as string, path: "/events", status: 400 },
    { msg: expect.stringContaining("Batch 0 rejected") as string, kind: "rejected", err: { code: "BAD_REQUEST" } },
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
