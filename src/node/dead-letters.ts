import type { Batch } from "../../generated/schema.ts";
import { textOfBatch, type DeadLetter, type StoredBatch } from "../delivery/outbox.ts";
import { parse, problemOfRecord } from "../delivery/stored-record.ts";
import { isObject } from "../rules/objects.ts";
import { show } from "../rules/show.ts";
import { parseExact } from "../transport/json.ts";
import type { Database, Row } from "./sqlite.ts";

/** The code of what was set aside because it could not be read. */
export const UNREADABLE = "UNREADABLE";

/** A batch that the service refused, or that could not be read, and why. */
export interface RejectedBatch {
  /**
   * As it was sent; 64-bit ids that a number cannot hold are strings of digits. Of one that cannot be read, what can: its
   * `source_request_id` at least.
   */
  readonly batch: Batch;
  /** The service's reason; its code is `UNREADABLE` for what was damaged on the disk. */
  readonly reason: DeadLetter["reason"];
  /** The stored text of a batch that cannot be read, as it is. */
  readonly unreadable?: string | undefined;
}

/**
 * `source_request_id` of each that is asked for, by it or as it was listed; undefined for all. An `undefined` that is given
 * is a list that was not made, and not taken for all: what is discarded is gone.
 *
 * @throws TypeError - naming what was given, and what was expected.
 */
export function wantedIds(method: string, given: readonly unknown[]): readonly string[] | undefined {
  if (given.length === 0) return undefined;
  const [letters] = given;
  if (!Array.isArray(letters) || given.length > 1) {
    const what = given.length > 1 ? `${String(given.length)} arguments` : show(letters);
    throw new TypeError(
      `${method}() was given ${what}; expected an array of \`source_request_id\`s, or of what deadLetters() lists. ` +
        `For all of them, call ${method}() without an argument.`,
    );
  }
  return Array.from(letters, (letter: unknown, index) => {
    const batch = isObject(letter) ? letter["batch"] : undefined;
    const id = isObject(batch) ? batch["source_request_id"] : letter;
    if (typeof id === "string") return id;
    throw new TypeError(
      `${method}() was given an array with ${show(letter)} at index ${String(index)}; ` +
        "expected a `source_request_id`, or what deadLetters() lists.",
    );
  });
}

const IDS_AT_ONCE = 100;

/** What an outbox has set aside, in the table `rejected`. */
export class DeadLetters {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add({ requestId, context, events }: StoredBatch, { code, message, atMs }: DeadLetter["reason"]): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?)")
      .run(requestId, context, events.join("\n"), code, message, atMs);
  }

  get count(): number {
    // Of the index on the ids: no letter is read for it.
    const [row] = this.#database.prepare("SELECT count(*) AS n FROM rejected").all();
    return Number(row?.["n"]);
  }

  /**
   * `source_request_id` of each that is there now, in the order in which they came, some at a time: whoever looks for them
   * by the time that a row has behind its text reads all of it.
   */
  *ids(): Generator<readonly string[], void> {
    const [newest] = this.#database.prepare("SELECT max(rowid) AS last FROM rejected").all();
    const last = Number(newest?.["last"] ?? 0);
    const select = this.#database.prepare(
      "SELECT rowid AS n, request_id FROM rejected WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?",
    );
    for (let after = 0; ;) {
      const rows = select.all(after, last, IDS_AT_ONCE);
      if (rows.length === 0) return;
      after = Number(rows.at(-1)?.["n"]);
      yield rows.map((row) => textIn(row, "request_id"));
    }
  }

  /** @returns undefined when there is none any more. */
  read(requestId: string): { readonly stored: StoredBatch; readonly reason: DeadLetter["reason"] } | undefined {
    const [row] = this.#database.prepare("SELECT * FROM rejected WHERE request_id = ?").all(requestId);
    if (row === undefined) return undefined;
    const events = textIn(row, "events");
    return {
      stored: { requestId, context: textIn(row, "context"), events: events === "" ? [] : events.split("\n") },
      reason: { code: textIn(row, "code"), message: textIn(row, "message"), atMs: Number(row["at_ms"]) },
    };
  }

  /** Whether there was one. */
  remove(requestId: string): boolean {
    return Number(this.#database.prepare("DELETE FROM rejected WHERE request_id = ?").run(requestId).changes) > 0;
  }
}

/** A dead letter in the form in which it is shown: damage of one is no reason not to show it, nor the others. */
export function toRejectedBatch(stored: StoredBatch, reason: DeadLetter["reason"]): RejectedBatch {
  if (problemOfRecord(stored) === undefined) {
    return { batch: parseExact(textOfBatch(stored)) as Batch, reason }; // as a queue wrote it
  }
  const { requestId, context, events } = stored;
  const user = problemOfRecord({ requestId, context, events: [] }) === undefined ? parseExact(context) : {};
  const readable = events.filter((event) => parse(event) !== undefined).map((event) => parseExact(event));
  const batch = { ...(user as object), source_request_id: requestId, events: readable };
  // As far as it goes.
  return { batch: batch as unknown as Batch, reason, unreadable: [context, ...events].join("\n") };
}

function textIn(row: Row, column: string): string {
  return String(row[column]);
}
