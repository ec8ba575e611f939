import { formatType, parseType, SchemaError, sameType } from "@usr/schema";
import { anyType, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusal } from "./refusal.ts";

describe("parseType", () => {
  it.each([
    ["string", "string"],
    [" float64 ", "float64"],
    ["list< float64 >", "list<float64>"],
    ["timestamp[us,UTC]", "timestamp[us, UTC]"],
    ["timestamp[ us ,  Europe/Berlin ]", "timestamp[us, Europe/Berlin]"],
    ["timestamp[ns, +02:00]", "timestamp[ns, +02:00]"],
    ["timestamp[ms]", "timestamp[ms]"],
    ["fixed_size_list<float32>[ 768 ]", "fixed_size_list<float32>[768]"],
    ["fixed_size_list<list<int8>>[007]", "fixed_size_list<list<int8>>[7]"],
    ["struct<a:int32,b:timestamp[us, UTC],c:string>", "struct<a:int32,b:timestamp[us, UTC],c:string>"],
    ["struct< a b : list<struct<x:int8, y:bool>> , é:string >", "struct<a b:list<struct<x:int8,y:bool>>,é:string>"],
    ["struct<__proto__:int8,constructor:string>", "struct<__proto__:int8,constructor:string>"],
    ["\u00a0list\x1f<\u2003bool>\x85", "list<bool>"],
    ["\x1cint8\x1d", "int8"],
    ["fixed_size_list<int8>[1]", "fixed_size_list<int8>[1]"],
    ["fixed_size_list<int8>[2147483647]", "fixed_size_list<int8>[2147483647]"],
  ])("reads %j as %j", (text, canonical) => {
    expect(formatType(parseType(text))).toBe(canonical);
  });

  it.each([
    ["", "a type name is missing"],
    ["   ", "a type name is missing"],
    ["String", "there is no type"],
    ["int", "there is no type"],
    ["null", "there is no type"],
    ["date32", "there is no type"],
    ["\ufeffint8", "there is no type"],
    ["\x1bint8", "there is no type"],
    ["\x00int8", "there is no type"],
    ["int8 int8", "there is no type"],
    ["int8>", "nothing may follow"],
    ["int8[3]", "nothing may follow"],
    ["list", '"<" is expected'],
    ["list<>", "a type name is missing"],
    ["list<int8", '">" is expected'],
    ["list<int8,int8>", '">" is expected'],
    ["fixed_size_list<int8>", '"[" is expected'],
    ["fixed_size_list<int8>[]", "the size of a fixed_size_list"],
    ["fixed_size_list<int8>[0]", "the size of a fixed_size_list"],
    ["fixed_size_list<int8>[-1]", "the size of a fixed_size_list"],
    ["fixed_size_list<int8>[1e3]", "the size of a fixed_size_list"],
    ["fixed_size_list<int8>[2147483648]", "the size of a fixed_size_list"],
    ["fixed_size_list<int8>[3", 'a "]" is missing'],
    ["struct<>", "a struct field needs a name"],
    ["struct<a:int64,>", "a struct field needs a name"],
    ["struct<:int64>", "a struct field needs a name"],
    ["struct<a>", '":" is expected'],
    ["struct<a:>", "a type name is missing"],
    ["struct<a:int8,a:int8>", '"a" occurs twice'],
    ["struct<a:int8, a :int8>", '"a" occurs twice'],
    ["timestamp", "a timestamp needs its unit"],
    ["timestamp[]", "is no timestamp unit"],
    ["timestamp[,UTC]", '"" is no timestamp unit'],
    ["timestamp[s]", "no timestamps in seconds"],
    ["timestamp[s, UTC]", "no timestamps in seconds"],
    ["timestamp[bogus]", "is no timestamp unit"],
    ["timestamp[us,]", "is no time zone"],
    ["timestamp[us, a b]", "is no time zone"],
    ["timestamp[us, UTC, UTC]", "is no time zone"],
    ["timestamp[us", 'a "]" is missing'],
  ])("refuses %j: %s", (text, why) => {
    const error = refusal(() => parseType(text));
    expect(error.code).toBe("BAD_TYPE");
    expect(error.message).toContain(why);
    expect(error.details["text"]).toBe(text);
  });

  it.each([
    ["  bogus", 2],
    ["int8 x", 0],
    ["list<int8> >", 11],
    ["list<  bogus >", 7],
    ["list", 4],
    ["list<int8", 9],
    ["struct<a", 8],
    ["struct<a:int8,  a:int8>", 16],
    ["struct<a:int8, :int8>", 15],
    ["timestamp  ", 11],
    ["timestamp[us", 10],
    ["timestamp[bogus]", 16],
    ["fixed_size_list<int8>[0]", 24],
  ])("says where %j goes wrong", (text, position) => {
    const error = refusal(() => parseType(text));
    expect(error.details["position"]).toBe(position);
    expect(error.message).toContain(`(character ${position + 1})`);
  });

  it("shows the start of a long text", () => {
    const shown = (length: number): string => refusal(() => parseType("x".repeat(length))).message.split(" ")[0] ?? "";
    expect(shown(80)).toBe(`"${"x".repeat(80)}"`);
    expect(shown(81)).toBe(`"${"x".repeat(79)}…"`);
    expect(refusal(() => parseType("x".repeat(1000))).details["text"]).toBe("x".repeat(1000));
    expect(refusal(() => parseType("x".repeat(1001))).details["text"]).toBe("x".repeat(1000));
  });

  it.each([
    ["string", "utf8", "large_string", "large_utf8", "str", "text", "varchar", "String", "VARCHAR"],
    ["bool", "boolean", "Bool", "BOOLEAN"],
    ["int64", "int", "integer", "bigint", "long", "Int64"],
    ["float16", "half", "halffloat", "HalfFloat"],
    ["float32", "float", "Float32"],
    ["float64", "double", "Double"],
    ["timestamp[us, UTC]", "Timestamp", "datetime"],
    ["list", "large_list"],
  ])("says that another system's name is called %s here", (here, ...names) => {
    for (const name of names) expect(refusal(() => parseType(`list<${name}>`)).hint).toBe(`It is called ${here} here.`);
  });

  it("says what there is, and what to take instead", () => {
    expect(refusal(() => parseType("date32")).hint).toContain("The types are string, bool, int8 to int64");
    expect(refusal(() => parseType("timestamp[s]")).hint).toContain("timestamp[ms]");
  });

  it("holds 64 levels and no more", () => {
    const nested = (levels: number): string => `${"list<".repeat(levels - 1)}int8${">".repeat(levels - 1)}`;
    expect(formatType(parseType(nested(64)))).toBe(nested(64));
    expect(refusal(() => parseType(nested(65))).message).toContain("deeper than 64");
    expect(refusal(() => parseType("list<".repeat(1_000_000))).message).toContain("longer than 65536");
    expect(refusal(() => parseType("list<".repeat(10_000))).message).toContain("deeper than 64");
    const structs = (levels: number): string => `${"struct<a:".repeat(levels - 1)}int8${">".repeat(levels - 1)}`;
    expect(formatType(parseType(structs(64)))).toBe(structs(64));
    expect(refusal(() => parseType(structs(65))).message).toContain("deeper than 64");
    expect(formatType(parseType("int8".padEnd(65_536)))).toBe("int8");
    expect(refusal(() => parseType("int8".padEnd(65_537))).message).toContain("longer than 65536");
  });

  it("counts levels, not neighbours", () => {
    const deep = (kind: string): string => `struct<a:${kind},b:${kind}>`;
    const many = Array.from({ length: 70 }, (_, i) => `f${i}:${deep("list<struct<x:int8>>")}`);
    const wide = `struct<${many.join(",")}>`;
    expect(formatType(parseType(wide))).toBe(wide);
    // As deep as it may be, behind many that were deep as well.
    const tail = (levels: number): string => `${"list<".repeat(levels)}int8${">".repeat(levels)}`;
    expect(formatType(parseType(`struct<${many.join(",")},z:${tail(62)}>`))).toContain(tail(62));
    expect(refusal(() => parseType(`struct<${many.join(",")},z:${tail(63)}>`)).message).toContain("deeper than 64");
  });

  it("gives every type back from its canonical spelling", () => {
    fc.assert(
      fc.property(anyType(), (type) => {
        const again = parseType(formatType(type));
        expect(again).toEqual(type);
        expect(sameType(again, type)).toBe(true);
        expect(formatType(again)).toBe(formatType(type));
      }),
      { numRuns: testRuns(500) },
    );
  });

  it("answers any text with a type or BAD_TYPE", () => {
    const parts = [
      "list",
      "<",
      ">",
      "[",
      "]",
      ",",
      ":",
      " ",
      "struct",
      "timestamp",
      "us",
      "UTC",
      "int8",
      "3",
      "a",
      "fixed_size_list",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 20 }), (tokens) => {
        const text = tokens.join("");
        let canonical: string;
        try {
          canonical = formatType(parseType(text));
        } catch {
          expect(refusal(() => parseType(text)).code).toBe("BAD_TYPE");
          return;
        }
        expect(formatType(parseType(canonical))).toBe(canonical);
      }),
      { numRuns: testRuns(3000) },
    );
  });
});

