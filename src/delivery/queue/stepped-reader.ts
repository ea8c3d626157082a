import type { Event } from "../../../generated/schema.ts";
import type { UserContext } from "../../model/types.ts";
import { callUserCode } from "../prepare.ts";
import type { Addition } from "./admission.ts";
import { AddReader, EVENTS_PER_TURN, type ReadOptions, type TurnReader } from "./event-texts.ts";
import { copyOfEvent, type LastWord } from "./last-word.ts";
import { handled } from "./promises.ts";

/**
 * Reads a long list that goes through the steps of `beforeSend`, and what was added after it: it is copied a turn's worth at
 * a time, the steps get it as a whole, and what they give is read as by an {@link AddReader}. The steps see what was added
 * in its order.
 */
export class SteppedReader implements TurnReader {
  readonly #user: UserContext;
  readonly #events: readonly Event[];
  readonly #lastWord: LastWord;
  readonly #reading: ReadOptions;
  /** What was added just before, and goes through the steps first. */
  #before: SteppedReader | undefined;
  readonly #copiedUser: UserContext;
  #copies: Event[] = [];
  #isOver = false;
  #reader: AddReader | undefined;
  #ended: Promise<void> | undefined;

  /** @throws InvalidBatchError - for what is no user, and for an event that cannot be read. */
  constructor(
    user: UserContext,
    events: readonly Event[],
    options: { readonly lastWord: LastWord; readonly reading: ReadOptions; readonly before: SteppedReader | undefined },
  ) {
    this.#user = user;
    this.#lastWord = options.lastWord;
    this.#reading = options.reading;
    this.#before = options.before;
    this.#copiedUser = this.#lastWord.copyOfUser(user);
    // A list that its owner changes meanwhile is the same to us.
    this.#events = [...events];
    this.#copyTurn();
  }

  /** Whether the steps have seen it, or never will. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether all of it is read, or has ended. */
  get isDone(): boolean {
    return this.#ended !== undefined || this.#reader?.isDone === true;
  }

  /** When what the steps held back or dropped has ended; `undefined` for what is to be sent. */
  get ended(): Promise<void> | undefined {
    return this.#ended;
  }

  /** What is read so far. */
  get addition(): Addition {
    if (this.#reader !== undefined) return this.#reader.addition;
    return { context: this.#reading.contextOf(this.#copiedUser), items: [], bytes: 0 };
  }

  /** It will not be read further: what was added after it need not wait. */
  giveUp(): void {
    this.#isOver = true;
    this.#before = undefined;
  }

  /**
   * Does as much as one turn of the event loop has time for.
   *
   * @throws InvalidBatchError - when a step throws, or an event would be refused, altered or lost as it is.
   */
  readTurn(): void {
    if (this.#reader !== undefined) this.#reader.readTurn();
    else if (this.#copies.length < this.#events.length) this.#copyTurn();
    else if (this.#before?.isOver !== false) this.#step();
  }

  /** Reads all that is left, when there is no other turn: all that was added before is read. */
  readRest(): void {
    if (!this.#isOver) {
      while (this.#copies.length < this.#events.length) this.#copyTurn();
      this.#step();
    }
    this.#reader?.readRest();
  }

  #copyTurn(): void {
    callUserCode(this.#user, () => {
      const until = Math.min(this.#copies.length + EVENTS_PER_TURN, this.#events.length);
      // What is missing in the list is named when it is read.
      for (const event of this.#events.slice(this.#copies.length, until)) this.#copies.push(copyOfEvent(event));
    });
  }

  #step(): void {
    this.#before = undefined;
    const copies = this.#copies;
    this.#copies = [];
    this.#isOver = true;
    const said = this.#lastWord.onCopy(this.#copiedUser, copies, this.#user, this.#events);
    if (said.kind === "done") this.#ended = handled(said.taken);
    else this.#reader = new AddReader(said.user, said.events, this.#reading);
  }
}
