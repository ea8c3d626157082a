import { createRequire } from "node:module";
import type typescript from "typescript";

/**
 * The compiler, by `require`: for an `import` of it Node first reads nine megabytes for the names that they export, which
 * takes longer than to load them.
 */
export const ts = createRequire(import.meta.url)("typescript") as typeof typescript;
