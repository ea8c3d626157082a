/** Formats that say how wide a number is, and hold for every JavaScript number that JSON can carry. */
export const WIDE_FORMATS: readonly string[] = ["int64", "float", "double"];

/** Every format of a number. */
export const NUMBER_FORMATS: readonly string[] = ["int32", ...WIDE_FORMATS];

/** Every format of a text, with the expression that the validators check it by. */
export const TEXT_FORMATS: Readonly<Record<string, string>> = {
  // Spelt out, without the i flag and groups, for speed: an event has two or three of these.
  uuid: String.raw`/^[\da-fA-F]{8}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{12}$/`,
  ipv4: String.raw`/^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}$/`,
  "date-time": String.raw`/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i`,
  uri: String.raw`/^[a-z][a-z\d+.-]*:\S+$/i`,
};

/** Every format that a schema may name. */
export const FORMATS: readonly string[] = [...NUMBER_FORMATS, ...Object.keys(TEXT_FORMATS)];
