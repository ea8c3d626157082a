import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, win32 } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRow, RowReader } from "../../src/cli/input/csv-rows.ts";
import type { Entry } from "../../src/cli/input/entry.ts";
import { uriOf } from "../../src/cli/check/sarif-sink.ts";
import { findInputs, folderOf, patternToRegExp } from "../../src/cli/input/find-inputs.ts";
import { findJsonFault } from "../../src/cli/input/json-fault.ts";
import { NO_CSV_SETTINGS, readManifest } from "../../src/cli/input/csv-settings.ts";
import { readEntries } from "../../src/cli/input/read-entries.ts";
import { readJsonEntries } from "../../src/cli/input/read-json-entries.ts";
import { contentOf, SeenIds } from "../../src/cli/input/seen-ids.ts";
import { GRAPHEME } from "../characters.ts";
import { full } from "../full.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-input-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** In chunks of that many bytes, so that every cut falls everywhere. */
async function* chunksOf(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

async function readAll(chunks: AsyncIterable<readonly Entry[]>): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  for await (const entries of chunks) all.push(...entries);
  return all;
}

const json = (text: string | Buffer, size = 7, maxBytes?: number) =>
  readAll(readJsonEntries("f", chunksOf(text, size), maxBytes));

/** Values, and the places of what is broken. */
const brief = (entries: readonly Entry[]): readonly unknown[] =>
  entries.map((entry) =>
    entry.kind === "record" ? entry.value : `${entry.code} ${String(entry.line)}:${String(entry.column)}`,
  );

async function readFileNamed(name: string, content: string | Buffer, reading: object = {}): Promise<readonly Entry[]> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const files = await findInputs([path], folder);
  return readAll(
    readEntries(files, { stdin: chunksOf("", 1) }, { csv: NO_CSV_SETTINGS, format: undefined, ...reading }),
  );
}

