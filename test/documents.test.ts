import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as root from "mparticle-events";
import * as bullmq from "mparticle-events/bullmq";
import * as consent from "mparticle-events/consent";
import * as node from "mparticle-events/node";
import * as otel from "mparticle-events/otel";
import * as plan from "mparticle-events/plan";
import * as postgres from "mparticle-events/postgres";
import * as testing from "mparticle-events/testing";
import * as validate from "mparticle-events/validate";
import { everyEvent } from "../examples/every-event/every-event.ts";
import { EVENT_TYPES } from "../generated/contract.ts";
import { drawBadges } from "../scripts/docs/badges.ts";
import { headingAnchor } from "../scripts/docs/heading-anchor.ts";
import { PublicNames, readEntries } from "../scripts/docs/public-names.ts";
import { referencePages } from "../scripts/docs/reference-pages.ts";
import { readOptionDefaults } from "./option-defaults.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => /\.(md|ts|yaml|yml)$/.test(path) && !/node_modules|^docs[/\\]site/.test(path));
}

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const PAPERS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md") || name === "llms.txt"),
  ...["docs", "examples"].flatMap(filesIn).filter((path) => path.endsWith(".md")),
];

/** The anchors that headings of a page give. */
function anchorsOf(path: string): readonly string[] {
  return Array.from(read(path).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) => headingAnchor(heading));
}

