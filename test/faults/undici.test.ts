import { describe } from "vitest";

// Read by transports.ts when the first of these is imported.
process.env["TRANSPORT"] = "undici";

describe.each(["answers", "upload", "waits"])("through undici: %s", async (name) => {
  await import(`./${name}.test.ts`);
});
