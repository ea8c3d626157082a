import { isAbsolute, sep, type PlatformPath } from "node:path";
import { LINTS, SCHEMA_CODES } from "../../validate/codes.ts";
import { VERSION } from "../../version.ts";
import { printable } from "../printable.ts";
import type { Output } from "../terminal.ts";
import { Writer, type FindingSink, type PlacedFinding } from "./finding-sink.ts";

const KNOWN: Readonly<Record<string, string>> = { ...SCHEMA_CODES, ...LINTS };

/** SARIF 2.1.0, as code scanning reads it; written as the findings come, however many there are. */
export class SarifSink implements FindingSink {
  readonly #write: Writer;
  readonly #codes = new Set<string>();
  #isFirst = true;

  constructor(output: Output) {
    this.#write = new Writer(output);
  }

  async add({ place, severity, code, path, message, hint }: PlacedFinding): Promise<void> {
    await this.#begin();
    this.#codes.add(code);
    const { file, line, column } = place;
    const result = {
      ruleId: code,
      level: severity,
      message: { text: [message, hint ?? ""].join(" ").trimEnd() },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: uriOf(file) },
            region: { startLine: line, ...(column !== undefined && { startColumn: column }) },
          },
          ...(path !== "" && { logicalLocations: [{ fullyQualifiedName: path }] }),
        },
      ],
    };
    await this.#write.line(`${this.#isFirst ? "" : ","}${printable(JSON.stringify(result))}`);
    this.#isFirst = false;
  }

  async end(): Promise<void> {
    await this.#begin();
    // A JSON object has no order: the rules come last, because only then it is known which there are.
    const rules = [...this.#codes].map((id) => ({
      id,
      ...(Object.hasOwn(KNOWN, id) && { shortDescription: { text: KNOWN[id] } }),
    }));
    const driver = { name: "mparticle-events", semanticVersion: VERSION, rules };
    await this.#write.line(`],"tool":${JSON.stringify({ driver })}}]}`);
    await this.#write.end();
  }

  #hasBegun = false;
  async #begin(): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    await this.#write.line(
      `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"results":[`,
    );
  }
}

/**
 * The URI of a file: relative where its name is, because code scanning looks for it in the repository.
 *
 * @param platform - how names of files are written.
 */
export function uriOf(file: string, platform: Pick<PlatformPath, "isAbsolute" | "sep"> = { isAbsolute, sep }): string {
  const slashed = platform.sep === "\\" ? file.replaceAll("\\", "/") : file;
  const uri = encodeURI(slashed).replace(/[?#]/g, encodeURIComponent);
  if (!platform.isAbsolute(file)) return uri;
  if (uri.startsWith("//")) return `file:${uri}`; // a share of another machine
  return uri.startsWith("/") ? `file://${uri}` : `file:///${uri}`;
}
