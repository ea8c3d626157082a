/**
 * Reads from the source what docstrings say that options default to, and what the code gives. Only the files are parsed in
 * which an option of such a name is given a default, because the whole source takes seconds.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import ts from "typescript";
import { parseOnce } from "../scripts/docs/public-names.ts";

/** An option whose docstring says `@default`. */
export interface OptionDefault {
  /** `RetryOptions.baseDelayMs`, or `deliver(lingerMs)` of a parameter. */
  readonly name: string;
  readonly file: string;
  /** The words of the docstring. */
  readonly said: string;
  /** What the words mean as JSON; `undefined` for what is no literal, such as `Date.now` or "a free one". */
  readonly value: string | undefined;
  /** What the code gives in each place, as JSON where it can be told, else its text. */
  readonly given: readonly string[];
}

/** The options of all files in a folder. */
export function readOptionDefaults(folder: string): readonly OptionDefault[] {
  const texts = new Map(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => [join(folder, path), readFileSync(join(folder, path), "utf8")]),
  );
  return new Reader(filesWithDefaults(texts).map((path) => resolve(path))).options();
}

/** The name of what is parsed of a docstring. */
const WORDS = "docstring.ts";

const SAID = /`@default ([^`]+)`/;

/** Those that document a default, and those that may give one to an option of that name. */
function filesWithDefaults(texts: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set(
    [...texts.values()].flatMap((text) =>
      Array.from(
        text.matchAll(/`@default [^/]*\*\/\s+(?:readonly )?(\w+)\?:|@param (?:\w+\.)?(\w+) [^@]*`@default /g),
        ([, option, parameter]) => option ?? parameter,
      ),
    ),
  );
  const gives = new RegExp(`\\b(?:${[...names].join("|")})\\b(?: \\?\\? | = | === (?:true|false)|: "|: options\\.)`);
  const saying = [...texts].filter(([, text]) => SAID.test(text)).map(([path]) => path);
  const giving = [...texts]
    .filter(([, text]) => gives.test(text) && saying.some((path) => text.includes(`/${basename(path)}"`)))
    .map(([path]) => path);
  return [...new Set([...saying, ...giving])];
}

class Reader {
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;
  readonly #said = new Map<ts.Node, { readonly name: string; readonly said: string; readonly given: string[] }>();

  /** Of all that is documented: to ask the compiler about other names takes most of the time. */
  readonly #names = new Set<string>();

  constructor(files: readonly string[]) {
    const host = ts.createCompilerHost({});
    const known = new Set([...files, resolve("generated/contract.ts")]);
    host.getSourceFile = (path) => parseOnce(resolve(path));
    // Nothing else is parsed: neither the packages nor the library of the language.
    host.resolveModuleNameLiterals = (literals, from) =>
      literals.map(({ text }) => {
        const path = resolve(dirname(from), text);
        const isKnown = text.startsWith(".") && known.has(path);
        return { resolvedModule: isKnown ? { resolvedFileName: path, extension: ts.Extension.Ts } : undefined };
      });
    this.#program = ts.createProgram(files, { noLib: true, types: [], strict: true }, host);
    this.#checker = this.#program.getTypeChecker();
  }

