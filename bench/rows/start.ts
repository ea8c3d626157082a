import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { footprintOfLibrary, footprintOfPeer } from "../footprint.ts";
import { medianOf } from "../measure.ts";
import { BENCH } from "../packages.ts";
import { digits, type Bar, type Row } from "../row.ts";

const ENTRANTS = {
  ours: { label: "ours", kind: "ours", package: "mparticle-events" },
  "node-http": { label: "a package of node:http", kind: "floor", package: undefined },
  empty: { label: "an empty process", kind: "floor", package: undefined },
  "global-fetch": { label: "global fetch", kind: "floor", package: undefined },
  official: { label: "official SDK", kind: "peer", package: "mparticle" },
  segment: { label: "Segment", kind: "peer", package: "@segment/analytics-node" },
  posthog: { label: "PostHog", kind: "peer", package: "posthog-node" },
  amplitude: { label: "Amplitude", kind: "peer", package: "@amplitude/analytics-node" },
  rudder: { label: "Rudder", kind: "peer", package: "@rudderstack/rudder-sdk-node" },
  snowplow: { label: "Snowplow", kind: "peer", package: "@snowplow/node-tracker" },
} as const satisfies Readonly<
  Record<string, { readonly label: string; readonly kind: Bar["kind"]; readonly package: string | undefined }>
>;

type Name = keyof typeof ENTRANTS;

/** The keys of the table of entrants. */
const NAMES = Object.keys(ENTRANTS) as Name[];

interface Start {
  readonly importMs: number;
  readonly acknowledgedMs: number;
}

const run = promisify(execFile);

async function start(name: Name, url: string): Promise<Start> {
  const { stdout } = await run(process.execPath, [join(BENCH, "starts", `${name}.mjs`), url], { timeout: 10_000 });
  // Each of them prints this in the end, whatever else it prints.
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Start;
}

/** The bundle of a program that imports some names, or all, with openapi-fetch, minified and gzipped, in kB. */
async function bundleSize(names: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export ${names} from "mparticle-events"`, resolveDir: BENCH },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    // The sources are not what users bundle.
    tsconfigRaw: {},
  });
  return gzipSync(outputFiles[0]?.contents ?? "").length / 1_000;
}

export const startUp: Row = {
  number: 8,
  name: "start",
  title: "Cold start and size",
  how: "Processes that import a package, send one event over HTTP and wait for the answer, timed from the start of the process; two to a round.",
  async run(bench) {
    const service = await bench.sink.open(false);
    const starts = new Map(NAMES.map((name): [Name, Start[]] => [name, []]));
    for (let round = 0; round < bench.rounds * 2; round++) {
      for (let n = 0; n < NAMES.length; n++) {
        const name = NAMES[(round + n) % NAMES.length];
        if (name !== undefined) starts.get(name)?.push(await start(name, service.url));
      }
    }
    await service.close();
    const read = (name: Name, figure: keyof Start): number =>
      medianOf((starts.get(name) ?? []).map((one) => one[figure]));
    /** In each round, less what every process takes. */
    const ratio = (figure: keyof Start, less: (empty: Start) => number): number =>
      medianOf(
        (starts.get("ours") ?? []).flatMap((ours, round) => {
          const [http, empty] = [starts.get("node-http")?.[round], starts.get("empty")?.[round]];
          if (http === undefined || empty === undefined) return [];
          return [(ours[figure] - less(empty)) / (http[figure] - less(empty))];
        }),
      );
    const peers = NAMES.filter((name) => ENTRANTS[name].kind === "peer");
    const fastestPeer = Math.min(...peers.map((name) => read(name, "acknowledgedMs")));
    const footprints = new Map(
      NAMES.map((name) => {
        const { package: packageName } = ENTRANTS[name];
        if (packageName === undefined) return [name, undefined];
        return [name, name === "ours" ? footprintOfLibrary() : footprintOfPeer(packageName)];
      }),
    );
    const ours = footprints.get("ours");
    const least = (figure: "packages" | "bytes"): number =>
      Math.min(...peers.map((name) => footprints.get(name)?.[figure] ?? Infinity));
    return {
      checks: [
        {
          what: "import of the root, of a package that is `node:http`",
          measured: ratio("importMs", () => 0),
          atMost: 2,
          unit: "×",
        },
        {
          what: "first event acknowledged, of the same by hand, less an empty process",
          measured: ratio("acknowledgedMs", (empty) => empty.acknowledgedMs),
          atMost: 1.15,
          unit: "×",
        },
        {
          what: "first event acknowledged, of the fastest peer",
          measured: read("ours", "acknowledgedMs") / fastestPeer,
          atMost: 1,
          unit: "×",
        },
        {
          what: "packages, below every peer's",
          measured: ours?.packages ?? 0,
          atMost: least("packages") - 1,
          unit: "",
          exact: true,
        },
        {
          what: "installed size, of the smallest peer",
          measured: (ours?.bytes ?? 0) / least("bytes"),
          atMost: 1,
          unit: "×",
          exact: true,
        },
      ],
      tables: [
        {
          title: "From nothing",
          columns: ["", "first event ms", "import ms", "packages", "installed kB"],
          rows: NAMES.map((name) => {
            const footprint = footprints.get(name);
            return [
              ENTRANTS[name].label,
              digits(read(name, "acknowledgedMs")),
              digits(read(name, "importMs")),
              footprint === undefined ? "–" : String(footprint.packages),
              footprint === undefined ? "–" : digits(footprint.bytes / 1_000),
            ];
          }),
        },
      ],
      notes: [
        `Min + gzip, everything the root exports takes ${digits(await bundleSize("*"))} kB, openapi-fetch included; a program that makes events and sends none takes ${digits(await bundleSize("{ createBatch, customEvent }"))} kB, one with a client and no queue ${digits(await bundleSize("{ EventsClient, createBatch, customEvent }"))} kB.`,
      ],
      plots: [
        {
          name: "start",
          title: "First event acknowledged: ms from the start of the process",
          bars: NAMES.map((name) => {
            const ms = read(name, "acknowledgedMs");
            return { label: ENTRANTS[name].label, value: ms, text: `${digits(ms)} ms`, kind: ENTRANTS[name].kind };
          }),
        },
      ],
    };
  },
};
