/** A process that opens outboxes without the rights of root: `unprivileged.ts OTHER OUTBOX...`. Prints what that said. */
import { sqliteOutbox } from "mparticle-events/node";

const [other = "", ...paths] = process.argv.slice(2);
const first = sqliteOutbox(other); // loads what may be out of reach afterwards
await first.open();
await first.close();
if (process.getuid?.() === 0) process.setuid?.(65_534);
for (const path of paths) {
  await sqliteOutbox(path)
    .open()
    .then(
      () => {
        console.log("opened");
      },
      (error: unknown) => {
        console.log(String(error));
      },
    );
}
