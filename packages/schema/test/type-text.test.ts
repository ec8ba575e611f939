import { formatType, parseType, sameType } from "@usr/schema";
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

  it("says what another system's name is called here", () => {
    expect(refusal(() => parseType("list<double>")).hint).toBe("It is called float64 here.");
    expect(refusal(() => parseType("Int64")).hint).toBe("It is called int64 here.");
    expect(refusal(() => parseType("timestamp[s]")).hint).toContain("timestamp[ms]");
  });

  it("holds 64 levels and no more", () => {
    const nested = (levels: number): string => `${"list<".repeat(levels - 1)}int8${">".repeat(levels - 1)}`;
    expect(formatType(parseType(nested(64)))).toBe(nested(64));
    expect(refusal(() => parseType(nested(65))).message).toContain("deeper than 64");
    expect(refusal(() => parseType("list<".repeat(1_000_000))).message).toContain("longer than 65536");
    expect(refusal(() => parseType("list<".repeat(10_000))).message).toContain("deeper than 64");
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
    const close = fc.constantFrom(
      "list<int8>",
      "list<int16>",
      "fixed_size_list<int8>[2]",
      "fixed_size_list<int8>[3]",
      "struct<a:int8>",
      "struct<b:int8>",
      "struct<a:int8,b:int8>",
      "timestamp[us]",
      "timestamp[us, UTC]",
      "timestamp[ms, UTC]",
      "int8",
    );
    fc.assert(
      fc.property(close, close, (a, b) => {
        expect(sameType(parseType(a), parseType(b))).toBe(a === b);
      }),
      { numRuns: testRuns(300) },
    );
  });
});
