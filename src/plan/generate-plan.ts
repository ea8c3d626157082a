import {
  APPLICATION_TRANSITION_TYPES,
  CUSTOM_EVENT_TYPES,
  PRODUCT_ACTION_TYPES,
  PROMOTION_ACTION_TYPES,
} from "../../generated/contract.ts";
import { generateChecker } from "./generate-checker.ts";
import { generateEvent } from "./generate-event.ts";
import { generateUser } from "./generate-user.ts";
import { namePoints } from "./generated-names.ts";
import { docText, quoted, valueText } from "./generated-text.ts";
import { readWholePlan, type PlanVersion, type ReadPoint } from "./read-plan.ts";

/** Code made of a plan. */
export interface GeneratedPlan {
  /** A whole TypeScript module. */
  readonly text: string;
  /** What in the plan has no place in it, one sentence each. */
  readonly omitted: readonly string[];
}

/** What is written in this order, each group by name. */
const ORDER = [
  "custom_event",
  "screen_view",
  "product_action",
  "promotion_action",
  "product_impression",
  "application_state_transition",
];

/** Names that the file declares or imports, and that nothing in it may take. */
const TAKEN = [
  ...["DATA_PLAN", "PlannedEvent", "PlannedUser", "PlannedUserAttributes", "PlannedUserIdentities", "userContext"],
  ...[
    "createBatch",
    "makeBatch",
    "checkPlan",
    "compiledPlanCheck",
    "plannedEvent",
    "customEvent",
    "screenView",
    "Planned",
  ],
  ...["CustomDetails", "ScreenDetails", "CommerceDetails", "CommerceEventDetails", "ProductPayload"],
];

/**
 * Makes the TypeScript module of a plan: a function for each planned event, the types of the user's attributes and
 * identities, a `createBatch` that names the plan, and a check that needs no plan at run time.
 *
 * @param plan - what `readPlan` gave, or what it takes when there is no version to choose.
 * @throws TypeError - for a plan that is broken.
 */
export function generatePlan(plan: PlanVersion | object): GeneratedPlan {
  const { version, points } = readWholePlan(plan);
  const omitted: string[] = [];
  const events = points.filter((point) => isEvent(point) && isOnTheWire(point, omitted)).sort(inOrder);
  const names = namePoints(
    events.map(({ match }) => match),
    TAKEN,
  );
  const functions = events.map((point, index) => generateEvent(point, names[index] ?? ""));
  const { data_plan_id: id, version: number } = version;
  if (id === undefined) omitted.push("The plan has no id, so its batches cannot name it: pass the id.");
  const name = id === undefined ? undefined : { plan_id: id, ...(number !== undefined && { plan_version: number }) };
  const body = [
    name === undefined ? "" : generateName(name),
    ...functions.map(({ text }) => text),
    generateUnion(functions.map(({ event }) => event)),
    generateUser(points, name !== undefined),
    generateChecker(version, points),
  ]
    .filter((part) => part !== "")
    .join("\n");
  return { text: `${header(version)}${imports(body)}\n${body}`, omitted };
}

function isEvent({ match }: ReadPoint): boolean {
  return !match.type.startsWith("user_");
}

/** Whether the Events API has such an event. */
function isOnTheWire({ match: { type, criteria }, path }: ReadPoint, omitted: string[]): boolean {
  const [allowed, value]: readonly [readonly string[], string | undefined] =
    type === "custom_event"
      ? [CUSTOM_EVENT_TYPES, criteria["custom_event_type"]]
      : type === "product_action"
        ? [PRODUCT_ACTION_TYPES, criteria["action"]]
        : type === "promotion_action"
          ? [PROMOTION_ACTION_TYPES, criteria["action"]]
          : type === "application_state_transition"
            ? [APPLICATION_TRANSITION_TYPES, criteria["application_transition_type"]]
            : [[""], ""];
  if (value !== undefined && allowed.includes(value)) return true;
  omitted.push(
    `\`${path}\` has no function: the Events API has no ${type.replaceAll("_", " ")} ${JSON.stringify(value)}.`,
  );
  return false;
}

function inOrder(one: ReadPoint, other: ReadPoint): number {
  const group = (point: ReadPoint): number => (ORDER.indexOf(point.match.type) + ORDER.length + 1) % (ORDER.length + 1);
  if (group(one) !== group(other)) return group(one) - group(other);
  const [a, b] = [one, other].map(({ match }) => JSON.stringify(Object.values(match.criteria).concat(match.type)));
  return (a ?? "") < (b ?? "") ? -1 : 1;
}

function header({ data_plan_id: id, version, version_description: description }: PlanVersion): string {
  const name = id === undefined ? "a data plan" : `the data plan ${quoted(id)}`;
  const which = version === undefined ? "" : `, version ${String(version)},`;
  const lines = [
    `// Generated from ${name}${which} by \`mparticle-events plan generate\`. Do not edit: change the plan and generate again.`,
    ...(description === undefined
      ? []
      : description.split(/[\r\n\u2028\u2029]+/).map((line) => `// ${line}`.trimEnd())),
  ];
  return `${lines.join("\n")}\n`;
}

function generateName(name: object): string {
  return `${docText("The plan and its version, as `context.data_plan` of a batch names them.")}export const DATA_PLAN = ${valueText(name)} as const;\n`;
}

function generateUnion(events: readonly string[]): string {
  const doc = docText("Every event of the plan.");
  if (events.length === 0) return `${doc}export type PlannedEvent = never;\n`;
  return `${doc}export type PlannedEvent =\n${events.map((event) => `  | ${event}`).join("\n")};\n`;
}

/** What the body uses of the packages, and the types that shorten it. */
function imports(body: string): string {
  const shortcuts = Object.entries(SHORTCUTS).filter(([name]) => uses(body, name.replace(/<.*/, "")));
  const declared = shortcuts.map(([name, type]) => `type ${name} = ${type};\n`).join("");
  const all = body + declared;
  const values = VALUES.filter((name) => uses(all, name.replace(/^.* as /, "")));
  const types = TYPES.filter((name) => uses(all, name)).map((name) => `type ${name}`);
  return [
    `import {\n${[...values, ...types].map((name) => `  ${name},\n`).join("")}} from "mparticle-events";\n`,
    `import { ${["compiledPlanCheck", "plannedEvent"].filter((name) => uses(all, name)).join(", ")}, type PlanCheck } from "mparticle-events/plan";\n`,
    declared === "" ? "" : `\n${declared}`,
  ].join("");
}

function uses(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w$."])${name}(?![\\w$"])`).test(text);
}

const VALUES = ["createBatch as makeBatch", "customEvent", "screenView"];
const TYPES = [
  "Batch",
  "BatchContext",
  "CommerceDetails",
  "CustomAttributes",
  "CustomEventData",
  "DeviceInformation",
  "EventDataOf",
  "EventOf",
  "EventType",
  "Product",
  "ProductAction",
  "ProductAttributes",
  "ProductImpression",
  "PromotionAction",
  "ScreenViewEventData",
  "UserAttributes",
  "UserAttributeValue",
  "UserContext",
  "UserIdentities",
];

const SHORTCUTS: Readonly<Record<string, string>> = {
  "Planned<Type extends EventType, Data>": "EventOf<Type> & { readonly data: Data }",
  CustomDetails: 'Omit<CustomEventData, "event_name" | "custom_event_type" | "custom_attributes">',
  ScreenDetails: 'Omit<ScreenViewEventData, "screen_name" | "custom_attributes">',
  CommerceEventDetails: 'Omit<CommerceDetails, "custom_attributes">',
};
