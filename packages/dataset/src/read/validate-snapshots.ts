import { openParquet } from "@usr/parquet";
import { type Signal, scopedStorage } from "@usr/storage";
import { inDataset, isSnapshotFile, PINS_FILE, SNAPSHOTS_DIR } from "../layout.ts";
import type { Root } from "../types.ts";
import { baseProblems } from "./base.ts";
import { type Findings, findingOf, place } from "./findings.ts";
import { listAll } from "./objects.ts";
import { readMarks, type SnapshotMarks } from "./snapshot-marks.ts";

/** Every snapshot can be made the base again, and what is pinned is there. */
export async function checkSnapshots(root: Root, id: string, findings: Findings, o: Signal): Promise<void> {
  const storage = scopedStorage(root.storage, id);
  const names = new Set<string>();
  for (const { path } of await listAll(storage, SNAPSHOTS_DIR, o)) {
    if (!isSnapshotFile(path)) continue;
    names.add(path.slice(SNAPSHOTS_DIR.length));
    await using handle = await storage.open(path, o);
    if (handle === undefined) continue;
    const where = inDataset(id, path);
    try {
      const file = await openParquet(handle, o);
      for (const { code, column, message, hint } of baseProblems(file, id)) {
        findings.add({
          severity: "error",
          code,
          message: `The snapshot is no base: ${message}`,
          where: place(where, undefined, column),
          hint,
        });
      }
    } catch (error) {
      findings.add({
        ...findingOf(error, where),
        hint: "It cannot be restored: remove it, or put back the file of another copy.",
      });
    }
  }
  let marks: SnapshotMarks;
  try {
    marks = await readMarks(storage);
  } catch (error) {
    findings.add(findingOf(error, inDataset(id, PINS_FILE)));
    return;
  }
  for (const name of marks.pinned) {
    if (names.has(name)) continue;
    findings.add({
      severity: "warning",
      code: "SNAPSHOT_NOT_FOUND",
      message: `The snapshot ${name} is pinned and gone.`,
      where: inDataset(id, PINS_FILE),
      hint: "Put it back from another copy, or drop the pin with: usr doctor DATASET --repair",
    });
  }
}
