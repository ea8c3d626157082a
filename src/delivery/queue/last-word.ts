import type { Batch, Event } from "../../../generated/schema.ts";
import { InvalidBatchError, MParticleError } from "../../errors.ts";
import { stampEvent, SYSTEM_STAMPS } from "../../model/stamp.ts";
import type { UserContext } from "../../model/types.ts";
import { copyForSteps, runSteps, runStepsOn, type BeforeSend, type StepResult } from "../before-send.ts";
import type { StoredBatch } from "../outbox.ts";
import type { Verdict } from "../outcome.ts";
import { callUserCode, droppedError, requireEnvironment, requireObject } from "../prepare.ts";
import { userKeyOfBatch } from "../user-key.ts";
import { requireNoBatch } from "./event-texts.ts";
import { bytesOfStored, HeldAdds, heldIdOf, toHeldStored, type HeldAdd, type HeldLimits } from "./held-adds.ts";
import { toBatch } from "./queued-batch.ts";

export interface LastWordOptions {
  readonly steps: readonly BeforeSend[];
  readonly limits: HeldLimits;
  /**
   * Takes in a batch that was held, under its own id, before what comes next of its user.
   *
   * @returns when it is stored, where there is a store. When that rejects it was not taken in.
   */
  readonly release: (held: HeldAdd, batch: Batch) => Promise<void> | undefined;
  /** Takes in a batch that was held, and could not be stored as what is to be sent: it is still stored as held. */
  readonly releaseUnstored: (held: HeldAdd, batch: Batch, error: unknown) => void;
  /** What was added has ended at once. */
  readonly refuse: (user: UserContext, events: readonly Event[], verdict: Verdict) => void;
  /** Something that was held has ended. */
  readonly settle: (stored: StoredBatch, verdict: Verdict) => void;
  /** Keeps what is held where it survives; resolves when it does. */
  readonly keep: (stored: StoredBatch) => Promise<void>;
  /** What was kept need not be any more. */
  readonly forget: (requestId: string) => void;
}

/** What becomes of an `add` after the last step. */
export type Said =
  | { readonly kind: "send"; readonly user: UserContext; readonly events: readonly Event[] }
  /** Dropped or held; resolves when that is done. */
  | { readonly kind: "done"; readonly taken: Promise<void> };

/** Leads what is added through the steps of `beforeSend`, and keeps what they hold back. */
export class LastWord {
  readonly #options: LastWordOptions;
  readonly held: HeldAdds;
  /** What is being stored as held, and says whether it is. */
  readonly #keeping = new WeakMap<HeldAdd, Promise<boolean>>();
  /** What was let go, while it is being stored as what is to be sent. */
  readonly #releasing = new WeakMap<HeldAdd, Promise<void>>();
  #handedBack: readonly StoredBatch[] = [];

  constructor(options: LastWordOptions) {
    this.#options = options;
    this.held = new HeldAdds(options.limits);
  }

  /**
   * What is to be taken in instead of what was added.
   *
   * @throws InvalidBatchError - for what is no user, and when a step throws.
   */
  on(user: UserContext, events: readonly Event[]): Said {
    return this.onCopy(
      this.copyOfUser(user),
      callUserCode(user, () => events.map(copyOfEvent)),
      user,
      events,
    );
  }

  /** @throws InvalidBatchError - for what is no user. */
  copyOfUser(user: UserContext): UserContext {
    requireObject(user, "a user");
    requireEnvironment(user);
    requireNoBatch(user);
    return callUserCode(user, () => copyForSteps(user));
  }

