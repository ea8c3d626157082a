import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchOf, custom, customPoint, planOf } from "../plan/plan-builder.ts";
import { runProgram } from "../../src/cli/program.ts";
import { run, testTerminal } from "./test-terminal.ts";

const PLAN = planOf([customPoint("Order", { required: ["total"], properties: { total: { type: "number" } } })]);
const good = { ...batchOf([custom("Order", { total: 1 })]), user_identities: { customer_id: "1" } };
const bad = { ...good, events: [custom("Ordr", { total: 1 })] };

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "plan-"));
  writeFileSync(join(cwd, "plan.json"), JSON.stringify(PLAN));
  const asOfWindows = `\uFEFF${JSON.stringify(PLAN, null, 2).replaceAll("\n", "\r\n")}`;
  writeFileSync(join(cwd, "plan.json.gz"), gzipSync(asOfWindows));
  writeFileSync(
    join(cwd, "whole.json"),
    JSON.stringify({
      data_plan_id: "shop",
      data_plan_versions: [
        { ...PLAN, version: 1 },
        { ...PLAN, version: 2, version_document: { data_points: [] } },
      ],
    }),
  );
  writeFileSync(join(cwd, "broken.json"), '{ "data_points": 1 }');
  writeFileSync(join(cwd, "good.ndjson"), `${JSON.stringify(good)}\n`);
  writeFileSync(join(cwd, "bad.ndjson"), `${JSON.stringify(good)}\n${JSON.stringify(bad)}\n`);
});
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

describe("check --plan", () => {
  it("ends with 1 when an event is not planned, and names what was meant", async () => {
    const { code, stdout } = await run(["check", "bad.ndjson", "--plan", "plan.json", "--no-lints"], { cwd });
    expect(code).toBe(1);
    expect(stdout).toContain('bad.ndjson:2 /events/0 plan-unplanned-event the custom event "Ordr"');
    expect(stdout).toContain('Did you mean "Order"?');
  });

  it("ends with 0 when everything is, by a plan that was packed as an editor of Windows saves it", async () => {
    expect(await run(["check", "good.ndjson", "--plan", "plan.json.gz", "--no-lints"], { cwd })).toMatchObject({
      code: 0,
      stdout: "",
    });
  });

  it("asks which version, and names the place where a plan is broken", async () => {
    const several = await run(["check", "good.ndjson", "--plan", "whole.json"], { cwd });
    expect(several).toMatchObject({ code: 2 });
    expect(several.stderr).toBe(
      "whole.json: The data plan has the versions 1, 2; say which with `--plan-version`.\nSay it with --plan-version.\n",
    );
    const broken = await run(["check", "good.ndjson", "--plan", "broken.json"], { cwd });
    expect(broken).toMatchObject({ code: 2 });
    expect(broken.stderr).toContain("`/data_points` is the number 1");
  });
});

