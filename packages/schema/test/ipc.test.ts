/// <reference types="node" />
import { type DataType, type Field, formatType, parseType, type Schema, SchemaError } from "@usr/schema";
import { decodeArrowSchema, encodeArrowSchema } from "@usr/schema/ipc";
import { anyType, countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusal } from "./refusal.ts";

const anySchema: fc.Arbitrary<Schema> = fc.record({
  fields: fc.array(fc.record({ name: fc.string({ unit: "grapheme" }), type: anyType(), nullable: fc.boolean() }), {
    maxLength: 6,
  }),
  metadata: fc
    .uniqueArray(fc.tuple(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })), {
      selector: ([key]) => key,
      maxLength: 4,
    })
    .map((pairs) => new Map(pairs)),
});

const schemaOf = (...types: readonly DataType[]): Schema => ({
  fields: types.map((type, i): Field => ({ name: `f${i}`, type, nullable: true })),
  metadata: new Map(),
});

describe("the Arrow schema message", () => {
  it("comes back as it went", () => {
    fc.assert(
      fc.property(anySchema, (schema) => {
        const decoded = decodeArrowSchema(encodeArrowSchema(schema));
        expect(decoded.fields.map(({ name, type, nullable }) => ({ name, type, nullable }))).toEqual(schema.fields);
        expect([...decoded.metadata]).toEqual([...schema.metadata]);
      }),
      { numRuns: testRuns(500) },
    );
  });

  it("holds the null type and 64 levels", () => {
    const nested = parseType(`${"list<".repeat(63)}int8${">".repeat(63)}`);
    const schema = schemaOf({ kind: "null" }, nested);
    expect(decodeArrowSchema(encodeArrowSchema(schema)).fields.map((field) => field.type)).toEqual([
      { kind: "null" },
      nested,
    ]);
    const deeper = schemaOf({ kind: "list", item: nested });
    expect(refusal(() => decodeArrowSchema(encodeArrowSchema(deeper))).code).toBe("TOO_LARGE");
  });

  it("is refused when it is something else", () => {
    for (const text of ["", "AAAA", "no base64!", "/////wAAAAA=", btoa("\xff\xff\xff\xff\xff\xff\xff\x7f")]) {
      expect(refusal(() => decodeArrowSchema(text)).code).toBe("CORRUPT");
    }
  });

  it("never does more than refuse when bytes are damaged", () => {
    const good = Uint8Array.from(
      atob(
        encodeArrowSchema(
          schemaOf(parseType("struct<a:list<int8>,b:timestamp[us, UTC]>"), parseType("fixed_size_list<float32>[3]")),
        ),
      ),
      (char) => char.charCodeAt(0),
    );
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    let refused = 0;
    fc.assert(
      fc.property(damage, fc.nat(good.length), (edits, cut) => {
        const bytes = good.slice(0, cut % 3 === 0 ? cut : good.length);
        for (const [at, byte] of edits) {
          bytes[at % bytes.length] = byte;
        }
        const text = btoa(String.fromCharCode(...bytes));
        try {
          decodeArrowSchema(text);
        } catch {
          refused += 1;
          expect(["CORRUPT", "TOO_LARGE"]).toContain(refusal(() => decodeArrowSchema(text)).code);
        }
      }),
      { numRuns: testRuns(3000) },
    );
    expect(refused).toBeGreaterThan(0);
  });

  it("does not unfold: tables that point at one another are counted", () => {
    // A list field whose child vector points back at itself: an endless schema in a few bytes.
    const good = Uint8Array.from(atob(encodeArrowSchema(schemaOf(parseType("list<list<list<int8>>>")))), (char) =>
      char.charCodeAt(0),
    );
    const view = new DataView(good.buffer);
    const pairs: (readonly [at: number, target: number])[] = [];
    for (let at = 12; at + 4 <= good.length; at += 4)
      for (let target = at + 4; target < good.length; target += 4) pairs.push([at, target]);
    const every = Math.ceil(pairs.length / testRuns(pairs.length));
    let loops = 0;
    for (const [at, target] of pairs.filter((_, i) => i % every === 0)) {
      const kept = view.getUint32(at, true);
      view.setUint32(at, target - at, true);
      const text = btoa(String.fromCharCode(...good));
      try {
        decodeArrowSchema(text);
      } catch (error) {
        loops += 1;
        expect(["CORRUPT", "TOO_LARGE"]).toContain(error instanceof SchemaError ? error.code : error);
      }
      view.setUint32(at, kept, true);
    }
    expect(loops).toBeGreaterThan(0);
  });
});

