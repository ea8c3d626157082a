import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { full, onlyInFull } from "../full.ts";
import { makeOwnProject } from "../package/own-project.ts";
import { ROOT } from "../package/packed.ts";
import { MISTAKES, PROGRAM_OF_MISTAKES } from "./mistakes.ts";
import { QUICK, runTypescript, withoutForeign } from "./run-typescript.ts";

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

/** A library of somebody else: what it exports, the compiler has to write down. */
const LIBRARY = `
import { addToCart, crashReport, EventsClient, type Batch, type EventsClientOptions } from "mparticle-events";
export const cart = addToCart;
export const crash = (message: string) => crashReport("error", message);
export const client = new EventsClient({ apiKey: "key", apiSecret: "secret" });
export const raw = client.raw;
export const post = (body: Batch) => client.raw.POST("/events", { body });
export const retry = (options: EventsClientOptions) => options.retry;
`;

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

/** Those of editors, today and soon: what they say is read. */
const READ = full([QUICK], [QUICK, "typescript"]);

const ADMITTED = join(ROOT, "test/types/admitted-by-types.ts");
const REFUSED = readFileSync(join(ROOT, "test/types/refused-by-types.ts"), "utf8");

let folder: string;
beforeAll(() => {
  folder = makeOwnProject();
  copyFileSync(ADMITTED, join(folder, "admitted.ts"));
  for (const [file, text] of Object.entries({
    "program.ts": PROGRAM + full(OTHERS, []).join(""),
    // Every compiler is asked about this one as well: that it is asked for real.
    "mistaken.ts": PROGRAM.replace('"opened", "other"', '"opened", "othre"'),
    "refused.ts": REFUSED,
    // Without what expects the mistakes.
    "bare.ts": REFUSED.replace(/^( *\/\/) @ts-expect-error/gm, "$1"),
    "library.ts": LIBRARY,
    "unwritable.ts": `${LIBRARY}class Own { private own = 5 }\nexport const own = class extends Own {};\n`,
    "mistakes.ts": PROGRAM_OF_MISTAKES,
  }))
    writeFileSync(join(folder, file), text);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a compiler says about each file: a line for each error, below which the lines lie that explain it. */
type Said = ReadonlyMap<string, readonly string[]>;

/** What was asked already, by the name of the configuration: all that is to be compiled alike is compiled in one run. */
const asked = new Map<string, Promise<Said>>();

/** What a compiler says about the programs, and the declarations that they import. */
function compile(
  compiler: string,
  exactOptionalPropertyTypes: boolean,
  { module, moduleResolution }: (typeof RESOLUTIONS)[number] = RESOLUTIONS[0],
): Promise<Said> {
  const name = `tsconfig.${compiler}.${moduleResolution}.${String(exactOptionalPropertyTypes)}`;
  const isRead = READ.includes(compiler) && exactOptionalPropertyTypes && moduleResolution === "nodenext";
  const others = ["admitted.ts", "refused.ts", "bare.ts", "library.ts", "unwritable.ts", "mistakes.ts"];
  const run = async (): Promise<Said> => {
    const said = await runTypescript(compiler, folder, name, {
      compilerOptions: {
        ...{ target: "es2022", module, moduleResolution, lib: ["es2022"], types: ["node"] },
        ...{ strict: true, skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes },
        ...(isRead && { declaration: true, noUncheckedIndexedAccess: true, paths: { vitest: [EXPECT_TYPE] } }),
      },
      files: ["program.ts", "mistaken.ts", ...(isRead ? others : [])],
    });
    return byFile(compiler === "typescript" ? said : withoutForeign(said));
  };
  const known = asked.get(name) ?? run();
  asked.set(name, known);
  return known;
}

/** What a compiler says to a program, and to writing its declarations. */
function declarationsOf(compiler: string, file: string): Promise<string[]> {
  return runTypescript(compiler, folder, `tsconfig.${compiler}.${file}`, {
    compilerOptions: {
      ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", types: ["node"], skipLibCheck: true },
      ...{ lib: ["es2023", "esnext.disposable"], strict: true, declaration: true, rootDir: ".", outDir: "out" },
    },
    files: [file],
  });
}

/** What `vitest` has its `expectTypeOf` from, whose declarations are few. */
const EXPECT_TYPE = createRequire(createRequire(import.meta.url).resolve("vitest/package.json"))
  .resolve("expect-type")
  .replace(/\.js$/, ".d.ts");

function byFile(output: readonly string[]): Said {
  const said = new Map<string, string[]>();
  let errors: string[] = [];
  for (const line of output) {
    if (line.startsWith(" ")) errors.push(`${errors.pop() ?? ""}\n${line}`);
    else {
      const [file = ""] = line.split("(", 1);
      errors = said.get(file) ?? [];
      errors.push(line);
      said.set(file, errors);
    }
  }
  return said;
}

/** What is said of the program, and of what nobody wrote in this project: nothing, as the mistaken one shows. */
async function saidOfProgram(...how: Parameters<typeof compile>): Promise<readonly string[]> {
  const said = await compile(...how);
  expect(said.get("mistaken.ts")).toEqual([
    expect.stringMatching(/^mistaken\.ts\(\d+,\d+\): error TS2345: Argument of type '"othre"'/),
  ]);
  return [...said].flatMap(([file, errors]) => (/^(?!program)\w+\.ts$/.test(file) ? [] : errors));
}

describe("a program that uses the package", () => {
  it.each(CONFIGS)(
    "compiles by $name, the declarations with it, exactOptionalPropertyTypes $setting",
    async ({ name, exact }) => {
      expect(await saidOfProgram(name, exact)).toEqual([]);
    },
  );

  it.each(RESOLVED)("compiles by $name with moduleResolution $setting", async ({ name, resolution }) => {
    expect(await saidOfProgram(name, true, resolution)).toEqual([]);
  });
});

describe.each(READ)("%s", (compiler) => {
  const saidOf = async (file: string): Promise<readonly string[]> => (await compile(compiler, true)).get(file) ?? [];

  it("takes what is admitted by types, and reports each mistake of what is refused", async () => {
    const mistakes = REFUSED.match(/^ *\/\/ @ts-expect-error/gm)?.length ?? 0;
    expect(mistakes).toBeGreaterThan(20);
    expect(await saidOf("admitted.ts")).toEqual([]);
    expect(await saidOf("refused.ts")).toEqual([]);
    expect((await saidOf("bare.ts")).length).toBeGreaterThanOrEqual(mistakes);
  });

  it("writes the declarations of a library that exports whatever it made with this package", async () => {
    // Others write none where anything at all is wrong, and all of the mistakes above are.
    const ofLibrary = (file: string) => (compiler === QUICK ? saidOf(file) : declarationsOf(compiler, file));
    expect(await ofLibrary("library.ts")).toEqual([]);
    expect(await ofLibrary("unwritable.ts")).toEqual([expect.stringMatching(/error TS4\d\d\d: /)]);
  });

  describe("told", () => {
    /** By the line of the program; the lines of an explanation are those below. */
    const saidOfLine = async (line: number): Promise<string | undefined> =>
      (await saidOf("mistakes.ts"))
        .find((error) => error.startsWith(`mistakes.ts(${String(line + 1)},`))
        ?.replace(/^.*?: error TS\d+: /, "");

    it.each(Object.entries(MISTAKES).map(([name, mistake], index) => [name, mistake, index + 1] as const))(
      "%s",
      async (_name, { says, quickSays = says }, line) => {
        const message = (await saidOfLine(line)) ?? "";
        for (const part of compiler === QUICK ? quickSays : says) expect(message).toContain(part);
        expect(message.length, message).toBeLessThan(500);
        expect(message.split("\n").length, message).toBeLessThanOrEqual(3);
      },
    );

    it("says nothing to what is right", async () => {
      expect(await saidOfLine(0)).toBeUndefined();
      expect(await saidOfLine(Object.keys(MISTAKES).length + 1)).toBeUndefined();
    });
  });
});

onlyInFull(() => {
  describe("typescript, which the declarations are built with,", () => {
    it("takes the whole repository", async () => {
      // In this repository, because its packages have to be found.
      const place = mkdtempSync(join(ROOT, "node_modules/.whole-"));
      try {
        expect(await runTypescript("typescript", place, "all", { extends: join(ROOT, "tsconfig.json") })).toEqual([]);
      } finally {
        rmSync(place, { recursive: true });
      }
    });

    it("finds every name among the exports that it needs to write down whatever there is", async () => {
      // Loaded here alone: it loads the compiler.
      const { everythingOf } = await import("./everything.ts");
      const entries = ["", "/node", "/testing", "/validate"].map((entry) => `mparticle-events${entry}`);
      const program = everythingOf(folder, entries);
      expect(program.split("\n").length).toBeGreaterThan(800);
      writeFileSync(join(folder, "everything.ts"), program);
      expect(await declarationsOf("typescript", "everything.ts")).toEqual([]);
    });
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
