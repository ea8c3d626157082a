import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requestIdFrom } from "mparticle-events";
import { startFakeServer, type FakeServer, type FakeServerOptions } from "mparticle-events/testing";
import { runProgram } from "../../src/cli/program.ts";
import { full } from "../full.ts";
import { customPoint, planOf } from "../plan/plan-builder.ts";
import { run, screen, testTerminal } from "./test-terminal.ts";

let cwd: string;
let server: FakeServer;
let env: Record<string, string>;
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), "cli-upload-"));
  await serve({});
});
afterEach(async () => {
  await server.close();
  rmSync(cwd, { recursive: true });
});

async function serve(options: FakeServerOptions): Promise<void> {
  await (server as FakeServer | undefined)?.close();
  server = await startFakeServer(options);
  env = { MPARTICLE_API_KEY: "key", MPARTICLE_API_SECRET: "secret-of-the-input", MPARTICLE_BASE_URL: server.url };
}

const DAY_MS = 86_400_000;
const YESTERDAY_MS = Date.now() - DAY_MS;
const batch = (customer: number, more: object = {}): object => ({
  environment: "development",
  user_identities: { customer_id: String(customer) },
  events: [{ event_type: "opt_out", data: { is_opted_out: true, timestamp_unixtime_ms: YESTERDAY_MS } }],
  ...more,
});
const write = (name: string, ...values: readonly unknown[]): void => {
  const lines = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  writeFileSync(join(cwd, name), `${lines.join("\n")}\n`);
};
const upload = (...args: readonly string[]) => run(["upload", ...args], { cwd, env });
const readLines = (name: string): readonly Record<string, unknown>[] =>
  readFileSync(join(cwd, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const many = (count: number, from = 0): readonly object[] =>
  Array.from({ length: count }, (_, index) => batch(from + index));

interface Sent {
  readonly source_request_id: string;
  readonly user_identities: { readonly customer_id: string };
  readonly events: readonly { readonly data: { readonly source_message_id: string } }[];
}
const sent = (): readonly Sent[] => server.acceptedOnce() as unknown as readonly Sent[];
const customers = (): readonly string[] => sent().map((one) => one.user_identities.customer_id);

describe("upload", () => {
  it("sends each batch once, and sums up", async () => {
    write("a.ndjson", ...many(250));
    const ran = await upload("a.ndjson");
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(
      /^records {5}250 {2}read in .*\naccepted {4}250 {2}250 events \(.* a second\)\nrejected {6}0\nundelivered {3}0\n$/,
    );
    expect(new Set(customers()).size).toBe(250);
    expect(existsSync(join(cwd, "rejected.ndjson"))).toBe(false);
    expect(JSON.parse(readFileSync(join(cwd, "upload.checkpoint.json"), "utf8"))).toMatchObject({
      records: 250,
      finished: true,
    });
  });

  it("gives a row the same ids in every run, by its columns", async () => {
    writeFileSync(join(cwd, "u.csv"), "id,mail\n7,a@b.c\n8,d@e.f\n");
    const args = [
      "u.csv",
      "--map",
      "mail=user_identities.email",
      "--set",
      "environment=development",
      "--set",
      "user_attributes.a=b",
    ];
    expect((await upload(...args, "--id-from", "id")).code).toBe(0);
    expect(sent().map((one) => one.source_request_id)).toEqual([requestIdFrom("7"), requestIdFrom("8")]);
    expect((await upload("--id-from", "id", "mail", "u.csv", ...args.slice(1))).code).toBe(0);
    expect(sent().at(-1)?.source_request_id).toBe(requestIdFrom(JSON.stringify(["8", "d@e.f"])));
    // Of the row, and of the field that a column leads to.
    expect((await upload(...args, "--id-from", "user_identities.email", "--dry-run")).code).toBe(0);
  });

  it("says what to do about rows without an environment", async () => {
    writeFileSync(join(cwd, "u.csv"), "user_identities.email\na@b.c\n");
    const { code, stderr } = await upload("u.csv");
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 × environment-missing\n {4}such as u\.csv:2 .*\n {4}Add --environment development; for/);
  });

  it("refuses a column of ids that a CSV has not, and leaves it to each record of JSON", async () => {
    writeFileSync(join(cwd, "u.csv"), "user_id,user_identities.email\n7,a@b.c\n,d@e.f\n");
    const args = ["u.csv", "--map", "user_identities.email=user_identities.email", "--environment", "development"];
    for (const [name, remedy] of [
      ["userid", "Is user_id meant?"],
      ["nope", "It has user_id, user_identities.email."],
      ["user_identities.emial", "Is user_identities.email meant?"],
    ] as const) {
      expect(await upload(...args, "--id-from", name)).toMatchObject({
        code: 2,
        stdout: "",
        stderr: `u.csv: there is no column ${name}, which --id-from names.\n${remedy}\n`,
      });
    }
    expect(existsSync(join(cwd, "rejected.ndjson"))).toBe(false);
    expect(sent()).toEqual([]);
    write("a.ndjson", batch(1));
    const ran = await upload("a.ndjson", "--id-from", "nope");
    expect(ran.code).toBe(1);
    // What to do stands with what is wrong.
    expect(ran.stderr).toMatch(
      /1 × no-id\n {4}such as a\.ndjson:1 .*\n {4}Name a column that all rows have, or several\.\n/,
    );
  });

  it("gives batches of JSON ids by their content and place, or by a field; an id of their own stays", async () => {
    write("j.ndjson", batch(1), batch(1), batch(2, { source_request_id: "mine" }));
    await upload("j.ndjson");
    const first = sent().map((one) => one.source_request_id);
    expect(new Set(first).size).toBe(3);
    expect(first[2]).toBe("mine");
    const messageIds = sent().map((one) => one.events[0]?.data.source_message_id);
    expect(new Set(messageIds).size).toBe(3);
    expect(messageIds[0]?.slice(0, 24)).toBe(first[0]?.slice(0, 24));
    expect(messageIds[2]).toBe(requestIdFrom("mine/0"));
    await serve({});
    await upload("j.ndjson");
    expect(sent().map((one) => one.source_request_id)).toEqual(first);
    expect(sent().map((one) => one.events[0]?.data.source_message_id)).toEqual(messageIds);
    await serve({});
    write("k.ndjson", batch(7));
    await upload("k.ndjson", "--id-from", "user_identities.customer_id");
    expect(sent()[0]?.source_request_id).toBe(requestIdFrom("7"));
  });

  it("rejects a row whose id another row has, sends the first, and says what to name beside the column", async () => {
    const args = ["u.csv", "--map", "mail=user_identities.email", "--environment", "development", "--id-from", "id"];
    write("u.csv", "id,mail", "7,a@b.c", "8,d@e.f", "7,g@h.i", "7,a@b.c");
    const dry = await upload(...args, "--dry-run");
    expect(dry.stdout).toMatch(/to send +3 .*\nrejected +1 +1 repeat an id\n/);
    expect(dry.stderr).toMatch(
      /1 × duplicate-request-id\n {4}such as u\.csv:4 \/source_request_id: u\.csv:2 has the same id.*\n {4}Name by --id-from/,
    );
    const ran = await upload(...args, "--rejected", "r.ndjson", "--checkpoint", "c.json");
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/accepted +3 .*\nrejected +1 +1 repeat an id, in r\.ndjson\n/);
    const { rejected, batch: written } = JSON.parse(readFileSync(join(cwd, "r.ndjson"), "utf8")) as {
      rejected: object;
      batch: object;
    };
    expect(rejected).toMatchObject({ record: 3, from: "u.csv:4", by: "check" });
    // The id would have it dropped without a word when it is uploaded as it is.
    expect(written).toEqual({ user_identities: { email: "g@h.i" }, environment: "development" });
    const json = await upload(...args, "--dry-run", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      records: 4,
      accepted: 3,
      rejected: 1,
      unreadable: 0,
      repeatedIds: 1,
    });
  });

  it("lets a batch have the id of one that was rejected: the service has not got it", async () => {
    const id = { source_request_id: "mended" };
    write("m.ndjson", batch(1, { ...id, environment: "prod" }), batch(1, id), batch(2, id));
    const ran = await upload("m.ndjson", "--dry-run");
    expect(ran.stdout).toMatch(/to send +1 .*\nrejected +2 /);
    expect(ran.stderr).toMatch(/m\.ndjson:3 .* m\.ndjson:2 has the same id/);
  });

  it("finds an id again in a run that goes on, where its first batch was settled before; not where it was rejected", async () => {
    const [one, two] = [{ source_request_id: "one" }, { source_request_id: "two" }];
    const head = [batch(1, one), batch(2, { ...two, environment: "prod" }), batch(9), "{broken"];
    write("g.ndjson", ...head);
    const args = ["g.ndjson", "--checkpoint", "g.json", "--rejected", "g-rejected.ndjson"];
    expect((await upload(...args, "--strict")).code).toBe(1);
    write("g.ndjson", ...head, batch(3, one), batch(4, two));
    const ran = await upload(...args, "--resume");
    expect(ran.stdout).toMatch(/accepted +1 /);
    expect(ran.stderr).toMatch(/g\.ndjson:5 .* g\.ndjson:1 has the same id/);
  });

  it("writes what is rejected with what is wrong, in a form that it takes again", async () => {
    await serve({
      script: ({ batches }) =>
        (batches as unknown as readonly Sent[]).some((one) => one.user_identities.customer_id === "13")
          ? { status: 400, body: { errors: [{ code: "BAD_REQUEST", message: "event_type is empty" }] } }
          : 202,
    });
    write("a.ndjson", ...many(20), "{bad", batch(99, { nope: 1 }));
    const ran = await upload("a.ndjson", "--rejected", "no.ndjson");
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(
      /records {5}22 .*\naccepted {4}19 .*\nrejected {5}3 {2}1 could not be read, in no\.ndjson/,
    );
    expect(ran.stderr).toMatch(/3 findings in 3 of them/);
    const lines = readLines("no.ndjson");
    expect(lines.map((line) => line["rejected"])).toMatchObject([
      { record: 21, from: "a.ndjson:21:2", by: "reading", findings: [{ code: "broken-json" }] },
      { record: 22, from: "a.ndjson:22", by: "check", findings: [{ code: "unknown-key", path: "/nope" }] },
      {
        record: 14,
        from: "a.ndjson:14",
        by: "service",
        status: 400,
        findings: [{ code: "BAD_REQUEST", message: "event_type is empty" }],
      },
    ]);
    await serve({});
    const mended = lines
      .filter((line) => "batch" in line)
      .map((line) => ({ ...line, batch: { ...(line["batch"] as object), nope: undefined } }));
    write("no.ndjson", ...mended);
    expect((await upload("no.ndjson", "--checkpoint", "other.json")).code).toBe(0);
    expect([...customers()].sort()).toEqual(["13", "99"]);
  });

  it("says by a command how to send what is mended, which file is of this run, and which of another", async () => {
    write("a.ndjson", batch(1), "{bad");
    const first = await upload("a.ndjson", "--environment", "development");
    expect(first.stderr).toMatch(
      /\nMend the batches in rejected\.ndjson, and send them: mparticle-events upload rejected\.ndjson --environment development\n$/,
    );
    const second = await upload("a.ndjson", "--base-url", server.url, "--profile", "wire");
    expect(second.stderr).toContain(
      `\nMend the batches in rejected-2.ndjson, and send them: mparticle-events upload rejected-2.ndjson --profile wire --base-url ${server.url}\n` +
        "rejected.ndjson is of an earlier run.\n",
    );
    // Such a file holds JSON, whatever it is called; and what was not to be hurried is not hurried now.
    const limits = ["--rate", "50", "--concurrency", "2", "--give-up-after", "9"];
    const slow = await upload("a.ndjson", "--rejected", "bad.csv", ...limits);
    const [, again = ""] = /send them: mparticle-events upload (.*)\n/.exec(slow.stderr) ?? [];
    expect(again).toBe(`bad.csv --input json ${limits.join(" ")}`);
    write("bad.csv", { rejected: {}, batch: batch(3) });
    expect((await upload(...again.split(" "))).code).toBe(0);
    // The file that is being mended is no stranger.
    expect((await upload("rejected.ndjson")).stderr).toMatch(/upload rejected-3\.ndjson\n$/);
    const shared = await upload("a.ndjson", "--rejected", "rejected.ndjson");
    expect(shared.stderr).toMatch(
      /\nrejected\.ndjson also holds what was in it before this run, and would be sent with it\.\n$/,
    );
    // A run that is to be gone on with first says that alone; at its end it says the rest.
    write("b.ndjson", "{bad", batch(2));
    const args = ["b.ndjson", "--rejected", "b-rejected.ndjson", "--checkpoint", "b.json"];
    expect((await upload(...args, "--strict")).stderr).not.toContain("Mend the batches");
    expect((await upload(...args, "--resume")).stderr).toContain("Mend the batches in b-rejected.ndjson,");
  });

  it("never writes over an input or somebody's work", async () => {
    write("rejected.ndjson", { rejected: {}, batch: batch(1, { nope: 1 }) });
    expect((await upload("rejected.ndjson")).code).toBe(1);
    expect(readLines("rejected-2.ndjson")).toHaveLength(1);
    expect(await upload("rejected.ndjson", "--rejected", "rejected.ndjson")).toMatchObject({ code: 2 });
  });

  it.each([
    ["a CSV with a header alone", "e.csv", "user_identities.email\n"],
    ["a file without bytes", "e.ndjson", ""],
  ])("says that there was nothing to send in %s", async (_, name, content) => {
    writeFileSync(join(cwd, name), content);
    for (const more of [["--dry-run"], ["--json"]]) {
      const ran = await upload(name, "--environment", "development", ...more);
      expect(ran.code).toBe(0);
      expect(ran.stderr).toContain("! There was nothing to send: the input holds no record.\n");
    }
  });

  it("sends nothing in a dry run, and says what it would, and how long it would take", async () => {
    write("a.ndjson", ...many(250), "{bad");
    const ran = await run(["upload", "a.ndjson", "--dry-run", "--rate", "10"], { cwd, env: {} });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/to send {5}250 {2}250 events, 3 requests, [\d,]+ bytes/);
    expect(ran.stderr).toContain("At 10 batches a second it takes 25 s.");
    expect(server.requests).toHaveLength(0);
    expect(existsSync(join(cwd, "upload.checkpoint.json"))).toBe(false);
    expect(existsSync(join(cwd, "rejected.ndjson"))).toBe(false);
  });

  it("says what it warns of in batches that it sends", async () => {
    const seconds = { is_opted_out: true, timestamp_unixtime_ms: Math.round(YESTERDAY_MS / 1000) };
    write("a.ndjson", batch(1), batch(2, { events: [{ event_type: "opt_out", data: seconds }] }));
    const ran = await upload("a.ndjson");
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(
      /! Warnings about 1 record, .*\n {2}1 × seconds-not-milliseconds\n.*check says where\./s,
    );
    const { stdout } = await upload("a.ndjson", "--dry-run", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 2, warnings: { "seconds-not-milliseconds": 1 } });
  });

  it("says how a time is written in CSV, in its summary and beside what it rejects", async () => {
    const header = "user_identities.email,events.data.is_opted_out,events.data.timestamp_unixtime_ms";
    write("t-opt_out.csv", header, "a@b.c,true,2026-11-28 10:00");
    const ran = await upload("t-opt_out.csv", "--environment", "development");
    expect(ran.stderr).toMatch(/1 × wrong-type\n.*\n {4}Write the time with its zone/);
    expect(JSON.stringify(readLines("rejected.ndjson"))).toContain("Write the time with its zone");
  });

  it("counts before anything is sent what is too young to be history, and where it has to go", async () => {
    const old = (days: number): object => ({
      events: [
        { event_type: "opt_out", data: { is_opted_out: true, timestamp_unixtime_ms: Date.now() - days * DAY_MS } },
      ],
    });
    const untimed = { events: [{ event_type: "opt_out", data: { is_opted_out: true } }] };
    write("h.ndjson", batch(1, old(40)), batch(2, old(1)), batch(3, untimed), batch(4, old(50)));
    const ran = await upload("h.ndjson", "--historical");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /^4 records to send as history\.\n1 of them have an event younger than 72 hours.*\n.*mparticle-events upload rejected\.ndjson\n1 of them have no events/,
    );
    expect(customers()).toEqual(["1", "4"]);
    expect(server.requests.map(({ path }) => path)).toEqual(["/v2/bulkevents/historical"]);
    expect(
      readLines("rejected.ndjson").map(
        (line) => (line["rejected"] as { findings: { code: string }[] }).findings[0]?.code,
      ),
    ).toEqual(["historical-too-recent", "historical-timestamp-missing"]);
  });

  it("sends production only when it is said twice", async () => {
    write("p.ndjson", batch(1), batch(2, { environment: "production" }), batch(3, { environment: undefined }));
    const unsaid = await upload("p.ndjson");
    expect(unsaid).toMatchObject({ code: 2 });
    expect(unsaid.stderr).toContain(
      "p.ndjson:2: the batch is for production, and production has to be said twice.\nAdd --environment production",
    );
    expect(customers()).not.toContain("2");

    await serve({});
    const once = await upload("p.ndjson", "--environment", "production", "--checkpoint", "c2");
    expect(once.code).toBe(1);
    expect(customers()).toEqual(["2"]);
    expect(once.stderr).toMatch(
      /environment-not-meant[^]*environment-missing|environment-missing[^]*environment-not-meant/,
    );

    await serve({});
    await upload("p.ndjson", "--environment", "production", "--environment", "production", "--checkpoint", "c3");
    expect(customers()).toEqual(["2", "3"]);

    await serve({});
    await upload("p.ndjson", "--environment", "development", "--checkpoint", "c4");
    expect(customers()).toEqual(["1", "3"]);
  });

  it("takes a refusal of the credentials for a reason to stop, and not for rejected batches", async () => {
    await serve({ script: 401 });
    const count = full(500, 1000);
    write("a.ndjson", ...many(count));
    const ran = await upload("a.ndjson", "--concurrency", "1");
    expect(ran.code).toBe(3);
    expect(existsSync(join(cwd, "rejected.ndjson"))).toBe(false);
    expect(ran.stderr).toMatch(
      /takes nothing from these credentials.*\nSee mparticle-events doctor\. Then go on with: mparticle-events upload a\.ndjson --concurrency 1 --resume/,
    );
    expect(server.requests.length).toBeLessThan(count / 100);
    server.script(202);
    expect((await upload("a.ndjson", "--resume")).code).toBe(0);
    expect(new Set(customers()).size).toBe(count);
  });

  it("says of batches that were not delivered that it has to be run again", async () => {
    await serve({ script: 503 });
    const count = full(100, 300);
    write("a.ndjson", ...many(count));
    const ran = await upload("a.ndjson", "--give-up-after", "0.2");
    expect(ran.code).toBe(3);
    expect(ran.stderr).toMatch(/could not be delivered/);
    expect(ran.stdout).toMatch(/undelivered {1,2}[1-3]?\d\d/);
    server.script(202);
    expect(await upload("a.ndjson", "--resume")).toMatchObject({ code: 0 });
    expect(new Set(customers()).size).toBe(count);
  });

  it("says why nothing answers, also when it has waited for it to no end, and whose pause it is", async () => {
    write("a.ndjson", ...many(10));
    let nowMs = Date.now();
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" });
    const terminal = testTerminal({
      cwd,
      env,
      now: () => nowMs,
      fetch: () => Promise.reject(new TypeError("fetch failed", { cause: refused })),
    });
    const running = runProgram(["upload", "a.ndjson"], terminal);
    while (!terminal.written.stderr.includes("no answer")) {
      terminal.tick();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(terminal.written.stderr).toMatch(/^ {2}0 % · no answer, next try in \d s · .* · waiting 10\n/m);
    expect(terminal.written.stderr).not.toContain("paused by the service");
    nowMs += 40_000;
    terminal.tick();
    expect(await running).toBe(3);
    expect(terminal.written.stderr).toMatch(
      /\nNothing answers: POST .* was not sent: nothing listens there \(ECONNREFUSED\)\.\nSee mparticle-events doctor\. Then go on with: /,
    );
  });

  it("stops at Ctrl+C, finishes what is in flight, and goes on with --resume", async () => {
    const first = full(500, 2_000);
    const second = full(100, 500);
    write("a.ndjson", ...many(first), "{bad", ...many(second, first));
    let requests = 0;
    const terminal = testTerminal({ cwd, env });
    await serve({
      script: () => {
        if (++requests === 3) terminal.interrupt();
        return 202;
      },
    });
    const args = ["upload", "a.ndjson", "--concurrency", "2", "--id-from", "user_identities.customer_id"];
    expect(await runProgram(args, { ...terminal, env })).toBe(3);
    expect(terminal.written.stderr).toMatch(/Stopping: what is in flight is being finished/);
    expect(terminal.written.stderr).toContain(`Go on with: mparticle-events ${args.join(" ")} --resume\n`);
    const firstRun = sent().length;
    expect(firstRun).toBeLessThan(first);

    expect(await upload(...args.slice(1))).toMatchObject({ code: 2 });
    const resumed = await upload(...args.slice(1), "--resume");
    expect(resumed.code).toBe(1);
    expect(resumed.stdout).toContain(`${(first + 1 + second).toLocaleString("en")} `);
    expect(resumed.stdout).toContain("settled by earlier runs");
    // Nothing that was in flight was lost, and nothing that was settled was sent again.
    expect(new Set(customers()).size).toBe(first + second);
    expect(server.acceptedOnce()).toHaveLength(first + second);
    expect(readLines("rejected.ndjson")).toHaveLength(1);
    expect(await upload(...args.slice(1), "--resume")).toMatchObject({ code: 0, stdout: "" });
  });

  it("notices a file, files or settings that are not those of the checkpoint", async () => {
    const count = full(300, 1000);
    write("a.ndjson", ...many(count));
    await serve({ script: [202, 401] });
    expect((await upload("a.ndjson", "--concurrency", "1")).code).toBe(3);
    server.script(202);
    expect((await upload("b.ndjson", "--resume")).code).toBe(2);
    write("b.ndjson", batch(1));
    expect((await upload("b.ndjson", "--resume")).stderr).toMatch(/is of a run over other files: a\.ndjson\./);
    expect((await upload("a.ndjson", "--resume", "--id-from", "mpid")).stderr).toMatch(
      /other settings: idFrom was \[\]/,
    );
    write("a.ndjson", batch(77), ...many(count - 1));
    const changed = await upload("a.ndjson", "--resume");
    expect(changed).toMatchObject({ code: 2 });
    expect(changed.stderr).toMatch(/The input has changed since the checkpoint was written/);
    write("a.ndjson", ...many(count + 100));
    const grown = await upload("a.ndjson", "--resume");
    expect(grown.code).toBe(0);
    expect(grown.stderr).toMatch(/a\.ndjson has changed since the run began/);
    expect(new Set(customers()).size).toBe(count + 100);
  });

  it("begins at the beginning where there is nothing to resume, so that a script may always say so", async () => {
    write("a.ndjson", batch(1));
    expect((await upload("a.ndjson", "--resume")).code).toBe(0);
    expect(customers()).toEqual(["1"]);
  });

  it("reads the standard input, which cannot be resumed", async () => {
    const input = [batch(1), batch(2)].map((one) => JSON.stringify(one)).join("\n");
    expect((await run(["upload", "-"], { cwd, env, input })).code).toBe(0);
    expect(customers()).toEqual(["1", "2"]);
    expect(await run(["upload", "-", "--resume"], { cwd, env, input })).toMatchObject({ code: 2 });
  });

  it("stops at the first broken line when told to", async () => {
    write("a.ndjson", batch(1), "{bad", batch(2));
    const ran = await upload("a.ndjson", "--strict");
    expect(ran.code).toBe(1);
    expect(customers()).toEqual(["1"]);
    expect(ran.stderr).toContain("because of --strict");
  });

  it("sums up as JSON for scripts", async () => {
    write("a.ndjson", batch(1), "{bad");
    expect(JSON.parse((await upload("a.ndjson", "--json")).stdout)).toMatchObject({
      records: 2,
      accepted: 1,
      rejected: 1,
      unreadable: 1,
      undelivered: 0,
      events: 1,
      rejectedFile: "rejected.ndjson",
    });
  });

  it("takes credentials from a file, and names what is missing", async () => {
    write("a.ndjson", batch(1));
    const bare = { cwd, env: { MPARTICLE_BASE_URL: server.url } };
    expect(await run(["upload", "a.ndjson"], bare)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^MPARTICLE_API_KEY is not set\.\nSet it in the environment/) as string,
    });
    writeFileSync(join(cwd, ".env"), 'MPARTICLE_API_KEY=a\nMPARTICLE_API_SECRET="b c"\n');
    expect((await run(["upload", "a.ndjson"], bare)).code).toBe(0);
    expect(server.requests.at(-1)?.headers["authorization"]).toBe(`Basic ${btoa("a:b c")}`);
    expect((await run(["upload", "a.ndjson", "--pod", "us9"], bare)).stderr).toMatch(
      /Allowed choices are us1, us2, eu1, au1/,
    );
  });

  it.each([
    [
      { MPARTICLE_BASE_URL: "" },
      "",
      "MPARTICLE_BASE_URL is set in the environment, and is empty.\nGive it its value, or unset it: without a pod or a base URL everything goes to us1.",
    ],
    [
      { MPARTICLE_BASE_URL: "", MPARTICLE_POD: "eu1" },
      "",
      "MPARTICLE_BASE_URL is set in the environment, and is empty.\nGive it its value, or unset it: everything goes where MPARTICLE_POD says then.",
    ],
    [
      { MPARTICLE_BASE_URL: undefined, MPARTICLE_POD: " " },
      "",
      "MPARTICLE_POD is set in the environment, and is empty.",
    ],
    [{ MPARTICLE_BASE_URL: undefined }, "MPARTICLE_POD=\n", "MPARTICLE_POD is set in .env, and is empty."],
    // What stands in the file is not what was said in the environment.
    [{ MPARTICLE_API_KEY: "" }, "MPARTICLE_API_KEY=other\n", "MPARTICLE_API_KEY is set, and is empty."],
    [{ MPARTICLE_API_SECRET: "" }, "", "MPARTICLE_API_SECRET is set, and is empty."],
  ])("refuses %j as a mistake, in place of the default", async (variables, file, expected) => {
    write("a.ndjson", batch(1));
    writeFileSync(join(cwd, ".env"), file);
    const fetch = (): Promise<Response> => Promise.resolve(new Response(null, { status: 202 }));
    const ran = await run(["upload", "a.ndjson"], { cwd, env: { ...env, ...variables }, fetch });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(`${expected}\n`) as string });
  });

  it("takes a flag in place of an empty variable", async () => {
    write("a.ndjson", batch(1));
    const given = ["upload", "a.ndjson", "--base-url", server.url];
    expect((await run(given, { cwd, env: { ...env, MPARTICLE_BASE_URL: "" } })).code).toBe(0);
  });

  it("rejects what a plan does not have, and writes down why", async () => {
    const point = customPoint("Bought", { required: ["total"], properties: { total: { type: "number" } } });
    writeFileSync(join(cwd, "plan.json"), JSON.stringify(planOf([point])));
    const event = (event_name: string, custom_attributes: object): object => ({
      events: [{ event_type: "custom_event", data: { event_name, custom_event_type: "other", custom_attributes } }],
    });
    write(
      "a.ndjson",
      batch(1, event("Bought", { total: "42" })),
      batch(2, event("Bougt", { total: 1 })),
      batch(3, event("Bought", {})),
    );
    expect((await upload("a.ndjson", "--plan", "plan.json", "--dry-run")).code).toBe(1);
    expect((await upload("a.ndjson", "--plan", "plan.json")).code).toBe(1);
    expect(customers()).toEqual(["1"]);
    const codes = readLines("rejected.ndjson").map(
      (line) => (line["rejected"] as { findings: { code: string }[] }).findings[0]?.code,
    );
    expect(codes).toEqual(["plan-unplanned-event", "plan-missing"]);
    await serve({});
    const strict = await upload("a.ndjson", "--plan", "plan.json", "--strict-types", "--checkpoint", "c.json");
    expect(strict.code).toBe(1);
    expect(customers()).toEqual([]);
    expect((await upload("a.ndjson", "--plan", "no.json", "--checkpoint", "d.json")).code).toBe(2);
  });

  it("draws a bar on a terminal, and shows a pause of the service as such", async () => {
    await serve({ script: [{ status: 429, headers: { "retry-after": "1" } }, 202] });
    write("a.ndjson", ...many(10, 1));
    const terminal = testTerminal({ cwd, env });
    const running = runProgram(["upload", "a.ndjson"], { ...terminal, stderr: screen(terminal.written), env });
    while (!terminal.written.stderr.includes("paused")) {
      terminal.tick();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await running).toBe(0);
    expect(terminal.written.stderr).toMatch(
      /\[█*░*\] +\d+ % · paused by the service for 1 s · 0 batches · 0 events · .* · waiting 10/,
    );
    expect(terminal.written.stderr.endsWith("\r\u001b[K")).toBe(true);
  });

  it("writes plain lines now and then where there is no terminal", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await serve({ script: async () => (await held, 202) });
    write("a.ndjson", ...many(10, 1));
    const terminal = testTerminal({ cwd, env });
    const running = runProgram(["upload", "a.ndjson"], { ...terminal, env });
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    terminal.tick();
    release();
    expect(await running).toBe(0);
    expect(terminal.written.stderr).toMatch(
      /^ {2}0 % · 0 batches · 0 events · 0\/s · accepted 0 · rejected 0 · waiting 10\n$/,
    );
  });
});
