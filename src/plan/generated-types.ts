import { docText, keyText, quoted, valueText } from "./generated-text.ts";
import type { JsonType, Rule } from "./rule.ts";

/** Where a value stands decides what may travel there at all. */
export type Place = "event-attribute" | "user-attribute" | "product-attribute" | "elsewhere";

const SCALARS: Readonly<Record<Place, string>> = {
  "event-attribute": "string | number | boolean",
  "user-attribute": "UserAttributeValue",
  "product-attribute": "string",
  elsewhere: "unknown",
};

/** The type of what a rule accepts and the wire takes, as source text. */
function typeText(rule: Rule, place: Place, indent = ""): string {
  if (rule.never === true) return "never";
  const { types, allowed } = rule;
  if (allowed !== undefined) return allowedText(allowed, types, place, indent);
  if (types === undefined) {
    if (place === "elsewhere" && rule.properties !== undefined) return objectText(rule, place, indent);
    if (place === "elsewhere" && rule.items !== undefined) return listText(rule, place, indent);
    return SCALARS[place];
  }
  return union(types.filter((type) => type !== "null").map((type) => oneType(type, rule, place, indent)));
}

function oneType(type: JsonType, rule: Rule, place: Place, indent: string): string {
  switch (type) {
    case "string":
      return "string";
    case "number":
    case "integer":
      // The attributes of a product are text on the wire, and the service takes a text for the number that it says.
      return place === "product-attribute" ? "`${number}`" : "number";
    case "boolean":
      return place === "product-attribute" ? '"true" | "false"' : "boolean";
    case "null":
      return "null";
    case "object":
      return place === "elsewhere" ? objectText(rule, place, indent) : "never"; // the Events API refuses objects here
    case "array":
      if (place === "user-attribute" || place === "elsewhere") return listText(rule, place, indent);
      return "never"; // the Events API refuses lists here
  }
}

function listText({ items, tuple }: Rule, place: Place, indent: string): string {
  if (tuple !== undefined || items === undefined || items === false) {
    return place === "user-attribute" ? "readonly (string | number | boolean)[]" : "readonly unknown[]";
  }
  const inner = place === "user-attribute" ? "event-attribute" : place;
  const text = typeText(items, inner, indent);
  return `readonly ${/[|&]/.test(text) ? `(${text})` : text}[]`;
}

/** Literals, as far as the types and the wire let them be. */
function allowedText(
  allowed: readonly unknown[],
  types: readonly JsonType[] | undefined,
  place: Place,
  indent: string,
): string {
  const literals = allowed.flatMap((value) => {
    if (typeof value === "object" || typeof value === "bigint") return [];
    const type = typeof value as "string" | "number" | "boolean"; // what is left of JSON
    const fits = types === undefined || types.some((one) => one === type || (type === "number" && one === "integer"));
    if (!fits) return [];
    return [
      place === "product-attribute"
        ? quoted(typeof value === "string" ? value : JSON.stringify(value))
        : valueText(value),
    ];
  });
  const line = union(literals);
  if (line.length < 90 || place === "elsewhere") return line;
  return [...new Set(literals)].map((literal) => `\n${indent}  | ${literal}`).join("");
}

function union(members: readonly string[]): string {
  const distinct = [...new Set(members)];
  const useful = distinct.length > 1 ? distinct.filter((member) => member !== "never") : distinct;
  return useful.length === 0 ? "never" : useful.join(" | ");
}

/** What was written in whatever order an export has: the code made of it is the same. */
export function byName(one: readonly [string, unknown], other: readonly [string, unknown]): number {
  return one[0] < other[0] ? -1 : 1;
}

/** The type of one member; products and their attributes have a form of their own on the wire. */
function memberText(name: string, rule: Rule, place: Place, indent: string): string {
  if (place !== "elsewhere" || rule.allowed !== undefined) return typeText(rule, place, indent);
  if (name === "custom_attributes") return attributesText(rule, "product-attribute", "ProductAttributes", indent);
  if (name !== "products" || rule.items === undefined || rule.items === false) return typeText(rule, place, indent);
  return `readonly (${productText(rule.items, indent)})[]`;
}

function productText(rule: Rule, indent: string): string {
  const names = (rule.properties ?? []).map(([name]) => name);
  const plannedNames = names.filter((name) => name !== "custom_attributes").map((name) => quoted(name));
  const members = membersText(rule, "elsewhere", indent);
  const open = names.includes("custom_attributes") ? 'Omit<Product, "custom_attributes">' : "Product";
  const closed = `Pick<Product, Extract<keyof Product, ${plannedNames.join(" | ") || "never"}>>`;
  const base = rule.rest === false ? closed : open;
  return members === "" ? base : `${base} & {\n${members}${indent}}`;
}

/** An object's members, one a line, each with what the plan says about it. */
export function membersText(rule: Rule, place: Place, indent: string): string {
  const required = new Set(rule.required ?? []);
  const known = new Set((rule.properties ?? []).map(([name]) => name));
  const bare = [...required].filter((name) => !known.has(name)).map((name): readonly [string, Rule] => [name, {}]);
  return [...(rule.properties ?? []), ...(rule.rest === false ? [] : bare)]
    .sort(byName)
    .flatMap(([name, property]) => {
      const doc = property.description === undefined ? "" : docText(property.description, `${indent}  `);
      const type = memberText(name, property, place, `${indent}  `);
      // Where nothing else is allowed, what can have no value need not be named.
      if (type === "never" && rule.rest === false && !required.has(name)) return [];
      return `${doc}${indent}  ${keyText(name)}${required.has(name) ? "" : "?"}: ${type};\n`;
    })
    .join("");
}

function objectText(rule: Rule, place: Place, indent: string): string {
  const members = membersText(rule, place, indent);
  return members === "" ? "object" : `{\n${members}${indent}}`;
}

/** The type of an object of attributes: closed where the plan closes it, with any other attribute otherwise. */
export function attributesText(rule: Rule, place: Place, others: string, indent = ""): string {
  const members = membersText(rule, place, indent);
  if (rule.rest === false) return members === "" ? "{ [name: string]: never }" : `{\n${members}${indent}}`;
  return members === "" ? others : `{\n${members}${indent}} & ${others}`;
}