/** pyarrow's expression of a type, and what it is here; `undefined` = kept by name. */
const FOREIGN: readonly (readonly [string, string | undefined])[] = [
  ["pa.string()", "string"],
  ["pa.large_string()", "string"],
  ["pa.string_view()", "string"],
  ["pa.dictionary(pa.int8(), pa.string())", "string"],
  ["pa.dictionary(pa.int32(), pa.large_string(), ordered=True)", "string"],
  ["pa.dictionary(pa.uint16(), pa.float64())", "float64"],
  ["pa.bool_()", "bool"],
  ["pa.int8()", "int8"],
  ["pa.int16()", "int16"],
  ["pa.int32()", "int32"],
  ["pa.int64()", "int64"],
  ["pa.uint8()", "uint8"],
  ["pa.uint16()", "uint16"],
  ["pa.uint32()", "uint32"],
  ["pa.uint64()", "uint64"],
  ["pa.float16()", "float16"],
  ["pa.float32()", "float32"],
  ["pa.float64()", "float64"],
  ["pa.timestamp('ms')", "timestamp[ms]"],
  ["pa.timestamp('us', 'UTC')", "timestamp[us, UTC]"],
  ["pa.timestamp('ns', 'Europe/Berlin')", "timestamp[ns, Europe/Berlin]"],
  ["pa.timestamp('us', '+02:00')", "timestamp[us, +02:00]"],
  ["pa.list_(pa.float64())", "list<float64>"],
  ["pa.large_list(pa.large_string())", "list<string>"],
  ["pa.list_view(pa.int8())", "list<int8>"],
  ["pa.list_(pa.float32(), 768)", "fixed_size_list<float32>[768]"],
  ["pa.list_(pa.field('element', pa.int8(), nullable=False))", "list<int8>"],
  [
    "pa.struct([('a', pa.int32()), ('b', pa.list_(pa.struct([('c', pa.string())])))])",
    "struct<a:int32,b:list<struct<c:string>>>",
  ],
  ["pa.list_(pa.list_(pa.timestamp('us', 'UTC')), 2)", "fixed_size_list<list<timestamp[us, UTC]>>[2]"],
  ["pa.timestamp('s')", undefined],
  ["pa.timestamp('s', 'UTC')", undefined],
  ["pa.date32()", undefined],
  ["pa.date64()", undefined],
  ["pa.time64('us')", undefined],
  ["pa.duration('us')", undefined],
  ["pa.month_day_nano_interval()", undefined],
  ["pa.binary()", undefined],
  ["pa.large_binary()", undefined],
  ["pa.binary_view()", undefined],
  ["pa.binary(16)", undefined],
  ["pa.decimal128(10, 2)", undefined],
  ["pa.decimal256(50, 2)", undefined],
  ["pa.map_(pa.string(), pa.int8())", undefined],
  ["pa.list_(pa.date32())", undefined],
  ["pa.struct([('a', pa.int8()), ('d', pa.binary())])", undefined],
  ["pa.sparse_union([pa.field('x', pa.int8())])", undefined],
  ["pa.run_end_encoded(pa.int32(), pa.string())", undefined],
];

const PYTHON = `
import base64, pyarrow as pa
TYPES = {k: v for k, v in [("string", pa.string()), ("bool", pa.bool_())]}
for _n in ["int8","int16","int32","int64","uint8","uint16","uint32","uint64","float16","float32","float64"]:
    TYPES[_n] = getattr(pa, _n)()
def build(t):
    k = t["kind"]
    if k == "timestamp": return pa.timestamp(t["unit"], t.get("timezone"))
    if k == "list": return pa.list_(build(t["item"]))
    if k == "fixed_size_list": return pa.list_(build(t["item"]), t["size"])
    if k == "struct": return pa.struct([(f["name"], build(f["type"])) for f in t["fields"]])
    return TYPES[k]
def main(task):
    if "expression" in task:
        field = pa.field("col\\u00e9", eval(task["expression"]), nullable=task["nullable"], metadata={"k": "v"})
        schema = pa.schema([field], metadata={"usr:x": "\\u00fc", "": ""})
        return base64.b64encode(schema.serialize().to_pybytes()).decode()
    theirs = pa.schema([pa.field(f["name"], build(f["type"]), nullable=f["nullable"]) for f in task["fields"]],
                       metadata=dict(task["metadata"]) or None)
    ours = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(task["text"])))
    return {"equal": ours.equals(theirs, check_metadata=True), "theirs": base64.b64encode(theirs.serialize().to_pybytes()).decode()}
`;

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("the Arrow schema message against pyarrow", () => {
  it("is read from pyarrow, every type of it", async () => {
    await using python = oracle()!.worker(PYTHON);
    for (const [i, [expression, expected]] of FOREIGN.entries()) {
      const text = await python.ask({ expression, nullable: i % 2 === 0 });
      const { fields, metadata } = decodeArrowSchema(String(text));
      const [field] = fields;
      expect({ ...field, type: undefined }).toEqual({
        name: "colé",
        nullable: i % 2 === 0,
        type: undefined,
        metadata: new Map([["k", "v"]]),
      });
      expect([expression, field!.type.kind === "other" ? undefined : formatType(field!.type)]).toEqual([
        expression,
        expected,
      ]);
      expect(metadata).toEqual(
        new Map([
          ["usr:x", "ü"],
          ["", ""],
        ]),
      );
    }
    countComparisons("schema: ARROW:schema read", FOREIGN.length);
  });

  it("is the schema pyarrow would write, both ways", async () => {
    await using python = oracle()!.worker(PYTHON);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(anySchema, async (schema) => {
        const text = encodeArrowSchema(schema);
        const answer = await python.ask({ fields: schema.fields, metadata: [...schema.metadata], text });
        const { equal, theirs } = answer as { equal: boolean; theirs: string };
        expect(equal).toBe(true);
        const decoded = decodeArrowSchema(theirs);
        expect(decoded.fields.map(({ name, type, nullable }) => ({ name, type, nullable }))).toEqual(schema.fields);
        expect(new Map(decoded.metadata)).toEqual(schema.metadata);
        compared += 1;
      }),
      { numRuns: testRuns(300) },
    );
    countComparisons("schema: ARROW:schema written", compared);
  });
});
