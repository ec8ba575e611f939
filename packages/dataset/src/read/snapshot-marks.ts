import type { ReadableStorage } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { PINS_FILE } from "../layout.ts";
import { readText } from "./objects.ts";

/** `_snapshots/pins.json`: `{"pinned": ["records-….parquet", …], "manual": […]}`. Names of files that are gone do no harm. */
export interface SnapshotMarks {
  /** Never removed. */
  readonly pinned: readonly string[];
  /** Made because somebody asked for them; never removed either. */
  readonly manual: readonly string[];
}

/** The marks of a dataset; none where the file is absent. Throws `CORRUPT` where it cannot be read. */
export const readMarks = async (storage: ReadableStorage): Promise<SnapshotMarks> => {
  const text = await readText(storage, PINS_FILE);
  if (text === undefined) return { pinned: [], manual: [] };
  const marks = parseMarks(text);
  if (marks !== undefined) return marks;
  throw new DatasetError("CORRUPT", `${PINS_FILE} is not {"pinned": [names], "manual": [names]}`, {
    hint: "Mend or remove the file; snapshots are not pruned while it cannot be read.",
    details: { path: PINS_FILE },
  });
};

export const encodeMarks = ({ pinned, manual }: SnapshotMarks): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify({ pinned, manual }, undefined, 2)}\n`);

/**
 * The marks of two copies of a dataset as one text, the same whichever of them comes first: what one copy keeps is kept. `undefined` where one
 * of the texts cannot be read.
 */
export const uniteMarks = (a: string, b: string): string | undefined => {
  const [ours, theirs] = [parseMarks(a), parseMarks(b)];
  if (ours === undefined || theirs === undefined) return undefined;
  const union = (x: readonly string[], y: readonly string[]): readonly string[] => [...new Set([...x, ...y])].sort();
  const marks = { pinned: union(ours.pinned, theirs.pinned), manual: union(ours.manual, theirs.manual) };
  return new TextDecoder().decode(encodeMarks(marks));
};

const parseMarks = (text: string): SnapshotMarks | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("pinned" in value)) return undefined;
  const pinned = names(value.pinned);
  const manual = "manual" in value ? names(value.manual) : [];
  return pinned === undefined || manual === undefined ? undefined : { pinned, manual };
};

const names = (value: unknown): readonly string[] | undefined => {
  const list: readonly unknown[] | undefined = Array.isArray(value) ? value : undefined;
  return list?.every((name) => typeof name === "string") === true ? list : undefined;
};
