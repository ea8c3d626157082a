/** Sends real events through the library to the mock server, and shows what happened: `npm run demo`. */
import { runDemo } from "./demo/command.ts";

process.exitCode = await runDemo(process.argv.slice(2), process.env, console);
