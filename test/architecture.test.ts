import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

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

/** What was read already, by path: to read a file costs more than all that is asked of it. */
const SOURCES = new Map<string, ts.SourceFile>();

function importsOf(file: string): readonly Import[] {
  const options = { languageVersion: ts.ScriptTarget.ES2022, impliedNodeFormat: ts.ModuleKind.ESNext } as const;
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), options, true);
  SOURCES.set(file, source);
  return source.statements.flatMap((statement): Import[] => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const specifier = statement.moduleSpecifier;
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return [];
    const isTypeOnly = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : statement.isTypeOnly;
    const targets =
      specifier.text === "#platform"
        ? PLATFORMS
        : [specifier.text.startsWith(".") ? join(dirname(file), specifier.text) : specifier.text];
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
    const passing = FILES.filter((file) =>
      /^export (type )?(\{[^}]*\}|\*[^;]*) from /ms.test(readFileSync(file, "utf8")),
    );
    expect(passing.filter((file) => !ENTRIES.includes(file)).map((file) => relative(SOURCE, file))).toEqual([]);
    expect(FILES.filter((file) => readFileSync(file, "utf8").includes("export *"))).toEqual([]);
  });
});

describe("names", () => {
  it("of files and folders say what is in them", () => {
    const vague = /(^|[/\\-])(utils?|helpers?|common|misc|shared|index)([/\\.-]|$)/;
    const named = [SOURCE, join(ROOT, "scripts"), join(ROOT, "test")].flatMap(filesIn);
    expect(named.filter((file) => vague.test(relative(ROOT, file)) && file !== join(SOURCE, "index.ts"))).toEqual([]);
  });
});

describe("documentation", () => {
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path)).config,
      ts.sys,
      ROOT,
    ).options,
    // Nothing is asked here of the platform or of packages, and their declarations are most of what there would be to read.
    types: [],
    lib: ["lib.es5.d.ts"],
  };
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram(ENTRIES, options, {
    ...host,
    getSourceFile: (file, ...how) => SOURCES.get(file) ?? host.getSourceFile(file, ...how),
    resolveModuleNameLiterals: (literals, from) =>
      literals.map(({ text }) =>
        /^[.#]/.test(text) ? ts.resolveModuleName(text, from, options, ts.sys) : { resolvedModule: undefined },
      ),
  });
  const checker = program.getTypeChecker();

  /** Every public name that we declare ourselves; those of the payload are documented by the specification. */
  const PUBLIC = ENTRIES.flatMap((entry) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    return checker.getExportsOfModule(module).map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      return { entry: relative(SOURCE, entry), name: exported.name, symbol };
    });
  });

  const hasText = (symbol: ts.Symbol): boolean => symbol.getDocumentationComment(checker).length > 0;

  it("is there for every public name", () => {
    expect(PUBLIC.length).toBeGreaterThan(80);
    const silent = PUBLIC.filter(({ symbol }) => !hasText(symbol));
    expect(silent.map(({ entry, name }) => `${entry}: ${name}`)).toEqual([]);
  });

  it("is there for every option", () => {
    const options = PUBLIC.filter(({ name }) => name.endsWith("Options")).flatMap(({ name, symbol }) =>
      checker
        .getDeclaredTypeOfSymbol(symbol)
        .getProperties()
        .filter(({ declarations = [] }) => declarations.some((one) => one.getSourceFile().fileName.startsWith(SOURCE)))
        .map((property) => ({ title: `${name}.${property.name}`, property })),
    );
    expect(options.length).toBeGreaterThan(40);
    expect(options.filter(({ property }) => !hasText(property)).map(({ title }) => title)).toEqual([]);
  });

  it("names no parameter that a function does not have", () => {
    const wrong = PUBLIC.flatMap(({ name, symbol }) =>
      (symbol.declarations ?? [])
        .filter((declaration) => ts.isFunctionDeclaration(declaration))
        .flatMap((declaration) => {
          const documented = ts.getJSDocTags(declaration).filter(ts.isJSDocParameterTag);
          const known = new Set(declaration.parameters.map((parameter) => parameter.name.getText()));
          return documented
            .filter((tag) => !known.has(tag.name.getText()))
            .map((tag) => `${name}: ${tag.name.getText()}`);
        }),
    );
    expect(wrong).toEqual([]);
  });
});
