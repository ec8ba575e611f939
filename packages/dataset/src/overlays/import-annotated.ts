import type { TableBatch, TableReader } from "@usr/formats";
import { createHasher, stripRange } from "@usr/id";
import { STANDARD, standardRequest } from "@usr/registry/standard";
import type { Column, DataType } from "@usr/schema";
import { parseType } from "@usr/schema";
import { columnOf, gatherColumns, isValid, valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { ID_LENGTH } from "../identity.ts";
import { requireRegistry } from "../read/registry.ts";
import { scanSnapshot } from "../read/scan.ts";
import { openSnapshot } from "../read/snapshot.ts";
import { viewColumns } from "../read/view.ts";
import { attach } from "../write/attach/attach.ts";
import { type ImportOptions, type ImportResult, importRows } from "../write/import/import.ts";
import type { WritableRoot } from "../write/types.ts";

export interface AnnotatedImportOptions extends ImportOptions {
  readonly bioType: string | undefined;
  /** The SHA-256 of the input in hex, where it is known. */
  readonly sourceSha256?: string | undefined;
}

export interface AnnotatedImportResult extends ImportResult {
  /** Rows that got, or would get, annotations. */
  readonly rows_annotated: number;
  /** Rows that were stored with annotations already, and keep them. */
  readonly rows_kept: number;
  /** The new part of `seq_annot`; `null` for a dry run or when no row got annotations. */
  readonly part: string | null;
}

const NAMESPACE = "seq_annot";
const MARK = "seq_annot__format";

/**
 * Appends the sequences of an annotated input (GenBank) to the base and attaches its annotations to `seq_annot`. The input is read once and
 * checked whole before anything is written. Then come two commits with an event each, `import_rows` and `attach`: between the two a reader sees
 * the rows without annotations, and after a crash there the same import with `onConflict: "ignore"` adds them. Rows stored before keep
 * annotations they have.
 *
 * Memory: that of an import, and the annotations once.
 *
 * @throws what `importRows` throws; DatasetError `NAMESPACE_NOT_REGISTERED` where `seq_annot` or a column of it is missing, `KEY_MISMATCH` where its
 * overlay is not keyed by id, `BAD_BIO_TYPE` where a record says that it holds something else; RegistryError `NAMESPACE_EXISTS` where a column has another type
 */
export const importAnnotated = async (
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: AnnotatedImportOptions,
): Promise<AnnotatedImportResult> => {
  await requireNamespace(root);
  await requireKey(root, id);
  const { bioType } = o;
  if (bioType === undefined) {
    throw new DatasetError("MISSING_COLUMN", `${o.path} says no bio_type`, {
      hint: "Give --bio-type.",
      details: { file: o.path, column: "bio_type" },
    });
  }
  const held: TableBatch[] = [];
  const imported = await importRows(root, id, withAnnotations(table, { ...o, bioType }, held), o);
  const known = imported.rows_skipped > 0 ? await annotatedIds(root, id) : new Set<string>();
  const kept = held.map((batch) => batchWithout(batch, known));
  const rows = kept.reduce((sum, { numRows }) => sum + numRows, 0);
  const counts = { rows_annotated: rows, rows_kept: imported.rows_read - rows };
  if (o.dryRun === true || rows === 0) return { ...imported, ...counts, part: null };
  const { part } = await attach(root, id, heldTable(kept), {
    path: o.path,
    namespace: NAMESPACE,
    key: "id",
    // Rows with annotations are left out, so no value is covered.
    overwrite: true,
    note: `import of ${o.path}`,
  });
  return { ...imported, ...counts, part };
};

const requireNamespace = async (root: WritableRoot): Promise<void> => {
  const registry = await requireRegistry(root.storage);
  const before = registry.namespaces.get(NAMESPACE);
  if (before !== undefined && standardRequest(registry, NAMESPACE).columns.length === before.columns.length) return;
  throw new DatasetError(
    "NAMESPACE_NOT_REGISTERED",
    before === undefined
      ? `the namespace ${NAMESPACE}, which annotations go to, is not registered`
      : `the namespace ${NAMESPACE} lacks columns that annotations go to`,
    {
      hint: "Register it with: usr namespace add-standard seq_annot. Or leave annotations out with --sequences-only.",
      details: { namespace: NAMESPACE },
    },
  );
};

const requireKey = async (root: WritableRoot, id: string): Promise<void> => {
  await using snapshot = await openSnapshot(root, id, { namespaces: [NAMESPACE], tombstones: false });
  const [overlay] = snapshot.overlays;
  if (overlay === undefined || overlay.key === "id") return;
  throw new DatasetError("KEY_MISMATCH", `${NAMESPACE} is keyed by ${overlay.key} in ${id}, not by id`, {
    hint: "Import with --sequences-only, and attach the annotations by that key.",
    details: { namespace: NAMESPACE, key: "id", existing: overlay.key },
  });
};

/** Ids of stored rows, deleted ones too, that have annotations. */
const annotatedIds = async (root: WritableRoot, id: string): Promise<ReadonlySet<string>> => {
  await using snapshot = await openSnapshot(root, id, { namespaces: [NAMESPACE], tombstones: false });
  const view = viewColumns(snapshot.base.file.schema.fields, snapshot.overlays, undefined);
  const ids = new Set<string>();
  if (!view.some(({ field }) => field.name === MARK)) return ids;
  for await (const { columns, numRows } of scanSnapshot(snapshot, { columns: ["id", MARK], includeDeleted: true })) {
    for (let i = 0; i < numRows; i++) if (isValid(columns[1]!, i)) ids.add(String(valueAt(columns[0]!, i)));
  }
  return ids;
};

const KEY: DataType = { kind: "string" };

/** The table as `importRows` reads it; what else it brings is put into `held`, by id. */
const withAnnotations = (
  table: TableReader,
  o: AnnotatedImportOptions & { readonly bioType: string },
  held: TableBatch[],
): TableReader => ({
  columns: [{ name: "sequence", type: KEY }],
  async *batches(resolve) {
    const sequenceType = resolve("sequence", KEY);
    const constants = new Map([
      ["source_file", o.path],
      ...(o.sourceSha256 === undefined ? [] : [["source_sha256", o.sourceSha256] as const]),
    ]);
    for await (const batch of table.batches((name, type) => (name === "sequence" ? sequenceType : type))) {
      checkMolecules(batch, o);
      const sequence = batch.columns.get("sequence");
      const columns = new Map([...batch.columns].filter(([name]) => name !== "sequence"));
      columns.set("id", idsOf(sequence, batch.numRows, o.bioType));
      for (const [name, value] of constants) columns.set(name, columnOf(KEY, Array(batch.numRows).fill(value)));
      held.push({ ...batch, columns });
      yield { ...batch, columns: new Map(sequence === undefined ? [] : [["sequence", sequence]]) };
    }
  },
});

/** The ids that the import gives these sequences. A sequence that has none is refused there. */
const idsOf = (sequence: Column | undefined, numRows: number, bioType: string): Column => {
  const hash = createHasher(bioType);
  const hex = new Uint8Array(ID_LENGTH);
  const ids: (string | null)[] = [];
  for (let i = 0; i < numRows; i++) {
    if (sequence?.layout !== "utf8" || !isValid(sequence, i)) {
      ids.push(null);
      continue;
    }
    const [start, end] = stripRange(sequence.data, sequence.offsets[i]!, sequence.offsets[i + 1]!);
    hash(sequence.data, start, end, hex, 0);
    ids.push(String.fromCharCode(...hex));
  }
  return columnOf(KEY, ids);
};

/** What a record says about itself is only a check. RNA is often written in the letters of DNA, so it may be either. */
const checkMolecules = (batch: TableBatch, o: AnnotatedImportOptions): void => {
  const molecule = batch.columns.get("molecule_type");
  if (molecule === undefined) return;
  for (let i = 0; i < batch.numRows; i++) {
    const said = valueAt(molecule, i);
    if (typeof said !== "string") continue;
    const fits = said === "protein" ? ["protein"] : /DNA/i.test(said) ? ["dna"] : ["dna", "rna"];
    if (o.bioType !== undefined && fits.includes(o.bioType)) continue;
    throw new DatasetError(
      "BAD_BIO_TYPE",
      `${o.path} row ${batch.firstRow + i} is a record of ${said}, not of ${o.bioType}`,
      {
        hint: `Import it with --bio-type ${fits.join(" or ")}.`,
        details: { file: o.path, row: batch.firstRow + i, molecule_type: said, bio_type: o.bioType },
      },
    );
  }
};

const batchWithout = (batch: TableBatch, known: ReadonlySet<string>): TableBatch => {
  if (known.size === 0) return batch;
  const ids = batch.columns.get("id")!;
  const rows = Int32Array.from({ length: batch.numRows }, (_, i) => i).filter(
    (i) => !known.has(String(valueAt(ids, i))),
  );
  const columns = [...batch.columns].map(
    ([name, column]) => [name, gatherColumns(column.type, [column], undefined, rows)] as const,
  );
  return { ...batch, numRows: rows.length, columns: new Map(columns) };
};

const heldTable = (batches: readonly TableBatch[]): TableReader => {
  const names = [...(batches[0]?.columns.keys() ?? [])];
  const types = new Map(
    STANDARD.flatMap(({ namespace, columns }) =>
      namespace === NAMESPACE
        ? columns.map(({ name, type }) => [name.slice(NAMESPACE.length + 2), parseType(type)] as const)
        : [],
    ),
  );
  return {
    columns: names.map((name) => ({ name, type: types.get(name) ?? KEY })),
    async *batches(resolve) {
      for (const name of names) resolve(name, types.get(name) ?? KEY);
      for (const batch of batches) if (batch.numRows > 0) yield batch;
    },
  };
};
