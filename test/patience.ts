import { vi } from "vitest";

/**
 * How long `vi.waitFor` waits where nothing else is said: below the limit of a test, so that it is this that fails and says
 * why. Its own second decides tests by the speed of the machine.
 */
const PATIENCE_MS = 100_000;

const { waitFor } = vi;

vi.waitFor = (callback, options) =>
  waitFor(callback, { timeout: PATIENCE_MS, ...(typeof options === "number" ? { timeout: options } : options) });
