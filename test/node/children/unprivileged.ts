/** A process that opens an outbox without the rights of root: `unprivileged.ts OUTBOX OTHER`. Prints what that said. */
import { sqliteOutbox } from "mparticle-events/node";

const [path = "", other = ""] = process.argv.slice(2);
const first = sqliteOutbox(other); // loads what may be out of reach afterwards
await first.open();
await first.close();
if (process.getuid?.() === 0) process.setuid?.(65_534);
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
