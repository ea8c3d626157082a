import { typesOf } from "./generated-names.ts";
import { docText, quoted } from "./generated-text.ts";
import { attributesText, membersText } from "./generated-types.ts";
import type { ReadPoint } from "./read-plan.ts";
import type { Rule } from "./rule.ts";

/** The code of one planned event. */
export interface GeneratedEvent {
  readonly text: string;
  /** The name of its type. */
  readonly event: string;
}

/** How events of one match type are made. */
interface Shape {
  readonly eventType: string;
  /** What the plan settles, as members of `data`. */
  readonly settled: Readonly<Record<string, string>>;
  /** What `details` may hold, as a type. */
  readonly details: string;
  /** The member of `data` that the caller gives as the first argument, and its type. */
  readonly payload?: {
    readonly key: string;
    readonly type: string;
    readonly settled: Readonly<Record<string, string>>;
  };
  /** Whether `details` has members that every such event needs. */
  readonly needsDetails?: boolean;
}

/** Events whose data has members that are always required. */
const NEEDY: ReadonlySet<string> = new Set([
  "session_end",
  "crash_report",
  "opt_out",
  "network_performance",
  "breadcrumb",
]);

function shapeOf({ type, criteria }: ReadPoint["match"]): Shape {
  const commerce = { eventType: "commerce_event", settled: {}, details: "CommerceEventDetails" };
  switch (type) {
    case "custom_event": {
      const { event_name = "", custom_event_type = "" } = criteria;
      return { eventType: type, settled: { event_name, custom_event_type }, details: "CustomDetails" };
    }
    case "screen_view":
      return { eventType: type, settled: { screen_name: criteria["screen_name"] ?? "" }, details: "ScreenDetails" };
    case "product_action":
      return {
        ...commerce,
        payload: { key: type, type: "ProductAction", settled: { action: criteria["action"] ?? "" } },
      };
    case "promotion_action":
      return {
        ...commerce,
        payload: { key: type, type: "PromotionAction", settled: { action: criteria["action"] ?? "" } },
      };
    case "product_impression":
      return {
        ...commerce,
        payload: { key: "product_impressions", type: "readonly ProductImpression[]", settled: {} },
      };
    case "application_state_transition": {
      const settled = { application_transition_type: criteria["application_transition_type"] ?? "" };
      return { eventType: type, settled, details: dataWithout(type, ["application_transition_type"]) };
    }
    default:
      return { eventType: type, settled: {}, details: dataWithout(type, []), needsDetails: NEEDY.has(type) };
  }
}

function dataWithout(type: string, settled: readonly string[]): string {
  const names = [...settled, "custom_attributes"].map((name) => quoted(name)).join(" | ");
  return `Omit<EventDataOf<${quoted(type)}>, ${names}>`;
}

/** The function that makes a planned event, with its types. */
export function generateEvent({ match, rule, description }: ReadPoint, name: string): GeneratedEvent {
  const shape = shapeOf(match);
  const [event, attributesName, detailsName] = typesOf(name);
  const data = propertyOf(rule, "data");
  const attributes = parameterFor(propertyOf(data, "custom_attributes"), attributesName);
  const needsAttributes = data.required?.includes("custom_attributes") === true;
  const details = detailsFor(shape, data, detailsName);
  const payload = payloadFor(shape, data, `${event.replace(/Event$/, "")}Payload`);
  const declarations = [attributes.declaration, details.declaration, payload?.declaration ?? ""].filter(
    (text) => text !== "",
  );

  const given = [
    ...(payload === undefined || payload.type === ""
      ? []
      : [{ name: payload.key, type: payload.type, needed: payload.needed }]),
    { name: "custom_attributes", type: attributes.type, needed: needsAttributes },
    { name: "details", type: details.type, needed: details.needed },
  ];
  const lastNeeded = given.findLastIndex(({ needed }) => needed);
  const parameters = given.map(({ name: parameter, type, needed }, index) =>
    needed
      ? `${parameter}: ${type}`
      : index < lastNeeded
        ? `${parameter}: ${type} | undefined`
        : `${parameter}?: ${type}`,
  );
  const settled = Object.entries(shape.settled);
  const payloadType = payload === undefined ? [] : [`${payload.key}: ${payload.made}`];
  const dataType = [
    ...settled.map(([key, value]) => `${key}: ${quoted(value)}`),
    ...payloadType,
    `custom_attributes${needsAttributes ? "" : "?"}: ${attributes.type}`,
  ];
  const made = makeText(shape, payload);
  const signature = `export function ${name}(${parameters.join(", ")}): ${event} {`;
  const text = [
    ...declarations,
    eventTypeText(event, shape.eventType, dataType),
    `${docText(descriptionOf(match, description))}${signature.length <= 120 ? signature : wrapped(name, parameters, event)}\n${returnText(made, event)}}\n`,
  ].join("\n");
  return { text, event };
}

function wrapped(name: string, parameters: readonly string[], event: string): string {
  return `export function ${name}(\n${parameters.map((parameter) => `  ${parameter},\n`).join("")}): ${event} {`;
}

