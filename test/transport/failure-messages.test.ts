import { describe, expect, it } from "vitest";
import { codeOfFault, describeAnswer, describeFault, shortened } from "../../src/transport/failure-messages.ts";

const URL = "https://s2s.example/v2/events";

describe("the message of an answer that is no acceptance", () => {
  it.each([
    [301, "Redirects are not followed with credentials"],
    [399, "Redirects are not followed with credentials"],
    [400, "`checkBatch` of mparticle-events/validate names the field"],
    [401, "Check `apiKey` and `apiSecret`"],
    [404, "Check `baseUrl`: it ends with /v2."],
    [413, "send fewer or smaller batches"],
    [418, "The service, or something in front of it, refused the request."],
    [429, "The account's rate limit is reached"],
    [499, "The service, or something in front of it, refused the request."],
    [500, "The service failed; the same batch may succeed later."],
    [599, "The service failed; the same batch may succeed later."],
  ])("says what to do about %i", (status, advice) => {
    const message = describeAnswer(URL, status, [], undefined);
    expect(message).toContain(`POST ${URL} answered ${String(status)}. `);
    expect(message).toContain(advice);
    expect(message).not.toContain("The body is");
  });

  it("sends nobody to `checkBatch` where a place or a remedy is named: it may know nothing of it, as of a plan", () => {
    for (const named of [{ path: "/events/0" }, { hint: "Add it to the plan." }]) {
      expect(describeAnswer(URL, 400, [{ message: "no" }, named], undefined)).toMatch(
        /\. The service refused the payload\.$/,
      );
    }
    expect(describeAnswer(URL, 400, [{ code: "BAD_REQUEST", message: "no" }], undefined)).toContain("checkBatch");
  });

  it("says so where the body is none of the service's", () => {
    expect(describeAnswer(URL, 503, [], "text/html")).toBe(
      `${describeAnswer(URL, 503, [], undefined)} The body is text/html, which the service never sends.`,
    );
  });
});

describe("the message of a request without an answer", () => {
  const refused = { code: "ECONNREFUSED" };

  it.each<[string, Parameters<typeof describeFault>[1], unknown, string | undefined, string]>([
    ["nobody listened", "CONNECTION", refused, undefined, "was not sent: nothing listens there (ECONNREFUSED)."],
    ["it broke off", "CONNECTION", { code: "EPIPE" }, undefined, "got no answer; whether it arrived is unknown"],
    [
      "the fault has no code",
      "CONNECTION",
      new Error("odd"),
      undefined,
      "got no answer; whether it arrived is unknown",
    ],
    ["the fault is none", "CONNECTION", null, undefined, "sending it again is safe (null)."],
    ["the code is no word", "CONNECTION", { code: 7 }, undefined, "sending it again is safe ([object Object])."],
    ["the code is the name of a method", "CONNECTION", { code: "toString" }, undefined, "got no answer"],
    ["it took too long", "TIMEOUT", new Error("late"), undefined, "was not answered in time; whether it arrived is un"],
    ["it took too long to connect", "TIMEOUT", refused, undefined, "was not answered in time"],
    [
      "it never got a socket",
      "TIMEOUT",
      new Error("late"),
      "a free socket",
      "was not sent: it waited for a free socket",
    ],
    ["it was aborted", "ABORTED", refused, "a free socket", "was aborted by its signal"],
    ["the certificate is wrong", "TLS", { code: "CERT_HAS_EXPIRED" }, undefined, "certificate does not verify"],
  ])("says whether it may have arrived, where %s", (_, code, cause, waitedFor, message) => {
    expect(describeFault(URL, code, cause, waitedFor)).toContain(`POST ${URL} `);
    expect(describeFault(URL, code, cause, waitedFor)).toContain(message);
  });

  it.each<[unknown, string]>([
    [{ code: "CERT_HAS_EXPIRED" }, "TLS"],
    [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, "TLS"],
    [{ code: "ERR_TLS_CERT_ALTNAME_INVALID" }, "TLS"],
    [{ code: "ECONNRESET" }, "CONNECTION"],
    [{ code: 5 }, "CONNECTION"],
    [new Error("CERT"), "CONNECTION"],
    [null, "CONNECTION"],
    ["CERT", "CONNECTION"],
  ])("is about the certificate or about the connection: %j", (fault, code) => {
    expect(codeOfFault(fault)).toBe(code);
  });
});

describe("a long text of a server", () => {
  it("is cut to what there is room for, and no character of it in two", () => {
    expect(shortened("12345", 5)).toBe("12345");
    expect(shortened("123456", 5)).toBe("1234…");
    expect(shortened("123😀56", 5)).toBe("123…");
    expect(shortened("😀3456", 5)).toBe("😀34…");
  });
});
