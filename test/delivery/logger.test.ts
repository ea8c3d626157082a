import { Console } from "node:console";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, it, vi } from "vitest";
import { createBatch, customEvent, EventsClient, type Logger } from "mparticle-events";
import { recordingFetch } from "mparticle-events/testing";
import { logTo } from "../../src/delivery/logger.ts";

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

it("a logger gets exactly what there is to say, pino the details first and every other the message", () => {
  const levels = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const pinoLike = { ...levels, bindings: vi.fn(), child: vi.fn(), isLevelEnabled: vi.fn() };
  logTo(pinoLike, "info", "no details", undefined);
  logTo(pinoLike, "info", "no error", { path: "/events" } as object);
  // Several loggers have one of its methods.
  logTo({ ...levels, child: vi.fn() } as Logger, "info", "message first", { path: "/events" } as object);
  expect(levels.info.mock.calls).toStrictEqual([
    ["no details", undefined],
    [{ path: "/events" }, "no error"],
    ["message first", { path: "/events" }],
  ]);
});
