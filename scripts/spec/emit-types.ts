import { createRequire } from "node:module";
import type * as openapiTypescript from "openapi-typescript";
import type TS from "typescript";
import { ts } from "../typescript.ts";
import { schemaCalled } from "./batch-layout.ts";
import {
  arrayAt,
  isObject,
  isString,
  stringsAt,
  type JsonObject,
  type JsonValue,
} from "../../src/cli/diff/json-value.ts";
import { resolveRef } from "./references.ts";
import { variantName } from "./type-names.ts";

// As TypeScript, which it imports.
const require = createRequire(import.meta.url);
const { default: openapiTS, astToString } = require("openapi-typescript") as typeof openapiTypescript;

const f = ts.factory;
const NULL = f.createLiteralTypeNode(f.createNull());
const STRING = f.createKeywordTypeNode(ts.SyntaxKind.StringKeyword);
const EXPORT = [f.createModifier(ts.SyntaxKind.ExportKeyword)];

/**
 * The types of the canonical profile.
 *
 * Every component schema becomes an exported interface or alias of its own, because a member of
 * `components["schemas"]` has no name in error messages and hovers; `paths` and `components` refer to those.
 */
export async function emitTypes(document: JsonObject): Promise<string> {
  const nodes = await openapiTS(JSON.stringify(typeSource(document)), {
    defaultNonNullable: false,
    silent: true,
    transform: (schema: unknown) => typeOf(schema),
  });
  const named: TS.Node[] = [];
  const rest: TS.Node[] = [];
  for (const node of nodes) {
    const renamed = mapTree(node, namedReference);
    if (ts.isInterfaceDeclaration(renamed) && renamed.name.text === "components")
      rest.push(hoistSchemas(renamed, named, document));
    else rest.push(renamed);
  }
  return [...named, ...rest].map((node) => tidyComments(astToString(node))).join("\n");
}

/** The compiler's tags and indents taken out: what is left of a comment is the description. */
function tidyComments(code: string): string {
  return code
    .replaceAll(/^( *(?:\/\*)?\* )@description /gm, "$1")
    .replaceAll(/^ *\* @(?:enum \{.*\}|constant)\n/gm, "")
    .replaceAll(/^( *\*) {5}/gm, "$1 ")
    .replaceAll(/^( *)\/\*\*\n *\* (.*)\n *\*\/$/gm, "$1/** $2 */");
}

/** The document as the type compiler should see it. */
function typeSource(document: JsonObject): JsonObject {
  const copy = prepared(document, document);
  return isObject(copy) ? copy : document;
}

function prepared(value: JsonValue, document: JsonObject): JsonValue {
  if (Array.isArray(value)) return value.map((item) => prepared(item, document));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    // The compiler would replace the tag of each branch by one of its own, with another description.
    if (key === "discriminator" && isObject(member)) continue;
    // Every description says what the value counts or looks like; a format would only stand in front of it.
    if (key === "format" && isString(member)) continue;
    // Example payloads are for the documents. In the types they would only bury the descriptions.
    if (key === "examples" || key === "example") continue;
    // An object without members would become `Record<string, never>` and swallow the members of its siblings.
    copy[key] = prepared(
      key === "allOf" && Array.isArray(member) ? member.filter((part) => !isEmptyObject(part, document)) : member,
      document,
    );
  }
  return copy;
}

function isEmptyObject(part: JsonValue, document: JsonObject): boolean {
  const schema = isObject(part) && isString(part["$ref"]) ? resolveRef(document, part["$ref"]) : part;
  return isObject(schema) && Object.keys(schema).every((key) => key === "type" || key === "description");
}

/** Types that the compiler cannot know: exact integers, and strings of which only some values are known. */
function typeOf(schema: unknown): TS.TypeNode | undefined {
  if (!isObject(schema)) return undefined;
  if ("x-exact" in schema) {
    const kinds = [ts.SyntaxKind.BigIntKeyword, ts.SyntaxKind.NumberKeyword, ts.SyntaxKind.StringKeyword] as const;
    return f.createUnionTypeNode(kinds.map((kind) => f.createKeywordTypeNode(kind)));
  }
  const known = arrayAt(schema, "x-known-values").filter(isString);
  if (known.length === 0) return undefined;
  const literals = known.map((value) => f.createLiteralTypeNode(f.createStringLiteral(value)));
  const anyOther = f.createParenthesizedType(f.createIntersectionTypeNode([STRING, f.createTypeLiteralNode([])]));
  const nullable = [schema["type"] ?? []].flat().includes("null");
  return f.createUnionTypeNode([...literals, anyOther, ...(nullable ? [NULL] : [])]);
}

