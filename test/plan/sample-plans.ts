import { readFileSync } from "node:fs";
import { customPoint, planOf, point } from "./plan-builder.ts";

/** The two plans of the cases. */
export function readCase(name: "edges" | "coffee-shop"): object {
  return JSON.parse(readFileSync(new URL(`cases/${name}.json`, import.meta.url), "utf8")) as object;
}

const hostileText = "ends */ here\n@param is no tag\r\n\u2028`${process}` \\u0041 ${1} */";

/** Everything that is hard to write down: names, texts, and definitions that the wire has no place for. */
export const NASTY = planOf([
  ...[
    "delete",
    "new",
    "class",
    "Place Order",
    "place_order",
    "PLACE ORDER",
    "2nd visit",
    "!!!",
    "???",
    "createBatch",
    "注文",
    "Übergröße",
    "eval",
    "a*/b",
    'quo"te\\',
    "new\nline",
    "__proto__",
    "constructor",
    "Planned",
    "custom event",
    "😀 smile",
  ].map((name) => customPoint(name, { additionalProperties: false, properties: { ok: { type: "boolean" } } })),
  customPoint(
    "Seen",
    { description: hostileText, properties: { "*/": { type: "string", description: hostileText } } },
    "navigation",
  ),
  customPoint("Seen", {}, "media"),
  customPoint("Types", {
    additionalProperties: false,
    required: ["required", "bare"],
    properties: {
      ...(JSON.parse('{"__proto__": {"type": "string"}}') as object),
      constructor: { type: "number" },
      "with space": { type: ["string", "null"] },
      required: { type: ["string", "number"] },
      listed: { type: "array", items: { type: "string" } },
      nested: { type: "object", properties: { a: {} } },
      mixed: { enum: ["a", 1, true, null, { a: 1 }] },
      textual: { type: "string", enum: ["a", "*/", 'b"', "\u2028", "\ud800"] },
      many: { type: "string", enum: Array.from({ length: 40 }, (_, index) => `value number ${String(index)}`) },
      whole: { type: "integer", minimum: 0 },
      anything: {},
      nothing: { not: {} },
    },
  }),
  customPoint("Never", false),
  customPoint("Empty", { additionalProperties: false }),
  customPoint("Wrong type", {}, "Other"),
  point(
    "screen_view",
    { properties: { data: { required: ["page_url"], properties: { page_url: { type: "string" } } } } },
    { screen_name: "Home Screen" },
  ),
  point("screen_view", {}, { screen_name: "" }),
  point(
    "product_action",
    {
      properties: {
        data: {
          required: ["product_action", "currency_code"],
          properties: {
            currency_code: { type: "string", enum: ["EUR", "USD"] },
            product_action: {
              required: ["transaction_id", "products"],
              properties: {
                transaction_id: { type: "string" },
                products: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["custom_attributes"],
                    properties: {
                      custom_attributes: {
                        type: "object",
                        additionalProperties: false,
                        required: ["size"],
                        properties: { size: { type: "number" }, gift: { type: "boolean" }, colour: { type: "string" } },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    { action: "purchase" },
  ),
  point(
    "product_action",
    {
      properties: {
        data: {
          properties: {
            product_action: { additionalProperties: false, properties: { action: {}, transaction_id: {} } },
          },
        },
      },
    },
    { action: "refund" },
  ),
  point("promotion_action", {}, { action: "click" }),
  point("product_impression", {}),
  point("application_state_transition", {}, { application_transition_type: "application_background" }),
  ...[
    "session_start",
    "session_end",
    "crash_report",
    "opt_out",
    "first_run",
    "network_performance",
    "breadcrumb",
    "uninstall",
  ].map((type) => point(type, {})),
  point("user_attributes", {
    required: ["plan"],
    properties: {
      plan: { type: "string", enum: ["free", "paid"] },
      tags: { type: "array", items: { type: "string" } },
    },
  }),
  point("user_identities", {
    required: ["customerid"],
    properties: { customerid: { type: "string" }, ios_idfa: { type: "string" }, other2: { type: "number" } },
  }),
]);

/** As large as a plan of the service can be. */
export function largePlan(count: number): object {
  const attributes = (index: number) =>
    Object.fromEntries(
      Array.from({ length: 8 }, (_, at) => [
        `attribute ${String(at)}`,
        at % 4 === 0
          ? { type: "string", enum: ["a", "b", `c${String(index)}`] }
          : { type: at % 2 === 0 ? "number" : "boolean" },
      ]),
    );
  return planOf(
    Array.from({ length: count }, (_, index) =>
      customPoint(`Event number ${String(index)}`, {
        additionalProperties: index % 2 === 0,
        properties: attributes(index),
        required: ["attribute 0"],
      }),
    ),
  );
}
