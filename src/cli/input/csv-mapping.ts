import { withArticle } from "../../rules/article.ts";
import { nearest } from "../../rules/nearest-name.ts";
import { UsageError } from "../usage-error.ts";
import type { ContractFields, Field } from "./contract-fields.ts";
import { isTime, readTime } from "./csv-times.ts";
import { eventTypeOfName, type CsvSettings } from "./csv-settings.ts";

/** Makes batches of the rows of one file. */
export interface RowMapping {
  /** Names of the columns, in the order of the file. */
  readonly columns: readonly string[];
  /** Columns that no field was named for, and that are left out. */
  readonly ignored: readonly string[];
  /** One row, one batch, with one event at most. Empty fields are left out. */
  toBatch(fields: readonly string[]): Readonly<Record<string, unknown>>;
}

/** A value of a row, and where it goes. */
interface Setter {
  /** Position of the column; `undefined` for a value that all rows have. */
  readonly index: number | undefined;
  readonly value: string;
  readonly field: Field;
}

interface Source {
  readonly index: number | undefined;
  readonly value: string;
  readonly path: string;
  /** How a person knows it: `column Email`. */
  readonly name: string;
}

const EVENT_TYPE = "events.event_type";

/**
 * @param header - the first row; without one the manifest names the columns.
 * @throws UsageError - for a column whose place in the batch is not clear, and for events of no known type.
 */
export function mapRows(
  file: string,
  header: readonly string[],
  settings: CsvSettings,
  contract: ContractFields,
): RowMapping {
  const twice = header.find((name, index) => name !== "" && header.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`${file}: two columns are called ${twice}.`, "Give each column a name of its own.");
  }
  const sources = sourcesOf(file, header, settings);
  requireIdSources(file, header, sources, settings.idFrom, contract);
  const typeColumn = sources.find(({ path }) => path === EVENT_TYPE);
  const fixedType = settings.eventType ?? eventTypeOfName(file);
  const hasEvents = sources.some(({ path }) => path.startsWith("events."));
  if (hasEvents && typeColumn === undefined && fixedType === undefined) {
    throw new UsageError(
      `${file}: it has columns of events, and neither its name nor a column says of which type they are.`,
      "Add --event-type custom_event, or end the name of the file with -custom_event.csv.",
    );
  }
  const settersByType = new Map<string, readonly Setter[]>();
  const settersOf = (eventType: string): readonly Setter[] => {
    let setters = settersByType.get(eventType);
    if (setters === undefined) {
      setters = settersFor(file, sources, eventType, contract);
      settersByType.set(eventType, setters);
    }
    return setters;
  };
  const isFixed = typeColumn === undefined;
  if (isFixed) settersOf(fixedType ?? ""); // a mistake is told before the first row is
  const used = new Set(sources.map(({ index }) => index));
  return {
    columns: header,
    ignored: header.filter((name, index) => !used.has(index) && !settings.map.has(name)),
    toBatch: (fields) => {
      const given = typeColumn?.index === undefined ? "" : (fields[typeColumn.index] ?? "");
      const eventType = given === "" ? (fixedType ?? "") : given;
      const batch: Record<string, unknown> = {};
      // Before its data, as people write it.
      if (hasEvents || (eventType !== "" && eventType !== "eventless")) {
        batch["events"] = [{ ...(eventType !== "" && { event_type: eventType }), data: {} }];
      }
      for (const { index, value, field } of settersOf(eventType)) {
        const text = index === undefined ? value : fields[index];
        if (text !== undefined && text !== "") put(batch, field.tokens, convert(text, field));
      }
      return batch;
    },
  };
}

