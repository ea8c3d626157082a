import { rmSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { makeProject, type Packed } from "./packed.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The package, and a project that has it: made once for all the tests of it. */
    readonly packed: Packed & { readonly folder: string };
  }
}

export default function setup({ provide }: TestProject): () => void {
  const { folder, packed } = makeProject();
  provide("packed", { folder, ...packed });
  return () => {
    rmSync(folder, { recursive: true });
  };
}