  options(): readonly OptionDefault[] {
    const files = this.#program.getSourceFiles();
    for (const file of files)
      this.#eachNode(file, (node) => {
        this.#readSaid(node);
      });
    for (const file of files)
      this.#eachNode(file, (node) => {
        this.#readGiven(node);
      });
    return Array.from(this.#said, ([declaration, { name, said, given }]) => {
      const file = relative(".", declaration.getSourceFile().fileName);
      return { name, file, said, value: asJson(this.#valueOfWords(said)), given };
    });
  }

  #eachNode(root: ts.Node, visit: (node: ts.Node) => void): void {
    const walk = (node: ts.Node): void => {
      visit(node);
      ts.forEachChild(node, walk);
    };
    walk(root);
  }

  #readSaid(node: ts.Node): void {
    if (ts.isPropertySignature(node)) {
      const [, said] = SAID.exec(docstringOf(node)) ?? [];
      const owner = ts.findAncestor(node, (one) => ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one));
      if (said !== undefined) this.#say(node, `${owner?.name.getText() ?? ""}.${node.name.getText()}`, said);
    } else if (ts.isFunctionLike(node)) {
      for (const { name, comment } of ts.getJSDocTags(node).filter(ts.isJSDocParameterTag)) {
        const [, said] = SAID.exec(ts.getTextOfJSDocComment(comment) ?? "") ?? [];
        const declaration = said === undefined ? undefined : declarationOf(node, name.getText());
        if (said !== undefined && declaration !== undefined)
          this.#say(declaration, `${node.name?.getText() ?? "constructor"}(${name.getText()})`, said);
      }
    }
  }

  #say(declaration: ts.Node, name: string, said: string): void {
    this.#said.set(declaration, { name, said, given: [] });
    this.#names.add(/\w+(?=\)?$)/.exec(name)?.[0] ?? "");
  }

  #readGiven(node: ts.Node): void {
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      // `options.name ?? value`, and `options.name === true` of what is false otherwise.
      if (kind === ts.SyntaxKind.QuestionQuestionToken) this.#give(this.#optionsOf(node.left), node.right);
      else if (node.right.kind === ts.SyntaxKind.TrueKeyword) this.#give(this.#optionsOf(node.left), "false");
      else if (node.right.kind === ts.SyntaxKind.FalseKeyword) this.#give(this.#optionsOf(node.left), "true");
    } else if (ts.isConditionalExpression(node) && ts.isBinaryExpression(node.condition)) {
      const { left, right, operatorToken } = node.condition;
      // `name === undefined ? value : …`
      const isAbsent = right.getText() === "undefined" && operatorToken.kind === ts.SyntaxKind.EqualsEqualsEqualsToken;
      if (isAbsent) this.#give(this.#optionsOf(left), node.whenTrue);
    } else if (ts.isBindingElement(node) && node.initializer !== undefined) {
      this.#give(this.#boundOptions(node), node.initializer);
    } else if (ts.isParameter(node) && node.initializer !== undefined) {
      this.#give([node], node.initializer);
    } else if (ts.isObjectLiteralExpression(node)) {
      this.#readMembers(node);
    } else if (ts.isCallExpression(node)) {
      this.#readArguments(node);
    }
  }

  /** `{ name: value, ...options }`, and `{ name: options.name }` for another function that gives the default. */
  #readMembers(literal: ts.ObjectLiteralExpression): void {
    const properties = literal.properties.filter(
      (one) => one.name === undefined || this.#names.has(one.name.getText()),
    );
    if (properties.every(ts.isSpreadAssignment)) return;
    // Asked where an option is passed on, and nowhere else: the compiler finds it out of all that is around the literal.
    const expected = (name: string): ts.Symbol | undefined =>
      this.#checker.getContextualType(literal)?.getProperty(name);
    for (const [index, member] of properties.entries()) {
      if (ts.isPropertyAssignment(member)) {
        const name = member.name.getText();
        const spread = properties.slice(index).find(ts.isSpreadAssignment);
        if (spread) this.#give(declarationsOf(this.#propertyOf(spread.expression, name)), member.initializer);
        this.#passOn(this.#optionsOf(member.initializer), () => expected(name));
      } else if (ts.isShorthandPropertyAssignment(member)) {
        this.#passOn(this.#optionsOf(member.name), () => expected(member.name.text));
      }
    }
  }

  /** `resolve(options.name)`, where the parameter of `resolve` is given the default. */
  #readArguments(call: ts.CallExpression): void {
    const options = call.arguments.map((argument) => this.#optionsOf(argument));
    if (options.every((of) => of.length === 0)) return;
    const declaration = this.#checker.getResolvedSignature(call)?.declaration;
    for (const [index, of] of options.entries()) {
      const parameter = declaration?.parameters[index];
      if (of.length === 0 || parameter === undefined || !ts.isParameter(parameter)) continue;
      if (parameter.initializer !== undefined) this.#give(of, parameter.initializer);
      this.#eachNode(parameter.parent, (node) => {
        if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.QuestionQuestionToken) return;
        if (this.#checker.getSymbolAtLocation(node.left)?.valueDeclaration === parameter) this.#give(of, node.right);
      });
    }
  }

  /** The default of an option that is passed on as another one is what is said of that. */
  #passOn(options: readonly ts.Node[], as: () => ts.Symbol | undefined): void {
    if (!options.some((option) => this.#said.has(option))) return;
    for (const other of declarationsOf(as())) {
      const said = this.#said.get(other)?.said;
      if (said !== undefined)
        this.#give(
          options.filter((option) => option !== other),
          said,
        );
    }
  }

  #give(options: readonly ts.Node[], value: ts.Expression | string): void {
    for (const option of options) {
      const text = typeof value === "string" ? value : (asJson(this.#valueOf(value)) ?? value.getText());
      this.#said.get(option)?.given.push(text);
    }
  }

  /** The documented options that an expression may be. */
  #optionsOf(expression: ts.Expression): readonly ts.Node[] {
    if (ts.isPropertyAccessExpression(expression)) {
      const { name } = expression;
      return this.#names.has(name.text) ? declarationsOf(this.#checker.getSymbolAtLocation(name)) : [];
    }
    if (!ts.isIdentifier(expression)) return [];
    const declaration = ts.isShorthandPropertyAssignment(expression.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(expression.parent)?.valueDeclaration
      : this.#checker.getSymbolAtLocation(expression)?.valueDeclaration;
    return declaration !== undefined && ts.isBindingElement(declaration) ? this.#boundOptions(declaration) : [];
  }

  #boundOptions(element: ts.BindingElement): readonly ts.Node[] {
    const name = (element.propertyName ?? element.name).getText();
    if (!ts.isObjectBindingPattern(element.parent) || !this.#names.has(name)) return [];
    return declarationsOf(this.#propertyOf(element.parent, name));
  }

  #propertyOf(node: ts.Node, name: string): ts.Symbol | undefined {
    return this.#checker.getTypeAtLocation(node).getProperty(name);
  }

  /** What an expression of literals and constants comes to; `undefined` for any other. */
  #valueOf(node: ts.Expression): unknown {
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return this.#valueOf(node.expression);
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
    if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll("_", ""));
    if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
    if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
    if (ts.isArrayLiteralExpression(node)) return allOf(node.elements.map((element) => this.#valueOf(element)));
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.AsteriskToken) {
      const factors = allOf([this.#valueOf(node.left), this.#valueOf(node.right)]);
      return factors && Number(factors[0]) * Number(factors[1]);
    }
    if (ts.isCallExpression(node) && node.expression.getText() === "Math.max") {
      const values = allOf(node.arguments.map((argument) => this.#valueOf(argument)));
      return values && Math.max(...values.map(Number));
    }
    return ts.isIdentifier(node) || ts.isPropertyAccessExpression(node) ? this.#constantOf(node) : undefined;
  }

  #valueOfWords(said: string): unknown {
    // The parser makes an expression of any words.
    if (/\w \w/.test(said.replaceAll(/"[^"]*"/g, ""))) return undefined;
    const [first] = ts.createSourceFile(WORDS, `(${said})`, ts.ScriptTarget.ES2022, true).statements;
    return first && ts.isExpressionStatement(first) ? this.#valueOf(first.expression) : undefined;
  }

  #constantOf(node: ts.Identifier | ts.PropertyAccessExpression): unknown {
    if (node.getSourceFile().fileName === WORDS) return undefined;
    const named = this.#checker.getSymbolAtLocation(ts.isIdentifier(node) ? node : node.name);
    const isImport = named !== undefined && (named.flags & ts.SymbolFlags.Alias) !== 0;
    const declaration = (isImport ? this.#checker.getAliasedSymbol(named) : named)?.valueDeclaration;
    if (declaration === undefined) return undefined;
    const isConstant =
      ts.isVariableDeclaration(declaration) || ts.isPropertyAssignment(declaration) || ts.isBindingElement(declaration);
    return isConstant && declaration.initializer ? this.#valueOf(declaration.initializer) : undefined;
  }
}

function docstringOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((one) => one.getText())
    .join("\n");
}

/** The parameter of that name, or the member of its type: `options.timeoutMs`. */
function declarationOf(of: ts.SignatureDeclaration, path: string): ts.Node | undefined {
  const [name, member] = path.split(".");
  const parameter = of.parameters.find((one) => one.name.getText() === name);
  if (member === undefined) return parameter;
  const members = parameter?.type && ts.isTypeLiteralNode(parameter.type) ? parameter.type.members : [];
  return members.find((one) => one.name?.getText() === member);
}

function declarationsOf(symbol: ts.Symbol | undefined): readonly ts.Node[] {
  return symbol?.declarations ?? [];
}

function allOf(values: readonly unknown[]): readonly unknown[] | undefined {
  return values.includes(undefined) ? undefined : values;
}

function asJson(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