describe("plan generate", () => {
  it("writes the code, and with --check says whether it is up to date", async () => {
    expect(await run(["plan", "generate", "plan.json", "--out", "plan.ts", "--check"], { cwd })).toMatchObject({
      code: 1,
    });
    expect(await run(["plan", "generate", "plan.json", "--out", "plan.ts"], { cwd })).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, "plan.ts"), "utf8")).toContain(
      "export function order(custom_attributes: OrderAttributes",
    );
    expect(await run(["plan", "generate", "plan.json", "--out", "plan.ts", "--check"], { cwd })).toMatchObject({
      code: 0,
      stderr: "",
    });
    writeFileSync(join(cwd, "plan.ts"), "changed");
    const stale = await run(["plan", "generate", "plan.json", "--out", "plan.ts", "--check"], { cwd });
    expect(stale).toMatchObject({ code: 1 });
    expect(stale.stderr).toContain("plan.ts is not what the plan says.");
    expect(readFileSync(join(cwd, "plan.ts"), "utf8")).toBe("changed");
  });

  it("takes one version of several, and an id for a plan that has none", async () => {
    const { stdout } = await run(["plan", "generate", "whole.json", "--plan-version", "2"], { cwd });
    expect(stdout).toContain('DATA_PLAN = { plan_id: "shop", plan_version: 2 }');
    writeFileSync(join(cwd, "bare.json"), JSON.stringify(PLAN.version_document));
    const bare = await run(["plan", "generate", "bare.json", "--plan-id", "mine", "--plan-version", "7"], { cwd });
    expect(bare.stdout).toContain('DATA_PLAN = { plan_id: "mine", plan_version: 7 }');
  });

  it("says by the flag that was typed that a plan is of another version", async () => {
    writeFileSync(join(cwd, "second.json"), JSON.stringify({ ...PLAN, version: 2 }));
    expect(await run(["plan", "generate", "second.json", "--plan-version", "7"], { cwd })).toMatchObject({
      code: 2,
      stderr:
        "second.json: The data plan is version 2; `--plan-version` asks for 7.\nLeave --plan-version out, or name the file of that version.\n",
    });
    const { stderr } = await run(["plan", "diff", "plan.json", "second.json", "--new-version", "7"], { cwd });
    expect(stderr).toContain("is version 2; `--new-version` asks for 7.\nLeave --new-version out");
    expect((await run(["plan", "generate", "whole.json", "--plan-version", "7"], { cwd })).stderr).toBe(
      "whole.json: The data plan has no version 7; it has 1, 2.\nSay one of these with --plan-version.\n",
    );
  });
});

