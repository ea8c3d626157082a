/** The names that the declarations of a schema take up besides its own. */
export function furtherNames(name: string, exclusive: readonly string[]): string[] {
  return exclusive.length === 0 ? [] : [`${name}Base`, ...exclusive.map((key) => variantName(name, key))];
}

/** The interface of what has this one of the keys that exclude each other. */
export function variantName(name: string, key: string): string {
  return `${name}With${pascalCase(key)}`;
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase());
}
