/// <reference types="node" />
import { readFileSync } from "node:fs";
import { formatType } from "@usr/schema";
import { decodeArrowSchema } from "@usr/schema/ipc";
import { describe, expect, it } from "vitest";
import {
  int8,
  int16,
  int32,
  int64,
  type ObjectWriter,
  type Slot,
  table,
  text,
  vector,
  writeFlatbuffer,
} from "../src/ipc/write-flatbuffer.ts";
import { refusal } from "./refusal.ts";

/** One schema message of pyarrow each, of one field. */
const messages: readonly {
  readonly expression: string;
  readonly type: string;
  readonly known: boolean;
  readonly nullable: boolean;
  readonly text: string;
}[] = JSON.parse(readFileSync(new URL("./fixtures/schemas/pyarrow.json", import.meta.url), "utf8"));

describe("schema messages of pyarrow", () => {
  it.each(messages)("$expression", ({ type, known, nullable, text }) => {
    const { fields, metadata } = decodeArrowSchema(text);
    expect(fields.map((field) => [field.name, field.nullable, field.metadata])).toEqual([
      ["colé", nullable, new Map([["k", "v"]])],
    ]);
    expect([...metadata]).toEqual([
      ["usr:x", "ü"],
      ["", ""],
    ]);
    const found = fields[0]!.type;
    expect(found.kind === "other" ? [found.name, false] : [formatType(found), true]).toEqual([type, known]);
  });

  it("say the same without the marker in front, as files of before 2019 have them", () => {
    const { text } = messages[0]!;
    expect(decodeArrowSchema(btoa(atob(text).slice(4)))).toEqual(decodeArrowSchema(text));
  });
});

/** The message in its envelope, as base64. */
const enclosed = (message: Uint8Array): string =>
  Buffer.concat([Buffer.from(Int32Array.of(-1, message.length).buffer), message]).toString("base64");

const HEADER_SCHEMA = 1;
const message = (fields: readonly ObjectWriter[], metadata: readonly ObjectWriter[] = []): string =>
  enclosed(
    writeFlatbuffer(
      table([int16(4), int8(HEADER_SCHEMA), table([int16(0), vector(fields), vector(metadata)]), int64(0)]),
    ),
  );

/** A field of a type code, the slots of the type, and its children. */
const field = (code: number, body: readonly Slot[] = [], children: readonly ObjectWriter[] = []): ObjectWriter =>
  table([text("x"), int8(1), int8(code), table(body), undefined, vector(children)]);

/** One object that many refer to which lie before it. */
const shared = (writer: ObjectWriter): ObjectWriter => {
  let at: number | undefined;
  return (out) => {
    at ??= writer(out);
    return at;
  };
};

const typeOf = (writer: ObjectWriter): unknown => {
  const [found] = decodeArrowSchema(message([writer])).fields;
  return found?.type.kind === "other" ? found.type.name : found && formatType(found.type);
};
const refused = (base64: string): readonly unknown[] => {
  const { code, details } = refusal(() => decodeArrowSchema(base64));
  return [code, details["why"]];
};

const [INT, FLOAT, TIMESTAMP, LIST, STRUCT, FIXED_LIST] = [2, 3, 10, 12, 13, 16] as const;
const INT8 = field(INT, [int32(8), int8(1)]);

