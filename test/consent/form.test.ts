import { expect, it } from "vitest";
import { readConsentForm } from "../../examples/shop/consent-form.ts";

const AT = 1_767_225_600_000;
const decided = (consented: boolean): object => ({
  consented,
  document: "consent_form_v1",
  timestamp_unixtime_ms: AT,
});

it("a form post from a browser with Global Privacy Control becomes what its user decided", async () => {
  const request = new Request("http://shop.example/consent", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "Sec-GPC": "1" },
    body: "analytics=on",
  });
  expect(await readConsentForm(request, AT)).toEqual({
    gdpr: { analytics: decided(true), marketing: decided(false) },
    ccpa: { data_sale_opt_out: { consented: true, timestamp_unixtime_ms: AT } },
  });
});

it("a form post without any signal says nothing about the sale of data", async () => {
  const request = new Request("http://shop.example/consent", { method: "POST", body: "marketing=on" });
  expect(await readConsentForm(request, AT)).toEqual({
    gdpr: { analytics: decided(false), marketing: decided(true) },
  });
});
