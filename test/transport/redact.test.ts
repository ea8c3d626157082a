import { describe, expect, it } from "vitest";
import { Redaction } from "../../src/transport/redact.ts";

const SECRET = "s3cr3t-s3cr3t";
// The base64 of `ke:s3cr3t-s3cr3t`, whose end needs two characters of padding.
const BASIC = "a2U6czNjcjN0LXMzY3IzdA";
const redaction = new Redaction(SECRET, `Basic ${BASIC}==`);

describe("what is told of an error", () => {
  it("has the secret nowhere, be it in its Basic form with all of its padding, a part of it or none", () => {
    for (const padding of ["==", "=", ""]) expect(redaction.redact(`<${BASIC}${padding}>`)).toBe("<[redacted]>");
  });

  it("is where it was thrown, and no cause where it has none", () => {
    const error = new RangeError(`failed with ${SECRET}`);
    const copy = redaction.copyError(error) as Error;
    expect(copy.stack).toBe(error.stack?.replace(SECRET, "[redacted]"));
    expect(copy).not.toHaveProperty("cause");
  });

  it("is its message also where nobody knows where it was thrown", () => {
    const error = Object.assign(new Error("failed"), { stack: undefined });
    expect(redaction.copyError(error)).toMatchObject({ message: "failed" });
  });

  it("ends somewhere, where an error is the cause of itself, or one of several that it stands for", () => {
    const own = new Error("own");
    own.cause = own;
    let depth = 0;
    for (let copy = redaction.copyError(own); copy !== undefined; copy = (copy as Error).cause) depth++;
    expect(depth).toBe(5);
    const several = new AggregateError([], "several");
    several.errors.push(several);
    let copies = 0;
    for (let copy: unknown = redaction.copyError(several); copy !== undefined; copies++)
      copy = (copy as { readonly errors?: readonly unknown[] }).errors?.[0];
    expect(copies).toBe(5);
  });

  it("is ten of the errors that it stands for", () => {
    const errors = Array.from({ length: 1_000 }, (_, index) => new Error(String(index)));
    const copy = redaction.copyError(new AggregateError(errors, "several")) as AggregateError;
    expect(copy.errors.map(String)).toEqual(errors.slice(0, 10).map(String));
  });

  it("is that it cannot be read, where reading it throws", () => {
    const error = Object.defineProperty(new Error("x"), "message", {
      get: () => {
        throw new Error(SECRET);
      },
    });
    expect(redaction.copyError(error)).toEqual(new Error("an error that cannot be read"));
  });
});
