/** Compares two descriptions of the API: `npm run spec:diff -- --help`. */
import { runDiff } from "./diff/command.ts";

process.exitCode = await runDiff(process.argv.slice(2), console);
