import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { onlyInFull } from "./full.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SOURCE = join(ROOT, "src");

/** The rooms of the house, and those each may import from besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  generated: [],
  rules: ["generated"],
  model: ["generated", "rules"],
  errors: ["generated", "rules"],
  transport: ["generated", "rules", "model", "errors", "version"],
  delivery: ["generated", "rules", "model", "errors", "transport"],
  index: ["generated", "rules", "model", "errors", "transport", "delivery"],
  validate: ["generated", "rules", "errors"],
  consent: ["generated", "rules", "model", "errors", "transport", "delivery"],
  plan: ["generated", "rules", "model", "errors", "validate"],
  fleet: ["generated", "rules", "model", "errors", "transport", "delivery"],
  bullmq: ["generated", "rules", "model", "errors", "transport", "delivery", "fleet"],
  postgres: ["generated", "rules", "model", "errors", "transport", "delivery", "fleet"],
  node: ["generated", "rules", "model", "errors", "transport", "delivery"],
  arrivals: ["errors"],
  testing: ["generated", "rules", "model", "errors", "transport", "delivery", "validate", "plan", "arrivals"],
  otel: ["generated", "rules", "model", "errors", "transport", "delivery", "version"],
  // Nothing imports it.
  cli: [
    "generated",
    "rules",
    "model",
    "errors",
    "transport",
    "delivery",
    "index",
    "validate",
    "consent",
    "plan",
    "node",
    "arrivals",
    "testing",
    "version",
  ],
  version: [],
};

/** The files that a name in package.json leads to; they alone pass names on. */
const ENTRIES = [
  "index.ts",
  "node/node.ts",
  "testing/testing.ts",
  "validate/validate.ts",
  "consent/consent.ts",
  "plan/plan.ts",
  "bullmq/bullmq.ts",
  "postgres/postgres.ts",
  "otel/otel.ts",
].map((path) => join(SOURCE, path));

/** What `#platform` stands for; the only files of the root entry that know a runtime. */
const PLATFORMS = ["transport/platform-node.ts", "transport/platform-web.ts"].map((path) => join(SOURCE, path));

interface Import {
  readonly from: string;
  /** A file, or the name of a package or built-in. */
  readonly to: string;
  readonly isTypeOnly: boolean;
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes("node_modules"))
    .map((path) => join(folder, path));
}

/** What a file says, by its path: read once. */
const TEXTS = new Map<string, string>();

function textOf(file: string): string {
  const text = TEXTS.get(file) ?? readFileSync(file, "utf8");
  TEXTS.set(file, text);
  return text;
}

/**
 * Statements begin their lines, because the formatter has laid them out; no other line of a file begins like this. To load a
 * compiler and let it read all files takes seconds.
 */
const STATEMENT = /^(?:import|export) (type )?(?:[^"';]*? from )?"([^"\n]+)";(?: *\/\/.*)?$/gm;

function statementsOf(file: string): readonly { readonly specifier: string; readonly isTypeOnly: boolean }[] {
  return Array.from(textOf(file).matchAll(STATEMENT), ([, type, specifier = ""]) => ({
    specifier,
    isTypeOnly: type !== undefined,
  }));
}

function importsOf(file: string): readonly Import[] {
  return statementsOf(file).flatMap(({ specifier, isTypeOnly }) => {
    const targets =
      specifier === "#platform" ? PLATFORMS : [specifier.startsWith(".") ? join(dirname(file), specifier) : specifier];
    return targets.map((to) => ({ from: file, to, isTypeOnly }));
  });
}

function roomOf(file: string): string {
  if (file.startsWith(join(ROOT, "generated"))) return "generated";
  const [room = ""] = relative(SOURCE, file).split(sep);
  return room.replace(/\.ts$/, "");
}

const FILES = filesIn(SOURCE);
const IMPORTS = FILES.flatMap(importsOf);
const INNER_IMPORTS = IMPORTS.filter(({ to }) => to.startsWith(ROOT));

describe("imports", () => {
  it("point one way, from room to room", () => {
    const wrong = INNER_IMPORTS.filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      return room !== target && MAY_IMPORT[room]?.includes(target) !== true;
    });
    expect(wrong).toEqual([]);
  });

  it("know every room", () => {
    expect([...new Set(FILES.map(roomOf))].sort()).toEqual(
      Object.keys(MAY_IMPORT)
        .filter((room) => room !== "generated")
        .sort(),
    );
  });

  it("do not go round in a circle, within a room or across", () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file))
        circles.push([...path.slice(path.indexOf(file)), file].map((p) => basename(p)).join(" → "));
      if (done.has(file) || path.includes(file)) return;
      for (const { from, to, isTypeOnly } of INNER_IMPORTS) {
        if (from === file && !isTypeOnly) visit(to, [...path, file]);
      }
      done.add(file);
    };
    for (const file of FILES) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("of the root entry reach no built-in of a runtime, but through the platform", () => {
    const reached = new Set<string>();
    const reach = (file: string): void => {
      if (reached.has(file) || PLATFORMS.includes(file)) return;
      reached.add(file);
      for (const { to } of INNER_IMPORTS.filter(({ from }) => from === file)) reach(to);
    };
    reach(join(SOURCE, "index.ts"));
    const foreign = IMPORTS.filter(({ from, to }) => reached.has(from) && !to.startsWith(ROOT)).map(({ to }) => to);
    expect([...new Set(foreign)]).toEqual(["openapi-fetch"]);
  });

  it("are passed on by the entries alone, name by name", () => {
    const passing = FILES.filter((file) => /^export (type )?(\{[^}]*\}|\*[^;]*) from /ms.test(textOf(file)));
    expect(passing.filter((file) => !ENTRIES.includes(file)).map((file) => relative(SOURCE, file))).toEqual([]);
    expect(FILES.filter((file) => textOf(file).includes("export *"))).toEqual([]);
  });

  onlyInFull(() => {
    it("are those that the compiler reads", async () => {
      const { ts } = await import("../scripts/typescript.ts");
      const read = FILES.map((file) => {
        const { statements } = ts.createSourceFile(file, textOf(file), {
          languageVersion: ts.ScriptTarget.ES2022,
          jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
        });
        const found = statements.flatMap((statement) => {
          if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
          const { moduleSpecifier } = statement;
          if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return [];
          const isTypeOnly = ts.isImportDeclaration(statement)
            ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
            : statement.isTypeOnly;
          return [{ specifier: moduleSpecifier.text, isTypeOnly }];
        });
        return [file, found];
      });
      expect(FILES.map((file) => [file, statementsOf(file)])).toEqual(read);
    });
  });
});

describe("names", () => {
  it("of files and folders say what is in them", () => {
    const vague = /(^|[/\\-])(utils?|helpers?|common|misc|shared|index)([/\\.-]|$)/;
    const named = [SOURCE, join(ROOT, "scripts"), join(ROOT, "test")].flatMap(filesIn);
    expect(named.filter((file) => vague.test(relative(ROOT, file)) && file !== join(SOURCE, "index.ts"))).toEqual([]);
  });
});
