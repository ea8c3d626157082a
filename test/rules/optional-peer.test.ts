import { describe, expect, it } from "vitest";
import { loadPeer, MissingPeerError } from "../../src/rules/optional-peer.ts";

describe("an optional peer", () => {
  it("is what its import gives", async () => {
    await expect(loadPeer("FleetQueue", "bullmq", "^6", () => Promise.resolve({ Queue: 1 }))).resolves.toEqual({
      Queue: 1,
    });
  });

  it("that is missing is an error that names who needs it, what to install, and the cause", async () => {
    const cause = new Error("Cannot find package 'bullmq'");
    const error: unknown = await loadPeer("FleetQueue", "bullmq", "^6", () => Promise.reject(cause)).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(MissingPeerError);
    expect(error).toMatchObject({
      name: "MissingPeerError",
      packageName: "bullmq",
      message: "FleetQueue needs bullmq, an optional peer: run `npm install bullmq@^6`.",
      cause,
    });
  });
});
