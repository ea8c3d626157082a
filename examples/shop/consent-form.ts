/** A server that takes a consent form and the signals of the browser that sends it, and makes one consent state of both. */
import { gdprConsent, mergeConsent, type ConsentState } from "mparticle-events";
import { consentFromRequest } from "mparticle-events/consent";

/** The purposes of the dashboard, each a checkbox of the form. */
const PURPOSES = ["analytics", "marketing"] as const;

/**
 * What a user decided by this request.
 *
 * @param request - a form post; a checkbox that is not ticked is not in its body.
 * @param receivedAtMs - when it arrived, in milliseconds since 1970: the decisions count from then.
 */
export async function readConsentForm(request: Request, receivedAtMs = Date.now()): Promise<ConsentState> {
  const signals = await consentFromRequest(request, {
    atMs: receivedAtMs,
    // Strangers write these strings: one that cannot be read must not fail the request.
    onInvalid: (error) => {
      console.warn(error.message);
    },
  });
  const form = new URLSearchParams(await request.text());
  const decisions = PURPOSES.map((purpose) =>
    gdprConsent(purpose, form.get(purpose) === "on", {
      document: "consent_form_v1",
      timestamp_unixtime_ms: receivedAtMs,
    }),
  );
  return mergeConsent(signals, ...decisions);
}