describe("the documents", () => {
  it.each(PAPERS)("link to files and headings that there are: %s", (paper) => {
    const links = Array.from(
      read(paper).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)|^\[[^\]]+\]: (?!https?:)(\S+)/gm),
      ([, inline, reference = ""]) => inline ?? reference,
    );
    const dead = links.filter((link) => {
      const [path = "", anchor] = link.split("#");
      const file = path === "" ? paper : join(dirname(paper), path);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it.each(PAPERS.filter((paper) => paper.startsWith("docs")))("say nothing twice: %s", (paper) => {
    const headings = read(paper).match(/^## .*$/gm) ?? [];
    expect(headings).toEqual([...new Set(headings)]);
  });

  it("explain every decision that is cited anywhere, once", () => {
    const cited = new Set(
      ["src", "spec", "scripts", "docs", "test"].flatMap((folder) =>
        filesIn(folder).flatMap((path) => read(path).match(/\bD[1-9]\d{0,2}\b/g) ?? []),
      ),
    );
    const explained = Array.from(read("docs/decisions.md").matchAll(/^- \*\*(D\d+)\*\*/gm), ([, id = ""]) => id);
    expect(cited.size).toBeGreaterThan(100);
    expect([...cited].filter((id) => !explained.includes(id))).toEqual([]);
    expect(explained).toEqual([...new Set(explained)]);
  });

  it.each([
    "src/delivery/client-options.ts",
    "src/delivery/queue/queue-options.ts",
    "src/node/drain-on-exit.ts",
    "src/node/sqlite-outbox.ts",
  ])("give options the defaults that they have: %s", (file) => {
    const rows = read("docs/options.md").match(/^\| `.*$/gm) ?? [];
    const options = Array.from(
      read(file).matchAll(/`@default ([^`]+)`\s+(?:\*\/\s+)?readonly (\w+)\?:/g),
      ([, value = "", name = ""]) => ({ name, value }),
    );
    expect(options.length).toBeGreaterThan(1);
    const wrong = options.filter(
      ({ name, value }) => !rows.some((row) => row.includes(`\`${name}\``) && row.includes(value)),
    );
    const problems = wrong.map(({ name, value }) => `docs/options.md has no row in which \`${name}\` is ${value}`);
    expect(problems).toEqual([]);
  });

  it("lead from another SDK to names that there are", () => {
    const rows = read("docs/guides/migrating.md").match(/^\| .*$/gm) ?? [];
    const ours = rows.map((row) => row.split(" | ").at(-1) ?? "");
    const called = new Set(
      ours.flatMap((cell) => Array.from(cell.matchAll(/(?<![.\w])(\w+)\(/g), ([, name = ""]) => name)),
    );
    expect(called.size).toBeGreaterThan(30);
    expect([...called].filter((name) => !Object.hasOwn({ ...root, ...testing }, name))).toEqual([]);
  });

  it.each(["src/delivery/client-options.ts", "src/delivery/queue/queue-options.ts", "src/node/drain-on-exit.ts"])(
    "have a row for each option: %s",
    (file) => {
      const rows = read("docs/options.md").match(/^\| `.*$/gm) ?? [];
      const names = Array.from(read(file).matchAll(/^ {2}readonly (\w+)\?:/gm), ([, name = ""]) => name);
      expect(names.length).toBeGreaterThan(2);
      const missing = names.filter((name) => !rows.some((row) => row.includes(`\`${name}\``)));
      expect(missing.map((name) => `docs/options.md has no row for \`${name}\``)).toEqual([]);
    },
  );

  it("name to coding assistants only what each entry exports", () => {
    const entries: Readonly<Record<string, object>> = {
      "mparticle-events": root,
      "mparticle-events/bullmq": bullmq,
      "mparticle-events/consent": consent,
      "mparticle-events/node": node,
      "mparticle-events/otel": otel,
      "mparticle-events/plan": plan,
      "mparticle-events/postgres": postgres,
      "mparticle-events/testing": testing,
      "mparticle-events/validate": validate,
    };
    const imports = Array.from(read("llms.txt").matchAll(/^import \{([^}]*)\}\s+from "([^"]+)"/gm));
    expect(imports.map(([, , entry]) => entry).toSorted()).toEqual(Object.keys(entries).toSorted());
    const wrong = imports.flatMap(([, names = "", entry = ""]) =>
      names
        .split(",")
        .map((name) => name.trim())
        .filter((name) => !Object.hasOwn(entries[entry] ?? {}, name)),
    );
    expect(wrong).toEqual([]);
  });
});

describe("the example of every event", () => {
  it("has one of each type", () => {
    const types = new Set(everyEvent.map(({ event_type }) => event_type));
    const missing = EVENT_TYPES.filter((type) => !types.has(type));
    expect(missing.map((type) => `examples/every-event/every-event.ts has no ${type}`)).toEqual([]);
  });
});

describe("the reference of public names", () => {
  const names = new PublicNames(ROOT);
  const entries = new Map(Array.from(readEntries(ROOT), ([entry, file]) => [entry, names.exportsOf(file)]));

  it("has the types of every event, and of what its factory takes", () => {
    const exported = new Set(entries.get("mparticle-events")?.map(({ name }) => name));
    const ofEvents = EVENT_TYPES.map((type) =>
      type.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    )
      .map((name) => name.replace(/(?:Event)?$/, "Event"))
      .flatMap((name) => [name, `${name}Data`]);
    const ofFactories = names.exportsOf(join(ROOT, "src/model/events.ts")).map(({ name }) => name);
    const missing = [...ofEvents, ...ofFactories.filter((name) => name.endsWith("Options"))].filter(
      (name) => !exported.has(name),
    );
    expect(ofFactories.length).toBeGreaterThan(20);
    expect(missing.map((name) => `src/index.ts does not export ${name}`)).toEqual([]);
  });

  it("has a sentence for every name and every member", () => {
    const all = [...entries].flatMap(([entry, exported]) =>
      exported.flatMap(({ name, documentation, members }) => [
        { name: `${entry}: ${name}`, documentation },
        ...members.map((member) => ({ name: `${entry}: ${name}.${member.name}`, documentation: member.documentation })),
      ]),
    );
    expect(all.length).toBeGreaterThan(900);
    const silent = all.filter(
      ({ documentation: { text, parameters, defaultsTo } }) =>
        text === "" && parameters.length === 0 && defaultsTo === "",
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("has a text for every name, and for every option, inherited or not", () => {
    const all = [...entries.values()].flat();
    const names = all.map(({ name, documentation }) => ({ name, documentation }));
    const options = all
      .filter(({ name }) => name.endsWith("Options"))
      .flatMap(({ name, members, inherited }) =>
        [...members, ...inherited].map((member) => ({
          name: `${name}.${member.name}`,
          documentation: member.documentation,
        })),
      );
    expect(options.length).toBeGreaterThan(120);
    const silent = [...names, ...options].filter(({ documentation }) => documentation.text === "");
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("has no parameter that a function does not take", () => {
    const described = [...entries.values()].flat().flatMap((one) => [one, ...one.members]);
    // A parameter stands first or after a comma, under its name or as the members that are wanted of it.
    const isTaken = (signature: string, path: string): boolean => {
      const [name = "", member] = path.split(".");
      const taken = member === undefined ? name : String.raw`${name}|\{[^}]*\b${member}\b[^}]*\}`;
      return new RegExp(String.raw`[(,]\s*(?:\.{3}|readonly )?(?:${taken})(?:\??:| =)`).test(signature);
    };
    const wrong = described.flatMap(({ name, signature, documentation: { parameters } }) =>
      parameters
        .filter((parameter) => !isTaken(signature, parameter.name))
        .map((parameter) => `${name}: ${parameter.name}`),
    );
    expect(described.filter(({ documentation }) => documentation.parameters.length > 0).length).toBeGreaterThan(70);
    expect(wrong).toEqual([]);
  });

  it("describes each in one place, and leads there from everywhere else", () => {
    const pages = referencePages(entries);
    const headings = pages.flatMap(({ name, markdown }) =>
      Array.from(markdown.matchAll(/^### \w+ \{#(\w+)\}$/gm), ([, anchor = ""]) => `${name}.md#${anchor}`),
    );
    expect(headings).toEqual([...new Set(headings)]);
    const links = pages.flatMap(({ name, markdown }) =>
      Array.from(
        markdown.matchAll(/\]\(([\w-]+\.md)?#(\w+)\)/g),
        ([, page, anchor = ""]) => `${page ?? `${name}.md`}#${anchor}`,
      ),
    );
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter((link) => !headings.includes(link))).toEqual([]);
    const ofBatch = pages.find(({ name }) => name === "payloads")?.markdown ?? "";
    expect(ofBatch).toContain("- `source_request_id?: string | null | undefined`: The sender's own id of this batch");
  });
});

describe("the docstrings", () => {
  it("say the defaults that the code gives", () => {
    const options = readOptionDefaults("src").filter(({ value }) => value !== undefined);
    expect(options.length).toBeGreaterThan(70);
    const problems = options.flatMap(({ name, file, said, value, given }) => {
      if (given.length === 0) return [`${file}: ${name} is said to be ${said}, and no code gives that default`];
      const others = given.filter((one) => one !== value);
      return others.map((other) => `${file}: ${name} is said to be ${said}, and the code gives ${other}`);
    });
    expect(problems).toEqual([]);
  });
});

describe("the badges", () => {
  it("say what package.json says; `npm run docs:badges` draws them anew", () => {
    expect(read("docs/badges.svg")).toBe(drawBadges());
  });
});

interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly "runs-on": string;
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}

const WORKFLOWS = readdirSync(join(ROOT, ".github/workflows")).map((name) => `.github/workflows/${name}`);
const workflowAt = (path: string): Workflow => parse(read(path)) as Workflow;
const stepsOf = ({ jobs }: Workflow): Job["steps"] => Object.values(jobs).flatMap(({ steps }) => steps);

describe("the workflows", () => {
  it.each(WORKFLOWS)("name what there is: %s", (path) => {
    const workflow = workflowAt(path);
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    const projects = Array.from(read("vitest.config.ts").matchAll(/\bname: "(\w+)"/g), ([, name = ""]) => name);
    const runs = stepsOf(workflow).map(({ run = "" }) => run);
    const named = (pattern: RegExp): string[] =>
      runs.flatMap((run) => Array.from(run.matchAll(pattern), ([, name = ""]) => name));
    expect(runs.length).toBeGreaterThan(2);
    expect(named(/\bnpm run ([\w:-]+)/g).filter((name) => !(name in scripts))).toEqual([]);
    expect(named(/--project (\w+)/g).filter((name) => !projects.includes(name))).toEqual([]);
    const programs = named(/\bnpx ([\w-]+)/g).map((name) => `node_modules/.bin/${name}`);
    expect(
      [...programs, ...named(/(?:^|\s)(\.[\w-]*\/[\w/-]+)/g)].filter((file) => !existsSync(join(ROOT, file))),
    ).toEqual([]);
    const wanted = Object.values(workflow.jobs).flatMap(({ needs = [] }) => needs);
    expect(wanted.filter((job) => !(job in workflow.jobs))).toEqual([]);
    for (const { uses = "@v0" } of stepsOf(workflow)) expect(uses).toMatch(/@v\d+$/);
    expect(workflow.permissions).toEqual({ contents: "read" });
  });

  it("run all of it on Linux and the tests of the source elsewhere", () => {
    const { jobs } = workflowAt(".github/workflows/ci.yml");
    expect(jobs["everything"]?.steps.some(({ run }) => run?.endsWith(".ci/run") === true)).toBe(true);
    expect(jobs["source"]?.steps.some(({ run }) => run?.startsWith("npx vitest run") === true)).toBe(true);
  });

  it("publish with provenance what has passed, by the identity of the workflow and without a token", () => {
    const { on, jobs } = workflowAt(".github/workflows/release.yml");
    expect(on).toEqual({ push: { tags: ["v*"] } });
    expect(jobs["publish"]).toMatchObject({ needs: "everything", permissions: { "id-token": "write" } });
    expect(jobs["publish"]?.steps.at(-1)?.run).toBe("npm publish --provenance --access public");
    expect(read(".github/workflows/release.yml")).not.toMatch(/secrets\.|NODE_AUTH_TOKEN/);
    const { publishConfig } = JSON.parse(read("package.json")) as { readonly publishConfig: unknown };
    expect(publishConfig).toEqual({ access: "public", provenance: true });
  });

  it("stand beside forms that can be read", () => {
    for (const name of readdirSync(join(ROOT, ".github/ISSUE_TEMPLATE"))) {
      expect(parse(read(`.github/ISSUE_TEMPLATE/${name}`))).toBeTypeOf("object");
    }
  });
});
