/** An optional peer that could not be loaded, and what to install. */
export class MissingPeerError extends Error {
  /** Always `"MissingPeerError"`. */
  override readonly name = "MissingPeerError";
  /** The package that is missing. */
  readonly packageName: string;

  /** Made at the first use of what needs the package. */
  constructor(user: string, packageName: string, range: string, cause: unknown) {
    super(`${user} needs ${packageName}, an optional peer: run \`npm install ${packageName}@${range}\`.`, { cause });
    this.packageName = packageName;
  }
}

/**
 * Loads an optional peer when it is needed for the first time.
 *
 * @param user - the public name that needs it, as its caller knows it.
 * @param load - the `import()` itself, so that bundlers see the name of the package.
 * @throws MissingPeerError - (as a rejection) when it is not installed.
 */
export async function loadPeer<Module>(
  user: string,
  packageName: string,
  range: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new MissingPeerError(user, packageName, range, cause);
  }
}
