import { readFileSync, writeFileSync } from "node:fs";
import { recordSession, withSession } from "./terminal-session.ts";

const path = new URL("../../docs/cli.md", import.meta.url);
writeFileSync(path, withSession(readFileSync(path, "utf8"), await recordSession()));
