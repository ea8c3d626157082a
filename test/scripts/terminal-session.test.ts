import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { recordSession, withSession } from "../../scripts/docs/terminal-session.ts";

it("shows the session of docs/cli.md as the command is now; `npm run docs:session` writes it anew", async () => {
  const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
  expect(withSession(page, await recordSession())).toBe(page);
});
