import type { Queryable } from "./database.ts";

/** What this PostgreSQL loses when it crashes, in one sentence; `undefined` when a commit is on disk before it returns. */
export async function describeDurability(pool: Queryable): Promise<string | undefined> {
  const { rows } = await pool.query(
    "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit",
  );
  const [settings] = rows as readonly { readonly fsync: string; readonly synchronous_commit: string }[]; // as selected
  if (settings?.fsync === "off") {
    return "This PostgreSQL does not write to disk (fsync = off): a power cut may lose the whole database.";
  }
  return settings?.synchronous_commit === "off"
    ? "This PostgreSQL commits before it writes to disk (synchronous_commit = off): a crash loses the commits of the last moments, events and orders alike."
    : undefined;
}
