import type { FloatKind } from "@usr/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalToFloat, halfBits, halfValue, roundTo } from "../src/float/float.ts";
import { bytesOf } from "./helpers.ts";

const parse = (text: string, kind: FloatKind): number | undefined =>
  decimalToFloat(bytesOf(text), 0, text.length, kind);

/** A value of a kind as an exact fraction of integers. */
function fraction(value: number): readonly [bigint, bigint] {
  let scale = 0;
  let integral = value;
  while (!Number.isInteger(integral)) {
    integral *= 2;
    scale++;
  }
  return [BigInt(integral), 1n << BigInt(scale)];
}

/** The exact decimal expansion of a finite double. */
function decimal(value: number): string {
  const [top, bottom] = fraction(Math.abs(value));
  const digits = bottom.toString(2).length - 1;
  const scaled = ((top * 10n ** BigInt(digits)) / bottom).toString().padStart(digits + 1, "0");
  const text = digits === 0 ? scaled : `${scaled.slice(0, -digits)}.${scaled.slice(-digits)}`;
  return value < 0 ? `-${text}` : text;
}

const LARGEST: Readonly<Record<"float16" | "float32", number>> = { float16: 65504, float32: 3.4028234663852886e38 };

/** All float16 values are few; float32 by their bits. */
function neighbours(kind: "float16" | "float32", bits: number): readonly [number, number] {
  if (kind === "float16") return [halfValue(bits & 0x7fff), halfValue((bits & 0x7fff) + 1)];
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits & 0x7fffffff);
  const low = view.getFloat32(0);
  view.setUint32(0, (bits & 0x7fffffff) + 1);
  return [low, view.getFloat32(0)];
}

describe("half floats", () => {
  test("all 65,536 bit patterns survive", () => {
    for (let bits = 0; bits < 65_536; bits++) {
      const value = halfValue(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(halfValue(halfBits(value)))).toBe(true);
      else if (halfBits(value) !== bits) expect(halfBits(value)).toBe(bits);
    }
  });

  test("between two neighbours the nearer wins, in the middle the even one", () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = neighbours("float16", bits);
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? low : high;
      if (roundTo("float16", middle) !== even) expect(roundTo("float16", middle)).toBe(even);
      const under = middle - middle * 2 ** -50;
      const over = middle + middle * 2 ** -50;
      if (roundTo("float16", under) !== low) expect(roundTo("float16", under)).toBe(low);
      if (roundTo("float16", over) !== high) expect(roundTo("float16", over)).toBe(high);
    }
  });
});

