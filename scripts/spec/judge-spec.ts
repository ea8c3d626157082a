import { readFile } from "node:fs/promises";
import { BATCH } from "./batch-layout.ts";
import { checkSpec } from "./check-spec.ts";
import { checkConstants, checkExactIntegers } from "./emit-contract.ts";
import { emitValidator, UnsupportedSchemaError } from "./emit-validators.ts";
import type { JsonObject } from "../../src/cli/diff/json-value.ts";
import { canonicalProfile, wireProfile } from "./profiles.ts";
import { BrokenSpecError, readSpec, type SpecProblem, type SpecSource } from "./read-spec.ts";
import { verifySchemas, verifyValidators } from "./verify.ts";

/** A description that nothing is wrong with, and what was made of it to find that out. */
export interface JudgedSpec {
  readonly source: SpecSource;
  readonly canonical: JsonObject;
  readonly wire: JsonObject;
  /** The code of the validators, not laid out for people yet. */
  readonly validators: { readonly canonical: string; readonly wire: string };
  /** The code that both validators import. */
  readonly checks: string;
}

/**
 * Finds what is wrong with a description without compiling all of it: no types are made, because loading the compiler
 * takes longer than everything else together.
 *
 * @param text - the description, YAML.
 * @param name - what the problems call it.
 * @param isToCompare - whether the documents are only to be compared with those that were written: whether they are JSON
 *   Schema that its examples fit was asked then, and of the same documents would be answered the same.
 * @throws BrokenSpecError - with every problem of the first kind that was found.
 */
export async function judgeSpec(text: string, name: string, isToCompare = false): Promise<JudgedSpec> {
  const source = readSpec(text, name);
  refuse(source, checkSpec(source));
  const canonical = canonicalProfile(source.document);
  const wire = wireProfile(source.document);
  refuse(source, [
    ...(isToCompare ? [] : verifySchemas(source, canonical, wire)),
    ...checkExactIntegers(source, wire),
    ...checkConstants(source),
  ]);
  const validators = { canonical: validator(source, canonical), wire: validator(source, wire) };
  const checks = await beside("checks.js");
  if (!isToCompare) refuse(source, await verifyValidators(source, new Map(Object.entries(validators)), checks));
  return { source, canonical, wire, validators, checks };
}

/** @throws BrokenSpecError - when there are problems. */
export function refuse(source: SpecSource, problems: readonly SpecProblem[]): void {
  if (problems.length > 0) throw new BrokenSpecError(source.file, problems);
}

function validator(source: SpecSource, document: JsonObject): string {
  try {
    return emitValidator(document, BATCH);
  } catch (error) {
    if (!(error instanceof UnsupportedSchemaError)) throw error;
    throw new BrokenSpecError(source.file, [source.problem(error.path, error.message)]);
  }
}

/** The text of a file next to this one: the part of the validators that does not depend on the description. */
export function beside(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), "utf8");
}
