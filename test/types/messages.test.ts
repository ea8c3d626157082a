import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";

/** What the compiler says to a mistake: in an editor, this is most of the documentation that gets read. */
const MISTAKES = {
  "a misspelt member of an event": {
    code: 'customEvent("a", "other", { custom_atributes: {} });',
    says: ["'custom_atributes' does not exist in type", '"custom_event"', "Did you mean to write 'custom_attributes'?"],
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
    says: ["Type 'string[]' is not assignable to type 'string | number | boolean | null'"],
  },
  "a misspelt member of a hand-written event": {
    code: 'const event: Event = { event_type: "custom_event", data: { event_name: "a", custom_event_type: "other", custom_atributes: {} } };',
    says: ["'custom_atributes' does not exist in type 'CustomEventData", "Did you mean to write 'custom_attributes'?"],
  },
  "a misspelt member of a hand-written commerce event": {
    code: 'const event: Event = { event_type: "commerce_event", data: { promotion_action: { action: "view" }, currency_cod: "EUR" } };',
    says: ["'currency_cod' does not exist in type", "CommerceEventDataWithPromotionAction"],
  },
  "a misspelt member of a product action, in an event": {
    code: 'const event: Event = { event_type: "commerce_event", data: { product_action: { action: "click", totl: 5 } } };',
    says: ["'totl' does not exist in type 'ProductAction'"],
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
} as const;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILE = join(ROOT, "test/types/mistakes.ts"); // not there: its text is given to the compiler
const LINES = Object.values(MISTAKES).map(({ code }, index) => `export function mistake${String(index)}() { ${code} }`);
const TEXT = [
  'import { createBatch, customEvent, type Event, type EventOf } from "mparticle-events";',
  ...LINES,
  'export const right = customEvent("a", "other", { custom_attributes: {} });',
].join("\n");

/** What is said to each line of the text, by its number from 0. */
const said = new Map<number, string>();

beforeAll(() => {
  const config = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, dirname(FILE));
  const pathsAt = { ...options, baseUrl: ROOT };
  const host = ts.createCompilerHost(pathsAt);
  const onDisk = { ...host };
  host.fileExists = (name) => name === FILE || onDisk.fileExists(name);
  host.getSourceFile = (name, version, ...rest) =>
    name === FILE ? ts.createSourceFile(name, TEXT, version) : onDisk.getSourceFile(name, version, ...rest);
  const program = ts.createProgram([FILE], pathsAt, host);
  const file = program.getSourceFile(FILE)!;
  for (const { start, messageText } of program.getSemanticDiagnostics(file)) {
    const { line } = file.getLineAndCharacterOfPosition(start!);
    const text = ts.flattenDiagnosticMessageText(messageText, "\n");
    said.set(line, said.has(line) ? `${said.get(line)!}\n${text}` : text);
  }
}, 60_000);

describe("the compiler, told", () => {
  it.each(Object.keys(MISTAKES).map((name, index) => [name, index + 1] as const))("%s", (name, line) => {
    const message = said.get(line) ?? "";
    for (const part of MISTAKES[name as keyof typeof MISTAKES].says) expect(message).toContain(part); // its own key
    expect(message.length, message).toBeLessThan(500);
    expect(message.split("\n").length, message).toBeLessThanOrEqual(3);
  });

  it("says nothing to what is right", () => {
    expect(said.get(0)).toBeUndefined();
    expect(said.get(LINES.length + 1)).toBeUndefined();
  });
});
