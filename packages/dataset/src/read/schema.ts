import { formatType } from "@usr/schema";
import type { DatasetSchema, ReadOptions, Root, Snapshot } from "../types.ts";
import { openSnapshot } from "./snapshot.ts";
import { type ViewColumn, viewColumns } from "./view.ts";

/**
 * The columns of the merged view with deleted rows shown: name, type in registry spelling, and where each lives.
 *
 * @throws what `openSnapshot` throws for all overlays
 */
export async function datasetSchema(root: Root, id: string, o: ReadOptions = {}): Promise<DatasetSchema> {
  await using snapshot = await openSnapshot(root, id, { namespaces: "all", tombstones: true, ...o });
  return {
    fields: schemaColumns(snapshot).map(({ field: { name, type, nullable, origin } }) => ({
      name,
      type: formatType(type),
      nullable,
      origin,
    })),
  };
}

/** Every column of a snapshot that has everything open. */
export function schemaColumns(snapshot: Snapshot): readonly ViewColumn[] {
  return viewColumns(snapshot.base.file.schema.fields, snapshot.overlays, snapshot.tombstones);
}