describe("JSON", () => {
  it("is one value a line, with CRLF, empty lines, a mark and no end to the last line", async () => {
    expect(brief(await json('\uFEFF{"a":1}\r\n\r\n  \n{"a":2}\n{"a":3}'))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it("costs a broken line that line, and says where it breaks", async () => {
    expect(brief(await json('{"a":1}\n{bad\n{"a":2}\n{"a":}\n{"a":3}\n'))).toEqual([
      { a: 1 },
      "broken-json 2:2",
      { a: 2 },
      "broken-json 4:6",
      { a: 3 },
    ]);
  });

  it("is lines, too, where the first of them is cut off", async () => {
    expect(brief(await json('{"a":[1,\n{"a":2}\n{"a":3}\n'))).toEqual(["broken-json 1:9", { a: 2 }, { a: 3 }]);
  });

  it("is a batch over many lines, or several of them", async () => {
    expect(brief(await json('{\n  "a": 1,\n  "b": "}{"\n}\n{\n"a": 2\n}\n'))).toEqual([{ a: 1, b: "}{" }, { a: 2 }]);
  });

  it("is an array, of which a broken member costs that member", async () => {
    const text = '[\n {"a":1},\n {"a":bad},\n {"b":"no end},\n {"a":2},\n {"a":3, "b":[1,{"c":"]"}]}\n, 7]';
    expect(brief(await json(text))).toEqual([
      { a: 1 },
      "broken-json 3:7",
      "broken-json 4:16",
      { a: 2 },
      { a: 3, b: [1, { c: "]" }] },
      7,
    ]);
  });

  it("goes on behind a member whose bracket is missing", async () => {
    expect(brief(await json('[{"a":1,\n{"a":2},{"a":3'))).toEqual([
      "broken-json 1:9",
      { a: 2 },
      "broken-json 2:15",
      "array-without-end 1:1",
    ]);
  });

  it("goes on behind a member whose inner brackets are missing, or whose text has no end", async () => {
    const text = '[{"e":[{"x":1,{"y":2}]},{"a":1},{"e":[1,2},{"a":2},{"e":[{"x":"no end}]},\n{"a":3}]';
    const read = brief(await json(text));
    expect(read.filter((one) => typeof one === "object")).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    expect(read).toHaveLength(6);
  });

  it("keeps ids that a number would round", async () => {
    const entries = await json('{"mpid":9007199254740993,"text":"9007199254740993"}\n[{"mpid":-9223372036854775808}]');
    expect(brief(entries)).toEqual([
      { mpid: "9007199254740993", text: "9007199254740993" },
      [{ mpid: "-9223372036854775808" }],
    ]);
  });

  it("gives the same whatever the chunks are", async () => {
    const value = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string({ unit: GRAPHEME }), fc.integer(), fc.array(fc.string()), fc.constant(null)),
      { minKeys: 1 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom("lines", "array", "pretty array", "documents"),
        async (values, size, layout) => {
          const text = {
            lines: values.map((one) => JSON.stringify(one)).join("\n"),
            array: JSON.stringify(values),
            "pretty array": JSON.stringify(values, undefined, 2),
            documents: values.map((one) => JSON.stringify(one, undefined, 1)).join("\n"),
          }[layout];
          expect(brief(await json(text, size))).toEqual(values);
        },
      ),
    );
  });

  it("does not keep a record that never ends", async () => {
    const long = "x".repeat(500);
    expect(brief(await json(`{"a":1}\n{"a":"${long}"}\n{"a":2}\n`, 7, 100))).toEqual([
      { a: 1 },
      "record-too-long 2:undefined",
      { a: 2 },
    ]);
    expect(brief(await json(`[{"a":"${long}"},{"a":2}]`, 7, 100))).toEqual(["record-too-long 1:2", { a: 2 }]);
  });

  it("says of bytes that are not UTF-8 that they are not, instead of changing them", async () => {
    expect(brief(await json(Buffer.from('{"a":1}\n{"a":"\xe4"}\n', "latin1")))).toEqual([
      { a: 1 },
      "not-utf8 2:undefined",
    ]);
  });
});

describe("the fault of a text", () => {
  it("is found wherever JSON.parse refuses, and nowhere else", () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .tuple(fc.json(), fc.nat(), fc.constantFrom("", "}", "]", ",", '"', "\\", "x", "1", ":", "\n"))
        .map(([json, at, put]) => {
          const place = at % (json.length + 1);
          return json.slice(0, place) + put + json.slice(place + (at % 2));
        }),
    );
    fc.assert(
      fc.property(text, (one) => {
        let isJson = true;
        try {
          JSON.parse(one);
        } catch {
          isJson = false;
        }
        expect(findJsonFault(one) === undefined).toBe(isJson);
      }),
      { numRuns: full(100, 500) },
    );
  });

  it("is an early end exactly where more text could mend it", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        const fault = findJsonFault(json.slice(0, at % json.length));
        if (fault !== undefined) expect(fault.endsEarly).toBe(true);
      }),
    );
    expect(findJsonFault('{"a":1,}')).toMatchObject({ offset: 7, endsEarly: false });
  });
});

