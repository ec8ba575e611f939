import { storedAlike, storedLayout } from "@usr/parquet/stored";
import type { Signal } from "@usr/storage";
import type { Part } from "./types.ts";

/** Below this many rows keys are decoded as fast as they are compared. */
export const WORTH_COMPARING = 4096;

/** So many parts, of which this is one, store their keys in the same bytes. */
export interface AlikeParts {
  readonly part: Part;
  readonly parts: number;
}

/** One part of each set whose keys are stored in the same bytes, newest first, and how many there are of it. */
export async function alikeParts(parts: readonly Part[], o: Signal): Promise<readonly AlikeParts[]> {
  const groups: { part: Part; parts: number }[] = [];
  const alike = new Map<string, { part: Part; parts: number }>();
  for (const part of parts) {
    const layout = part.file.numRows < WORTH_COMPARING ? undefined : storedLayout(part.file, part.key);
    const twin = layout === undefined ? undefined : alike.get(layout);
    if (twin !== undefined && (await storedAlike(part.file, twin.part.file, part.key, o))) {
      twin.parts++;
      continue;
    }
    const group = { part, parts: 1 };
    groups.push(group);
    if (layout !== undefined) alike.set(layout, group);
  }
  return groups;
}
