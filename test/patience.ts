import fc from "fast-check";
import { vi } from "vitest";
import { full } from "./full.ts";

/**
 * How long `vi.waitFor` waits where nothing else is said: below the limit of a test, so that it is this that fails and says
 * why. Its own second decides tests by the speed of the machine.
 */
const PATIENCE_MS = 100_000;

const { waitFor } = vi;

vi.waitFor = (callback, options) =>
  waitFor(callback, { timeout: PATIENCE_MS, ...(typeof options === "number" ? { timeout: options } : options) });

// What a property is tried with where a test does not say how often.
fc.configureGlobal({ numRuns: full(30, 100) });
