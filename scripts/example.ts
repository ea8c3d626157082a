/** Runs an example against a mock of the service, and prints what arrived: `npm run example NAME`. */
import { exampleNames, runExample } from "./examples/run-example.ts";

const [name = ""] = process.argv.slice(2);
if (!exampleNames().includes(name)) {
  console.error(`Say which example to run: npm run example ${exampleNames().join("|")}`);
  process.exitCode = 2;
} else {
  const records = await runExample(name);
  console.log(`\nWhat arrived at the mock, ${String(records.length)} batches:`);
  for (const { path, verdict, batch } of records) console.log(verdict, path, JSON.stringify(batch));
}
