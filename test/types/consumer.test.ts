import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { full } from "../full.ts";
import { makeOwnProject } from "../package/own-project.ts";
import { ROOT } from "../package/packed.ts";
import { QUICK, runTypescript, withoutFiles, withoutForeign } from "./run-typescript.ts";

/** A program that uses each entry, as somebody would write it who has the package and nothing else. */
const PROGRAM = `
import {
  EventQueue, EventsClient, createBatch, customEvent,
  type ApiError, type Batch, type Event, type EventsClientOptions, type Outcome,
} from "mparticle-events";
import { drainOnExit, nodeFetch } from "mparticle-events/node";
import { recordingFetch, startFakeServer, type FetchStep, type Script } from "mparticle-events/testing";
import { checkBatch } from "mparticle-events/validate";

export const script: Script<FetchStep> = [503, { fault: "ECONNRESET" }, (request) => (request.index > 5 ? 202 : 429)];
export const service = recordingFetch(script, { check: checkBatch });

export function options(timeoutMs?: number): EventsClientOptions {
  return { apiKey: "key", apiSecret: "secret", fetch: nodeFetch(), validate: checkBatch, timeoutMs };
}
const client = new EventsClient(options());
export const queue = new EventQueue(client);
export const stop = drainOnExit(queue);
export const server: Promise<{ readonly url: string }> = startFakeServer();

export function shelf(event: Event): string {
  return event.event_type === "custom_event" ? event.data.event_name : event.event_type;
}
export async function send(session_uuid?: string): Promise<string[]> {
  const batch: Batch = createBatch({ environment: "development", user_identities: { customer_id: "42" } }, [
    customEvent("opened", "other", { session_uuid, custom_attributes: { seconds: 42 } }),
    // @ts-expect-error -- misspelt: were this any, nothing would be
    customEvent("opened", "other", { custom_atributes: { seconds: 42 } }),
  ]);
  const outcomes: Outcome[] = await client.uploadBulk([batch]);
  return outcomes.map((outcome) => (outcome.kind === "accepted" ? outcome.receipt.requestId : outcome.error.code));
}
export async function status(error: ApiError): Promise<number> {
  const { response } = await client.raw.POST("/events", { body: { environment: "development" } });
  return response.status + error.status;
}
`;

/** The entries that the program leaves out, whose peers not all compilers understand; the guides, compiled in full, use them. */
const OTHERS = ["bullmq", "consent", "otel", "plan", "postgres"].map(
  (name) => `export * as ${name} from "mparticle-events/${name}";\n`,
);

/** The compilers that are installed: the project's own, and older and newer ones under names such as `typescript-5.0`. */
const ALL = readdirSync(join(ROOT, "node_modules")).filter((name) => /^typescript(-\d+(\.\d+)?)?$/.test(name));

const CONFIGS = full([QUICK], ALL).flatMap((name) =>
  full([true], name === QUICK ? [true, false] : [true]).map((exact) => ({
    name,
    exact,
    setting: exact ? "on" : "off",
  })),
);

/** How a compiler finds the package. TypeScript 7.0 has no node10 any more. */
const RESOLUTIONS = [
  { moduleResolution: "nodenext", module: "nodenext" },
  { moduleResolution: "node16", module: "node16" },
  { moduleResolution: "bundler", module: "esnext" },
  { moduleResolution: "node10", module: "commonjs" },
] as const;

const RESOLVED = full([QUICK], ALL).flatMap((name) =>
  // The code blocks of the README are compiled as nodenext besides.
  full([], RESOLUTIONS.slice(1))
    .filter(({ moduleResolution }) => name !== QUICK || moduleResolution !== "node10")
    .map((resolution) => ({ name, resolution, setting: resolution.moduleResolution })),
);

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
  writeFileSync(join(folder, "program.ts"), PROGRAM + full(OTHERS, []).join(""));
  // Every compiler is asked about this one as well: that it is asked for real.
  writeFileSync(join(folder, "mistaken.ts"), PROGRAM.replace('"opened", "other"', '"opened", "othre"'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a compiler says about the program, the declarations it imports included. */
async function compile(
  compiler: string,
  exactOptionalPropertyTypes: boolean,
  { module, moduleResolution }: (typeof RESOLUTIONS)[number] = RESOLUTIONS[0],
): Promise<string[]> {
  const name = `tsconfig.${compiler}.${moduleResolution}.${String(exactOptionalPropertyTypes)}`;
  const said = await runTypescript(compiler, folder, name, {
    compilerOptions: {
      ...{ target: "es2022", module, moduleResolution, lib: ["es2022"], types: ["node"] },
      ...{ strict: true, skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes },
    },
    files: ["program.ts", "mistaken.ts"],
  });
  const ours = compiler === "typescript" ? said : withoutForeign(said);
  expect(ours.filter((line) => line.startsWith("mistaken.ts"))).toEqual([
    expect.stringMatching(/^mistaken\.ts\(\d+,\d+\): error TS2345: Argument of type '"othre"'/),
  ]);
  return withoutFiles(ours, /^mistaken\.ts$/);
}

describe("a program that uses the package", () => {
  it.each(CONFIGS)(
    "compiles by $name, the declarations with it, exactOptionalPropertyTypes $setting",
    async ({ name, exact }) => {
      expect(await compile(name, exact)).toEqual([]);
    },
  );

  it.each(RESOLVED)("compiles by $name with moduleResolution $setting", async ({ name, resolution }) => {
    expect(await compile(name, true, resolution)).toEqual([]);
  });
});

describe("the declarations", () => {
  /** What came after TypeScript 5.0, and is easily written, or emitted, without noticing. */
  const TOO_NEW = /\bNoInfer<|\bUint8Array<|\bBuffer<|\bBuiltinIteratorReturn\b|\bIteratorObject<|^\s*(await )?using /m;

  it("say nothing that TypeScript 5.0 does not know", () => {
    const files = readdirSync(join(folder, "node_modules/mparticle-events/dist")).filter((file) =>
      /\.d\.c?ts$/.test(file),
    );
    expect(files.length).toBeGreaterThanOrEqual(8);
    for (const file of files) {
      const text = readFileSync(join(folder, "node_modules/mparticle-events/dist", file), "utf8");
      expect(TOO_NEW.exec(text)?.[0], file).toBeUndefined();
    }
  });
});
