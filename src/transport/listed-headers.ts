import type { ListedResponse } from "./exchange.ts";

/** The headers of an answer as Node and undici have them, by names in lower case. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Headers that are looked up and listed without the `Headers` of the runtime, which takes long to load. */
export function listHeaders(headers: HeaderRecord): ListedResponse["headers"] {
  return {
    get: (name) => {
      const value = headers[name.toLowerCase()];
      return value === undefined ? null : String(value);
    },
    entries: () => Object.entries(headers).map(([name, value]) => [name, String(value)]),
  };
}
