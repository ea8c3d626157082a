import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { full } from "../full.ts";
import { QUICK, runTypescript } from "./run-typescript.ts";

/** What a mistake is, and what is said to it. */
interface Mistake {
  readonly code: string;
  readonly says: readonly string[];
  /** What the newest compiler says, where that is less. */
  readonly quickSays?: readonly string[];
}

/** What the compiler says to a mistake: in an editor, this is most of the documentation that gets read. */
const MISTAKES: Readonly<Record<string, Mistake>> = {
  "a misspelt member of an event": {
    code: 'customEvent("a", "other", { custom_atributes: {} });',
    says: [
      "'custom_atributes' does not exist in type 'CustomEventOptions'. Did you mean to write 'custom_attributes'?",
    ],
  },
  "a misspelt member of an event without arguments of its own": {
    code: "sessionStart({ session_uid: 'a' });",
    says: ["'session_uid' does not exist in type 'SessionStartOptions'", "'session_uuid'"],
  },
  "an interface for attributes": {
    code: 'interface Plan { name: string } const plan: Plan = { name: "a" }; customEvent("a", "other", { custom_attributes: plan });',
    says: ["Index signature for type 'string' is missing in type 'Plan'"],
  },
  "an object for attributes that has a date": {
    code: 'customEvent("a", "other", { custom_attributes: attributesFrom({ at: new Date() }) });',
    says: ["Property 'at' is incompatible with index signature", "Type 'Date' is not assignable"],
  },
  "a misspelt member of a batch": {
    code: 'createBatch({ environment: "development", user_identites: {} });',
    says: ["'user_identites' does not exist in type 'UserContext'", "'user_identities'"],
  },
  "an identity that does not exist": {
    code: 'createBatch({ environment: "development", user_identities: { other_id_1: "a" } });',
    says: ["'other_id_1' does not exist in type 'UserIdentities'"],
  },
  "a category that does not exist": {
    code: 'customEvent("a", "vidoe");',
    says: [`'"vidoe"' is not assignable to parameter of type 'CustomEventType'`],
  },
  "a missing environment": {
    code: 'createBatch({ user_identities: { customer_id: "42" } });',
    says: ["Property 'environment' is missing", "'UserContext'"],
  },
  "a list as an attribute": {
    code: 'customEvent("a", "other", { custom_attributes: { tags: ["a"] } });',
    says: ["Type 'string[]' is not assignable to type 'string | number | boolean | null | undefined'"],
  },
  "a misspelt member of a hand-written event": {
    code: 'const event: Event = { event_type: "custom_event", data: { event_name: "a", custom_event_type: "other", custom_atributes: {} } };',
    says: ["'custom_atributes' does not exist in type 'CustomEventData", "Did you mean to write 'custom_attributes'?"],
    quickSays: ["'custom_atributes' does not exist in type", "Did you mean to write 'custom_attributes'?"],
  },
  "a misspelt member of a hand-written commerce event": {
    code: 'const event: Event = { event_type: "commerce_event", data: { promotion_action: { action: "view" }, currency_cod: "EUR" } };',
    says: ["'currency_cod' does not exist in type", "CommerceEventDataWithPromotionAction"],
  },
  "a misspelt member of a product action, in an event": {
    code: 'const event: Event = { event_type: "commerce_event", data: { product_action: { action: "click", totl: 5 } } };',
    says: ["'totl' does not exist in type 'ProductAction'"],
    quickSays: ['{ action: "click"; totl: number; }', "is not assignable"],
  },
  "a misspelt member of a promotion, in a commerce event": {
    code: 'const event: EventOf<"commerce_event"> = { event_type: "commerce_event", data: { promotion_action: { action: "view", promos: [] } } };',
    says: ["'promos' does not exist in type 'PromotionAction'"],
  },
  "two payloads in a commerce event": {
    code: 'const event: EventOf<"commerce_event"> = { event_type: "commerce_event", data: { product_action: { action: "click" }, promotion_action: { action: "click" } } };',
    says: ["is not assignable to type 'CommerceEventData'", "Types of property 'promotion_action' are incompatible"],
  },
  "an event type that does not exist": {
    code: 'const event: Event = { event_type: "custom_evnt", data: {} };',
    says: [`Type '"custom_evnt"' is not assignable to type`],
  },
};

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LINES = Object.values(MISTAKES).map(({ code }, index) => `export function mistake${String(index)}() { ${code} }`);
const TEXT = [
  'import { attributesFrom, createBatch, customEvent, sessionStart, type Event, type EventOf } from "mparticle-events";',
  ...LINES,
  'export const right = customEvent("a", "other", { custom_attributes: {} });',
].join("\n");

/** What each compiler says to each line of the text, by the number of the line from 0. */
const saidBy = new Map<string, Map<number, string>>();

// The editors' compiler of today, and the next one.
const COMPILERS = full([QUICK], [QUICK, "typescript"]);

beforeAll(async () => {
  const folder = mkdtempSync(join(ROOT, "node_modules/.messages-"));
  const file = join(folder, "mistakes.ts");
  try {
    writeFileSync(file, TEXT);
    for (const compiler of COMPILERS) {
      const configuration = { extends: join(ROOT, "tsconfig.json"), include: [], files: [file] };
      saidBy.set(compiler, byLine(await runTypescript(compiler, folder, "tsconfig", configuration)));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The messages by the number of their line; the lines that explain one are indented below it. */
function byLine(output: readonly string[]): Map<number, string> {
  const said = new Map<number, string>();
  let line = -1;
  for (const text of output) {
    const [, number, message] = /^\S*mistakes\.ts\((\d+),\d+\): error TS\d+: (.*)$/.exec(text) ?? [];
    if (number !== undefined) line = Number(number) - 1;
    const known = said.get(line);
    said.set(line, known === undefined ? (message ?? text) : `${known}\n${message ?? text}`);
  }
  return said;
}

describe.each(COMPILERS)("%s, told", (compiler) => {
  const said = () => saidBy.get(compiler) ?? new Map<number, string>();

  it.each(Object.entries(MISTAKES).map(([name, mistake], index) => [name, mistake, index + 1] as const))(
    "%s",
    (_name, { says, quickSays = says }, line) => {
      const message = said().get(line) ?? "";
      for (const part of compiler === QUICK ? quickSays : says) expect(message).toContain(part);
      expect(message.length, message).toBeLessThan(500);
      expect(message.split("\n").length, message).toBeLessThanOrEqual(3);
    },
  );

  it("says nothing to what is right", () => {
    expect(said().get(0)).toBeUndefined();
    expect(said().get(LINES.length + 1)).toBeUndefined();
  });
});
