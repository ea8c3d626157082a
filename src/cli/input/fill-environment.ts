/** A batch that does not say its environment, as a row of CSV hardly ever does, with the one that was said for it. */
export function fillEnvironment(batch: unknown, environment: "development" | "production" | undefined): unknown {
  if (environment === undefined || typeof batch !== "object" || batch === null || Array.isArray(batch)) return batch;
  const { environment: own }: { readonly environment?: unknown } = batch;
  return own === undefined || own === null || own === "" ? { ...batch, environment } : batch;
}
