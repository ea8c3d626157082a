import { describe, expect, it } from "vitest";
import { PODS } from "../../generated/contract.ts";
import { basicAuthorization, resolveBaseUrl, type Pod } from "../../src/transport/hosts.ts";

describe("resolveBaseUrl", () => {
  it.each(Object.entries(PODS))("sends pod %s to %s", (pod, url) => {
    expect(resolveBaseUrl({ pod: pod as Pod })).toBe(url);
  });

  it("takes us1 when nothing is said", () => {
    expect(resolveBaseUrl({})).toBe(PODS.us1);
  });

  it("takes a base URL as it is, without the slash at its end", () => {
    expect(resolveBaseUrl({ baseUrl: "http://127.0.0.1:4010/v2/" })).toBe("http://127.0.0.1:4010/v2");
    expect(resolveBaseUrl({ baseUrl: "http://127.0.0.1:4010/v2//" })).toBe("http://127.0.0.1:4010/v2");
    expect(resolveBaseUrl({ baseUrl: new URL("http://[::1]:4010/v2") })).toBe("http://[::1]:4010/v2");
  });

  it.each([
    [{ pod: "eu2" as Pod }, '`pod` is "eu2"; expected one of us1, us2, eu1, au1.'],
    [{ pod: "toString" as Pod }, '`pod` is "toString"'],
    [{ pod: "us1" as const, baseUrl: "http://localhost" }, "exclude each other"],
    [{ baseUrl: "s2s.mparticle.com" }, "not an http(s) URL"],
    [{ pod: ["us1"] as unknown as Pod }, "`pod` is an array of 1"],
    [{ baseUrl: "ftp://s2s.mparticle.com" }, '`baseUrl` is "ftp://s2s.mparticle.com/", not an http(s) URL'],
    [{ baseUrl: "httpx://s2s.mparticle.com" }, "not an http(s) URL"],
    [{ baseUrl: "xhttp://s2s.mparticle.com" }, "not an http(s) URL"],
    [{ baseUrl: "https://key:hidden@s2s.mparticle.com" }, "no credentials"],
    [{ baseUrl: "https://key@s2s.mparticle.com" }, "no credentials"],
    [{ baseUrl: "https://:hidden@s2s.mparticle.com" }, "no credentials"],
    [{ baseUrl: "https://s2s.mparticle.com/v2#part" }, "no credentials, query or fragment"],
    [{ baseUrl: "https://s2s.mparticle.com/?a=b" }, "no credentials, query or fragment"],
  ])("names what is wrong with %j", (options, message) => {
    expect(() => resolveBaseUrl(options)).toThrow(message);
  });

  it.each([
    "https://key:hidden@s2s.mparticle.com",
    "https://:hidden@s2s.mparticle.com",
    "ftp://key:hidden@s2s.mparticle.com",
    "ftp://:hidden@s2s.mparticle.com",
    "ftp://hidden@s2s.mparticle.com",
    "https://key:hidden@",
  ])("never repeats the credentials of a refused URL: %s", (baseUrl) => {
    expect(() => resolveBaseUrl({ baseUrl })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("hidden") as unknown }) as Error,
    );
  });
});

describe("basicAuthorization", () => {
  it("encodes key and secret as RFC 7617 says, in UTF-8", () => {
    // The example of RFC 7617, section 2.1.
    expect(basicAuthorization("test", "123\u00a3")).toBe("Basic dGVzdDoxMjPCow==");
  });

  it("lets the secret hold colons", () => {
    expect(basicAuthorization("a", "b:c")).toBe(`Basic ${btoa("a:b:c")}`);
  });

  it.each([
    ["", "s", "`apiKey` is empty; expected the key of an input"],
    ["k", "", "`apiSecret` is empty; expected the secret of an input"],
    ["k", null as unknown as string, "`apiSecret` is null; expected a non-empty string"],
    ["a:b", "s", "`apiKey` contains a colon"],
    ["k\n", "s", "`apiKey` contains a control character"],
    ["k", "s\r\n", "`apiSecret` contains a control character"],
    [undefined as unknown as string, "s", "`apiKey` is undefined; expected a non-empty string"],
    ["k", 5 as unknown as string, "`apiSecret` is number; expected a non-empty string"],
  ])("refuses %j and %j, naming the one that is wrong", (apiKey, apiSecret, message) => {
    expect(() => basicAuthorization(apiKey, apiSecret)).toThrow(message);
  });
});
