import { describe, expect, it } from "vitest";
import {
  HISTORICAL_WITHOUT_EVENTS,
  historicalTimeProblem,
  isoDate,
  liveAgeProblem,
  secondsProblem,
} from "../../src/rules/history.ts";

const NOW = Date.UTC(2026, 10, 28, 12);
const HOUR_MS = 3_600_000;

describe("the time of a historical event", () => {
  it("is 72 hours ago or more, to the millisecond", () => {
    expect(historicalTimeProblem(NOW - 72 * HOUR_MS, NOW)).toBeUndefined();
    expect(historicalTimeProblem(NOW - 72 * HOUR_MS + 1, NOW)).toEqual({
      code: "historical-too-recent",
      message: "2026-11-25T12:00:00.001Z is less than 72 hours ago; one such event makes the service drop the batch.",
      hint: "Send it with upload or uploadBulk (on the command line: upload without --historical).",
    });
  });

  it.each([undefined, null])("has to be there: %j is none", (time) => {
    expect(historicalTimeProblem(time, NOW)).toEqual({
      code: "historical-timestamp-missing",
      message: "a historical event needs its own time; without one the service drops the batch.",
    });
  });

  it("has to be a number, and the message shows what it is instead", () => {
    expect(historicalTimeProblem("2026-01-01", NOW)).toMatchObject({
      code: "historical-timestamp-missing",
      message:
        'a historical event needs its own time, as a number, got "2026-01-01"; without one the service drops the batch.',
    });
  });

  it("is asked of a batch that has events", () => {
    expect(HISTORICAL_WITHOUT_EVENTS).toEqual({
      code: "historical-without-events",
      message: "a historical batch needs at least one event; without one the service drops it.",
    });
  });
});

describe("the time of an event on the other operations", () => {
  it("is 30 days ago at most, to the millisecond", () => {
    expect(liveAgeProblem(NOW - 720 * HOUR_MS, NOW)).toBeUndefined();
    expect(liveAgeProblem(NOW - 720 * HOUR_MS - 1, NOW)).toEqual({
      code: "older-than-30-days",
      message: "2026-10-29T11:59:59.999Z is more than 30 days ago, and old events distort audiences.",
      hint: "Send it with uploadHistorical (on the command line: upload --historical).",
    });
  });
});

describe("a time in seconds", () => {
  it("is one before March 1973, were it in milliseconds", () => {
    expect(secondsProblem(100_000_000_000)).toBeUndefined();
    expect(secondsProblem(99_999_999_999)?.code).toBe("seconds-not-milliseconds");
  });

  it("is shown in both units", () => {
    expect(secondsProblem(NOW / 1000)).toEqual({
      code: "seconds-not-milliseconds",
      message: "1795867200 is 1970-01-21T18:51:07.200Z in milliseconds.",
      hint: "Seconds would be 2026-11-28T12:00:00.000Z: multiply by 1000.",
    });
  });

  it.each([0, -1])("is not what %d would be: nobody knows that time", (time) => {
    expect(secondsProblem(time)?.hint).toBe(
      "Pass milliseconds since the Unix epoch, or leave it out when the time is not known.",
    );
  });
});

describe("a number that is no date", () => {
  it("is said to be none, in place of an exception", () => {
    expect(isoDate(8.64e15)).toBe("+275760-09-13T00:00:00.000Z");
    expect(isoDate(8.64e15 + 1)).toBe("no date at all");
  });
});