describe("schema messages that nobody writes", () => {
  it.each<[string, ObjectWriter]>([
    ["uint16", field(INT, [int32(16)])],
    ["float16", field(FLOAT)],
    ["float64", field(FLOAT, [int16(2)])],
    ["timestamp[us]", field(TIMESTAMP, [int16(2), text("")])],
    ["timestamp[s]", field(TIMESTAMP, [int16(0), text("")])],
    ["timestamp[s]", field(TIMESTAMP)],
    ["struct<>", field(STRUCT)],
    ["fixed_size_list<int8>[0]", field(FIXED_LIST, [], [INT8])],
    ["fixed_size_list<int8>[-1]", field(FIXED_LIST, [int32(-1)], [INT8])],
    ["fixed_size_list<int8>[1]", field(FIXED_LIST, [int32(1)], [INT8])],
    ["fixed_size_list<int8>[70000]", field(FIXED_LIST, [int32(70_000)], [INT8])],
    ["type 99", field(99)],
    ["type 0", field(0)],
    ["list<type 99>", field(LIST, [], [field(99)])],
  ])("are read as %s", (type, writer) => {
    expect(typeOf(writer)).toBe(type);
  });

  it("leave a name, a flag, keys and values out", () => {
    const bare = table([undefined, undefined, int8(6), table([])]);
    expect(decodeArrowSchema(message([bare], [table([undefined, text("v")]), table([text("k")])]))).toEqual({
      fields: [{ name: "", nullable: false, type: { kind: "bool" }, metadata: new Map() }],
      metadata: new Map([
        ["", "v"],
        ["k", ""],
      ]),
    });
    const empty = enclosed(writeFlatbuffer(table([int16(4), int8(HEADER_SCHEMA), table([])])));
    expect(decodeArrowSchema(empty)).toEqual({ fields: [], metadata: new Map() });
  });

  it("say what a type without a counterpart is called, in a thousand letters", () => {
    const named = (length: number): ObjectWriter =>
      field(STRUCT, [], [table([text("n".repeat(length)), undefined, int8(4), table([])])]);
    expect(typeOf(named(1000 - "struct<:binary>".length))).toBe(`struct<${"n".repeat(985)}:binary>`);
    expect(typeOf(named(1001 - "struct<:binary>".length))).toBe(`struct<${"n".repeat(986)}:binar…`);
  });

  it.each<[string, ObjectWriter]>([
    ["a field has no type", table([text("x"), int8(1), int8(INT)])],
    ["there are no integers of 24 bits", field(INT, [int32(24), int8(1)])],
    ["there are no integers of 0 bits", field(INT)],
    ["a float has no known precision", field(FLOAT, [int16(3)])],
    ["a timestamp has no known unit", field(TIMESTAMP, [int16(4)])],
    ["a list has 0 element types", field(LIST)],
    ["a list has 2 element types", field(LIST, [], [INT8, INT8])],
    ["a list has 2 element types", field(FIXED_LIST, [int32(2)], [INT8, INT8])],
  ])("are refused: %s", (why, writer) => {
    expect(refused(message([writer]))).toEqual(["CORRUPT", why]);
  });

  it("are refused if they are no schema, or lie about their size", () => {
    const of = (header: number, ...rest: readonly Slot[]): string =>
      enclosed(writeFlatbuffer(table([int16(4), int8(header), ...rest])));
    expect(refused(of(3, table([])))).toEqual(["CORRUPT", "the message is no schema"]);
    expect(refused(of(0, table([])))).toEqual(["CORRUPT", "the message is no schema"]);
    expect(refused(of(HEADER_SCHEMA))).toEqual(["CORRUPT", "the message is empty"]);
    const good = atob(message([INT8]));
    const withSize = (size: number): string =>
      btoa(good.slice(0, 4) + String.fromCharCode(...new Uint8Array(Int32Array.of(size).buffer)) + good.slice(8));
    const size = good.length - 8;
    expect(decodeArrowSchema(withSize(size)).fields).toHaveLength(1);
    expect(refused(withSize(size + 1))).toEqual(["CORRUPT", `${good.length} bytes do not hold a message`]);
    expect(refused(withSize(3))).toEqual(["CORRUPT", `${good.length} bytes do not hold a message`]);
    expect(refused(withSize(-1))).toEqual(["CORRUPT", `${good.length} bytes do not hold a message`]);
    expect(refused(withSize(4))[1]).toMatch(/ of 4 are asked for$/);
    for (const bytes of ["", "\0\0\0", "\0\0\0\0", "\xff\xff\xff\xff", "\xff\xff\xff\xff\0\0\0"])
      expect(refused(btoa(bytes))).toEqual(["CORRUPT", `${bytes.length} bytes do not hold a message`]);
  });
  it("keep the reason why the text is no base64", () => {
    const error = refusal(() => decodeArrowSchema("no base64!"));
    expect([error.code, error.cause instanceof DOMException]).toEqual(["CORRUPT", true]);
  });

  it("hold 100,000 fields, and unfold to no more than their size", () => {
    const many = new Array<ObjectWriter>(100_001).fill(shared(table([undefined, undefined, int8(6), table([])])));
    expect(refusal(() => decodeArrowSchema(message(many)))).toMatchObject({
      code: "TOO_LARGE",
      details: { depth: 64, fields: 100_000 },
    });
    // Each level refers to the next one twice: 2^30 types in a few bytes.
    let twice: ObjectWriter = shared(INT8);
    for (let level = 0; level < 30; level++) twice = shared(field(STRUCT, [], [twice, twice]));
    expect(refusal(() => decodeArrowSchema(message([twice]))).code).toBe("TOO_LARGE");
    // One text, read as often as there are fields.
    const read = (times: number): string => {
      const named = table([text("n".repeat(4096)), undefined, int8(6), table([])]);
      return message(new Array<ObjectWriter>(times).fill(shared(named)));
    };
    expect(decodeArrowSchema(read(4)).fields).toHaveLength(4);
    expect(refusal(() => decodeArrowSchema(read(40))).code).toBe("TOO_LARGE");
  });
});