/** Moves each member of `components["schemas"]` out into a declaration, and leaves its name there. */
function hoistSchemas(
  components: TS.InterfaceDeclaration,
  named: TS.Node[],
  document: JsonObject,
): TS.InterfaceDeclaration {
  const members = components.members.map((member) => {
    if (!ts.isPropertySignature(member) || nameOf(member) !== "schemas" || member.type === undefined) return member;
    if (!ts.isTypeLiteralNode(member.type)) return member;
    const references = member.type.members.map((schema) => {
      const name = nameOf(schema);
      if (!ts.isPropertySignature(schema) || schema.type === undefined) return schema;
      const type = mapTree(schema.type, () => undefined, relaxed);
      const exclusive = stringsAt(schemaCalled(document, name), "x-at-most-one");
      named.push(...declarations(name, type, exclusive, (node) => keepComments(schema, node)));
      return f.createPropertySignature(undefined, schema.name, undefined, f.createTypeReferenceNode(name));
    });
    return f.updatePropertySignature(
      member,
      member.modifiers,
      member.name,
      member.questionToken,
      f.createTypeLiteralNode(references),
    );
  });
  return f.updateInterfaceDeclaration(
    components,
    components.modifiers,
    components.name,
    components.typeParameters,
    components.heritageClauses,
    members,
  );
}

/**
 * The declaration of a schema. Where some of its members exclude each other it is a union of interfaces, one for each of
 * them, with names of their own: an error message that shows a member of the union stays short.
 *
 * @param documented - gives a node the description of the schema.
 */
function declarations(
  name: string,
  type: TS.TypeNode,
  exclusive: readonly string[],
  documented: (node: TS.Node) => TS.Node,
): TS.Node[] {
  const whole = declaration(name, type);
  if (exclusive.length === 0) return [documented(whole)];
  if (!ts.isInterfaceDeclaration(whole)) throw new TypeError(`x-at-most-one: ${name} is no object of named members.`);
  const payloads = whole.members.filter((member) => exclusive.includes(nameOf(member)));
  const shared = whole.members.filter((member) => !payloads.includes(member));
  const baseName = `${name}Base`;
  // Of variants that fit equally badly, a compiler explains the mistake by the last: the first name, the commonest.
  const variants = [...exclusive].reverse().map((key) => ({ key, variant: variantName(name, key) }));
  return [
    describedAs(
      `What is the same in every ${name}.`,
      f.createInterfaceDeclaration(EXPORT, baseName, undefined, whole.heritageClauses, shared),
    ),
    ...variants.map(({ key, variant }) =>
      describedAs(
        `A ${name} with \`${key}\`, if with any.`,
        f.createInterfaceDeclaration(
          EXPORT,
          variant,
          undefined,
          [extending([f.createExpressionWithTypeArguments(f.createIdentifier(baseName), undefined)])],
          payloads.map((member) => (nameOf(member) === key ? member : absent(member, key))),
        ),
      ),
    ),
    documented(
      f.createTypeAliasDeclaration(
        EXPORT,
        name,
        undefined,
        f.createUnionTypeNode(variants.map(({ variant }) => f.createTypeReferenceNode(variant))),
      ),
    ),
  ];
}

/** The member where another one excludes it: not null either, which openapi-fetch would make a `never` of in a body. */
function absent(member: TS.TypeElement, beside: string): TS.TypeElement {
  if (!ts.isPropertySignature(member)) return member;
  const nothing = f.createKeywordTypeNode(ts.SyntaxKind.NeverKeyword);
  const optional = f.createToken(ts.SyntaxKind.QuestionToken);
  return describedAs(
    `Excluded by \`${beside}\`.`,
    f.createPropertySignature(undefined, member.name, optional, nothing),
  );
}

function describedAs<T extends TS.Node>(description: string, node: T): T {
  return ts.addSyntheticLeadingComment(node, ts.SyntaxKind.MultiLineCommentTrivia, `* ${description} `, true);
}

