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
    expect(parseRetryAfter(value, null, NOW)).toBe(ms);
  });

  it.each([null, "", "-5", "soon", "1e9x", "NaN", "Infinity", "2, 3", "Mon", "Monday, 23-Nov-26"])(
    "makes nothing of %j",
    (value) => {
      expect(parseRetryAfter(value, null, NOW)).toBeUndefined();
    },
  );

  it("takes a date without a zone for UTC, wherever it is read", () => {
    const zone = process.env["TZ"];
    process.env["TZ"] = "America/New_York";
    try {
      expect(parseRetryAfter("Mon Nov 23 12:00:07 2026", null, NOW)).toBe(7000);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  });

  it.each([
    ["whose clock is an hour ahead", "Mon, 23 Nov 2026 13:00:00 GMT", "Mon, 23 Nov 2026 13:00:07 GMT", 7000],
    ["whose clock is an hour behind", "Mon, 23 Nov 2026 11:00:00 GMT", "Mon, 23 Nov 2026 11:00:07 GMT", 7000],
    ["that names the moment of the answer", " Mon, 23 Nov 2026 13:00:00 GMT ", "Mon, 23 Nov 2026 13:00:00 GMT", 0],
    ["whose own date is none", "yesterday", "Mon, 23 Nov 2026 12:00:07 GMT", 7000],
    ["that names seconds, whatever its date", "Mon, 23 Nov 2026 13:00:00 GMT", "5", 5000],
  ])("measures a date by the clock of the server %s", (_, date, value, ms) => {
    expect(parseRetryAfter(value, date, NOW)).toBe(ms);
  });

  it.each([
    ["x5", undefined],
    ["5x", undefined],
    ["5.", undefined],
    [".5", undefined],
    ["1.25", 1250],
    ["86400", 86_400_000],
    ["86401", 86_400_000],
    ["xMon, 23 Nov 2026 12:00:07 GMT", undefined],
    ["Mon, 23 Nov 2026 12:00:07 GMTx", undefined],
    ["Mon, 23 Nov 2026 12:00:07", undefined],
    ["Mon, 23 Nov 2026 12:00:07 GMT+0100", undefined],
    ["xMon Nov 23 12:00:07 2026", undefined],
    ["Mon Nov 23 12:00:07 2026 (local time)", undefined],
    ["Mon Nov 23 12:00:07 2026x", undefined],
    ["xMonday, 23-Nov-26 12:00:07 GMT", undefined],
    ["Monday, 23-Nov-26 12:00:07 GMTx", undefined],
    ["Monday, 123-Nov-26 12:00:07 GMT", undefined],
    ["Tuesday, 24-Nov-26 00:00:00 GMT", 43_200_000],
  ])("takes %j for what it is, whole", (value, ms) => {
    expect(parseRetryAfter(value, null, NOW)).toBe(ms);
  });
});
