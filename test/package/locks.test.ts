import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./packed.ts";

/** The parts of a `package-lock.json` that are read here. */
interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

const LOCKS = [
  "package-lock.json",
  "bench/package-lock.json",
  "test/runtimes/package-lock.json",
  "docs/site/package-lock.json",
  "test/bundlers/package-lock.json",
];

describe("a lockfile", () => {
  // npm leaves out what the registry lacked when it was written, says nothing, and `npm ci` fails on other machines.
  it.each(LOCKS)("is whole: %s", (path) => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Lock; // as npm writes it
    const locked = Object.keys(packages);
    const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !locked.some((at) => at.endsWith(`node_modules/${name}`)))
        .map((name) => `${name}, for ${from}`),
    );
    expect(locked.length).toBeGreaterThan(50);
    expect(missing).toEqual([]);
  });

  it.each(LOCKS)("names no address of a registry: %s", (path) => {
    expect(readFileSync(join(ROOT, path), "utf8")).not.toMatch(/"resolved": "http/);
  });
});
