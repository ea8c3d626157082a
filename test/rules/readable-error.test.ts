import { describe, expect, it } from "vitest";
import { EventQueue, EventsClient, type Batch } from "mparticle-events";
import { readableError } from "../../src/rules/readable-error.ts";
import { MemoryOutbox } from "../faults/memory-outbox.ts";

function fail(): never {
  throw new Error("not even this");
}

/** What JavaScript may throw, and nobody can read. */
const UNREADABLE: readonly (readonly [string, unknown])[] = [
  ["a proxy whose every trap throws", new Proxy({}, { get: fail, getPrototypeOf: fail, has: fail })],
  ["an error whose message throws", Object.defineProperty(new Error("x"), "message", { get: fail })],
  ["an error whose code throws", Object.defineProperty(new Error("x"), "code", { get: fail })],
  ["an object that is no text", Object.create(null)],
  ["an object whose text throws", { toString: fail }],
];

const good = (id: string): Batch => ({ environment: "development", source_request_id: id });

describe.each(UNREADABLE)("%s", (_, thrown) => {
  const throwIt = (): never => {
    throw thrown;
  };
  const reject = async (): Promise<never> => {
    await Promise.resolve();
    return throwIt();
  };

  it("becomes an error that can be read", () => {
    expect(readableError(thrown)).toEqual(new Error("an error that cannot be read"));
  });

  it("thrown by `fetch`, or given as the reason of an abort, ends one upload", async () => {
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", retry: false, fetch: reject });
    await expect(client.upload(good("a"))).rejects.toMatchObject({ code: "CONNECTION" });
    const abort = new AbortController();
    const hanging = new EventsClient({
      apiKey: "k",
      apiSecret: "s",
      fetch: () => {
        abort.abort(thrown);
        return new Promise(() => undefined);
      },
    });
    await expect(hanging.upload(good("a"), { signal: abort.signal })).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("thrown by a check or a step concerns one batch of a list", async () => {
    const fetch = (): Promise<Response> => Promise.resolve(new Response(null, { status: 202 }));
    const onlyB = (batch: Batch): void => {
      if (batch.source_request_id === "b") throwIt();
    };
    const validate = (batch: Batch): [] => {
      onlyB(batch);
      return [];
    };
    const beforeSend = (batch: Batch): Batch => {
      onlyB(batch);
      return batch;
    };
    for (const own of [{ validate }, { beforeSend }]) {
      const client = new EventsClient({ apiKey: "k", apiSecret: "s", fetch, ...own });
      const outcomes = await client.uploadBulk([good("a"), good("b"), good("c")]);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "rejected", "accepted"]);
    }
  });

  it("thrown by an outbox rejects what is added, and nothing else", async () => {
    const outbox = new MemoryOutbox();
    outbox.append = reject;
    const client = new EventsClient({ apiKey: "k", apiSecret: "s", fetch: () => new Promise(() => undefined) });
    const queue = new EventQueue(client, { outbox, onOutcome: () => undefined });
    const added = queue.add({ environment: "development" }, { event_type: "opt_out", data: { is_opted_out: true } });
    await expect(added).rejects.toMatchObject({ code: "OUTBOX" });
    expect(await queue.close({ timeoutMs: 10 })).toMatchObject({ undelivered: 0 });
  });
});

it("an error, a text or anything else that can be read is left as it is", () => {
  for (const thrown of [new TypeError("x"), "text", 5, undefined, null, { code: "E" }, Symbol("s")]) {
    expect(readableError(thrown)).toBe(thrown);
  }
});

it("an error whose message is no text, or whose code is a function, cannot be read either", () => {
  for (const members of [{ message: 5 }, { message: {} }, { message: undefined }, { code: () => "E" }]) {
    expect(readableError(Object.assign(new Error("x"), members))).toEqual(new Error("an error that cannot be read"));
  }
  for (const code of ["E", 5, undefined, {}]) {
    const thrown = Object.assign(new Error("x"), { code });
    expect(readableError(thrown)).toBe(thrown);
  }
});