function sourcesOf(file: string, header: readonly string[], settings: CsvSettings): readonly Source[] {
  const { manifest, map, set } = settings;
  const columns = header.flatMap((name, index): Source[] => {
    const path = fieldOf(file, name, index, settings);
    return path === undefined ? [] : [{ index, value: "", path, name: `column ${name}` }];
  });
  const missing = [...map.keys(), ...(manifest?.columns ?? []).map(({ column }) => column ?? "")].find(
    (name) => name !== "" && !header.includes(name),
  );
  if (missing !== undefined && manifest?.hasHeaderRow !== false) {
    const meant = nearest(missing, header);
    throw new UsageError(
      `${file}: there is no column ${missing}.`,
      meant === undefined ? `It has ${header.join(", ")}.` : `Is ${meant} meant?`,
    );
  }
  // Columns win, row by row: what all rows have is put first.
  const fixed = [...set].map(([path, value]): Source => ({ index: undefined, value, path, name: `--set ${path}` }));
  return [...fixed, ...columns];
}

/** What no row can have is a mistake of the command, and not of each row. */
function requireIdSources(
  file: string,
  header: readonly string[],
  sources: readonly Source[],
  idFrom: readonly string[],
  contract: ContractFields,
): void {
  // Second spellings and places in lists come to the same field.
  const placeOf = (path: string): string => {
    const tokens: readonly (string | number)[] = contract.find(path)?.tokens ?? path.split(".");
    return tokens.filter((token) => typeof token === "string" && !/^\d+$/.test(token)).join(".");
  };
  const missing = idFrom.find(
    (name) =>
      !header.includes(name) &&
      name !== "environment" && // of --environment
      !sources.some(({ path }) => placeOf(path) === placeOf(name)),
  );
  if (missing === undefined) return;
  const meant = nearest(missing, [...header, ...sources.map(({ path }) => path)]);
  throw new UsageError(
    `${file}: there is no column ${missing}, which --id-from names.`,
    meant === undefined ? `It has ${header.join(", ")}.` : `Is ${meant} meant?`,
  );
}

function fieldOf(file: string, name: string, index: number, { manifest, map }: CsvSettings): string | undefined {
  const mapped = map.get(name);
  if (mapped !== undefined) return mapped === "" ? undefined : mapped;
  if (manifest !== undefined) {
    const entry = manifest.hasHeaderRow
      ? manifest.columns.find(({ column }) => column === name)
      : manifest.columns[index];
    return entry?.field;
  }
  if (map.size > 0) return undefined;
  if (name === "") {
    throw new UsageError(
      `${file}: column ${String(index + 1)} has no name.`,
      "Name it, or describe the file by --manifest.",
    );
  }
  return name;
}

function settersFor(
  file: string,
  sources: readonly Source[],
  eventType: string,
  contract: ContractFields,
): readonly Setter[] {
  const setters: Setter[] = [];
  const lost: Source[] = [];
  const columnsByField = new Map<string, Source>();
  for (const source of sources) {
    // A row whose type is none says so itself; its columns are as good as those of any.
    if (source.path === EVENT_TYPE) continue;
    const field = contract.find(source.path, eventType);
    if (field === undefined) {
      lost.push(source);
      continue;
    }
    // What all rows have gives way to a column.
    if (source.index !== undefined) requireOwnField(file, source, field, columnsByField);
    setters.push({ index: source.index, value: source.value, field });
  }
  const [first] = lost;
  if (first === undefined) return setters;
  const columns = lost.filter(isCalledAsItsField);
  const suggestions = suggestFields(columns, new Set(columnsByField.keys()), eventType, contract);
  const { message, remedy } =
    columns.length > 1
      ? columnsError(file, columns, suggestions)
      : sourceError(file, columns[0] ?? first, suggestions[0], eventType, contract);
  // Copied as it is, the advice would cost the columns that are right.
  const others = sources.filter((one) => one.index !== undefined && isCalledAsItsField(one) && !lost.includes(one));
  const isComplete = columns.length === 0 || others.length === 0;
  throw new UsageError(
    message,
    isComplete ? remedy : `${remedy} With --map a column that none names is left out: name the others as well.`,
  );
}

/** Free keys may have dots, so that joined tokens would not tell places apart. */
function placeOf({ tokens }: Field): string {
  return JSON.stringify(tokens);
}

