import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type typescript from "typescript";
import { ts } from "../../scripts/typescript.ts";

/** Methods of openapi-fetch, too generic for the compiler to write down; nobody exports them one by one. */
const NOT_WRITTEN_DOWN = ["RawClient"];

/** A program that exports one of everything: each value, what functions take and return, each member of each type. */
export function everythingOf(folder: string, entries: readonly string[]): string {
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
  const exportsOf = (symbol: typescript.Symbol): typescript.Symbol[] => checker.getExportsOfModule(symbol);
  const resolve = (symbol: typescript.Symbol): typescript.Symbol =>
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
function isGeneric({ declarations = [] }: typescript.Symbol): boolean {
  return declarations.some(
    (declaration) => "typeParameters" in declaration && declaration.typeParameters !== undefined,
  );
}

function nameOf(expression: string): string {
  return expression.replace(/\W+/g, "_");
}
