import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "../../src/transport/retry-after.ts";

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

describe("parseRetryAfter", () => {
  it.each([
    ["2", 2000],
    [" 2 ", 2000],
    ["0", 0],
    ["1.5", 1500],
    ["0.0001", 1],
    ["Mon, 23 Nov 2026 12:00:07 GMT", 7000],
    ["Mon, 23 Nov 2026 11:59:00 GMT", 0],
    ["Monday, 23-Nov-26 12:00:07 GMT", 7000],
    ["Mon Nov 23 12:00:07 2026", 7000],
    ["Sun Nov  1 12:00:00 2026", 0],
    ["99999999999", 24 * 60 * 60 * 1000],
    ["Mon, 23 Nov 2099 12:00:00 GMT", 24 * 60 * 60 * 1000],
  ])("reads %j as %d ms", (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  it.each([null, "", "-5", "soon", "1e9x", "NaN", "Infinity", "2, 3", "Mon", "Monday, 23-Nov-26"])(
    "makes nothing of %j",
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBeUndefined();
    },
  );

  it("takes a date without a zone for UTC, wherever it is read", () => {
    const zone = process.env["TZ"];
    process.env["TZ"] = "America/New_York";
    try {
      expect(parseRetryAfter("Mon Nov 23 12:00:07 2026", NOW)).toBe(7000);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  });
});
