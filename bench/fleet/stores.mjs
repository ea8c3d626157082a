/** The store that this process is told of, opened by the peer that it belongs to. */
export const told = JSON.parse(process.argv[2]);

export async function openPool(max) {
  const { default: pg } = await import("pg");
  return new pg.Pool({ host: "127.0.0.1", port: told.port, user: "postgres", database: "postgres", max });
}

export async function openBoss() {
  const { default: PgBoss } = await import("pg-boss");
  const boss = new PgBoss({
    host: "127.0.0.1",
    port: told.port,
    user: "postgres",
    database: "postgres",
    supervise: false,
    schedule: false,
  });
  boss.on("error", console.error);
  await boss.start();
  return boss;
}

export const redis = { host: "127.0.0.1", port: told.port };
