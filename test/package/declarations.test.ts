import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { full, onlyInFull } from "../full.ts";
import { QUICK, runTypescript } from "../types/run-typescript.ts";
import { makeOwnProject } from "./own-project.ts";

const ENTRIES = ["mparticle-events", "mparticle-events/node", "mparticle-events/testing", "mparticle-events/validate"];

/** Methods of openapi-fetch, too generic for the compiler to write down; nobody exports them one by one. */
const NOT_WRITTEN_DOWN = ["RawClient"];

/** What people write, for those who read this; the rest is made from what the entries export. */
const PROGRAM = `
import { addToCart, crashReport, EventsClient, type Batch, type EventsClientOptions } from "mparticle-events";
export const cart = addToCart;
export const crash = (message: string) => crashReport("error", message);
export const client = new EventsClient({ apiKey: "key", apiSecret: "secret" });
export const raw = client.raw;
export const post = (body: Batch) => client.raw.POST("/events", { body });
export const retry = (options: EventsClientOptions) => options.retry;
`;

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What the compiler says to a program, and to writing its declarations. */
async function compile(name: string, code: string): Promise<string[]> {
  writeFileSync(join(folder, `${name}.ts`), code);
  return await runTypescript(full(QUICK, "typescript"), folder, name, {
    compilerOptions: {
      ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", types: ["node"], skipLibCheck: true },
      ...{ lib: ["es2023", "esnext.disposable"], strict: true, declaration: true, rootDir: ".", outDir: "out" },
    },
    files: [`${name}.ts`],
  });
}

/** A program that exports one of everything: each value, what functions take and return, each member of each type. */
function everythingOf(entries: readonly string[]): string {
  const file = join(folder, "entries.ts");
  writeFileSync(file, entries.map((entry, index) => `export * as all${String(index)} from "${entry}";`).join("\n"));
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    types: [],
    strict: true,
  });
  const checker = program.getTypeChecker();
  const exportsOf = (symbol: ts.Symbol): ts.Symbol[] => checker.getExportsOfModule(symbol);
  const resolve = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error("The program of the entries is no module.");
  const statements = exportsOf(module).flatMap((namespace) =>
    exportsOf(resolve(namespace)).flatMap((exported) => {
      const symbol = resolve(exported);
      const path = `${namespace.name}.${exported.name}`;
      const expressions: string[] = [];
      if (symbol.flags & ts.SymbolFlags.Value) {
        const type = checker.getTypeOfSymbol(symbol);
        expressions.push(path);
        if (type.getCallSignatures().length > 0) expressions.push(`called(${path})`);
        if (type.getConstructSignatures().length > 0) expressions.push(`made(${path})`);
      }
      if (symbol.flags & ts.SymbolFlags.Type && !isGeneric(symbol) && !NOT_WRITTEN_DOWN.includes(exported.name)) {
        const type = checker.getDeclaredTypeOfSymbol(symbol);
        if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Union | ts.TypeFlags.Intersection)) {
          expressions.push(`one<${path}>()`);
          for (const { name } of checker.getPropertiesOfType(type)) {
            if (/^\w+$/.test(name)) expressions.push(`one<${path}>().${name}`);
          }
        }
      }
      return expressions;
    }),
  );
  return [
    ...entries.map((entry, index) => `import * as all${String(index)} from "${entry}";`),
    "declare function one<T>(): T;",
    "declare function called<F extends (...args: never[]) => unknown>(f: F): [...Parameters<F>, ReturnType<F>];",
    "declare function made<C extends new (...args: never[]) => unknown>(c: C): [...ConstructorParameters<C>, InstanceType<C>];",
    ...statements.map((expression, index) => `export const ${nameOf(expression)}_${String(index)} = ${expression};`),
  ].join("\n");
}

/** Such as `EventOf<Type>`: there is no such type until it is given one. */
function isGeneric({ declarations = [] }: ts.Symbol): boolean {
  return declarations.some(
    (declaration) => "typeParameters" in declaration && declaration.typeParameters !== undefined,
  );
}

function nameOf(expression: string): string {
  return expression.replace(/\W+/g, "_");
}

describe("a library whose declarations are written by the compiler", () => {
  it("may export whatever it made with this package", async () => {
    expect(await compile("program", PROGRAM)).toEqual([]);
  });

  onlyInFull(() => {
    it("finds every name it needs among the exports", async () => {
      const program = everythingOf(ENTRIES);
      expect(program.split("\n").length).toBeGreaterThan(800);
      expect(await compile("everything", program)).toEqual([]);
    });
  });
});
