import fc from "fast-check";
import type { Rule } from "mparticle-events/plan";

/** Values that a rule accepts and the Events API takes; for patterns and formats, texts that are known to fit. */
export function valueOf(rule: Rule): fc.Arbitrary<unknown> {
  const { types = ["string"], allowed } = rule;
  if (allowed !== undefined) return fc.constantFrom(...allowed);
  if (rule.properties !== undefined || types.includes("object")) return objectOf(rule);
  return fc.oneof(...types.map((type) => oneOf(type, rule)));
}

const FITTING: Readonly<Record<string, readonly string[]>> = {
  "s\\d{5,5}-\\d": ["s12345-6", "xs00000-0y"],
  "^[a-z]*$": ["", "abc"],
  email: ["a@b.c"],
  date: ["2024-02-29"],
};

function oneOf(type: string, rule: Rule): fc.Arbitrary<unknown> {
  const { pattern, format, minimum = -1e6, maximum = 1e6, minLength = 0, maxLength = 20 } = rule;
  switch (type) {
    case "number":
      return fc.double({ min: Number(minimum), max: Number(maximum), noNaN: true });
    case "integer":
      return fc.integer({ min: Number(minimum), max: Number(maximum) });
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(valueOf(rule.items === false ? {} : (rule.items ?? {})), { maxLength: 5 });
    case "string": {
      const fitting = FITTING[pattern ?? format ?? ""];
      return fitting === undefined
        ? fc.string({ minLength, maxLength, unit: "grapheme-ascii" })
        : fc.constantFrom(...fitting);
    }
    default:
      return fc.constant(null);
  }
}

function objectOf(rule: Rule): fc.Arbitrary<object> {
  const members = Object.fromEntries((rule.properties ?? []).map(([name, property]) => [name, valueOf(property)]));
  const planned = fc.record(members, { requiredKeys: [...(rule.required ?? [])].filter((name) => name in members) });
  if (rule.rest === false) return planned;
  const more = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 8 }),
    fc.oneof(fc.string(), fc.integer(), fc.boolean()),
    { maxKeys: 3 },
  );
  return fc.tuple(more, planned).map(([others, own]) => ({ ...others, ...own }));
}
