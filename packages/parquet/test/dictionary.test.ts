import { expect, it } from "vitest";
import { buildDictionary } from "../src/encodings/dictionary.ts";

const ROWS = 13;

it("texts of one length are one value where all are, and two where a byte differs, wherever they lie", () => {
  for (let size = 1; size <= 9; size++) {
    for (let shift = 0; shift < 8; shift++) {
      const memory = new Uint8Array(8 + size * (ROWS + 1));
      const at = shift >> 1;
      // Before the first text there may be others, which are not of the column.
      const data = memory.subarray(at);
      const start = shift & 1;
      for (let i = 0; i < size * ROWS; i++) data[start + i] = 65 + (i % size);
      const offsets = Int32Array.from({ length: ROWS + 1 }, (_, i) => start + i * size);
      const distinct = (): readonly number[] => {
        const { values, indices } = buildDictionary({ kind: "bytes", count: ROWS, offsets, data }, true)!;
        return [values.count, ...new Set(indices)];
      };
      expect(distinct()).toEqual([1, 0]);
      for (let i = start; i < start + size * ROWS; i++) {
        data[i]! ^= 32;
        expect(distinct(), `${size} bytes at ${at + start}, other at ${i}`).toEqual([2, 0, 1]);
        data[i]! ^= 32;
      }
    }
  }
});
