import { expect, it } from "vitest";
import { withArticle } from "../../src/rules/article.ts";

it.each([
  "an opt_out",
  "an application_state_transition",
  "an uninstall",
  "an integer",
  "an Array",
  "an undefined",
  "a unit",
  "a custom_event",
  "a user",
  "a URL",
  "a Uint8Array",
])("%s is what is said", (words) => {
  expect(withArticle(words.split(" ")[1] ?? "")).toBe(words);
});
