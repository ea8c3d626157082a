import { basename } from "node:path";
import { requestIdFrom } from "../../index.ts";
import type { RecordEntry } from "../input/entry.ts";

/** The id of a batch, or why it gets none. */
export type Identified =
  | {
      readonly kind: "identified";
      /** `undefined` for what is no batch. */
      readonly id: string | undefined;
      /** What the id was made of: the batch brought it along, `--id-from` names it, or it is its place in the input. */
      readonly of: "itself" | "fields" | "place";
    }
  | { readonly kind: "unnamed"; readonly message: string };

/** What an id is made of: a column, or a place in the batch. */
interface Source {
  readonly name: string;
  readonly keys: readonly string[];
}

/**
 * Makes what finds the `source_request_id` of a batch, so that the same row has the same one in every run. An id that a
 * batch brings along stays.
 *
 * With `--id-from` the id is `requestIdFrom` of the value; of several values, of their JSON list. Without it the name of
 * the file, the position in it and the content name a row: enough to run again, and no help once the file has changed.
 *
 * @param idFrom - columns, or paths with dots into the batch.
 * @returns takes the batch, the record it was made of, its position in its file and the CRC of its text.
 */
export function identifyBy(
  idFrom: readonly string[],
): (value: unknown, entry: RecordEntry, position: { readonly record: number; readonly crc: number }) => Identified {
  // Once for all rows: there may be millions.
  const sources = idFrom.map((name): Source => ({ name, keys: name.split(".") }));
  const [only] = sources;
  return (value, { row, file }, position) => {
    // What is no batch is named by the check.
    if (!isMembers(value)) return { kind: "identified", id: undefined, of: "itself" };
    const { source_request_id: own } = value;
    if (typeof own === "string" && own !== "") return { kind: "identified", id: own, of: "itself" };
    if (only === undefined) {
      const id = requestIdFrom(`${basename(file)}#${String(position.record)}:${position.crc.toString(16)}`);
      return { kind: "identified", id, of: "place" };
    }
    const names: string[] = [];
    for (const source of sources) {
      const text = valueOf(source, value, row);
      if (text === undefined) {
        return { kind: "unnamed", message: `it has no ${source.name}, which --id-from makes its id of.` };
      }
      names.push(text);
    }
    const id = requestIdFrom(names.length === 1 ? (names[0] ?? "") : JSON.stringify(names));
    return { kind: "identified", id, of: "fields" };
  };
}

/** Gives a batch its `source_request_id`, and its events a `source_message_id` each where they have none. */
export function nameBatch(value: unknown, id: string | undefined): void {
  if (id === undefined || !isMembers(value)) return;
  // The value was read for us alone: a copy of each batch would cost as much as its check.
  const batch = value as Record<string, unknown>;
  batch["source_request_id"] = id;
  if (Array.isArray(batch["events"])) nameEvents(batch["events"], id);
}

function nameEvents(events: readonly unknown[], id: string): void {
  for (let index = 0; index < events.length; index++) {
    const event: unknown = events[index];
    if (!isMembers(event) || !isMembers(event["data"])) continue;
    const data = event["data"] as Record<string, unknown>; // as above
    if (data["source_message_id"] === undefined) data["source_message_id"] = messageIdOf(id, index);
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id of the batch, counted on: an event of the same row has the same id in every run, and costs no hash. */
function messageIdOf(id: string, index: number): string {
  if (!UUID.test(id)) return requestIdFrom(`${id}/${String(index)}`);
  const counted = (parseInt(id.slice(24), 16) + index + 1) % 2 ** 48;
  return `${id.slice(0, 24)}${counted.toString(16).padStart(12, "0")}`;
}

function valueOf({ name, keys }: Source, batch: Members, row: RecordEntry["row"]): string | undefined {
  const column = row?.names.indexOf(name) ?? -1;
  if (column !== -1) {
    const text = row?.fields[column];
    return text === "" ? undefined : text;
  }
  let value: unknown = batch;
  for (const key of keys) {
    const holder: unknown = Array.isArray(value) && !/^\d+$/.test(key) ? value[0] : value;
    value =
      typeof holder === "object" && holder !== null && Object.hasOwn(holder, key)
        ? (holder as Members)[key]
        : undefined;
  }
  const isText = typeof value === "string" || typeof value === "number" || typeof value === "bigint";
  return isText && value !== "" ? String(value) : undefined;
}

type Members = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
