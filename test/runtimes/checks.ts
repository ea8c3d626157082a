/** What has to be true of every runtime: of what the program saw, and of what the service was sent. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RecordedRequest } from "../../src/testing/testing.ts";
import { ADDED, BULK, CREDENTIALS, DECIDED_AT_MS, IDS, TEXT, type Report, type Scenario } from "./scenarios.ts";
import { scenarioOf } from "./service.ts";

/** One run of the program, from both sides. */
export interface Run {
  readonly report: Report;
  readonly requests: readonly RecordedRequest[];
  /** Requests that came in on a connection gone stale; they are not among the others. */
  readonly staleRequests: number;
}

/** Something that has to be true; it throws where it is not. */
export interface Check<Evidence> {
  readonly title: string;
  readonly judge: (evidence: Evidence) => void;
}

/** What became of a check. */
export interface Verdict {
  readonly title: string;
  /** Why it failed. */
  readonly problem?: string | undefined;
}

export function judgeAll<Evidence>(checks: readonly Check<Evidence>[], evidence: Evidence): readonly Verdict[] {
  return checks.map(({ title, judge }) => {
    try {
      judge(evidence);
      return { title };
    } catch (error) {
      return { title, problem: error instanceof Error ? error.message : String(error) };
    }
  });
}

/** All that came in for a scenario. */
function sent({ requests }: Run, scenario: Scenario): readonly RecordedRequest[] {
  return requests.filter(({ path }) => scenarioOf(path) === scenario);
}

/** The one request of a scenario that has to have one. */
function sentOnce(run: Run, scenario: Scenario): RecordedRequest {
  const [request, ...others] = sent(run, scenario);
  ok(request, "nothing was sent");
  strictEqual(others.length, 0, `sent ${String(others.length + 1)} times`);
  return request;
}

/** A failure as the program describes it: without a word about the secret. */
function failure(name: string, code: string): unknown {
  return { name, code };
}

