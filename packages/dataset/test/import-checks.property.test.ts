import { sequenceId } from "@usr/id";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packedIds } from "../src/write/import/packed-ids.ts";
import { initDataset, type WritableRoot } from "../src/write/index.ts";
import { importCsv, register, rowsOf, writableRoot } from "./write-support.ts";

/** Ids of few different first words, so that many share a group and many are equal. */
const idWords = fc.tuple(fc.constantFrom(0, -1, 7, 0x40000000), fc.nat(3), fc.nat(1), fc.constant(5), fc.nat(1));

describe("repeated ids", () => {
  it("are those that a map finds, whatever the pieces they come in", () => {
    fc.assert(
      fc.property(fc.array(fc.array(idWords, { maxLength: 30 }), { maxLength: 8 }), fc.nat(6), (pieces, samples) => {
        const ids = packedIds();
        for (const piece of pieces) ids.add(Int32Array.from([...piece.flat(), 1, 2, 3]), piece.length);
        const first = new Map<string, number>();
        const again: { words: readonly number[]; places: [number, number] }[] = [];
        for (const [place, words] of pieces.flat().entries()) {
          const before = first.get(words.join());
          if (before === undefined) first.set(words.join(), place);
          else again.push({ words, places: [before, place] });
        }
        const found = ids.repeated(samples);
        expect(found.count).toBe(again.length);
        expect(found.samples.map(({ words, places }) => ({ words: [...words], places }))).toEqual(
          again.slice(0, samples),
        );
      }),
      { numRuns: testRuns(300) },
    );
  });

  it.each([200_000, 1_200_000])(
    "are found over blocks and groups, and the first of thousands are told, %i ids",
    (count) => {
      const ids = packedIds();
      const words = new Int32Array(count * 5);
      // every id of the second half is one of the first half, in another order
      for (let i = 0; i < count; i++) {
        const number = i < count / 2 ? i : (i * 7919) % (count / 2);
        for (let w = 0; w < 5; w++) words[i * 5 + w] = Math.imul(number + 1, 0x9e3779b1 + w * 2);
      }
      ids.add(words, 70_000);
      ids.add(words.subarray(70_000 * 5), count - 70_000);
      const { count: repeated, samples } = ids.repeated(3);
      expect(repeated).toBe(count / 2);
      expect(samples.map(({ places }) => places)).toEqual(
        [0, 1, 2].map((k) => [((count / 2 + k) * 7919) % (count / 2), count / 2 + k]),
      );
    },
  );
});

interface Row {
  readonly sequence: string;
  readonly bioType: string;
  readonly alphabet: string;
  readonly id: string;
  readonly length: string;
}

/** What is wrong with a row by itself, first things first. */
const faultOf = ({ sequence, bioType, alphabet, id, length }: Row): string | undefined => {
  const text = sequence.trim();
  if (text === "") return "EMPTY_SEQUENCE";
  if (bioType.trim() === "" || alphabet.trim() === "") return "MISSING_COLUMN";
  if (bioType.trim() !== "dna" && bioType.trim() !== "protein") return "BAD_BIO_TYPE";
  if (alphabet.trim() !== (bioType.trim() === "dna" ? "dna_4" : "protein_20")) return "BAD_ALPHABET";
  if (/[^ACGT]/.test(text)) return "BAD_SYMBOL";
  if (id !== "" && id !== sequenceId(bioType.trim(), text)) return "ID_MISMATCH";
  if (length !== "" && Number(length) !== text.length) return "LENGTH_MISMATCH";
  return undefined;
};

const usually = <T>(usual: T, ...rare: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...rare) });

const tables: fc.Arbitrary<readonly Row[]> = fc
  .uniqueArray(fc.stringMatching(/^[ACGT]{1,9}$/), { minLength: 1, maxLength: 14 })
  .chain((sequences) =>
    fc.tuple(
      ...sequences.map((sequence) =>
        fc
          .record({
            sequence: usually(sequence, ` ${sequence}\t`, "", " ", `${sequence}Z`, `${sequence}é`),
            kind: usually(["dna", "dna_4"], ["protein", "protein_20"], ["dna", "dna_9"], ["DNA", "dna_4"], ["", ""]),
            id: usually("", "right", "wrong"),
            length: usually("", `${sequence.length}`, "77"),
          })
          .map(({ sequence: cell, kind: [bioType = "", alphabet = ""], id, length }) => ({
            sequence: cell,
            bioType,
            alphabet,
            id: id === "right" ? sequenceId(bioType === "protein" ? "protein" : "dna", cell.trim()) : id,
            length,
          })),
      ),
    ),
  );

const emptyRoot = async (): Promise<WritableRoot> => {
  const root = writableRoot();
  await register(root, "mock", "mock__score:float64");
  await initDataset(root, "demo");
  return root;
};

describe("rows that are wrong in themselves", () => {
  it("the first of them stops the import, with what is wrong first; else all are stored", async () => {
    await fc.assert(
      fc.asyncProperty(tables, async (rows) => {
        const root = await emptyRoot();
        const cells = rows.map((row) => [row.sequence, row.bioType, row.alphabet, row.id, row.length].join(","));
        const text = `sequence,bio_type,alphabet,id,length\n${cells.join("\n")}\n`;
        const done = importCsv(root, "demo", text, { bioType: undefined, alphabet: undefined });
        const wrong = rows.findIndex((row) => faultOf(row) !== undefined);
        if (wrong >= 0) {
          await expect(done).rejects.toMatchObject({ code: faultOf(rows[wrong]!), details: { row: wrong + 1 } });
          return;
        }
        await done;
        expect(await rowsOf(root, "demo")).toMatchObject(
          rows.map(({ sequence, bioType, alphabet }) => ({
            id: sequenceId(bioType, sequence.trim()),
            sequence: sequence.trim(),
            length: sequence.trim().length,
            bio_type: bioType,
            alphabet,
          })),
        );
      }),
      { numRuns: testRuns(150) },
    );
  });
});