describe("CSV", () => {
  it("is read as csv-parse reads it", () => {
    const field = fc.string({ unit: fc.constantFrom("a", "ä", ",", '"', "\n", " ", "1") });
    fc.assert(
      fc.property(
        fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        (table) => {
          const text = table
            .map((row) => row.map((one) => (/[",\n]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one)).join(","))
            .join("\n");
          const reader = new RowReader(",");
          const lines = text.split("\n").map((line, index) => ({ number: index + 1, text: line }));
          const rows = [...reader.push(lines), ...reader.end()].map(({ fields }) => fields);
          expect(rows).toEqual(parse(text, { relax_column_count: true, skip_empty_lines: true }));
        },
      ),
    );
  });

  it("costs a quote that is not closed its line, and not the rest of the file", () => {
    const reader = new RowReader(",");
    const lines = ["a,b", 'c,"open', "e,f", 'g,"h ""i"" ', 'j",k', 'l"m,n'].map((text, index) => ({
      number: index + 1,
      text,
    }));
    const rows = [...reader.push(lines), ...reader.end()];
    expect(rows.map(({ line, fields, fault }) => fields ?? `${String(line)}:${String(fault?.column)}`)).toEqual([
      ["a", "b"],
      "2:3",
      ["e", "f"],
      ["g", 'h "i" \nj', "k"],
      "6:2",
    ]);
  });

  it("names a quote in a field that is not quoted", () => {
    expect(parseRow('5" pipe,x', ",")).toMatchObject({ kind: "fault", column: 2 });
    expect(parseRow('"a"b,x', ",")).toMatchObject({ kind: "fault", column: 4 });
  });

  it("becomes batches by the vendor's columns, with types where the contract has them, and ids exact", async () => {
    const entries = await readFileNamed(
      "2024-05-01-commerce_event.csv",
      "\uFEFFenvironment,mpid,user_identities.customerid,user_attributes.Member Tier,user_attributes.a.b,device_info.is_tablet," +
        "events.data.timestamp_unixtime_ms,events.data.product_action.action,events.data.product_action.products.id," +
        "events.data.product_action.products.price,events.data.custom_attributes.size\r\n" +
        "development,9223372036854775807,007,gold,x,TRUE,1714557600000,purchase,sku,19.90,12\r\n" +
        "development,,8,,,,2024-05-01T10:00:00Z,purchase,,,\r\n",
    );
    expect(brief(entries)).toEqual([
      {
        environment: "development",
        mpid: "9223372036854775807",
        user_identities: { customer_id: "007" },
        user_attributes: { "Member Tier": "gold", "a.b": "x" },
        device_info: { is_tablet: true },
        events: [
          {
            event_type: "commerce_event",
            data: {
              timestamp_unixtime_ms: 1714557600000,
              product_action: { action: "purchase", products: [{ id: "sku", price: 19.9 }] },
              custom_attributes: { size: "12" },
            },
          },
        ],
      },
      {
        environment: "development",
        user_identities: { customer_id: "8" },
        events: [
          {
            event_type: "commerce_event",
            data: { timestamp_unixtime_ms: 1714557600000, product_action: { action: "purchase" } },
          },
        ],
      },
    ]);
  });

  it.each([
    ["2024-05-01T10:00:00Z", 1714557600000],
    ["2024-05-01 10:00Z", 1714557600000],
    ["2024-05-01 10:00:00.25 UTC", 1714557600250],
    ["2024-05-01 12:00:00+02", 1714557600000],
    ["2024-05-01 12:00:00 +0200", 1714557600000],
    ["2024-05-01T04:30:00-05:30", 1714557600000],
    ["2024-05-01 10:00", "2024-05-01 10:00"],
    ["2024-05-01", "2024-05-01"],
    ["2024-13-01T10:00:00Z", "2024-13-01T10:00:00Z"],
    ["2024-02-29T00:30:00+01:00", 1709163000000],
    ["2026-02-30T10:00:00Z", "2026-02-30T10:00:00Z"],
    ["2026-02-29T10:00:00+01:00", "2026-02-29T10:00:00+01:00"],
    ["2026-04-31 10:00 UTC", "2026-04-31 10:00 UTC"],
  ])("reads the time %s where it says its zone", async (text, expected) => {
    const csv = { ...NO_CSV_SETTINGS, eventType: "custom_event" };
    const header = "events.data.timestamp_unixtime_ms,events.data.custom_attributes.at";
    const [entry] = brief(await readFileNamed("t.csv", `${header}\n${text},${text}\n`, { csv }));
    expect(entry).toEqual({
      events: [
        { event_type: "custom_event", data: { timestamp_unixtime_ms: expected, custom_attributes: { at: text } } },
      ],
    });
  });

  it("is profiles alone in a file that says eventless, or has no columns of events", async () => {
    const text = "user_identities.email,user_attributes.x\na@b.c,1\n";
    const profile = { user_identities: { email: "a@b.c" }, user_attributes: { x: "1" } };
    expect(brief(await readFileNamed("a-eventless.csv", text))).toEqual([profile]);
    expect(brief(await readFileNamed("plain.csv", text))).toEqual([profile]);
  });

  it("is mapped by column, and has values that all rows share; a column wins", async () => {
    const csv = {
      ...NO_CSV_SETTINGS,
      eventType: "custom_event",
      map: new Map([
        ["Mail", "user_identities.email"],
        ["Kind", "events.data.custom_event_type"],
        ["Unused", ""],
      ]),
      set: new Map([
        ["events.data.event_name", "Signup"],
        ["events.data.custom_event_type", "other"],
      ]),
    };
    const ignored: unknown[] = [];
    const reading = { csv, onIgnoredColumns: (_: string, columns: readonly string[]) => ignored.push(...columns) };
    const entries = await readFileNamed("m.csv", "Mail;Kind;Unused;Note\na@b.c;media;x;y\nd@e.f;;x;y\n", reading);
    const event = (type: string) => [
      { event_type: "custom_event", data: { event_name: "Signup", custom_event_type: type } },
    ];
    expect(brief(entries)).toEqual([
      { user_identities: { email: "a@b.c" }, events: event("media") },
      { user_identities: { email: "d@e.f" }, events: event("other") },
    ]);
    expect(ignored).toEqual(["Note"]);
  });

  it("is mapped by the vendor's manifest, with a header row and without one", async () => {
    const columns = [
      { column: "Email", action: "keep", field: "user_identities.email" },
      { column: "Note", action: "ignore" },
    ] as const;
    const kept = columns.map((one) => ({
      column: one.column,
      field: "field" in one ? one.field : undefined,
    }));
    const withHeader = { ...NO_CSV_SETTINGS, manifest: { hasHeaderRow: true, columns: kept } };
    expect(brief(await readFileNamed("h.csv", "Note,Email\nx,a@b.c\n", { csv: withHeader }))).toEqual([
      { user_identities: { email: "a@b.c" } },
    ]);
    const bare = kept.map(({ field }) => ({ column: undefined, field }));
    const withoutHeader = { ...NO_CSV_SETTINGS, manifest: { hasHeaderRow: false, columns: bare } };
    expect(brief(await readFileNamed("n.csv", "a@b.c,x\n", { csv: withoutHeader }))).toEqual([
      { user_identities: { email: "a@b.c" } },
    ]);
  });

  it.each([
    ["Email", "user_identities.emial", "Did you mean user_identities.email?"],
    ["Email", "user_identites.emial", "Did you mean user_identities.email?"],
    ["Email", "events.data.evnt_name", "Did you mean events.data.event_name?"],
    ["Email", "events.dta.product_action.products.nam", "Did you mean events.data.product_action.products.name?"],
    ["Email", "user_consents.gdrp.x", undefined],
    ["Email", "nowhere.at.all", undefined],
    [
      "user_identities.emial",
      undefined,
      'Is user_identities.email meant? Call it so, or say it: --map "user_identities.emial=user_identities.email".',
    ],
  ])("names the field that was meant where %s leads to %s", async (column, field, expected) => {
    const eventType = field?.includes("product") === true ? "commerce_event" : "custom_event";
    const csv = { ...NO_CSV_SETTINGS, eventType, map: new Map(field === undefined ? [] : [[column, field]]) };
    const error: unknown = await readFileNamed("m.csv", `${column}\nx\n`, { csv }).catch((thrown: unknown) => thrown);
    const { remedy } = error as { remedy: string };
    if (expected === undefined) expect(remedy).toMatch(/^Fields are written with dots/);
    else expect(remedy).toBe(expected);
  });

  it.each([
    ["Email", "user_identities.email"],
    ["Customer ID", "user_identities.customer_id"],
    ["customerId", "user_identities.customer_id"],
    ["MPID", "mpid"],
    ["Event-Name", "events.data.event_name"],
    ["os_version", "device_info.os_version"],
    ["event", "user_attributes.event"],
    ["Note", "user_attributes.Note"],
  ])("that calls a column %s is told of %s", async (column, field) => {
    const csv = { ...NO_CSV_SETTINGS, eventType: "custom_event" };
    const readColumns = (text: string): Promise<unknown> =>
      readFileNamed("m.csv", text, { csv }).catch((error: unknown) => error);
    expect(await readColumns(`${column}\nx\n`)).toMatchObject({
      message: expect.stringContaining(`m.csv: column ${column} is no field of a batch.`) as unknown,
      remedy: expect.stringContaining(`--map "${column}=${field}"`) as unknown,
    });
    expect(await readColumns(`${column},x\nx,y\n`)).toMatchObject({
      message: expect.stringContaining(`m.csv: columns ${column}, x are no fields of a batch.`) as unknown,
      remedy: `Say where each goes, such as --map "${column}=${field}" --map "x=user_attributes.x", or leave one out: --map "${column}=".`,
    });
  });

  it("names a field for one of the columns that mean it, because the last of them would win", async () => {
    const remedyOf = async (text: string): Promise<string> => {
      const error: unknown = await readFileNamed("m.csv", text).catch((thrown: unknown) => thrown);
      return (error as { remedy: string }).remedy;
    };
    expect(await remedyOf("Customer ID,customerId,MPID,mpid\n1,2,3,4\n")).toContain(
      'such as --map "Customer ID=user_identities.customer_id" --map "customerId=user_attributes.customerId" --map "MPID=user_attributes.MPID", or',
    );
    // The second spelling of the same field.
    expect(await remedyOf("Customer ID,user_identities.customerid\n1,2\n")).toBe(
      'Say where it goes: --map "Customer ID=user_attributes.Customer ID", or leave it out: --map "Customer ID=". ' +
        "With --map a column that none names is left out: name the others as well.",
    );
  });

  it("is refused where two columns lead to one field, by one spelling or two", async () => {
    const map = new Map([
      ["Work", "user_identities.email"],
      ["Home", "user_identities.email"],
    ]);
    const refused = (text: string, csv: typeof NO_CSV_SETTINGS) =>
      readFileNamed("t.csv", text, { csv }).catch((error: unknown) => error);
    expect(await refused("Work,Home\na@b.c,d@e.f\n", { ...NO_CSV_SETTINGS, map })).toMatchObject({
      message: expect.stringContaining("column Work and column Home both lead to user_identities.email.") as unknown,
      remedy: 'Leave one of them out, such as by --map "Home=".',
    });
    const spelt = "user_identities.customer_id,user_identities.customerid\n1,2\n";
    expect(await refused(spelt, NO_CSV_SETTINGS)).toMatchObject({
      remedy: 'Leave one of them out, such as by --map "user_identities.customerid=".',
    });
  });

  it.each([
    ["a column that is no field", "x-custom_event.csv", "Email\na@b.c\n", /column Email is no field.*--map/s],
    ["events of no known type", "x.csv", "events.data.event_name\nx\n", /of which type.*--event-type/s],
    ["two columns of one name", "y.csv", "mpid,mpid\n1,2\n", /two columns are called mpid/],
    ["a key that would change the object itself", "z.csv", "user_attributes.__proto__\n1\n", /no field/],
  ])("is refused for %s, with what to do", async (_, name, text, expected) => {
    const error: unknown = await readFileNamed(name, text).catch((thrown: unknown) => thrown);
    expect(`${String(error)} ${(error as { remedy?: string }).remedy ?? ""}`).toMatch(expected);
  });
});

describe("a file", () => {
  const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
  const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
  const utf32 = (text: string): Buffer =>
    Buffer.concat(Array.from(text, (one) => Buffer.from([...latin1(one), 0, 0, 0])));
  const tar = Buffer.concat([Buffer.from("rows.csv".padEnd(257, "\0")), Buffer.from("ustar\0".padEnd(255, "\0"))]);
  const CSV = "Id,Größe\n1,5\n2,6\n";

  it.each([
    ["a header that is not UTF-8", "l.csv", latin1(CSV), /l\.csv:1: the header is not UTF-8\..*iconv -f WINDOWS-1252/s],
    ["such a header on two lines", "l.csv", latin1('"Id\nGröße",x\n1,5\n'), /l\.csv:2: the header is not UTF-8\./],
    ["such a header behind a mark", "l.csv", latin1(`ï»¿${CSV}`), /l\.csv:1: the header is not UTF-8\./],
    ["a header that never ends", "l.csv", "x".repeat(4 * 1024 * 1024 + 1), /l\.csv:1: the header is longer than/],
    [
      "the line ends of old Macs",
      "m.csv",
      "Email,Id\ra,1\rb,2\r",
      /end in a carriage return alone \(CR\).*tr '\\r' '\\n'/s,
    ],
    ["line ends with two returns", "m.csv", "Email,Id\r\r\na,1\r\r\n", /end in two carriage returns.*tr -d '\\r'/s],
    ["UTF-16", "u.csv", Buffer.from(`\uFEFF${CSV}`, "utf16le"), /it is UTF-16\..*iconv -f UTF-16 /s],
    ["UTF-16 without a mark", "u.csv", Buffer.from(CSV, "utf16le"), /it is UTF-16 without.*iconv -f UTF-16LE/s],
    ["UTF-16 of big ends", "u.ndjson", utf16be('{"a":1}'), /it is UTF-16 without.*iconv -f UTF-16BE/s],
    ["UTF-32", "u.csv", Buffer.concat([latin1("ÿþ\0\0"), utf32("Id,x\n")]), /it is UTF-32\..*iconv -f UTF-32 /s],
    ["UTF-32 without a mark", "u.csv", utf32("Id,x\n"), /it is UTF-32 without.*iconv -f UTF-32LE/s],
    ["a tar archive", "t.ndjson", tar, /it is a tar archive/],
    ["a tar archive of GNU", "t.csv", latin1(tar.toString("latin1").replace("ustar\0", "ustar  \0")), /a tar archive/],
    ["a tar archive that is gzipped", "t.csv", gzipSync(tar), /it is a tar archive/],
    ["a file that is gzipped twice", "t.csv", gzipSync(gzipSync("a\n")), /gzipped twice/],
    ["a ZIP archive", "t.csv", latin1("PK\u0003\u0004\u0014\0\0\0"), /a ZIP archive, as \.xlsx/],
    ["the bytes of Parquet", "t.csv", latin1("PAR1\u0015\u0004"), /a Parquet file/],
    ["a PDF", "t.csv", latin1("%PDF-1.7\n"), /a PDF/],
    ["what Zstandard packed", "t.ndjson", latin1("(µ/ý$\u0001"), /packed by Zstandard/],
    ["any other bytes", "t.ndjson", latin1("\u0001\0\0\u0007stuff\n"), /it is no text/],
    ["an archive by its name", "t.tgz", "", /this kind of file is not read/],
    ["an archive by its name", "t.tar.gz", "", /this kind of file is not read/],
  ])("with %s is refused as a whole, with what to do", async (_, name, content, expected) => {
    const csv = { ...NO_CSV_SETTINGS, map: new Map([["Id", "user_attributes.Id"]]) };
    const error: unknown = await readFileNamed(name, content, { csv }).catch((thrown: unknown) => thrown);
    expect(`${String(error)} ${(error as { remedy?: string }).remedy ?? ""}`).toMatch(expected);
  });

  it("that begins nearly as an archive does is read: no letters of a text make it one", async () => {
    const note = `${"x".repeat(257 - '{"note":"'.length)}ustard`;
    expect(brief(await readFileNamed("n.ndjson", JSON.stringify({ note })))).toEqual([{ note }]);
    const rows = `mpid,user_attributes.x\n1,${"x".repeat(257 - "mpid,user_attributes.x\n1,".length)}ustar\n`;
    expect(brief(await readFileNamed("n.csv", rows))).toMatchObject([{ mpid: 1 }]);
    for (const name of ["PAR1", "%PDF-name"]) {
      const csv = { ...NO_CSV_SETTINGS, map: new Map([[name, `user_attributes.${name}`]]) };
      for (const end of ["\n1\n", "\r\n1\r\n", "\tb\n1\t2\n"]) {
        expect(brief(await readFileNamed("c.csv", `${name}${end}`, { csv }))).toEqual([
          { user_attributes: { [name]: "1" } },
        ]);
      }
    }
  });

  it("with a row that is not UTF-8 costs that row, where its header is, and where it has none", async () => {
    const csv = { ...NO_CSV_SETTINGS, map: new Map([["Id", "mpid"]]) };
    expect(brief(await readFileNamed("r.csv", latin1("Id,x\n1,ü\n2,x\n"), { csv }))).toEqual([
      "not-utf8 2:undefined",
      { mpid: 2 },
    ]);
    const columns = [{ column: undefined, field: "mpid" }];
    const manifest = { ...NO_CSV_SETTINGS, manifest: { hasHeaderRow: false, columns } };
    expect(brief(await readFileNamed("r.csv", latin1("ü\n2\n"), { csv: manifest }))).toEqual([
      "not-utf8 1:undefined",
      { mpid: 2 },
    ]);
  });

  it("with its header in its middle, as files that were put together have it, makes no record of that", async () => {
    const text = "mpid,user_attributes.x\n1,a\n\uFEFFmpid, user_attributes.x\n2,mpid\n";
    expect(brief(await readFileNamed("cat.csv", text))).toEqual([
      { mpid: 1, user_attributes: { x: "a" } },
      "repeated-header 3:undefined",
      { mpid: 2, user_attributes: { x: "mpid" } },
    ]);
  });

  it("says its delimiter in a line of its own, as spreadsheets have it", async () => {
    expect(brief(await readFileNamed("sep.csv", "sep=;\r\nmpid;user_attributes.x\r\n1;a,b\r\n"))).toEqual([
      { mpid: 1, user_attributes: { x: "a,b" } },
    ]);
  });

  it("of JSON with the line ends of old Macs is read, and so are two marks, and a pipe of single bytes", async () => {
    expect(brief(await json('{"a":1}\r{"a":2}\r'))).toEqual([{ a: 1 }, { a: 2 }]);
    const bytes = (text: string): Promise<readonly Entry[]> => {
      const file = { name: "-", path: undefined, bytes: undefined };
      return readAll(readEntries([file], { stdin: chunksOf(text, 1) }, { csv: NO_CSV_SETTINGS, format: undefined }));
    };
    expect(brief(await bytes('\uFEFF\uFEFF{"a":1}\n{"a":2}'))).toEqual([{ a: 1 }, { a: 2 }]);
    expect(brief(await bytes("{}"))).toEqual([{}]);
    await expect(bytes("I\0d\0")).rejects.toThrow("it is UTF-16 without a byte order mark.");
  });

  it("that describes columns is refused when it is not UTF-8: its names would match nothing", async () => {
    writeFileSync(join(folder, "manifest.json"), latin1('{"columns":[{"column":"Größe","action":"ignore"}]}'));
    await expect(readManifest("manifest.json", folder)).rejects.toThrow("--manifest manifest.json: it is not UTF-8.");
  });

  it("is unpacked, member by member, whatever it is called", async () => {
    const packed = Buffer.concat([gzipSync('{"a":1}\n'), gzipSync('\uFEFF{"a":2}\n{"a":'), gzipSync("3}")]);
    expect(brief(await readFileNamed("members.ndjson", packed))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it("that is damaged gives what stands before the damage, and says so", async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => JSON.stringify({ index, noise: Math.sin(index) })).join(
      "\n",
    );
    const packed = gzipSync(lines);
    const entries = await readFileNamed("cut.ndjson.gz", packed.subarray(0, packed.length - 100));
    expect(entries.length).toBeGreaterThan(1);
    expect(entries.at(-1)).toMatchObject({ kind: "broken", code: "damaged-file" });
  });

  it("of rejected batches is taken as the batches in it", async () => {
    const lines = [
      { rejected: { findings: [] }, batch: { a: 1 } },
      { rejected: {}, text: "{bad" },
    ].map((one) => JSON.stringify(one));
    expect(brief(await readFileNamed("rejected.ndjson", lines.join("\n")))).toEqual([
      { a: 1 },
      "not-mended 2:undefined",
    ]);
  });

  it("is found in folders and by patterns, in the order of the names", async () => {
    mkdirSync(join(folder, "tree/deep"), { recursive: true });
    for (const name of ["b.json", "a.csv", "deep/c.ndjson.gz", "notes.txt"])
      writeFileSync(join(folder, "tree", name), "");
    const names = async (given: string) =>
      (await findInputs([given], folder)).map(({ name }) => name.replaceAll("\\", "/"));
    expect(await names("tree")).toEqual(["tree/a.csv", "tree/b.json", "tree/deep/c.ndjson.gz"]);
    expect(await names("tree/*.{json,csv}")).toEqual(["tree/a.csv", "tree/b.json"]);
    expect(await names("tree/**/*.gz")).toEqual(["tree/deep/c.ndjson.gz"]);
    await expect(names("tree/*.xml")).rejects.toThrow(/no file matches/);
    expect(patternToRegExp("a[!b]?.json").test("acd.json")).toBe(true);
    expect(patternToRegExp("a[!b]?.json").test("abd.json")).toBe(false);
  });

  it("is looked for from the folder that the pattern begins with, on a drive of Windows from its root", () => {
    const folders = ["*.csv", "a/b/*.csv", "/*.csv", "C:\\*.csv", "C:\\data\\*.csv", "\\\\machine\\share\\*.csv"];
    expect(folders.map((pattern) => folderOf(pattern.split(/[/\\]/).slice(0, -1)))).toEqual([
      ".",
      "a/b",
      "/",
      "C:/",
      "C:/data",
      "//machine/share",
    ]);
  });

  it("has a URI in SARIF, by the rules of its system", () => {
    expect(["a b.csv", "a\\b.csv", "/data/ä#1.csv"].map((file) => uriOf(file, posix))).toEqual([
      "a%20b.csv",
      "a%5Cb.csv",
      "file:///data/%C3%A4%231.csv",
    ]);
    expect(["a\\b.csv", "C:\\data\\a?.csv", "\\\\machine\\share\\a.csv"].map((file) => uriOf(file, win32))).toEqual([
      "a/b.csv",
      "file:///C:/data/a%3F.csv",
      "file://machine/share/a.csv",
    ]);
  });
});

describe("the ids of a run", () => {
  it("are compared from one end to the other, over files, whatever they look like", () => {
    const step = fc.record({
      // Few, so that they come again; and some that differ in one place alone.
      id: fc.oneof(
        fc.nat(40).map(String),
        fc.string({ maxLength: 3 }),
        fc.nat(9).map((last) => `${"0".repeat(35)}${String(last)}`),
      ),
      content: fc.nat(2),
      file: fc.constantFrom("a", "b", "a/b"),
      isRejected: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const seen = new SeenIds();
        const known = new Map<string, { content: number; place: object }>();
        for (const [index, { id, content, file, isRejected }] of steps.entries()) {
          const place = { file, line: index + 1 };
          const earlier = known.get(id);
          expect(seen.note(id, content, place)).toEqual(
            earlier === undefined || earlier.content === content ? undefined : earlier.place,
          );
          if (earlier === undefined) known.set(id, { content, place });
          if (!isRejected) continue;
          seen.forget(id);
          known.delete(id);
        }
      }),
      { numRuns: full(30, 1000) },
    );
  });

  it("are of the same content where its keys stand in another order, and only there", () => {
    /** With the members of every object from the last to the first. */
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== "object" || value === null) return value;
      const members = Object.entries(value).reverse();
      return Object.fromEntries(members.map(([key, member]) => [key, turned(member)]));
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const read: unknown = JSON.parse(JSON.stringify(value));
        expect(contentOf(turned(read))).toBe(contentOf(read));
      }),
    );
    const different = [
      { a: "b", c: "d" },
      { a: "d", c: "b" },
      { b: "a", c: "d" },
      { a: "b", c: { d: "" } },
      { a: { b: "", c: "d" } },
      { a: ["b", "c", "d"] },
      { a: ["c", "b", "d"] },
      { a: [["b", "c"], "d"] },
      ...[1, "1", true, "true", null, "null", [], {}, "", 0, -1].map((a) => ({ a })),
    ];
    expect(new Set(different.map(contentOf)).size).toBe(different.length);
    const deep: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
    expect(contentOf(deep)).toBe(0);
  });

  it("are kept in 16 bytes each as they grow in number, up to a limit that is told", () => {
    const many = full(5_000, 300_000);
    const seen = new SeenIds(many);
    for (let index = 0; index < many; index++) seen.note(String(index), 1, { file: "f", line: index + 1 });
    expect([seen.size, seen.missed]).toEqual([many, 0]);
    expect(seen.note("one more", 1, { file: "f", line: many + 1 })).toBeUndefined();
    expect(seen.note("one more", 2, { file: "f", line: many + 2 })).toBeUndefined();
    expect([seen.size, seen.missed]).toEqual([many, 2]);
    // What is remembered is compared with all the same.
    expect(seen.note("0", 2, { file: "f", line: many + 3 })).toEqual({ file: "f", line: 1 });
    expect(seen.note(String(many - 1), 2, { file: "g", line: 1 })).toEqual({ file: "f", line: many });
  });
});
