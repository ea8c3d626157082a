import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { join, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredBatch } from "../../src/delivery/outbox.ts";
import { SpillFiles } from "../../src/node/spill-files.ts";
import { countTurns } from "../delivery/queue/a-queue.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";
import { readSpills } from "./read-spills.ts";

const ID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/;

let folder: string;
let path: string;
let files: SpillFiles;
beforeEach(() => {
  folder = makeTemporaryFolder("mparticle-events-spill-");
  path = join(folder, "events.spill");
  files = new SpillFiles(path, "k");
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function batch(requestId: string): StoredBatch {
  return { requestId, context: '{"mpid":9223372036854775807}', events: ['{"name":"tab\\t, line\\n and 終"}', "{}"] };
}

const TEN = Array.from({ length: 10 }, (_, n) => batch(`r-${String(n)}`));

function idsIn(spills: SpillFiles): readonly string[] {
  return readSpills(spills).batches.map(({ requestId }) => requestId);
}

/** Changes the bytes of a file. */
function damage(file: string, change: (bytes: Buffer) => Buffer): void {
  writeFileSync(file, change(readFileSync(file)));
}

/** The start of a line, and the start of the next one. */
function lineOf(bytes: Buffer, number: number): readonly [start: number, end: number] {
  let start = 0;
  for (let n = 0; n < number; n++) start = bytes.indexOf("\n", start) + 1;
  return [start, bytes.indexOf("\n", start) + 1];
}

describe("a spill file", () => {
  it("gives back what was written, to the byte, and stays", () => {
    const batches = [batch('a "quoted" id'), { ...batch("b"), events: [] }];
    const spill = files.write(batches);
    expect(readSpills(files)).toEqual({ spills: [spill], batches, problems: [] });
    expect(readSpills(files).batches).toEqual(batches);
  });

  it("gives back lines of every length, wherever the pieces end in which it is read", () => {
    const lengths = [0, 1, 63_000, 65_400, 65_536, 65_537, 131_072, 127_000, 7, 300_000];
    const batches = lengths.map((length, n) => ({
      requestId: `r-${String(n)}`,
      context: "{}",
      events: [JSON.stringify({ text: "ü".repeat(length / 2) }), "{}"],
    }));
    files.write(batches);
    expect(readSpills(files)).toMatchObject({ batches, problems: [] });
  });

  it("is read and written piece by piece, however large it is", async () => {
    const batches = Array.from({ length: 50 }, (_, n) => ({
      requestId: `r-${String(n)}`,
      context: "{}",
      events: [JSON.stringify({ text: "x".repeat(40_000) })],
    }));
    const stop = countTurns();
    const whole = await files.writeInTurns(batches);
    expect(stop()).toBeGreaterThanOrEqual(50);
    expect(readSpills(files)).toEqual({ spills: [whole], batches, problems: [] });
    const sizes = [...files.read()].flatMap((part) => (part.kind === "progress" ? [part.bytes] : []));
    expect(sizes.length).toBeGreaterThan(30);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
  });

  it("has a name of its own under its path, says in its first line what it is, and is its owner's to read alone", () => {
    const { file } = files.write([batch("a")]);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(new RegExp(`^events\\.spill\\.${ID.source}$`))]);
    expect(readFileSync(file, "utf8")).toMatch(/^mparticle-events spill 1 [\da-f-]{36} 1 [\da-f]{16}\n"a"\t/);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it.each([
    ["with a slash behind it", sep],
    ["without one", ""],
  ])("lies in the folder that was given as its path, %s", (_, end) => {
    const inFolder = new SpillFiles(folder + end, "k");
    inFolder.write([batch("a")]);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^mparticle-events\.spill\./)]);
    expect(idsIn(inFolder)).toEqual(["a"]);
  });

  it("is found with those of others at the same path, the oldest first", async () => {
    files.write([batch("a")]);
    await sleep(10);
    new SpillFiles(path, "k").write([batch("b")]);
    expect(idsIn(files)).toEqual(["a", "b"]);
  });

  it("is removed by who has read or written it, and once", () => {
    const other = new SpillFiles(path, "k");
    const own = files.write([batch("a")]);
    const { spills } = readSpills(other);
    files.remove([own]);
    files.write([batch("c")]);
    other.remove(spills);
    expect(idsIn(files)).toEqual(["c"]);
  });

  it("of version 0.1.0, which lies at the path itself, is read, and removed", () => {
    const { file } = files.write([batch("a")]);
    execFileSync("mv", [file, path]);
    const { spills, batches, problems } = readSpills(files);
    expect([batches, problems]).toEqual([[batch("a")], []]);
    files.remove(spills);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is left alone by whoever sends to another input, and told of", () => {
    const other = new SpillFiles(path, "another key");
    const { file } = files.write([batch("a")]);
    other.write([batch("b")]);
    const found = readSpills(other);
    expect(found.batches).toEqual([batch("b")]);
    expect(found.problems).toEqual([expect.stringMatching(`^${file} holds events of another input.*left alone\\.$`)]);
    expect(idsIn(files)).toEqual(["a"]);
    expect(readFileSync(file, "utf8")).not.toMatch(/another key/);
  });

  it("that was being written when its process died is read once that is sure", () => {
    const { file } = files.write(TEN);
    execFileSync("mv", [file, `${file}.tmp`]);
    expect(readSpills(files)).toEqual({ spills: [], batches: [], problems: [] });
    utimesSync(`${file}.tmp`, 1_600_000_000, 1_600_000_000);
    const { spills, batches } = readSpills(files);
    expect(batches).toEqual(TEN);
    files.remove(spills);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("never goes through a link, neither when it is written nor when it is read", () => {
    const precious = join(folder, "precious");
    writeFileSync(precious, "do not touch\n");
    symlinkSync(precious, path);
    const { file } = files.write([batch("a")]);
    symlinkSync(file, `${path}.00000000-0000-0000-0000-000000000000`);
    const { batches, problems, spills } = readSpills(files);
    expect(batches).toEqual([batch("a")]);
    expect(problems).toHaveLength(2);
    for (const problem of problems) expect(problem).toContain("is a link; it was left alone");
    files.remove(spills);
    expect(readFileSync(precious, "utf8")).toBe("do not touch\n");
  });
});

describe("a spill file of which something is damaged", () => {
  it.each([
    ["a context that is not JSON", (bytes: Buffer) => Buffer.from(bytes.toString().replace("{", "["))],
    ["an event that is not JSON", (bytes: Buffer) => Buffer.from(bytes.toString().replace("\t{}\n", '\t["a",,"c"]\n'))],
    [
      "a byte that is no character",
      (bytes: Buffer) => {
        const broken = Buffer.from(bytes);
        broken[broken.indexOf("終") + 1] = 0xff;
        return broken;
      },
    ],
    [
      "nothing but zeros in its place",
      (bytes: Buffer) => Buffer.concat([Buffer.alloc(bytes.length - 1), Buffer.from("\n")]),
    ],
    ["half of it", (bytes: Buffer) => Buffer.from(`${bytes.toString().slice(0, 20)}\n`)],
    ["nothing of it", () => Buffer.alloc(0)],
  ])("because one record has %s still gives the other nine, says so, and is kept beside its place", (_, change) => {
    const { file } = files.write(TEN);
    damage(file, (bytes) => {
      const [start, end] = lineOf(bytes, 4);
      return Buffer.concat([bytes.subarray(0, start), change(bytes.subarray(start, end)), bytes.subarray(end)]);
    });
    const damaged = readFileSync(file);
    const { spills, batches, problems } = readSpills(files);
    expect(batches).toEqual(TEN.filter(({ requestId }) => requestId !== "r-3"));
    expect(problems).toEqual([
      expect.stringContaining(`${file}, 1 of 10 batches cannot be read; the other 9 are sent`),
    ]);
    files.remove(spills);
    const [kept = ""] = readdirSync(folder);
    expect(kept).toContain(".damaged-");
    expect(readFileSync(join(folder, kept)).equals(damaged)).toBe(true);
    expect(readSpills(files)).toEqual({ spills: [], batches: [], problems: [] });
  });

  it("because it was cut off, at whatever place, gives the whole records before that", () => {
    const { file } = files.write(TEN);
    const whole = readFileSync(file);
    for (let length = whole.length - 1; length > 80; length -= 7) {
      truncateSync(file, length);
      const { batches, problems } = readSpills(files);
      const lines = whole.subarray(0, length).toString().split("\n").length - 2;
      expect(batches).toEqual(TEN.slice(0, lines));
      expect(problems).toEqual([expect.stringContaining(`${String(10 - lines)} of 10 batches cannot be read`)]);
    }
  });

  it.each([
    ["nothing but zeros", () => Buffer.alloc(4096)],
    ["nothing", () => Buffer.alloc(0)],
    ["half of its first line", (bytes: Buffer) => bytes.subarray(0, 40)],
    [
      "a first line without its input",
      (bytes: Buffer) => Buffer.from(bytes.toString().replace(/ [\da-f]{16}\n/, "\n")),
    ],
  ])("because it has %s is set aside, and those beside it are read", (_, change) => {
    const { file } = files.write([batch("a")]);
    files.write([batch("b")]);
    damage(file, change);
    const { batches, problems } = readSpills(files);
    expect(batches).toEqual([batch("b")]);
    expect(problems).toEqual([expect.stringMatching(/nothing of it is sent\. It was kept as \S+\.damaged-\S+\.$/)]);
    expect(readSpills(files).problems).toEqual([]);
  });

  it("because a line of it has no end for megabytes gives the others", () => {
    const { file } = files.write(TEN);
    damage(file, (bytes) => {
      const [start] = lineOf(bytes, 5);
      return Buffer.concat([bytes.subarray(0, start), Buffer.alloc(3_000_000, "x"), bytes.subarray(start)]);
    });
    const { batches, problems } = readSpills(files);
    expect(batches).toEqual(TEN.filter((_, n) => n !== 4));
    expect(problems).toEqual([expect.stringContaining("1 of 10 batches cannot be read")]);
  });

  it("because it holds zeros before a text is left alone, as no file of ours begins so", () => {
    const { file } = files.write([batch("a")]);
    damage(file, (bytes) => Buffer.concat([Buffer.alloc(200_000), bytes]));
    expect(readSpills(files).problems).toEqual([expect.stringContaining("does not begin as a spill file")]);
  });

  it("because an editor has saved it gives all of it", () => {
    const { file } = files.write(TEN);
    damage(file, (bytes) => Buffer.from(`\uFEFF${bytes.toString().replaceAll("\n", "\r\n")}`));
    const { batches, problems } = readSpills(files);
    expect(problems).toEqual([]);
    const parsed = (one: StoredBatch): unknown => [
      one.requestId,
      one.context,
      one.events.map((event): unknown => JSON.parse(event)),
    ];
    expect(batches.map(parsed)).toEqual(TEN.map(parsed));
  });
});

describe("what is no spill file", () => {
  it.each([
    [
      "a text of somebody else",
      () => {
        writeFileSync(path, '{"customers":[]}\n');
      },
      /does not begin as a spill file/,
    ],
    [
      "a text in another encoding",
      () => {
        writeFileSync(path, Buffer.from("mparticle-events spill 1\n", "utf16le"));
      },
      /does not begin as a spill file/,
    ],
    [
      "a spill of a later version",
      () => {
        writeFileSync(path, "mparticle-events spill 2 of a kind that is not known yet\n");
      },
      /has format 2, and this version of the package reads 1/,
    ],
    [
      "a folder",
      () => {
        mkdirSync(`${path}.00000000-0000-0000-0000-000000000000`);
      },
      /is no regular file/,
    ],
    ["a pipe", () => execFileSync("mkfifo", [`${path}.00000000-0000-0000-0000-000000000000`]), /is no regular file/],
  ])("such as %s, is left alone and told of, and stops nothing", (_, make, why) => {
    make();
    const before = readdirSync(folder);
    const { batches, problems } = readSpills(files);
    expect([batches, problems]).toEqual([[], [expect.stringMatching(why)]]);
    expect(problems[0]).toMatch(/; it was left alone\.$/);
    expect(readdirSync(folder)).toEqual(before);
    files.write([batch("a")]);
    expect(idsIn(files)).toEqual(["a"]);
  });

  it("is an empty file at the path itself", () => {
    writeFileSync(path, "");
    expect(readSpills(files)).toEqual({ spills: [], batches: [], problems: [] });
  });
});
