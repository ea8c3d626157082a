import { describe, expect, it } from "vitest";
import {
  screenView,
  type BeforeSend,
  type EventQueueOptions,
  type OutboxEntry,
  type StoredBatch,
  type UserContext,
} from "mparticle-events";
import { MemoryOutbox } from "../../faults/memory-outbox.ts";
import { startQueue, turns, user, type Started } from "./a-queue.ts";

/** A store that can fail, hang, and be slow to open. */
class FaultyOutbox extends MemoryOutbox {
  readonly appended: string[][] = [];
  isOpen = false;
  opening: Promise<void> = Promise.resolve();
  /** Whether the write of these ids fails. */
  fails: (requestIds: readonly string[]) => boolean = () => false;

  override async open(): Promise<void> {
    await this.opening;
    this.isOpen = true;
  }

  override async append(entries: readonly OutboxEntry[]): Promise<void> {
    const ids = entries.map(({ requestId }) => requestId);
    if (!this.isOpen) throw new Error("it is not open");
    this.appended.push(ids);
    await super.append(entries);
    if (this.fails(ids)) {
      await this.remove(ids);
      throw new Error("the disk is full");
    }
  }
}

const isHeldId = (id: string): boolean => id.startsWith("held:");

/** Holds everything until it is told that the user agrees. */
function consent(): { readonly beforeSend: BeforeSend; isAgreed: boolean } {
  const state = {
    isAgreed: false,
    beforeSend: ((batch, { hold, release }) => {
      if (!state.isAgreed) return hold("not asked yet");
      release();
      return batch;
    }) satisfies BeforeSend,
  };
  return state;
}

interface Held extends Started {
  readonly logged: string[];
  readonly outbox: FaultyOutbox;
  readonly gate: ReturnType<typeof consent>;
}

function start(outbox = new FaultyOutbox(), options: EventQueueOptions = {}): Held {
  const gate = consent();
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
  const queue = { outbox, beforeSend: gate.beforeSend, ...options };
  return { ...startQueue({ queue, client: { logger } }), logged, outbox, gate };
}

const sentIds = ({ fetch }: Started): string[] => [...fetch.acceptedIds().keys()];

/** Ids under which something was stored as held. */
const heldIds = ({ appended }: FaultyOutbox): string[] =>
  appended.flat().flatMap((id) => (isHeldId(id) ? [id.replace(/^held:\d+:/, "")] : []));

describe("events that beforeSend holds back, and lets go", () => {
  it("are sent under the id with which they were stored", async () => {
    const held = start();
    await held.queue.add(user(1), screenView("a"));
    held.gate.isAgreed = true;
    await held.queue.add(user(1), screenView("b"));
    expect(await held.queue.close()).toMatchObject({ accepted: 2, unsent: [] });
    const [id] = heldIds(held.outbox);
    expect(sentIds(held)[0]).toBe(id);
    expect(held.outbox.stored.size).toBe(0);
  });

  it("are sent under ids made of that one, when they need several batches: the same ones after a crash", async () => {
    const outbox = new FaultyOutbox();
    const large = Array.from({ length: 9 }, (_, index) =>
      screenView(String(index), { custom_attributes: { text: "x".repeat(30_000) } }),
    );
    const held = start(outbox);
    await held.queue.add(user(1), large);
    const [id] = heldIds(outbox);
    // As a process that dies here leaves it.
    const left = structuredClone([...outbox.stored]);
    held.gate.isAgreed = true;
    await held.queue.add(user(1), screenView("b"));
    await held.queue.close();
    const expected = ["0-3", "4-7", "8-8"].map((range) => `${String(id)}/${range}`);
    expect(sentIds(held).slice(0, 3)).toEqual(expected);

    const again = new FaultyOutbox();
    for (const [key, value] of left) again.stored.set(key, value);
    const next = start(again);
    next.gate.isAgreed = true;
    await next.queue.close();
    expect(sentIds(next)).toEqual(expected);
  });

  it("wait for an outbox that is being opened, and go behind what it has", async () => {
    let open: () => void = () => undefined;
    const outbox = new FaultyOutbox();
    outbox.opening = new Promise((resolve) => (open = resolve));
    const earlier: StoredBatch = { requestId: "earlier", context: JSON.stringify(user(1)), events: [] };
    outbox.stored.set("earlier", { ...earlier, events: [] });
    const held = start(outbox);
    const added = [held.queue.add(user(1), screenView("a"))];
    held.gate.isAgreed = true;
    added.push(held.queue.add(user(1), screenView("b")));
    await turns();
    expect(outbox.appended).toEqual([]);
    open();
    await Promise.all(added);
    expect(await held.queue.close()).toMatchObject({ accepted: 2, unsent: [] });
    expect(sentIds(held)[0]).toBe("earlier");
    expect(held.logged).toEqual([]);
  });

  it("are refused with all else when the outbox cannot be opened", async () => {
    const outbox = new FaultyOutbox();
    outbox.opening = Promise.reject(new Error("no such disk"));
    outbox.opening.catch(() => undefined);
    const held = start(outbox);
    await expect(held.queue.add(user(1), screenView("a"))).rejects.toMatchObject({ code: "OUTBOX" });
    expect(held.queue.stats().events).toMatchObject({ pending: 0 });
    await held.queue.close();
  });

  it("are handed back by a close that comes while the outbox hangs", async () => {
    const outbox = new FaultyOutbox();
    outbox.opening = new Promise(() => undefined);
    const held = start(outbox);
    void held.queue.add(user(1), screenView("a")).catch(() => undefined);
    await turns();
    const { unsent } = await held.queue.close({ timeoutMs: 1 });
    expect(unsent).toHaveLength(1);
  });
});

describe("events that were let go before they were stored", () => {
  const letGoWhileKept = async (
    fails: (ids: readonly string[]) => boolean,
  ): Promise<Held & { added: Promise<unknown> }> => {
    const held = start();
    await held.queue.add(user("other"), screenView("opened")).catch(() => undefined);
    held.outbox.fails = fails;
    const added = held.queue.add(user(1), screenView("a")).catch((error: unknown) => error);
    held.gate.isAgreed = true;
    await held.queue.add(user(1), screenView("b")).catch(() => undefined);
    return { ...held, added };
  };

  it("are taken in when they are stored as what is to be sent", async () => {
    const held = await letGoWhileKept((ids) => ids.some(isHeldId));
    expect(await held.added).toBeUndefined();
    expect(await held.queue.close()).toMatchObject({ accepted: 2 });
  });

  it("are refused when they cannot be stored at all: who added is told, and may add them again", async () => {
    const held = await letGoWhileKept(() => true);
    expect(await held.added).toMatchObject({ code: "OUTBOX" });
    expect(await held.queue.close()).toMatchObject({ accepted: 0 });
  });
});

describe("events that were stored as held, and cannot be stored as what is to be sent", () => {
  it("are sent all the same, and that is told", async () => {
    const held = start();
    const him: UserContext = user(1);
    await held.queue.add(him, screenView("a"));
    held.outbox.fails = (ids) => !ids.some(isHeldId);
    held.gate.isAgreed = true;
    await held.queue.add(him, screenView("b")).catch(() => undefined);
    expect(await held.queue.close()).toMatchObject({ accepted: 1 });
    expect(sentIds(held)).toEqual(heldIds(held.outbox));
    expect(held.logged).toEqual([expect.stringContaining("could not be stored as such")]);
  });
});
