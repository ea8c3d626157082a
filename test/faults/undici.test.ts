import { describe } from "vitest";
import { full } from "../full.ts";

// Read by transports.ts when the first of these is imported.
process.env["TRANSPORT"] = "undici";

describe.each(full(["answers", "waits"], ["answers", "upload", "waits"]))("through undici: %s", async (name) => {
  await import(`./${name}.test.ts`);
});
