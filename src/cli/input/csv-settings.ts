import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { EVENT_TYPES } from "../../../generated/contract.ts";
import { codeOf, messageOf, UsageError } from "../usage-error.ts";
import { textOf } from "./require-text.ts";

/** What the command was told about CSV. */
export interface CsvSettings {
  /** Of a column the field it goes to; `""` leaves it out. */
  readonly map: ReadonlyMap<string, string>;
  /** Values that all rows have, by field; a column wins. */
  readonly set: ReadonlyMap<string, string>;
  readonly manifest: Manifest | undefined;
  /** Where a file's name does not say it; `"eventless"` for profiles alone. */
  readonly eventType: string | undefined;
  /** Columns, or fields that columns lead to, of which every file has to have all. */
  readonly idFrom: readonly string[];
}

export const NO_CSV_SETTINGS: CsvSettings = {
  map: new Map(),
  set: new Map(),
  manifest: undefined,
  eventType: undefined,
  idFrom: [],
};

/** The vendor's description of a file whose columns are called otherwise. */
export interface Manifest {
  readonly hasHeaderRow: boolean;
  readonly columns: readonly ManifestColumn[];
}

interface ManifestColumn {
  /** Left out where there is no header row: the order counts then. */
  readonly column: string | undefined;
  /** `undefined` for a column that is ignored. */
  readonly field: string | undefined;
}

/**
 * `COLUMN=FIELD`, as `--map` and `--set` take it.
 *
 * @throws UsageError - when it is not written so.
 */
export function readPairs(flag: string, given: readonly string[], example: string): ReadonlyMap<string, string> {
  return new Map(
    given.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`${flag} ${pair} has no name before an equals sign.`, `Write it as ${example}.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** @throws UsageError - for what is no event type. */
export function readEventType(given: string | undefined): string | undefined {
  if (given === undefined || given === ELSE_EVENTLESS || isEventType(given)) return given;
  throw new UsageError(
    `--event-type ${given} is none.`,
    `Choose one of ${[...EVENT_TYPES, ELSE_EVENTLESS].join(", ")}.`,
  );
}

const ELSE_EVENTLESS = "eventless";

function isEventType(name: string): boolean {
  return EVENT_TYPES.some((type) => type === name);
}

/** What the end of a file's name says, as in `2024-05-01-custom_event.csv.gz`. */
export function eventTypeOfName(file: string): string | undefined {
  const name = /-([a-z_]+)\.csv(\.gz)?$/i.exec(file)?.[1]?.toLowerCase();
  return name !== undefined && (name === ELSE_EVENTLESS || isEventType(name)) ? name : undefined;
}

/** @throws UsageError - when it cannot be read, or is no manifest. */
export async function readManifest(file: string, cwd: string): Promise<Manifest> {
  let document: unknown;
  try {
    document = JSON.parse(textOf(`--manifest ${file}`, await readFile(resolve(cwd, file))));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const what = codeOf(error) === "ENOENT" ? "there is no such file" : messageOf(error);
    throw new UsageError(`--manifest ${file}: ${what}.`, MANIFEST_HINT);
  }
  const { hasHeaderRow = true, columns } = isMembers(document) ? document : {};
  if (typeof hasHeaderRow !== "boolean" || !Array.isArray(columns)) {
    throw new UsageError(`--manifest ${file}: it has no list of columns.`, MANIFEST_HINT);
  }
  return {
    hasHeaderRow,
    columns: columns.map((given: unknown, index): ManifestColumn => {
      const { column, action = "keep", field } = isMembers(given) ? given : {};
      const isNamed = typeof column === "string" || (!hasHeaderRow && column === undefined);
      const isKept = action === "keep" && typeof field === "string" && field !== "";
      if (!isNamed || !(isKept || action === "ignore")) {
        throw new UsageError(`--manifest ${file}: entry ${String(index + 1)} of columns is none.`, MANIFEST_HINT);
      }
      return { column: typeof column === "string" ? column : undefined, field: isKept ? field : undefined };
    }),
  };
}

const MANIFEST_HINT =
  'Write it as { "hasHeaderRow": true, "columns": [{ "column": "Email", "action": "keep", "field": "user_identities.email" }] }.';

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
