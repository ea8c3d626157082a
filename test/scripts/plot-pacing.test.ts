import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { plotPacing } from "../../scripts/pacing/plot.ts";

it("docs/pacing.svg shows what the pace does now; `npm run plot:pacing` draws it anew", () => {
  const committed = readFileSync(new URL("../../docs/pacing.svg", import.meta.url), "utf8");
  expect(committed === plotPacing()).toBe(true);
});
