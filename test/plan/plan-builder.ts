import type { PlanVersion } from "mparticle-events/plan";

type Definition = Readonly<Record<string, unknown>>;

/** A data point for a custom event of the type `other`, whose custom attributes have this definition. */
export function customPoint(event_name: string, custom_attributes: Definition | boolean, custom_event_type = "other") {
  return {
    match: { type: "custom_event", criteria: { event_name, custom_event_type } },
    validator: {
      type: "json_schema",
      definition: {
        properties: { data: { type: "object", properties: { custom_attributes }, required: ["custom_attributes"] } },
      },
    },
  } as const;
}

/** A data point of another match type. */
export function point(type: string, definition: unknown, criteria: Definition = {}) {
  return { match: { type, criteria }, validator: { type: "json_schema", definition } } as const;
}

/** A version of the plan `shop`. */
export function planOf(data_points: readonly unknown[], settings?: PlanVersion["version_document"]["settings"]) {
  return { data_plan_id: "shop", version: 3, version_document: { data_points, ...(settings && { settings }) } };
}

/** A batch that names the plan `shop`. */
export function batchOf(events: readonly unknown[], more: Definition = {}) {
  return { environment: "development", context: { data_plan: { plan_id: "shop", plan_version: 3 } }, events, ...more };
}

/** A custom event of the type `other`. */
export function custom(event_name: string, custom_attributes?: unknown, custom_event_type = "other") {
  return { event_type: "custom_event", data: { event_name, custom_event_type, custom_attributes } };
}
