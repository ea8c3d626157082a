/** Reads what the entries of the package export, with what is said about it, from the source. Nothing is checked by types here. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type TS from "typescript";
import { ts } from "../typescript.ts";

/** A member of a public class or interface, or of an object type. */
export interface PublicMember {
  readonly name: string;
  /** As it is written, without a body: `timeoutMs?: number | undefined`. */
  readonly signature: string;
  readonly documentation: Documentation;
}

/** What an entry exports. */
export interface PublicName {
  readonly name: string;
  readonly kind: "class" | "function" | "type" | "value";
  /** Where it is declared, from the root of the repository. */
  readonly file: string;
  /** As it is written, without bodies and members; functions with several signatures have several lines. */
  readonly signature: string;
  readonly documentation: Documentation;
  readonly members: readonly PublicMember[];
  /** The members of what an interface or an object type is made of besides, public or not. */
  readonly inherited: readonly PublicMember[];
}

/** What a docstring says. */
export interface Documentation {
  readonly text: string;
  readonly parameters: readonly { readonly name: string; readonly text: string }[];
  readonly returns: string;
  readonly throws: readonly string[];
  readonly defaultsTo: string;
  readonly examples: readonly string[];
}

type Declaration =
  | TS.ClassDeclaration
  | TS.FunctionDeclaration
  | TS.InterfaceDeclaration
  | TS.TypeAliasDeclaration
  | TS.VariableDeclaration;

/** The entries by the name that people import, and their files, as `paths` of `tsconfig.json` says it. */
export function readEntries(root: string): ReadonlyMap<string, string> {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path)) as {
    readonly config: {
      readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly [string]>> };
    };
  };
  const { paths } = config.compilerOptions;
  return new Map(
    Object.entries(paths)
      .filter(([name]) => name.startsWith("mparticle-events"))
      .map(([name, [file]]) => [name, join(root, file)]),
  );
}

const parsed = new Map<string, TS.SourceFile>();

/** A file of the source, with its docstrings; kept, because to parse takes most of the time of all who read the source. */
export function parseOnce(path: string): TS.SourceFile {
  let file = parsed.get(path);
  if (file === undefined) {
    file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);
    parsed.set(path, file);
  }
  return file;
}

/** Reads one entry after the other; what is re-exported is looked up where it is declared. */
export class PublicNames {
  readonly #root: string;

  /** @param root - of the repository, as a path. */
  constructor(root: string) {
    this.#root = root;
  }

  /** What a file exports, in alphabetical order. */
  exportsOf(path: string): PublicName[] {
    const names = parseOnce(path).statements.flatMap((statement) => {
      if (ts.isExportDeclaration(statement)) {
        if (statement.exportClause === undefined || !ts.isNamedExports(statement.exportClause)) return [];
        return statement.exportClause.elements.map(({ name }) => name.text);
      }
      return isExported(statement) ? declaredBy(statement).map(nameOf) : [];
    });
    return [...new Set(names)].sort(byName).map((name) => this.#read(name, this.#find(path, name)));
  }

  /** The declarations of a name, several where a function has several signatures. */
  #find(path: string, name: string): readonly [Declaration, ...Declaration[]] {
    const { statements } = parseOnce(path);
    const [first, ...others] = statements.flatMap(declaredBy).filter((declaration) => nameOf(declaration) === name);
    if (first !== undefined) return [first, ...others];
    for (const statement of statements) {
      const from = passedOn(statement, name);
      if (from !== undefined) return this.#find(join(dirname(path), from.file), from.name);
    }
    throw new Error(`${path} exports ${name}, and it is not found where it comes from.`);
  }

