import { placeOfIdentity } from "./identities.ts";
import { docText, quoted } from "./generated-text.ts";
import { attributesText, membersText } from "./generated-types.ts";
import type { ReadPoint } from "./read-plan.ts";
import type { Rule } from "./rule.ts";

/** The types of who the user is, and the functions that put the plan's name into a batch. */
export function generateUser(points: readonly ReadPoint[], isNamed: boolean): string {
  const attributes = points.find(({ key }) => key === "user_attributes");
  const identities = points.find(({ key }) => key === "user_identities");
  const groups = identities === undefined ? undefined : groupIdentities(identities.rule);
  const members: string[] = [];
  const declarations: string[] = [];
  const replaced = ["context"];
  const replace = (key: string, type: string, rule: Rule): void => {
    replaced.push(key);
    members.push(`  readonly ${key}${(rule.required ?? []).length > 0 ? "" : "?"}: ${type};\n`);
  };
  if (attributes !== undefined) {
    const doc = docText(attributes.description ?? "What the plan knows about a user.");
    const type = attributesText(attributes.rule, "user-attribute", "UserAttributes");
    declarations.push(`${doc}export type PlannedUserAttributes = ${type};\n`);
    replace("user_attributes", "PlannedUserAttributes", attributes.rule);
  }
  if (identities !== undefined && groups !== undefined) {
    const doc = docText(identities.description ?? "What the plan knows users by.");
    const type = attributesText(groups.user, "product-attribute", "UserIdentities");
    declarations.push(`${doc}export type PlannedUserIdentities = ${type};\n`);
    replace("user_identities", "PlannedUserIdentities", groups.user);
    const device = membersText(groups.device, "product-attribute", "  ");
    if (device !== "") replace("device_info", `DeviceInformation & {\n${device}  }`, groups.device);
    const [own] = groups.batch.properties ?? [];
    if (own !== undefined) {
      replaced.push("mp_deviceid");
      members.push(membersText(groups.batch, "product-attribute", "").replace(/^( *)(mp_deviceid)/m, "  readonly $2"));
    }
  }
  const omitted = replaced.map((key) => quoted(key)).join(" | ");
  const context = isNamed
    ? '  readonly context?: Omit<BatchContext, "data_plan">;\n'
    : "  readonly context?: BatchContext;\n";
  return [
    ...declarations,
    `${docText("Who did something: everything of a batch but its events, with what the plan allows.")}export interface PlannedUser extends Omit<UserContext, ${omitted}> {\n${members.join("")}${context}}\n`,
    `${docText(isNamed ? "The same for `queue.add`, naming the plan." : "The same for `queue.add`.")}export function userContext(user: PlannedUser): UserContext {\n  return ${isNamed ? "{ ...user, context: { ...user.context, data_plan: DATA_PLAN } }" : "user"};\n}\n`,
    `${docText(`Events of the plan in a batch${isNamed ? " that names it" : ""}, ready to be sent.`)}export function createBatch(user: PlannedUser, events: readonly PlannedEvent[] = []): Batch {\n  return makeBatch(userContext(user), events);\n}\n`,
  ].join("\n");
}

/** Identities by the object of the batch that they stand in, under the names of the Events API. */
function groupIdentities(rule: Rule): { readonly user: Rule; readonly device: Rule; readonly batch: Rule } {
  const properties = new Map(rule.properties ?? []);
  for (const name of rule.required ?? []) if (!properties.has(name)) properties.set(name, {});
  const group = (holder: string): Rule => {
    const placed = [...properties].flatMap(([name, own]) => {
      const [where, key] = placeOfIdentity(name);
      return where === holder ? [{ key: key ?? where, own, required: rule.required?.includes(name) === true }] : [];
    });
    return {
      ...(rule.rest === false && { rest: false }),
      properties: [...new Map(placed.map(({ key, own }) => [key, own]))],
      required: placed.flatMap(({ key, required }) => (required ? [key] : [])),
    };
  };
  return { user: group("user_identities"), device: group("device_info"), batch: group("mp_deviceid") };
}
