import { writeFileSync } from "node:fs";
import { drawBadges } from "./badges.ts";

writeFileSync(new URL("../../docs/badges.svg", import.meta.url), drawBadges());