/** The field that each column probably means. Of two columns that mean the same one, the later would win in silence. */
function suggestFields(
  columns: readonly Source[],
  taken: Set<string>,
  eventType: string,
  contract: ContractFields,
): readonly (string | undefined)[] {
  return columns.map(({ path }) => {
    const meant = contract.nearest(path, eventType);
    const field = meant === undefined ? undefined : contract.find(meant, eventType);
    if (field === undefined || taken.has(placeOf(field))) return undefined;
    taken.add(placeOf(field));
    return meant;
  });
}

/** Of two columns that lead to one field, one would be lost in each row that has both. */
function requireOwnField(file: string, source: Source, field: Field, columnsByField: Map<string, Source>): void {
  const other = columnsByField.get(placeOf(field));
  columnsByField.set(placeOf(field), source);
  if (other === undefined) return;
  const column = source.name.slice("column ".length);
  throw new UsageError(
    `${file}: ${other.name} and ${source.name} both lead to ${source.path}.`,
    `Leave one of them out, such as by --map "${column}=".`,
  );
}

/** Whether a column goes where its name says, because nobody said more. */
function isCalledAsItsField({ name, path }: Source): boolean {
  return name === `column ${path}`;
}

/** All that are wrong are named at once, with what to add to the command: a file of strangers has many such columns. */
function columnsError(
  file: string,
  columns: readonly Source[],
  suggestions: readonly (string | undefined)[],
): UsageError {
  const paths = columns.map(({ path }) => path);
  const flags = paths.map((path, index) => `--map "${path}=${suggestions[index] ?? `user_attributes.${path}`}"`);
  return new UsageError(
    `${file}: columns ${paths.join(", ")} are no fields of a batch.`,
    `Say where each goes, such as ${flags.join(" ")}, or leave one out: --map "${paths[0] ?? ""}=".`,
  );
}

function sourceError(
  file: string,
  source: Source,
  suggestion: string | undefined,
  eventType: string,
  contract: ContractFields,
): UsageError {
  const { name, path } = source;
  const isOfEvent = path.startsWith("events.");
  const where = isOfEvent && eventType !== "" ? ` of ${withArticle(eventType)}` : "";
  if (isCalledAsItsField(source)) {
    return new UsageError(
      `${file}: ${name} is no field${where} of a batch.`,
      suggestion !== undefined
        ? `Is ${suggestion} meant? Call it so, or say it: --map "${path}=${suggestion}".`
        : `Say where it goes: --map "${path}=user_attributes.${path}", or leave it out: --map "${path}=".`,
    );
  }
  const meant = contract.nearest(path, eventType);
  return new UsageError(
    `${file}: ${name} leads to ${path}, which is no field${where} of a batch.`,
    meant !== undefined
      ? `Did you mean ${meant}?`
      : "Fields are written with dots, such as user_identities.email or events.data.custom_attributes.price.",
  );
}

/** Numbers and truths where the contract has them; what is none stays a text, and is found by the check. */
function convert(text: string, { tokens, type }: Field): unknown {
  switch (type) {
    case "text":
      return text;
    case "boolean": {
      const word = text.toLowerCase();
      if (word === "true" || word === "1") return true;
      return word === "false" || word === "0" ? false : text;
    }
    case "list":
      return [text];
    case "number":
      return /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
    case "integer":
      if (/^-?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : text;
      return isTime(String(tokens[tokens.length - 1])) ? (readTime(text) ?? text) : text;
  }
}

function put(batch: Record<string, unknown>, tokens: readonly (string | number)[], value: unknown): void {
  // Lists and objects are written alike here: both are made below, and nowhere else.
  let holder = batch as Record<string | number, unknown>;
  const last = tokens.length - 1;
  for (let at = 0; at < last; at++) {
    const token = tokens[at] ?? "";
    let next = holder[token];
    if (typeof next !== "object" || next === null) {
      next = typeof tokens[at + 1] === "number" ? [] : {};
      holder[token] = next;
    }
    holder = next as Record<string | number, unknown>;
  }
  holder[tokens[last] ?? ""] = value;
}