function eventTypeText(event: string, eventType: string, members: readonly string[]): string {
  const line = `export type ${event} = Planned<${quoted(eventType)}, { ${members.join("; ")} }>;\n`;
  if (line.length <= 121) return line;
  const lines = members.map((member) => `    ${member};\n`).join("");
  return `export type ${event} = Planned<\n  ${quoted(eventType)},\n  {\n${lines}  }\n>;\n`;
}

function returnText({ call, data }: Made, event: string): string {
  const line = `  return ${call}{ ${data.join(", ")} }) as ${event};\n`;
  if (line.length <= 121) return line;
  return `  return ${call}{\n${data.map((member) => `    ${member},\n`).join("")}  }) as ${event};\n`;
}

/** What the plan says about the event, and else what it is. */
function descriptionOf({ type, criteria }: ReadPoint["match"], description: string | undefined): string {
  const { custom_event_type: customType, ...named } = criteria;
  const [name] = Object.values(named).map((value) => ` ${quoted(value)}`);
  const what = `${type.replaceAll("_", " ")}${name ?? ""}${customType === undefined ? "" : ` (${customType})`}`;
  return description === undefined ? `Makes the ${what}.` : `${description}\n\nMakes the ${what}.`;
}

function propertyOf(rule: Rule, name: string): Rule {
  return rule.properties?.find(([known]) => known === name)?.[1] ?? {};
}

function parameterFor(rule: Rule, name: string): { readonly type: string; readonly declaration: string } {
  if (rule.never === true) return { type: "never", declaration: "" };
  const type = attributesText(rule, "event-attribute", "CustomAttributes");
  if (type === "CustomAttributes") return { type, declaration: "" };
  const doc = rule.description === undefined ? "" : docText(rule.description);
  return { type: name, declaration: `${doc}export type ${name} = ${type};\n` };
}

function detailsFor({ details, settled, payload, needsDetails }: Shape, data: Rule, name: string) {
  const handled = new Set([
    "custom_attributes",
    ...Object.keys(settled),
    ...(payload === undefined ? [] : [payload.key]),
  ]);
  const members = membersText(without(data, handled), "elsewhere", "");
  if (members === "") return { type: details, declaration: "", needed: needsDetails === true };
  const required = data.required?.some((one) => !handled.has(one)) === true;
  return {
    type: name,
    declaration: `export type ${name} = ${details} & {\n${members}};\n`,
    needed: needsDetails === true || required,
  };
}

/** The payload of a commerce event: what the caller gives of it, and what comes out. */
function payloadFor({ payload }: Shape, data: Rule, name: string) {
  if (payload === undefined) return undefined;
  const { key, type, settled } = payload;
  const needed = data.required?.includes(key) === true;
  if (type.startsWith("readonly")) return { key, type, made: type, declaration: "", needed: true };
  const rule = propertyOf(data, key);
  const handled = new Set(Object.keys(settled));
  const members = membersText(without(rule, handled), "elsewhere", "");
  const action = `{ action: ${quoted(settled["action"] ?? "")} }`;
  if (members === "" && rule.rest === false) return { key, type: "", made: action, declaration: "", needed };
  const hasProducts = rule.properties?.some(([property]) => property === "products") === true;
  const wire = `Omit<${type}, "action"${hasProducts ? ' | "products"' : ""}>`;
  if (members === "") return { key, type: wire, made: `${type} & ${action}`, declaration: "", needed };
  const known = (rule.properties ?? []).map(([known]) => quoted(known)).join(" | ");
  const base = rule.rest === false ? `Pick<${wire}, Extract<keyof ${wire}, ${known}>>` : wire;
  const requires = rule.required?.some((one) => !handled.has(one)) === true;
  return {
    key,
    type: name,
    made: `${name} & ${action}`,
    declaration: `export type ${name} = ${base} & {\n${members}};\n`,
    needed: needed || requires,
  };
}

function without(rule: Rule, names: ReadonlySet<string>): Rule {
  return {
    ...rule,
    properties: (rule.properties ?? []).filter(([name]) => !names.has(name)),
    required: (rule.required ?? []).filter((name) => !names.has(name)),
  };
}

/** The call that makes the event, up to its last argument, and the members of that. */
interface Made {
  readonly call: string;
  readonly data: readonly string[];
}

function makeText(shape: Shape, payload: ReturnType<typeof payloadFor>): Made {
  const { event_name, custom_event_type, screen_name, ...settled } = shape.settled;
  const data = ["...details"];
  if (event_name !== undefined) {
    const call = `customEvent(${quoted(event_name)}, ${quoted(custom_event_type ?? "")}, `;
    return { call, data: [...data, "custom_attributes"] };
  }
  if (screen_name !== undefined) {
    return { call: `screenView(${quoted(screen_name)}, `, data: [...data, "custom_attributes"] };
  }
  if (payload !== undefined) {
    const action = shape.payload?.settled["action"];
    const spread = payload.type === "" ? "" : `...${payload.key}, `;
    data.push(action === undefined ? payload.key : `${payload.key}: { ${spread}action: ${quoted(action)} }`);
  }
  for (const [key, value] of Object.entries(settled)) data.push(`${key}: ${quoted(value)}`);
  return { call: `plannedEvent(${quoted(shape.eventType)}, `, data: [...data, "custom_attributes"] };
}