describe("plan diff", () => {
  it("ends with 1 when the new plan may refuse what the old one takes", async () => {
    const versions = (old: string, next: string) => [
      "plan",
      "diff",
      "whole.json",
      "whole.json",
      "--old-version",
      old,
      "--new-version",
      next,
    ];
    expect(await run(versions("1", "2"), { cwd })).toMatchObject({
      code: 1,
      stdout: "! removed   custom_event:other:Order: the plan does not have it any more.\n",
    });
    expect(await run(versions("2", "1"), { cwd })).toMatchObject({
      code: 0,
      stdout: "  added     custom_event:other:Order: the plan has it now.\n",
    });
    expect(await run([...versions("1", "1"), "--json"], { cwd })).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("plan infer and plan coverage", () => {
  it("make a plan that the very batches keep to, and that they cover", async () => {
    expect(
      await run(["plan", "infer", "bad.ndjson", "--plan-id", "shop", "--out", "inferred.json"], { cwd }),
    ).toMatchObject({ code: 0, stderr: "3 data points from 2 batches.\n" });
    expect(await run(["check", "bad.ndjson", "--plan", "inferred.json", "--no-lints"], { cwd })).toMatchObject({
      stdout: expect.not.stringContaining("plan-unplanned") as string,
    });
    expect(await run(["plan", "coverage", "bad.ndjson", "--plan", "inferred.json"], { cwd })).toMatchObject({
      code: 0,
    });
    const covered = await run(["plan", "coverage", "bad.ndjson", "--plan", "plan.json"], { cwd });
    expect(covered).toMatchObject({ code: 1, stderr: "1 of 1 data points met.\n" });
    expect(covered.stdout).toContain('1 not in the plan: the custom event "Ordr"');
  });

  it("name what is missing", async () => {
    expect(await run(["plan", "infer", "-"], { cwd, input: "" })).toMatchObject({ code: 2 });
    expect(await run(["plan", "coverage", "good.ndjson"], { cwd })).toMatchObject({ code: 2 });
  });
});

describe("plan fetch", () => {
  const SECRET = "very-secret-text";
  const env = { MPARTICLE_CLIENT_ID: "client", MPARTICLE_CLIENT_SECRET: SECRET, MPARTICLE_WORKSPACE_ID: "42" };
  const answering = (answers: readonly (Response | Error)[]) => {
    const requests: { url: string; headers: Headers; body: string; redirect: string }[] = [];
    const rest = [...answers];
    const fetch = async (request: Request): Promise<Response> => {
      requests.push({
        url: request.url,
        headers: request.headers,
        body: await request.text(),
        redirect: request.redirect,
      });
      const answer = rest.shift();
      if (answer instanceof Response) return answer;
      throw answer ?? new Error("no more answers");
    };
    return { requests, fetch: fetch as typeof globalThis.fetch };
  };
  const token = () => Response.json({ access_token: "token-text", token_type: "Bearer" });

  it("gets a token, and with it one version or the whole plan", async () => {
    const { requests, fetch } = answering([token(), Response.json(PLAN)]);
    const { code, stdout, stderr } = await run(["plan", "fetch", "shop/1", "--plan-version", "3"], { cwd, env, fetch });
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual(PLAN);
    expect(requests.map(({ url }) => url)).toEqual([
      "https://sso.auth.mparticle.com/oauth/token",
      "https://api.mparticle.com/platform/v2/workspaces/42/plans/shop%2F1/versions/3",
    ]);
    expect(JSON.parse(requests[0]?.body ?? "")).toEqual({
      client_id: "client",
      client_secret: SECRET,
      audience: "https://api.mparticle.com",
      grant_type: "client_credentials",
    });
    expect(requests[1]?.headers.get("authorization")).toBe("Bearer token-text");
    expect(requests.map(({ redirect }) => redirect)).toEqual(["manual", "manual"]);
  });

  it("writes where it is told to, and takes other addresses", async () => {
    const { requests, fetch } = answering([token(), Response.json(PLAN)]);
    const flags = [
      "--auth-url",
      "http://127.0.0.1:1/a/",
      "--api-url",
      "https://proxy.example",
      "--workspace",
      "7",
      "--out",
      "fetched.json",
    ];
    expect(await run(["plan", "fetch", "shop", ...flags], { cwd, env, fetch })).toMatchObject({ code: 0 });
    expect(requests.map(({ url }) => url)).toEqual([
      "http://127.0.0.1:1/a/oauth/token",
      "https://proxy.example/platform/v2/workspaces/7/plans/shop",
    ]);
    expect(JSON.parse(readFileSync(join(cwd, "fetched.json"), "utf8"))).toEqual(PLAN);
  });

  it.each<[name: string, answers: readonly (Response | Error)[], code: number, told: string]>([
    ["a wrong secret", [new Response(`no such ${SECRET}`, { status: 401 })], 2, "Check MPARTICLE_CLIENT_ID"],
    ["a plan that there is not", [token(), new Response("", { status: 404 })], 2, "Check the id of the plan"],
    [
      "a redirect",
      [new Response("", { status: 302, headers: { location: "https://elsewhere.example" } })],
      2,
      "answered 302",
    ],
    ["a service out of order", [token(), new Response("", { status: 503 })], 3, "answered 503"],
    [
      "no connection",
      [new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") })],
      3,
      "was not reached: ECONNREFUSED",
    ],
    ["an answer without a token", [Response.json({})], 3, "gave no token"],
    ["something else than a plan", [token(), Response.json({ data_points: 1 })], 1, "`/data_points`"],
  ])("says what is in the way, and never the secret: %s", async (_, answers, expected, told) => {
    const { fetch } = answering(answers);
    const { code, stdout, stderr } = await run(["plan", "fetch", "shop"], { cwd, env, fetch });
    expect(code).toBe(expected);
    expect(stderr).toContain(told);
    expect(stdout + stderr).not.toContain(SECRET);
    expect(stdout + stderr).not.toContain("token-text");
  });

  it("takes credentials from the environment alone, and sends them nowhere in the clear", async () => {
    expect((await run(["plan", "fetch", "shop"], { cwd })).stderr).toContain(
      "MPARTICLE_CLIENT_ID and MPARTICLE_CLIENT_SECRET and MPARTICLE_WORKSPACE_ID are not set.",
    );
    const inArguments = await run(["plan", "fetch", "shop", "--client-secret", SECRET], { cwd, env });
    expect(inArguments).toMatchObject({ code: 2 });
    expect(inArguments.stderr).not.toContain(SECRET);
    expect((await run(["plan", "fetch", "shop", "--auth-url", "http://a.example"], { cwd, env })).stderr).toContain(
      "--auth-url is no https address.",
    );
  });
});

describe("plan coverage of a mock", () => {
  it("counts what the mock has kept and accepted, names what is not planned in all of it, and lets its filters choose", async () => {
    const terminal = testTerminal({ cwd });
    const ended = runProgram(["mock", "--port", "0", "--quiet"], terminal);
    let url: string | undefined;
    while (url === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      url = /served at (\S+)/.exec(terminal.written.stdout)?.[1];
    }
    const { origin } = new URL(url);
    const coverage = (address: string) => run(["plan", "coverage", address, "--plan", "plan.json"], { cwd });
    expect(await coverage(origin)).toMatchObject({ code: 1, stderr: "0 of 1 data points met.\n" });
    // The second is refused, and its planned event with it.
    for (const batch of [good, { ...bad, nope: 1, events: [...bad.events, ...good.events] }]) {
      await fetch(`${url}/events`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa("any:any")}`, "content-type": "application/json" },
        body: JSON.stringify(batch),
      });
    }
    for (const address of [origin, `${origin}/`, url, `${origin}/_/`]) {
      expect(await coverage(address)).toEqual({
        code: 1,
        stdout:
          '       1 custom_event:other:Order\n       1 not in the plan: the custom event "Ordr" of the type "other"\n',
        stderr:
          "Not accepted, and so of no data point: 1 of the batches. What of them is not planned is counted.\n1 of 1 data points met.\n",
      });
    }
    expect(await coverage(`${origin}?verdict=accepted`)).toMatchObject({ code: 0 });
    expect((await coverage(`${origin}?verdict=refused`)).stdout).toContain("       1 custom_event:other:Order");
    expect(await coverage(`${origin}?verdict=nice`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no verdict "nice"') as string,
    });
    const both = await run(["plan", "coverage", origin, "good.ndjson", "--plan", "plan.json"], { cwd });
    expect(both.stdout).toContain("       2 custom_event:other:Order");
    terminal.interrupt();
    await ended;
    expect(await coverage(origin)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no mock answers: .*\nStart one by mparticle-events mock/) as string,
    });
  });

  it("says when a mock has not kept all of them, and when what answers is no mock", async () => {
    const answering = (body: unknown) => ({ cwd, fetch: () => Promise.resolve(Response.json(body)) });
    const flags = ["plan", "coverage", "http://127.0.0.1:1", "--plan", "plan.json"];
    const kept = await run(flags, answering({ total: 1200, good: 1200, bad: 0, batches: [{ batch: good }] }));
    expect(kept).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("1,200 batches arrived, and the newest 1 of them") as string,
    });
    expect(await run(flags, answering({ hello: "there" }))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no mock of this package") as string,
    });
    expect((await run(["plan", "coverage", "http://", "--plan", "plan.json"], { cwd })).stderr).toContain(
      "it is no address",
    );
  });
});

describe("mock --plan", () => {
  it("refuses what is not planned, and tells the coverage when it is ended", async () => {
    const terminal = testTerminal({ cwd });
    const ended = runProgram(["mock", "--port", "0", "--quiet", "--plan", "plan.json"], terminal);
    let url: string | undefined;
    while (url === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      url = /served at (\S+)/.exec(terminal.written.stdout)?.[1];
    }
    const send = (batch: object): Promise<Response> =>
      fetch(`${url}/events`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa("any:any")}`, "content-type": "application/json" },
        body: JSON.stringify(batch),
      });
    expect((await send(good)).status).toBe(202);
    // What is refused meets nothing, though a part of it is planned.
    const refused = await send({ ...bad, events: [...bad.events, ...good.events] });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("plan-unplanned-event");
    terminal.interrupt();
    expect(await ended).toBe(0);
    expect(terminal.written.stdout).toContain(
      '1 custom_event:other:Order\n       1 not in the plan: the custom event "Ordr"',
    );
  });
});