describe("sameType", () => {
  it("is the equality of canonical spellings", () => {
    const close = [
      ...["int8", "int16", "string", "timestamp[us]", "timestamp[us, UTC]", "timestamp[ms, UTC]", "timestamp[ms]"],
      ...["list<int8>", "list<int16>", "fixed_size_list<int8>[2]", "fixed_size_list<int8>[3]"],
      ...["fixed_size_list<int16>[2]", "struct<a:int8>", "struct<b:int8>", "struct<a:int16>", "struct<a:int8,b:int8>"],
      ...["struct<a:int8,b:int16>", "struct<b:int8,a:int8>", "struct<a:list<int8>>", "list<struct<a:int8>>"],
    ];
    for (const a of close)
      for (const b of close) expect([a, b, sameType(parseType(a), parseType(b))]).toEqual([a, b, a === b]);
  });
});

describe("SchemaError", () => {
  it("has a cause only if there is one", () => {
    const cause = new Error("deeper");
    expect(new SchemaError("CORRUPT", "x", { cause }).cause).toBe(cause);
    expect(Object.hasOwn(new SchemaError("CORRUPT", "x"), "cause")).toBe(false);
    expect(new SchemaError("CORRUPT", "x")).toMatchObject({ name: "SchemaError", hint: undefined, details: {} });
  });
});
