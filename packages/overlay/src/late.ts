import type { Part } from "./types.ts";

/** What a part says about its place in time. */
export type DatedPart = Pick<Part, "name" | "createdAt" | "compactedFrom">;

/**
 * The parts of one namespace that are older than a compaction beside them which does not list them: where their values belong cannot be told
 * any more. An older compaction of sources that are all listed is not late: it says nothing that the newer one does not say.
 */
export function* lateParts<P extends DatedPart>(
  parts: readonly P[],
): Generator<{ readonly part: P; readonly compaction: P }, void, undefined> {
  for (const compaction of parts) {
    if (compaction.compactedFrom === undefined) continue;
    const listed = new Set(compaction.compactedFrom.map(({ name }) => name));
    for (const part of parts) {
      if (part.createdAt >= compaction.createdAt || listed.has(part.name)) continue;
      if (part.compactedFrom?.every(({ name }) => listed.has(name)) === true) continue;
      yield { part, compaction };
    }
  }
}
