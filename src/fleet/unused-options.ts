import type { ClientInternals } from "../delivery/client.ts";

/**
 * A worker sends what is in the store as it is. Whoever gave its client a check, or a gate of consent, has to know that
 * neither is asked here.
 */
export function warnOfUnused({ preparation, telemetry }: Pick<ClientInternals, "preparation" | "telemetry">): void {
  const { beforeSend = [], check } = preparation;
  const unused = [...(beforeSend.length > 0 ? ["`beforeSend`"] : []), ...(check === undefined ? [] : ["`validate`"])];
  if (unused.length === 0) return;
  telemetry.warn(
    `A FleetWorker sends what is in the store as it is, without ${unused.join(" and ")} of its client. Use them where batches are added.`,
  );
}
