import { initDataset, type WritableRoot } from "../src/write/index.ts";
import { register, rowsOf, writableRoot } from "./write-support.ts";

export const emptyRoot = async (): Promise<WritableRoot> => {
  const root = writableRoot();
  await register(root, "mock", "mock__score:float64,mock__tag:string");
  await initDataset(root, "demo");
  return root;
};

export const column = async (root: WritableRoot, name: string): Promise<readonly unknown[]> =>
  (await rowsOf(root, "demo", { includeDeleted: true })).map((row) => row[name]);

export const sequencesOf = (root: WritableRoot): Promise<readonly unknown[]> => column(root, "sequence");

/** Different sequences in no order: odd factors permute the numbers below 2 ** 32. */
export const random = (count: number, seed: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => {
    const bits = (Math.imul(i + seed, 0x9e3779b1) >>> 0).toString(4).padStart(16, "0");
    return bits.replace(/./g, (digit) => "ACGT"[Number(digit)]!);
  });

export const lines = (sequences: readonly string[]): string => `sequence\n${sequences.join("\n")}\n`;
