/** What a child process is told, as JSON on its command line. */
export const told = JSON.parse(process.argv[2]);

/** A process does not end because its store is away for a moment. */
export async function untilStored(store) {
  for (;;) {
    try {
      return await store();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

export async function openPool() {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    host: "127.0.0.1",
    port: told.port,
    user: "postgres",
    database: told.database ?? "postgres",
    max: 6,
  });
  pool.on("error", () => undefined);
  return pool;
}

/** Lets the parent know, one line each; it may be killed at any time. */
export const tell = (line) => process.stdout.write(`${line}\n`);
