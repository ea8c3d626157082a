import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredBatch } from "../../src/delivery/outbox.ts";
import { SpillFiles } from "../../src/node/spill-files.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mparticle-events-spill-"));
  path = join(folder, "events.spill");
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function batch(requestId: string): StoredBatch {
  return { requestId, context: '{"mpid":9223372036854775807}', events: ['{"name":"tab\\t, line\\n and 終"}', "{}"] };
}

function idsIn(files: SpillFiles): readonly string[] {
  return files.read().batches.map(({ requestId }) => requestId);
}

describe("a spill file", () => {
  it("gives back what was written, to the byte, and stays", () => {
    const files = new SpillFiles(path, "k");
    const batches = [batch('a "quoted" id'), { ...batch("b"), events: [] }];
    const spill = files.write(batches, []);
    expect(files.read()).toEqual({ spills: [spill], batches, setAside: [], foreign: [] });
    expect(files.read().batches).toEqual(batches);
  });

  it("says in its first line what it is, and can be read by its owner alone", () => {
    new SpillFiles(path, "k").write([batch("a")], []);
    expect(readFileSync(path, "utf8")).toMatch(/^mparticle-events spill 1 [\da-f-]{36} 1 [\da-f]{16}\n"a"\t/);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it("lies beside what is there already, whatever that is, and is found with it, the oldest first", async () => {
    const [one, other] = [new SpillFiles(path, "k"), new SpillFiles(path, "k")];
    one.write([batch("a")], []);
    await sleep(10);
    const { file } = other.write([batch("b")], []);
    expect(file).toMatch(/events\.spill\.[\da-f-]{36}$/);
    expect(idsIn(one)).toEqual(["a", "b"]);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("takes the place of an older one of the same process, which is there until it is removed", () => {
    const files = new SpillFiles(path, "k");
    const first = files.write([batch("a")], []);
    const second = files.write([batch("a"), batch("b")], [first]);
    expect(second.file).toBe(path);
    expect(new Set(idsIn(files))).toEqual(new Set(["a", "b"]));
    expect(readdirSync(folder)).toHaveLength(2);
    files.remove([first]);
    expect(readdirSync(folder)).toEqual(["events.spill"]);
    expect(idsIn(files)).toEqual(["a", "b"]);
  });

  it("is removed by who has read or written it, and what came to its place is not", () => {
    const [one, other, third] = [new SpillFiles(path, "k"), new SpillFiles(path, "k"), new SpillFiles(path, "k")];
    const own = one.write([batch("a")], []);
    const { spills } = other.read();
    one.remove([own]);
    third.write([batch("c")], []);
    one.remove([own]);
    other.remove(spills);
    expect(idsIn(third)).toEqual(["c"]);
    expect(readdirSync(folder)).toEqual(["events.spill"]);
  });

  it("is left alone by whoever sends to another input, and told of", () => {
    const [own, other] = [new SpillFiles(path, "k"), new SpillFiles(path, "another key")];
    const { file } = own.write([batch("a")], []);
    other.write([batch("b")], []);
    expect(other.read()).toMatchObject({ batches: [batch("b")], foreign: [file] });
    expect(idsIn(own)).toEqual(["a"]);
    expect(readFileSync(path, "utf8")).not.toMatch(/another key/);
  });

  it("leaves a file of somebody else alone that has come to its place", () => {
    const files = new SpillFiles(path, "k");
    writeFileSync(path, "notes\n");
    const own = files.write([batch("a")], []);
    files.remove([own]);
    expect(readFileSync(path, "utf8")).toBe("notes\n");
    expect(readdirSync(folder)).toEqual(["events.spill"]);
  });

  it.each([
    ["the end of its last line", (text: string) => text.slice(0, -20)],
    ["its last line", (text: string) => text.replace(/^"b".*\n/m, "")],
    ["the end of its first line", (text: string) => text.slice(0, 40)],
  ])("that has lost %s is set aside, and those beside it are read", (_, damage) => {
    const files = new SpillFiles(path, "k");
    files.write([batch("a"), batch("b")], []);
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    files.write([batch("c")], []);
    const { batches, setAside } = files.read();
    expect(batches.map(({ requestId }) => requestId)).toEqual(["c"]);
    expect(setAside).toEqual([expect.stringContaining(`${path}.damaged-`)]);
    expect(readdirSync(folder)).toHaveLength(2);
    expect(files.read().setAside).toEqual([]);
  });
});
