import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { plotPacing } from "./pacing/plot.ts";

const folder = fileURLToPath(new URL("../docs/", import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}pacing.svg`, plotPacing());
console.log("docs/pacing.svg is written.");
