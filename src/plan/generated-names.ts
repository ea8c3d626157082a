import type { DataPoint } from "./read-plan.ts";

/**
 * How names are made of a plan, in one rule:
 *
 * - The words of a name are its runs of letters and digits; the first is written small, the others with a capital:
 *   `Email Sends` is `emailSends`. A word in capitals alone is written small first: `ALLCAPS` is `allcaps`.
 * - A custom event goes by its name, a screen by its name and `Screen`, an action with products by the action, one with
 *   promotions by `promotion` and the action, anything else by its match type.
 * - A name that begins with a digit, is a word of the language or is taken by the file itself gets `Event` after it, and
 *   one without any letter or digit is `event`.
 * - Custom events that would go by one name get their type after it (`searchNavigation`, `searchOther`); what still would
 *   gets numbers from 2 on, in the order of the names in the plan.
 */
export function namePoints(matches: readonly DataPoint["match"][], taken: readonly string[]): readonly string[] {
  const plain = matches.map(plainName);
  const counts = new Map<string, number>();
  for (const name of plain) counts.set(name, (counts.get(name) ?? 0) + 1);
  const used = new Set<string>();
  const reserve = (name: string): boolean => {
    const forms = [name, ...typesOf(name)];
    if (forms.some((form) => used.has(form) || taken.includes(form))) return false;
    for (const form of forms) used.add(form);
    return true;
  };
  return matches.map(({ type, criteria }, index) => {
    const own = plain[index] ?? "";
    const isShared = (counts.get(own) ?? 0) > 1 && type === "custom_event";
    const wanted = isShared ? own + capital(camelCase(criteria["custom_event_type"] ?? "")) : own;
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}${String(number)}`;
      if (reserve(name)) return name;
    }
  });
}

/** The types that go with the function of a data point. */
export function typesOf(name: string): readonly [event: string, attributes: string, details: string] {
  return [`${capital(name)}Event`, `${capital(name)}Attributes`, `${capital(name)}Details`];
}

function plainName(match: DataPoint["match"]): string {
  const name = camelCase(wordsFor(match));
  if (name === "") return "event";
  if (/^\p{N}/u.test(name)) return `event${name}`;
  return RESERVED.has(name) ? `${name}Event` : name;
}

function wordsFor({ type, criteria }: DataPoint["match"]): string {
  switch (type) {
    case "custom_event":
      return criteria["event_name"] ?? "";
    case "screen_view": {
      const name = criteria["screen_name"] ?? "";
      return /\bscreen\s*$/i.test(name) ? name : `${name} screen`;
    }
    case "product_action":
      return criteria["action"] ?? "";
    case "promotion_action":
      return `promotion ${criteria["action"] ?? ""}`;
    case "application_state_transition":
      return criteria["application_transition_type"] ?? "";
    default:
      return type;
  }
}

/** `Email Sends` and `email_sends` are `emailSends`. */
export function camelCase(text: string): string {
  const words = text.normalize("NFC").match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return words
    .map((word) => (word.length > 1 && word === word.toUpperCase() ? word.toLowerCase() : word))
    .map((word, index) => (index === 0 ? small(word) : capital(word)))
    .join("");
}

function capital(word: string): string {
  const [first = ""] = word;
  return first.toUpperCase() + word.slice(first.length);
}

function small(word: string): string {
  const [first = ""] = word;
  return first.toLowerCase() + word.slice(first.length);
}

/** Words that cannot name a function in a module, and names that every file may know. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof undefined var void while with yield async of type " +
    "constructor globalThis readonly string number boolean object symbol bigint never unknown any"
  ).split(" "),
);