  /**
   * As {@link on}, with copies of what was added.
   *
   * @throws InvalidBatchError - when a step throws.
   */
  onCopy(copiedUser: UserContext, copies: Event[], user: UserContext, events: readonly Event[]): Said {
    const copy: Batch = { ...copiedUser, events: copies };
    const result = callUserCode(copy, () => runStepsOn(copy, this.#options.steps));
    this.#updateHeld(result, user);
    switch (result.kind) {
      case "send": {
        // The id is that of a batch, and several of these may become one.
        const { events: sent, ...sentUser } = { ...result.batch, source_request_id: undefined };
        return { kind: "send", user: sentUser, events: sent ?? [] };
      }
      case "drop":
        this.#options.refuse(user, events, { kind: "rejected", error: droppedError(result.reason, {}) });
        return { kind: "done", taken: Promise.resolve() };
      case "hold":
        return { kind: "done", taken: this.#hold(this.#toHeld(SYSTEM_STAMPS.newId(), result.batch, result.step)) };
    }
  }

  /**
   * Takes in what an earlier process had held, if it had.
   *
   * @returns whether it was held: then it is not to be sent.
   */
  restore(stored: StoredBatch): boolean {
    const known = heldIdOf(stored.requestId);
    if (known === undefined) return false;
    const batch = toBatch({ ...stored, requestId: known.requestId });
    this.#decide(this.#toHeld(known.requestId, { ...batch, source_request_id: undefined }, known.step));
    return true;
  }

  /** What is still held when the queue is closed ends as undelivered; where it is kept, it stays. */
  handBack(): readonly StoredBatch[] {
    const all = this.held.takeEverything();
    this.#handedBack = all.map(toHeldStored);
    return all.map((held) => {
      const stored = { ...toHeldStored(held), requestId: held.requestId };
      const error = new MParticleError("HELD", "Still held back by `beforeSend` when the queue was closed.", {
        requestIds: [held.requestId],
      });
      this.#options.settle(stored, { kind: "undelivered", error });
      return stored;
    });
  }

  /** All that is or was held to the end, in the form in which it survives. */
  stored(): readonly StoredBatch[] {
    return [...this.held.list().map(toHeldStored), ...this.#handedBack];
  }

  #updateHeld({ held: change }: StepResult, user: UserContext): void {
    if (change === undefined) return;
    for (const held of this.held.takeAll(userKeyOfBatch(user))) {
      if (change === "release") this.#decide(held);
      else this.#drop(held, change.discard);
    }
  }

  /** Leads what was held on from the step that held it. */
  #decide(held: HeldAdd): void {
    try {
      const result = callUserCode(held.batch, () => runSteps(this.#options.steps, held.batch, held.step));
      if (result.kind === "send") this.#release(held, result.batch);
      else if (result.kind === "drop") this.#drop(held, result.reason);
      else this.#evict(this.held.hold(held));
    } catch (error) {
      if (!(error instanceof InvalidBatchError)) throw error;
      this.#end(held, { kind: "rejected", error });
    }
  }

  #release(held: HeldAdd, batch: Batch): void {
    const stored = this.#options.release(held, batch);
    if (stored === undefined) return;
    this.#releasing.set(held, stored);
    void stored.catch(async (error: unknown) => {
      // Who added is told by `add`, where that has not ended yet.
      if ((await this.#keeping.get(held)) !== false) this.#options.releaseUnstored(held, batch, error);
    });
  }

  async #hold(held: HeldAdd): Promise<void> {
    const gone = this.#evict(this.held.hold(held));
    if (gone.includes(held)) return;
    const kept = this.#options.keep(toHeldStored(held));
    this.#keeping.set(
      held,
      kept.then(
        () => true,
        () => false,
      ),
    );
    try {
      await kept;
    } catch (error) {
      // Who added is told, and may add it again. What has ended in the meantime is not taken back.
      if (this.held.takeBack(held)) throw error;
      // What was let go in the meantime is stored all the same, or was not taken in.
      await this.#releasing.get(held);
    }
  }

  #evict(gone: readonly HeldAdd[]): readonly HeldAdd[] {
    for (const held of gone) this.#drop(held, "more is held back than there is room for");
    return gone;
  }

  #drop(held: HeldAdd, reason: string): void {
    this.#end(held, { kind: "rejected", error: droppedError(reason, { requestIds: [held.requestId] }) });
  }

  #end(held: HeldAdd, verdict: Verdict): void {
    this.#options.forget(toHeldStored(held).requestId);
    this.#options.settle({ ...toHeldStored(held), requestId: held.requestId }, verdict);
  }

  #toHeld(requestId: string, batch: Batch, step: number): HeldAdd {
    const held = {
      requestId,
      batch,
      step,
      userKey: userKeyOfBatch(batch),
      events: batch.events?.length ?? 0,
      bytes: 0,
    };
    return { ...held, bytes: bytesOfStored(toHeldStored(held)) };
  }
}

/** As it is at this moment, with its id and time. */
export function copyOfEvent(event: Event): Event {
  return copyForSteps(stampEvent(event));
}