  #read(name: string, declarations: readonly [Declaration, ...Declaration[]]): PublicName {
    const [first] = declarations;
    const described = declarations.find((declaration) => documentationOf(declaration).text !== "") ?? first;
    // Where there are several signatures, the one with the body is not for callers.
    const signatures = declarations.length > 1 ? declarations.filter((one) => !("body" in one) || !one.body) : [first];
    return {
      name,
      kind: kindOf(first),
      file: relative(this.#root, first.getSourceFile().fileName).replaceAll("\\", "/"),
      signature: signatures.map(signatureOf).join("\n"),
      documentation: documentationOf(described),
      members: membersOf(first),
      inherited: this.#inheritedBy(first),
    };
  }

  #inheritedBy(declaration: Declaration): readonly PublicMember[] {
    const path = declaration.getSourceFile().fileName;
    return basesOf(declaration).flatMap((name) =>
      this.#declares(path, name)
        ? this.#find(path, name).flatMap((base) => [...membersOf(base), ...this.#inheritedBy(base)])
        : [],
    );
  }

  /** Whether a name is of this source: the others are of the language or of packages. */
  #declares(path: string, name: string): boolean {
    return parseOnce(path).statements.some(
      (statement) =>
        declaredBy(statement).some((declaration) => nameOf(declaration) === name) ||
        passedOn(statement, name)?.file.startsWith(".") === true,
    );
  }
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, "en");
}

function isExported(statement: TS.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
  );
}

function declaredBy(statement: TS.Statement): readonly Declaration[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations;
  const isOne =
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isOne ? [statement] : [];
}

/** Where an import or a re-export has a name from, if it has. */
function passedOn(statement: TS.Statement, name: string): { readonly file: string; readonly name: string } | undefined {
  const names =
    ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)
      ? statement.exportClause.elements
      : ts.isImportDeclaration(statement) &&
          statement.importClause?.namedBindings &&
          ts.isNamedImports(statement.importClause.namedBindings)
        ? statement.importClause.namedBindings.elements
        : [];
  const specifier = names.find((one) => one.name.text === name);
  const from =
    ts.isExportDeclaration(statement) || ts.isImportDeclaration(statement) ? statement.moduleSpecifier : undefined;
  if (specifier === undefined || from === undefined || !ts.isStringLiteral(from)) return undefined;
  return { file: from.text, name: specifier.propertyName?.text ?? specifier.name.text };
}

function nameOf(node: TS.NamedDeclaration): string {
  return node.name?.getText() ?? "";
}

function kindOf(declaration: Declaration): PublicName["kind"] {
  if (ts.isClassDeclaration(declaration)) return "class";
  if (ts.isFunctionDeclaration(declaration)) return "function";
  return ts.isVariableDeclaration(declaration) ? "value" : "type";
}

function signatureOf(declaration: Declaration): string {
  if (ts.isVariableDeclaration(declaration)) {
    const type = declaration.type === undefined ? "" : `: ${declaration.type.getText()}`;
    return `const ${nameOf(declaration)}${type}`;
  }
  if (ts.isFunctionDeclaration(declaration)) return textUntil(declaration, declaration.body);
  if (ts.isTypeAliasDeclaration(declaration)) return textUntil(declaration, undefined);
  const opening = declaration.getChildren().find(({ kind }) => kind === ts.SyntaxKind.OpenBraceToken);
  return textUntil(declaration, opening);
}

/** The text of a declaration up to its body, without what says nothing to a caller. */
function textUntil(declaration: TS.Node, end: TS.Node | undefined): string {
  return declaration
    .getSourceFile()
    .text.slice(declaration.getStart(), end?.getStart() ?? declaration.getEnd())
    .replace(/^((export|async|override|public|declare) )+/, "")
    .trim();
}

function membersOf(declaration: Declaration): readonly PublicMember[] {
  const nodes = ts.isTypeAliasDeclaration(declaration)
    ? objectTypesOf(declaration.type).flatMap(({ members }) => [...members])
    : ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)
      ? [...declaration.members]
      : [];
  const members = nodes.filter(isNamed).map((node) => ({
    name: ts.isConstructorDeclaration(node) ? "constructor" : nameOf(node),
    signature: memberSignature(node),
    documentation: documentationOf(node),
  }));
  // Several signatures of a method: what is said of one is said of all.
  return members.filter(
    ({ name, documentation }) =>
      documentation.text !== "" || !members.some((other) => other.name === name && other.documentation.text !== ""),
  );
}

