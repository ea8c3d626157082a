import { mergeConsent } from "mparticle-events";
import { ccpaFromUsp, consentFromRequest } from "mparticle-events/consent";
import { describe, expect, it } from "vitest";
import { writeTcString } from "./tc-string.ts";

const AT = 1_767_225_600_000;
const purposes = { 1: "storage" };
const ccpa = (consented: boolean): object => ({ data_sale_opt_out: { consented, timestamp_unixtime_ms: AT } });
const gdpr = (consented: boolean): object => ({ storage: { consented, timestamp_unixtime_ms: AT } });
const AGREED = writeTcString({ purposes: [1] });
const OPTED_OUT_BY_GPP = "DBABLA~CAAQAAAAAABA.QA";

describe("the consent of a request", () => {
  it.each([
    ["the headers of Node", { "sec-gpc": "1" }],
    ["headers in any case", { "Sec-GPC": "1" }],
    ["headers that were repeated", { "sec-gpc": ["1", "1"] }],
    ["the headers of fetch", new Headers({ "Sec-GPC": "1" })],
    ["a Request", new Request("http://shop.example/", { headers: { "Sec-GPC": "1" } })],
    ["an IncomingMessage", { headers: { "sec-gpc": "1" }, url: "/" }],
  ])("is read from %s", async (_, source) => {
    expect(await consentFromRequest(source, { atMs: AT })).toEqual({ ccpa: ccpa(true) });
  });

  it("is nothing when there is no signal", async () => {
    expect(await consentFromRequest({ accept: "*/*", "sec-gpc": "0" }, { purposes, atMs: AT })).toBeUndefined();
  });

  it("takes the strings of the query before those of the cookies", async () => {
    const url = `https://shop.example/order?us_privacy=1YYN&gdpr_consent=${AGREED}#top`;
    const headers = { cookie: `usprivacy=1YNN; euconsent-v2=${writeTcString({})}` };
    expect(await consentFromRequest({ url, headers }, { purposes, atMs: AT })).toEqual({
      gdpr: gdpr(true),
      ccpa: ccpa(true),
    });
    expect(await consentFromRequest({ headers }, { purposes, atMs: AT })).toEqual({
      gdpr: gdpr(false),
      ccpa: ccpa(false),
    });
  });

  it("asks Sec-GPC first, then GPP, then US Privacy", async () => {
    const cookie = (gpp: string): string => `gpp=${gpp}; usprivacy=1YNN`;
    const from = (headers: Record<string, string>): unknown => consentFromRequest(headers, { atMs: AT });
    expect(await from({ "sec-gpc": "1", cookie: "usprivacy=1YNN" })).toEqual({ ccpa: ccpa(true) });
    expect(await from({ cookie: cookie(OPTED_OUT_BY_GPP) })).toEqual({ ccpa: ccpa(true) });
    // A GPP string that states nothing about the sale leaves it to the older string.
    expect(await from({ cookie: cookie(`DBABMA~${AGREED}`) })).toEqual({ ccpa: ccpa(false) });
  });

  it("finds the TCF string within the GPP string when there is none of its own", async () => {
    const headers = { cookie: `gpp=DBABMA~${AGREED}` };
    expect(await consentFromRequest(headers, { purposes, atMs: AT })).toEqual({ gdpr: gdpr(true) });
    const both = { cookie: `gpp=DBABMA~${AGREED}; euconsent-v2=${writeTcString({})}` };
    expect(await consentFromRequest(both, { purposes, atMs: AT })).toEqual({ gdpr: gdpr(false) });
  });

  it("does not look at a TCF string when no purpose is asked for", async () => {
    expect(await consentFromRequest({ cookie: "euconsent-v2=junk" }, { atMs: AT })).toBeUndefined();
  });

  it("takes cookies of other names, quoted ones, and the first of several", async () => {
    const headers = { cookie: `a=b; privacy="1YYN"; privacy=1YNN; empty=` };
    expect(await consentFromRequest(headers, { cookies: { usp: "privacy" }, atMs: AT })).toEqual({ ccpa: ccpa(true) });
  });

  it("throws for a signal that cannot be read, or reports it and takes the others", async () => {
    const headers = { cookie: "usprivacy=junk; euconsent-v2=junk", "sec-gpc": "maybe" };
    await expect(consentFromRequest(headers, { purposes })).rejects.toThrow('The Sec-GPC signal is "maybe"');
    const invalid: string[] = [];
    const url = `/?gpp=${OPTED_OUT_BY_GPP}`;
    const state = await consentFromRequest(
      { headers, url },
      { purposes, atMs: AT, onInvalid: (e) => invalid.push(e.message) },
    );
    expect(state).toEqual({ ccpa: ccpa(true) });
    expect(invalid.map((message) => message.split(" is ")[0])).toEqual(["The Sec-GPC signal", "The TCF string"]);
  });

  it("refuses what is no request", async () => {
    await expect(consentFromRequest(undefined as never)).rejects.toThrow(
      "The request is undefined; expected its headers",
    );
  });

  it.each<[object, RegExp]>([
    [{ purpose: { 1: "storage" } }, /There is no option `purpose`; expected `purposes`/],
    [{ atMS: AT }, /There is no option `atMS`; expected `atMs`/],
    [{ cookies: { usprivacy: "us" } }, /There is no option `usprivacy`; expected `usp`|expected one of tcf, gpp, usp/],
    [{ cookies: "usprivacy" }, /`cookies` is "usprivacy"; expected an object/],
  ])("refuses %j, by which nothing would be read", async (options, message) => {
    await expect(consentFromRequest({ "sec-gpc": "1" }, options)).rejects.toThrow(message);
    if ("atMS" in options) expect(() => ccpaFromUsp("1YNN", options as object)).toThrow(message);
  });

  it("joins what is stored, and the newer decision wins", async () => {
    const stored = { ccpa: { data_sale_opt_out: { consented: false, timestamp_unixtime_ms: AT - 1 } } };
    const state = await consentFromRequest({ "sec-gpc": "1" }, { atMs: AT });
    expect(mergeConsent(stored, state)).toEqual({ ccpa: ccpa(true) });
  });
});
