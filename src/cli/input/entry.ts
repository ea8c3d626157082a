/** Where something stands in the input. */
export interface Place {
  /** The name of the file, `-` for the standard input. */
  readonly file: string;
  /** 1 for the first. */
  readonly line: number;
  /** In characters, 1 for the first; known where it says more than the line. */
  readonly column?: number | undefined;
}

/** One thing that was read: a record, or what should have been one. */
export type Entry = RecordEntry | BrokenEntry;

/** A value that was read, batch or not. */
export interface RecordEntry extends Place {
  readonly kind: "record";
  readonly value: unknown;
  /** As it stands in the file. */
  readonly text: string;
  /** The row of CSV it was made of, for who makes an id of its columns. */
  readonly row?: { readonly names: readonly string[]; readonly fields: readonly string[] } | undefined;
}

/** What could not be read. It costs nothing but itself. */
export interface BrokenEntry extends Place {
  readonly kind: "broken";
  /** Stable name of what is wrong, such as `broken-json`. */
  readonly code: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  readonly hint?: string | undefined;
  /** As it stands in the file; `undefined` where it is too long to be kept. */
  readonly text?: string | undefined;
}

/** `file:line`, or `file:line:column`. */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${String(line)}${column === undefined ? "" : `:${String(column)}`}`;
}