/** The names of the types whose members it has besides its own. */
function basesOf(declaration: Declaration): readonly string[] {
  if (ts.isTypeAliasDeclaration(declaration)) return namesIn(declaration.type);
  if (!ts.isInterfaceDeclaration(declaration)) return [];
  return (declaration.heritageClauses ?? []).flatMap(({ types }) =>
    types.flatMap(({ expression, typeArguments = [] }) => [expression.getText(), ...typeArguments.flatMap(namesIn)]),
  );
}

/** `Base & Omit<Other, "name">`: of what is left out, the rest is there. */
function namesIn(type: TS.TypeNode): readonly string[] {
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(namesIn);
  if (!ts.isTypeReferenceNode(type)) return [];
  return [type.typeName.getText(), ...(type.typeArguments ?? []).flatMap(namesIn)];
}

function objectTypesOf(type: TS.TypeNode): readonly TS.TypeLiteralNode[] {
  if (ts.isTypeLiteralNode(type)) return [type];
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(objectTypesOf);
  return [];
}

/** Whether people can write the name of a member; what keys of an index or a call mean, its type says itself. */
function isNamed(node: TS.ClassElement | TS.TypeElement): boolean {
  if (ts.isIndexSignatureDeclaration(node) || ts.isCallSignatureDeclaration(node)) return false;
  if (node.name !== undefined && ts.isPrivateIdentifier(node.name)) return false;
  // A symbol: nobody writes it who is not of this package.
  if (node.name !== undefined && ts.isComputedPropertyName(node.name) && !node.name.getText().startsWith("[Symbol."))
    return false;
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return !modifiers.some(
    ({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword,
  );
}

function memberSignature(node: TS.ClassElement | TS.TypeElement): string {
  const end =
    "body" in node
      ? (node.body as TS.Node | undefined)
      : "initializer" in node
        ? (node.initializer as TS.Node | undefined)
        : undefined;
  return textUntil(node, end)
    .replace(/^((readonly|override|async) )+/, "")
    .replace(/\s*=$/, "")
    .replace(/;$/, "")
    .replace(/\s+/g, " ");
}

function documentationOf(node: TS.Node): Documentation {
  const holder = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const comments = ts.getJSDocCommentsAndTags(holder).filter(ts.isJSDoc);
  const last = comments.at(-1);
  const tags = [...(last?.tags ?? [])];
  const named = (...names: readonly string[]): readonly string[] =>
    tags.filter(({ tagName }) => names.includes(tagName.text)).map((tag) => readText(tag.comment).replace(/^- /, ""));
  const text = readText(last?.comment);
  const parameters = tags
    .filter(ts.isJSDocParameterTag)
    .map((tag) => ({ name: tag.name.getText(), text: readText(tag.comment).replace(/^- /, "") }));
  const [returns = ""] = named("returns");
  const [defaultsTo = ""] = named("default");
  return { text, parameters, returns, throws: throwsOf(tags), defaultsTo, examples: named("example") };
}

/** `@throws TypeError - when …`: the compiler takes the name of the error for a type or for text, as it comes. */
function throwsOf(tags: readonly TS.JSDocTag[]): readonly string[] {
  return tags
    .filter(({ tagName }) => tagName.text === "throws")
    .map((tag) =>
      tag
        .getText()
        .replace(/^@throws\s+/, "")
        .replace(/^\s*\*\s?/gm, "")
        .replace(/\s*\*\/\s*$/, "")
        .replace(/\s+/g, " ")
        .trim(),
    );
}

function readText(comment: string | TS.NodeArray<TS.JSDocComment> | undefined): string {
  return (ts.getTextOfJSDocComment(comment) ?? "").trim();
}
