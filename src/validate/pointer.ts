/** JSON Pointers (RFC 6901), the form in which a finding says where it is. */

/** The pointer to a member of what `path` points to. */
export function appendToken(path: string, token: string | number): string {
  if (typeof token === "number") return `${path}/${String(token)}`;
  const plain = !token.includes("~") && !token.includes("/");
  return `${path}/${plain ? token : token.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The keys and indices a pointer goes through, unescaped; none for `""`, the whole document. */
export function tokensOf(path: string): string[] {
  if (path === "") return [];
  const tokens = path.slice(1).split("/");
  return path.includes("~") ? tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~")) : tokens;
}
