import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import ts from "typescript";
import { GRAPHEME } from "../characters.ts";

const SCHEMA = fileURLToPath(new URL("../../generated/schema.ts", import.meta.url));

/** What a type cannot say and the contract does, by the name of the property. */
const NARROWER: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  event_name: fc.string({ minLength: 1 }),
  plan_id: fc.string({ minLength: 1 }),
  action_identifier: fc.string({ maxLength: 100 }),
  push_message_behavior: fc.integer({ min: 0, max: 31 }),
  ...Object.fromEntries(
    [
      ...["mp_deviceid", "session_uuid", "ios_advertising_id", "ios_idfv", "android_advertising_id"],
      ...["roku_advertising_id", "roku_publisher_id", "fire_advertising_id"],
    ].map((name) => [name, fc.uuid()]),
  ),
};

/** Numbers that need not be whole. */
const FRACTIONS: ReadonlySet<string> = new Set([
  ...["latitude", "longitude", "accuracy", "battery_level", "lifetime_value_change", "price", "quantity"],
  ...["total_product_amount", "total_amount", "tax_amount", "shipping_amount"],
]);

const GLOBALS = "globals.d.ts";

/** What the types use of the language: its own declarations are four times as long as all of them. */
const OF_THE_LANGUAGE = `
interface Array<T> { [n: number]: T }
interface ReadonlyArray<T> { readonly [n: number]: T }
type Record<K extends string, T> = { [P in K]: T };
interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {} interface Number {}
interface NewableFunction {} interface Object {} interface RegExp {} interface String {}
`;

const EXACT_KINDS = ts.TypeFlags.BigInt | ts.TypeFlags.Number | ts.TypeFlags.String;
const WHOLE = fc.integer();
const TEXT = fc.string({ unit: GRAPHEME, maxLength: 12 });
/** Not beyond 2^53, where what is read again is taken for an id. */
const FRACTION = fc.double({ noNaN: true, min: -1e15, max: 1e15 });

/** 64-bit ids in each form they may take. */
function exactId(min: bigint, max: bigint): fc.Arbitrary<unknown> {
  const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number;
  const id = fc.bigInt({ min, max });
  return fc.oneof(id, id.map(String), fc.integer({ min: min === 0n ? 0 : MIN_SAFE_INTEGER, max: MAX_SAFE_INTEGER }));
}

/** Types whose form TypeScript is too wide for, by the name of the type. */
const EXACT: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Int64: exactId(-(2n ** 63n), 2n ** 63n - 1n),
  Uint64: exactId(0n, 2n ** 64n - 1n),
};

/**
 * Reads the generated types, and makes of each an arbitrary of the values it admits: whatever is optional left out,
 * undefined or there, all members of unions, any key of a record.
 */
export function readTypes(): (typeName: string) => fc.Arbitrary<unknown> {
  const options: ts.CompilerOptions = { strict: true, target: ts.ScriptTarget.ES2022, types: [], noLib: true };
  const texts = new Map([
    [SCHEMA, readFileSync(SCHEMA, "utf8")],
    [GLOBALS, OF_THE_LANGUAGE],
  ]);
  const program = ts.createProgram([...texts.keys()], options, {
    ...ts.createCompilerHost(options),
    getSourceFile: (name, how) => {
      const text = texts.get(name);
      const jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
      const languageVersion = typeof how === "object" ? how.languageVersion : how;
      return text === undefined
        ? undefined
        : ts.createSourceFile(name, text, { languageVersion, jsDocParsingMode }, false);
    },
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(SCHEMA);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error("generated/schema.ts is not a module.");
  const exported = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]));

  const objects = new Map<ts.Type, fc.Arbitrary<unknown>>();

  return (typeName) => {
    const symbol = exported.get(typeName);
    if (symbol === undefined) throw new Error(`generated/schema.ts does not export ${typeName}.`);
    return arbitraryOf(checker.getDeclaredTypeOfSymbol(symbol), "");
  };

  function arbitraryOf(type: ts.Type, property: string): fc.Arbitrary<unknown> {
    const exact = EXACT[type.aliasSymbol?.name ?? ""];
    if (exact !== undefined) return exact;
    if (type.isUnion()) return unionOf(type, property);
    if (type.isStringLiteral()) return fc.constant(type.value);
    if (type.flags & ts.TypeFlags.Undefined) return fc.constant(undefined);
    if (type.flags & ts.TypeFlags.Null) return fc.constant(null);
    if (type.flags & ts.TypeFlags.BooleanLiteral) return fc.constant(checker.typeToString(type) === "true");
    // `string & {}`: any string, beside the known ones.
    if (type.flags & ts.TypeFlags.String || type.isIntersection()) return NARROWER[property] ?? TEXT;
    if (type.flags & ts.TypeFlags.Number) return NARROWER[property] ?? (FRACTIONS.has(property) ? FRACTION : WHOLE);
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type as ts.TypeReference); // arrays are references to Array<item>
      if (item !== undefined) return fc.array(arbitraryOf(item, property), { maxLength: 3 });
    }
    if (type.flags & ts.TypeFlags.Object) {
      const known = objects.get(type) ?? objectOf(type);
      objects.set(type, known);
      return known;
    }
    throw new Error(`No arbitrary for ${checker.typeToString(type)} at ${property}.`);
  }

  function unionOf(type: ts.UnionType, property: string): fc.Arbitrary<unknown> {
    // `Int64 | null` is a union of five members; only its text remembers the name.
    const mayBeExact = type.types.some(({ flags }) => flags & ts.TypeFlags.BigInt);
    const name = mayBeExact ? /\bU?[Ii]nt64\b/.exec(checker.typeToString(type))?.[0] : undefined;
    const exact = name === undefined ? undefined : EXACT[name];
    if (exact === undefined) return fc.oneof(...type.types.map((member) => arbitraryOf(member, property)));
    const rest = type.types.filter(({ flags }) => !(flags & EXACT_KINDS));
    return fc.oneof(exact, ...rest.map((member) => arbitraryOf(member, property)));
  }

  function objectOf(type: ts.Type): fc.Arbitrary<unknown> {
    const index = type.getStringIndexType();
    if (index !== undefined) return fc.dictionary(TEXT, arbitraryOf(index, ""), { maxKeys: 4 });
    const members = type.getProperties();
    const isRequired = ({ flags }: ts.Symbol): boolean => !(flags & ts.SymbolFlags.Optional);
    return fc.record(
      Object.fromEntries(
        members.map((member) => [member.name, arbitraryOf(checker.getTypeOfSymbol(member), member.name)]),
      ),
      { requiredKeys: members.filter(isRequired).map(({ name }) => name), noNullPrototype: true },
    );
  }
}