describe.each(["float16", "float32"] as const)("decimal text to %s is rounded once", (kind) => {
  const bits = kind === "float16" ? fc.integer({ min: 0, max: 0x7bfe }) : fc.integer({ min: 0, max: 0x7f7ffffe });

  test("a hair beside the middle of two neighbours", () => {
    fc.assert(
      fc.property(
        bits,
        fc.boolean(),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        (pattern, negative, zeros, exponent) => {
          const [low, high] = neighbours(kind, pattern);
          const middle = decimal((low + high) / 2);
          const sign = negative ? -1 : 1;
          const prefix = negative ? "-" : "";
          const point = middle.includes(".") ? middle : `${middle}.`;
          const above = `${point}${"0".repeat(zeros)}1`;
          const even = pattern % 2 === 0 ? low : high;
          const spell = (text: string): string => (exponent ? `${prefix}${text}e0` : prefix + text);
          expect(parse(spell(middle), kind)).toBe(sign * even);
          expect(parse(spell(above), kind)).toBe(sign * high);
          // one unit of a further digit less than the middle
          const [whole, rest = ""] = point.split(".");
          const scaled = BigInt(whole + rest) * 10n ** BigInt(zeros + 1) - 1n;
          const digits = rest.length + zeros + 1;
          const text = scaled.toString().padStart(digits + 1, "0");
          expect(parse(spell(`${text.slice(0, -digits)}.${text.slice(-digits)}`), kind)).toBe(sign * low);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("every value reads back from its shortest double text", () => {
    fc.assert(
      fc.property(bits, (pattern) => {
        const [value] = neighbours(kind, pattern);
        expect(parse(String(value), kind)).toBe(value);
      }),
      { numRuns: 5000 },
    );
  });

  test("beyond the largest value there is none", () => {
    const edge = kind === "float16" ? 65520 : 2 ** 128 - 2 ** 103;
    expect(parse(decimal(edge), kind)).toBeUndefined();
    expect(parse(`${(BigInt(edge) - 1n).toString()}.999999999999999999999999999999`, kind)).toBe(LARGEST[kind]);
    expect(parse("1e999", kind)).toBeUndefined();
  });
});

test("float64 text agrees with the language's own reading", () => {
  const text = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.integer({ min: -330, max: 300 }))
      .map(([digits, power]) => `${digits}e${power}`),
    fc
      .tuple(fc.nat(), fc.nat(), fc.integer({ min: -30, max: 30 }))
      .map(([a, b, power]) => `${a}.${b}E${power < 0 ? power : `+${power}`}`),
  );
  fc.assert(
    fc.property(text, (value) => {
      const expected = Number(value);
      expect(parse(value, "float64")).toBe(Number.isFinite(expected) ? expected : undefined);
    }),
    { numRuns: 20_000 },
  );
});

test("16 to 18 digits next to the middle of two doubles agree with the language's own reading", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 15, max: 22 }),
      fc.integer({ min: 30, max: 52 }),
      fc.integer({ min: -4, max: 3 }).map((half) => BigInt(2 * half + 1)),
      fc.bigInt({ min: 0n, max: 2n ** 54n }),
      (scale, twos, beside, lift) => {
        // digits * 2^twos = middle * 5^scale - beside: digits / 10^scale is a hair from an odd number of 54 bits, which is a middle
        const five = 5n ** BigInt(scale);
        const modulus = 2n ** BigInt(twos);
        let inverse = 1n;
        for (let bits = 1; bits < twos; bits *= 2) inverse = (inverse * (2n - five * inverse)) % modulus;
        const least = (((beside * inverse) % modulus) + modulus) % modulus;
        const middle = 2n ** 53n + ((lift % 2n ** 53n) / modulus) * modulus + least;
        const digits = (middle * five - beside) / modulus;
        fc.pre(digits < 10n ** 18n && digits >= 10n ** 15n);
        const text = `${digits}e-${scale}`;
        expect(parse(text, "float64")).toBe(Number(text));
      },
    ),
    { numRuns: 20_000 },
  );
});

test("16 to 18 digits with the point anywhere agree with the language's own reading", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 10n ** 15n, max: 10n ** 18n - 1n }), fc.nat({ max: 22 }), (digits, point) => {
      const padded = digits.toString().padStart(point + 1, "0");
      const text = `${padded.slice(0, padded.length - point)}.${padded.slice(padded.length - point)}`;
      expect(parse(text, "float64")).toBe(Number(text));
    }),
    { numRuns: 20_000 },
  );
});

test.each([
  "",
  "+",
  "-",
  ".",
  "1.2.3",
  "1e",
  "1e+",
  "e5",
  "0x10",
  "1_000",
  " 1",
  "1 ",
  "1,5",
  "nan",
  "inf",
  "--1",
  "1e5.0",
  "NaN",
])("%j is no decimal", (text) => {
  expect(parse(text, "float64")).toBeUndefined();
});

test.each([
  ["+.5", 0.5],
  ["5.", 5],
  ["-0", -0],
  ["-0e400", -0],
  ["007", 7],
  ["0.1", 0.1],
  ["1e-400", 0],
  [`1${"0".repeat(400)}e-400`, 1],
])("%j is a decimal", (text, value) => {
  expect(parse(text, "float64")).toBe(value);
});
