/** Compiles the API description into everything under generated/: `npm run generate -- --help`. */
import { runCompiler } from "./spec/command.ts";

process.exitCode = await runCompiler(process.argv.slice(2), console);