export const CHECKS: readonly Check<Run>[] = [
  {
    title: "upload is accepted at the first attempt",
    judge: ({ report }) => {
      deepStrictEqual(report.facts.upload, { status: 202, attempts: 1, isOwnId: true });
    },
  },
  {
    title: "64-bit ids arrive digit by digit",
    judge: (run) => {
      const { body } = sentOnce(run, "upload");
      match(body, new RegExp(`"mpid":${String(IDS.mpid)}[,}]`));
      match(body, new RegExp(`"current_mpid":${IDS.current_mpid}[,}]`));
    },
  },
  {
    title: "text arrives as it was, with its length in bytes",
    judge: (run) => {
      const { body, headers, batches } = sentOnce(run, "upload");
      deepStrictEqual(batches[0]?.user_attributes, { city: TEXT });
      strictEqual(headers["content-length"], String(Buffer.byteLength(body)));
      strictEqual(headers["transfer-encoding"], undefined);
    },
  },
  {
    title: "consent arrives, opted out where it says so",
    judge: (run) => {
      deepStrictEqual(sentOnce(run, "upload").batches[0]?.consent_state, {
        gdpr: { analytics: { consented: true, document: "terms_v3", timestamp_unixtime_ms: 1_700_000_000_000 } },
        ccpa: { data_sale_opt_out: { consented: true, timestamp_unixtime_ms: 1_700_000_000_001 } },
      });
    },
  },
  {
    title: "every request is a POST of JSON with the credentials",
    judge: ({ requests }) => {
      const { apiKey, apiSecret } = CREDENTIALS;
      for (const { method, headers } of requests) {
        strictEqual(method, "POST");
        match(headers["content-type"] ?? "", /^application\/json\b/);
        match(headers["user-agent"] ?? "", /^mparticle-events\/\d/);
        const [scheme, encoded = ""] = headers["authorization"]?.split(" ") ?? [];
        deepStrictEqual([scheme, Buffer.from(encoded, "base64").toString()], ["Basic", `${apiKey}:${apiSecret}`]);
      }
    },
  },
  {
    title: "of a bulk request the poisoned batch alone is rejected",
    judge: (run) => {
      const users = Array.from({ length: BULK.batches }, (_, index) => `user-${String(index)}`);
      deepStrictEqual(
        run.report.facts.bulk,
        users.map((user) => (user === BULK.poisoned ? ["rejected", "BAD_REQUEST"] : "accepted")),
      );
      const accepted = sent(run, "bulk").flatMap(({ status, batches }) => (status === 202 ? batches : []));
      deepStrictEqual(
        accepted.map((batch) => batch.user_identities?.customer_id).sort(),
        users.filter((user) => user !== BULK.poisoned),
      );
    },
  },
  {
    title: "503 is tried again, with the same bytes",
    judge: (run) => {
      deepStrictEqual(run.report.facts.retry, { attempts: 2 });
      const [first, second, ...others] = sent(run, "retry");
      deepStrictEqual([first?.status, second?.status, others.length], [503, 202, 0]);
      strictEqual(first?.body, second?.body);
    },
  },
  {
    title: "a connection that breaks is tried again, with the same bytes",
    judge: (run) => {
      deepStrictEqual(run.report.facts.lost, { status: 202 });
      const [first, second, ...others] = sent(run, "lost");
      deepStrictEqual([first?.status, second?.status, others.length], [undefined, 202, 0]);
      strictEqual(first?.body, second?.body);
    },
  },
  {
    title: "a redirect is not followed",
    judge: (run) => {
      deepStrictEqual(run.report.facts.redirect, failure("ApiError", "REDIRECTED"));
      sentOnce(run, "redirect");
      deepStrictEqual(
        run.requests.filter(({ path }) => scenarioOf(path) === "elsewhere"),
        [],
      );
    },
  },
  {
    title: "an answer that does not come ends in TIMEOUT",
    judge: (run) => {
      deepStrictEqual(run.report.facts.timeout, failure("NetworkError", "TIMEOUT"));
      sentOnce(run, "timeout");
    },
  },
  {
    title: "the status is the verdict, also of an answer that does not end",
    judge: (run) => {
      deepStrictEqual(run.report.facts.endless, failure("ApiError", "BAD_REQUEST"));
      sentOnce(run, "endless");
    },
  },
  {
    title: "an abort ends a request",
    judge: (run) => {
      deepStrictEqual(run.report.facts.abort, failure("NetworkError", "ABORTED"));
      sentOnce(run, "abort");
    },
  },
  {
    title: "an abort ends a wait",
    judge: (run) => {
      deepStrictEqual(run.report.facts["abort-wait"], failure("MParticleError", "ABORTED"));
      sentOnce(run, "abort-wait");
    },
  },
  {
    title: "a queue delivers on flush and on close",
    judge: ({ report }) => {
      const count = ADDED.length;
      deepStrictEqual(report.facts.queue, {
        isSettled: true,
        flushed: { added: count, accepted: count, rejected: 0, undelivered: 0, pending: 0 },
        closed: { accepted: count + 1, rejected: 0, undelivered: 0, unsent: 0 },
      });
    },
  },
  {
    title: "a queue keeps each user's order",
    judge: (run) => {
      const screens = new Map<string, (string | null | undefined)[]>();
      for (const { user_identities, events } of sent(run, "queue").flatMap(({ batches }) => batches)) {
        const names = (events ?? []).map((event) => (event.event_type === "screen_view" ? event.data.screen_name : ""));
        const user = user_identities?.customer_id ?? "";
        screens.set(user, [...(screens.get(user) ?? []), ...names]);
      }
      const added = (wanted: string): readonly string[] =>
        ADDED.filter(({ user }) => user === wanted).map(({ screen }) => screen);
      deepStrictEqual(Object.fromEntries(screens), { ada: added("ada"), bob: added("bob"), 1234: ["Goodbye"] });
    },
  },
  {
    title: "checkBatch names the misspelt field, and nothing is sent",
    judge: (run) => {
      deepStrictEqual(run.report.facts.validate, {
        good: [],
        misspelt: [["unknown-key", "/envronment"]],
        refusal: failure("InvalidBatchError", "INVALID_BATCH"),
      });
      strictEqual(sent(run, "validate").length, 0);
    },
  },
  {
    title: "client.raw posts a batch",
    judge: (run) => {
      deepStrictEqual(run.report.facts.raw, { status: 202 });
      const { path, body } = sentOnce(run, "raw");
      strictEqual(path, "/raw/v2/events");
      match(body, new RegExp(`"mpid":${String(IDS.mpid)}[,}]`));
      doesNotMatch(body, /\\u/);
    },
  },
  {
    title: "signals of consent are read, those of TCF and GPP with their peers",
    judge: ({ report }) => {
      const decided = (consented: boolean) => ({ consented, timestamp_unixtime_ms: DECIDED_AT_MS });
      const ccpa = { data_sale_opt_out: decided(true) };
      const gdpr = { storage: decided(true), ads: decided(false), google: decided(true) };
      deepStrictEqual(report.facts.signals, {
        tcf: { gdpr },
        gpp: { ccpa },
        usp: { ccpa },
        gpc: { ccpa },
        request: { gdpr, ccpa },
        junk: true,
      });
    },
  },
  {
    title: "a gate lets pass what the user has agreed to, and a step hashes identities",
    judge: (run) => {
      deepStrictEqual(run.report.facts.gate, {
        accepted: 2,
        rejected: 3,
        unsent: 0,
        kinds: ["accepted", "accepted", "rejected", "rejected", "rejected"],
      });
      const { batches } = sentOnce(run, "gate");
      deepStrictEqual(
        batches.map(({ user_identities, events }) => [
          user_identities,
          events?.map((event) => (event.event_type === "screen_view" ? event.data.screen_name : "")),
        ]),
        [
          [{ customer_id: "ada", other: sha256("ada@example.com") }, ["Before"]],
          [{ customer_id: "ada", other: sha256("ada@example.com") }, ["After"]],
        ],
      );
    },
  },
  {
    title: "a plan is read and checked without eval",
    judge: ({ report }) => {
      deepStrictEqual(report.facts.plan, [[], ["plan-invalid"], ["plan-missing"], ["plan-unplanned-event"]]);
    },
  },
];

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Of runtimes whose `fetch` uses a connection again. */
export const REUSE_CHECKS: readonly Check<Run>[] = [
  {
    title: "a connection that the service has closed in the meantime costs nothing",
    judge: (run) => {
      deepStrictEqual(run.report.facts.stale, [202, 202]);
      strictEqual(run.staleRequests, 1, "the connection was not used again");
      deepStrictEqual(
        sent(run, "stale").map(({ status }) => status),
        [202, 202],
      );
    },
  },
];