function extending(bases: readonly TS.ExpressionWithTypeArguments[]): TS.HeritageClause {
  return f.createHeritageClause(ts.SyntaxKind.ExtendsKeyword, bases);
}

/** An interface where the type is an object of named members or extends some, an alias otherwise. */
function declaration(name: string, type: TS.TypeNode): TS.Node {
  const parts = ts.isIntersectionTypeNode(type) ? [...type.types] : [type];
  const bases = parts.filter((part) => ts.isTypeReferenceNode(part));
  const literals = parts.filter((part) => ts.isTypeLiteralNode(part));
  const isMap = literals.some((literal) => literal.members.some((member) => ts.isIndexSignatureDeclaration(member)));
  const isPlain = bases.length + literals.length === parts.length && !isMap;
  // A schema that is only another one is a second name for it, unless it is the data of an event and may still grow.
  const isSecondName = literals.length === 0 && !name.endsWith("Data");
  if (!isPlain || isSecondName) return f.createTypeAliasDeclaration(EXPORT, name, undefined, type);
  const heritage = bases.map((base) =>
    f.createExpressionWithTypeArguments(expressionOf(base.typeName), base.typeArguments),
  );
  return f.createInterfaceDeclaration(
    EXPORT,
    name,
    undefined,
    heritage.length > 0 ? [extending(heritage)] : [],
    literals.flatMap((literal) => [...literal.members]),
  );
}

function expressionOf(name: TS.EntityName): TS.Expression {
  return ts.isIdentifier(name) ? name : f.createPropertyAccessExpression(expressionOf(name.left), name.right);
}

/** `components["schemas"]["X"]` becomes `X`. */
function namedReference(node: TS.Node): TS.Node | undefined {
  if (!ts.isIndexedAccessTypeNode(node) || !ts.isIndexedAccessTypeNode(node.objectType)) return undefined;
  const { objectType, indexType } = node.objectType;
  if (!ts.isTypeReferenceNode(objectType) || !ts.isIdentifier(objectType.typeName)) return undefined;
  if (objectType.typeName.text !== "components" || literalText(indexType) !== "schemas") return undefined;
  const name = literalText(node.indexType);
  return name === undefined ? undefined : f.createTypeReferenceNode(name);
}

/** Arrays take `as const` literals; optional members, and those of maps, take an explicit `undefined`. */
function relaxed(node: TS.Node): TS.Node {
  if (ts.isArrayTypeNode(node)) return f.createTypeOperatorNode(ts.SyntaxKind.ReadonlyKeyword, node);
  if (ts.isPropertySignature(node) && node.questionToken !== undefined && node.type !== undefined) {
    const members = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
    const type = f.createUnionTypeNode([...members, f.createKeywordTypeNode(ts.SyntaxKind.UndefinedKeyword)]);
    return f.updatePropertySignature(node, node.modifiers, node.name, node.questionToken, type);
  }
  if (ts.isIndexSignatureDeclaration(node)) {
    const members = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
    const type = f.createUnionTypeNode([...members, f.createKeywordTypeNode(ts.SyntaxKind.UndefinedKeyword)]);
    return f.updateIndexSignature(node, node.modifiers, node.parameters, type);
  }
  return node;
}

function nameOf(member: TS.TypeElement): string {
  const name = member.name;
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? name.text : "";
}

function literalText(node: TS.TypeNode): string | undefined {
  return ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal) ? node.literal.text : undefined;
}

/** Rebuilds a tree bottom-up: `before` may replace a node and all below it, `after` changes what is left. */
function mapTree<T extends TS.Node>(
  root: T,
  before: (node: TS.Node) => TS.Node | undefined,
  after: (node: TS.Node) => TS.Node = (node) => node,
): T {
  const { transformed } = ts.transform(root, [
    (context) => (start) => {
      const visit = (node: TS.Node): TS.Node =>
        before(node) ?? keepComments(node, after(ts.visitEachChild(node, visit, context)));
      // Every replacement is a type for a type and a member for a member, so the root stays what it is.
      return visit(start) as T;
    },
  ]);
  return transformed[0] ?? root;
}

function keepComments<T extends TS.Node>(from: TS.Node, to: T): T {
  const comments = ts.getSyntheticLeadingComments(from);
  if (comments !== undefined && to !== from) ts.setSyntheticLeadingComments(to, comments);
  return to;
}
