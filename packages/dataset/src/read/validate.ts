import {
  buildKeyIndex,
  discoverOverlays,
  type KeyBatch,
  type KeyIndex,
  type OverlayEntry,
  type OverlayKey,
  openPart,
  type Part,
} from "@usr/overlay";
import { openParquet, type ParquetFile } from "@usr/parquet";
import { type DataType, formatType, parseTimestamp, parseType } from "@usr/schema";
import { type ObjectMeta, type Signal, scopedStorage } from "@usr/storage";
import { isDatasetId, parseDatasetId } from "../dataset-id.ts";
import {
  BASE_FIELDS,
  DATASET_CREATED_AT,
  inDataset,
  overlayName,
  PENDING,
  RECORDS,
  REGISTRY_FILE,
  REGISTRY_HASH,
  TOMBSTONE_NAMESPACE,
} from "../layout.ts";
import type { Root, ValidateOptions, ValidationMode, ValidationReport } from "../types.ts";
import { baseProblems, materializedFields } from "./base.ts";
import { isConvertible } from "./convert.ts";
import { createFindings, type Findings, findingOf, guarded, place } from "./findings.ts";
import { listAll } from "./objects.ts";
import { readRanges, textAt, utf8Column } from "./rows.ts";
import { type Handles, MOVED, type Opened, openStable } from "./stable.ts";
import { checkEvents } from "./validate-events.ts";
import { heldByFilters } from "./validate-filters.ts";
import { checkOverlays, type OpenedEntry } from "./validate-overlays.ts";
import {
  checkNamedRegistry,
  type KnownRegistry,
  type Registries,
  readRegistries,
  ruleOf,
} from "./validate-registry.ts";
import { checkPages, checkRows, checkUniqueIds, ROW_COLUMNS } from "./validate-rows.ts";
import { checkSnapshots } from "./validate-snapshots.ts";

/**
 * Checks a dataset against every rule and reports all that is broken, not the first. Reads everything once; memory is bounded by the keys.
 * A dataset that is there is never an exception, however broken: `ok` is false when a problem of severity `error` was found.
 *
 * @throws DatasetError `DATASET_ID_INVALID`, `DATASET_NOT_FOUND`, `CONFLICT`
 */
export async function validate(root: Root, id: string, o: ValidateOptions = {}): Promise<ValidationReport> {
  parseDatasetId(id);
  const mode = o.mode ?? "namespace-current";
  const open = (objects: readonly ObjectMeta[], handles: Handles): Promise<Opened<Content> | typeof MOVED> =>
    openContent(id, objects, handles, o);
  const { value, handles } = await openStable(root.storage, id, open, o);
  try {
    return await report(root, id, value, o, mode);
  } finally {
    await handles.close();
  }
}

/** What could be opened, and why the rest could not. */
interface Content {
  readonly base: ParquetFile | undefined;
  readonly opened: readonly OpenedEntry[];
  readonly entries: readonly OverlayEntry[];
  readonly failures: readonly { readonly path: string; readonly error: unknown }[];
}

async function openContent(
  id: string,
  objects: readonly ObjectMeta[],
  handles: Handles,
  o: Signal,
): Promise<Opened<Content> | typeof MOVED> {
  const failures: { readonly path: string; readonly error: unknown }[] = [];
  let moved = false;
  const attempt = async <T>(
    path: string,
    open: (handle: NonNullable<Awaited<ReturnType<Handles["open"]>>>) => Promise<T>,
  ): Promise<T | undefined> => {
    const handle = await handles.open(path);
    if (handle === undefined) {
      moved = true;
      return undefined;
    }
    try {
      return await open(handle);
    } catch (error) {
      failures.push({ path: inDataset(id, path), error });
      return undefined;
    }
  };
  const base = await attempt(RECORDS, (handle) => openParquet(handle, o));
  const entries = discoverOverlays(objects);
  const opened: OpenedEntry[] = [];
  for (const entry of entries) {
    const parts: Part[] = [];
    for (const { path } of entry.objects) {
      const part = await attempt(path, (handle) => openPart(handle, { ...o, like: parts[0] }));
      if (part !== undefined) parts.push(part);
    }
    if (parts.length > 0) opened.push({ entry, parts });
  }
  return moved ? MOVED : { value: { base, opened, entries, failures }, matters: () => true, registry: true };
}

async function report(
  root: Root,
  id: string,
  { base, opened, entries, failures }: Content,
  o: ValidateOptions,
  mode: ValidationMode,
): Promise<ValidationReport> {
  const findings = createFindings();
  const path = inDataset(id, RECORDS);
  for (const failure of failures) {
    const found = findingOf(failure.error, failure.path);
    findings.add({ ...found, hint: found.hint ?? "Put a sound copy of the file back, or move it out of the dataset." });
  }

  const registries = await readRegistries(root, id, findings, o);
  const baseHash = base?.schema.metadata.get(REGISTRY_HASH);
  const broken = base === undefined ? [] : baseProblems(base, id);
  for (const { code, column, message, hint } of broken) {
    findings.add({ severity: "error", code, message, where: place(path, undefined, column), hint });
  }
  if (base !== undefined) checkBaseShape(base, path, findings);
  const parts = opened.flatMap((source) => source.parts);
  await checkNamedRegistry(root, id, baseHash, path, registries, findings, o);
  for (const part of parts)
    await checkNamedRegistry(root, id, part.registryHash, inDataset(id, part.path), registries, findings, o);

  const sound =
    base !== undefined && broken.every((problem) => problem.code === "UNSUPPORTED_VERSION") ? base : undefined;
  const index = sound === undefined ? undefined : createIndexes(sound, o);
  const before = findings.count();
  if (sound !== undefined && index !== undefined) {
    await guarded(path, findings, async () => {
      const rows = heldByFilters(sound, "id", checkRows(sound, path, findings, o), path, findings, o);
      index.keep(await index.build("id", rows));
    });
    await guarded(path, findings, async () => reportDoubles(sound, await index.get("id"), path, findings, o));
  }
  const faultless = findings.count() === before ? sound : undefined;
  if (sound !== undefined) await checkPages(sound, ROW_COLUMNS, path, findings, o);
  const extras = base === undefined ? [] : materializedFields(base);
  const needsRegistry = opened.some((source) => source.parts[0]!.namespace !== TOMBSTONE_NAMESPACE);
  const rule =
    needsRegistry || (opened.length > 0 && !mode.startsWith("namespace-"))
      ? ruleOf(mode, registries, baseHash, id, findings)
      : { candidates: [], byNamespace: true, together: false };
  const judge =
    rule.candidates[0] ?? registries.current ?? (baseHash === undefined ? undefined : registries.frozen.get(baseHash));
  for (const { name, type } of extras) checkMaterialized(name, type, judge, path, o.strict === true, findings);
  reportRegistryProblems(registries, entries, findings);
  const overlayRows =
    index === undefined
      ? 0
      : await checkOverlays(opened, {
          id,
          findings,
          registries,
          rule,
          nowUs: o.nowUs,
          index: index.get,
          faultless,
          signal: o.signal,
        });

  const events = await checkEvents(root, id, parts, findings, o);
  await checkSnapshots(root, id, findings, o);
  await checkDebris(root, id, findings, o);
  const problems = findings.problems();
  return {
    ok: problems.every((problem) => problem.severity !== "error"),
    problems,
    checked: {
      rows: sound?.numRows ?? 0,
      parts: parts.length,
      overlay_rows: overlayRows,
      registries: registries.count,
      events,
    },
  };
}

/** What readers put up with and no writer should have left: columns in another order, columns and times that nobody here can read. */
function checkBaseShape(file: ParquetFile, path: string, findings: Findings): void {
  const order = file.columnNames.slice(0, BASE_FIELDS.length);
  const moved = BASE_FIELDS.find(({ name }, i) => file.columnNames.includes(name) && order[i] !== name);
  if (moved !== undefined) {
    findings.add({
      severity: "warning",
      code: "COLUMN_ORDER",
      message: `Its columns begin with ${order.join(", ")}, not with ${BASE_FIELDS.map(({ name }) => name).join(", ")}.`,
      where: place(path, undefined, moved.name),
      hint: "It is read all the same; other programs may refuse it.",
    });
  }
  for (const [column, reason] of file.unsupported) {
    findings.add({
      severity: "error",
      code: "NOT_SUPPORTED",
      message: `The column cannot be read: ${reason}.`,
      where: place(path, undefined, column),
      hint: "Rewrite the base without it, with the program that made it.",
    });
  }
  const created = file.schema.metadata.get(DATASET_CREATED_AT);
  if (created !== undefined && parseTimestamp(created)?.hasZone !== true) {
    findings.add({
      severity: "warning",
      code: "MISSING_METADATA",
      message: `${DATASET_CREATED_AT} is ${JSON.stringify(created)}, which is no time with a zone.`,
      where: path,
    });
  }
}

interface Indexes {
  /** The index of a key, built when it is first asked for. */
  get(key: OverlayKey): Promise<KeyIndex>;
  /** One over rows that are read anyway. */
  build(key: OverlayKey, rows: AsyncIterable<KeyBatch>): Promise<KeyIndex>;
  /** Answers for its key from now on. */
  keep(index: KeyIndex): void;
}

/** Key indexes over the whole base. */
function createIndexes(file: ParquetFile, o: Signal): Indexes {
  const known = new Map<OverlayKey, Promise<KeyIndex>>();
  const batches = async function* (columns: readonly string[]): AsyncGenerator<KeyBatch, void, undefined> {
    for await (const { batch, row } of readRanges(file, [{ start: 0, end: file.numRows }], columns, o))
      yield { ...batch, startRow: row };
  };
  const build = (key: OverlayKey, rows: AsyncIterable<KeyBatch>): Promise<KeyIndex> =>
    buildKeyIndex(key, rows, { ...o, rows: file.numRows, expected: file.numRows });
  return {
    build,
    keep: (index) => known.set(index.key, Promise.resolve(index)),
    get: (key) => {
      let index = known.get(key);
      if (index === undefined) {
        index = build(key, batches(key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"]));
        // A base that does not allow the key is reported where it is asked for.
        index.catch(() => undefined);
        known.set(key, index);
      }
      return index;
    },
  };
}

/** The ids of the doubles are read for the first of them only: five are shown. */
async function reportDoubles(
  file: ParquetFile,
  index: KeyIndex,
  path: string,
  findings: Findings,
  o: Signal,
): Promise<void> {
  const ids = new Map<number, string>();
  for (let row = 0; index.repeats && row < index.numRows && ids.size < 5; row++) {
    if (index.next(row) < 0) continue;
    for await (const { batch } of readRanges(file, [{ start: row, end: row + 1 }], ["id"], o))
      ids.set(row, textAt(utf8Column(batch, 0), 0));
  }
  checkUniqueIds(index, path, (row) => ids.get(row) ?? "", findings);
}

/** A column beyond the seven: it has a namespace, and the registry knows it by a type that materializing may have given it. */
function checkMaterialized(
  name: string,
  type: DataType,
  judge: KnownRegistry | undefined,
  path: string,
  strict: boolean,
  findings: Findings,
): void {
  const where = place(path, undefined, name);
  if (name.indexOf("__", 1) < 0) {
    findings.add({
      severity: "error",
      code: "NAMESPACE_INVALID",
      message: `The column '${name}' belongs to no namespace.`,
      where,
      hint: "A column beyond the seven of the base is called <namespace>__<field>.",
    });
    return;
  }
  const severity = strict ? "error" : "warning";
  const registered = [...(judge?.registry.namespaces.values() ?? [])]
    .flatMap((entry) => entry.columns)
    .find((column) => column.name === name);
  if (registered === undefined) {
    findings.add({
      severity,
      code: "COLUMN_NOT_REGISTERED",
      message: `The materialized column '${name}' is not registered.`,
      where,
      hint: "Register its namespace with: usr namespace register",
      kind: `${path} materialized`,
    });
    return;
  }
  let wanted: DataType;
  try {
    wanted = parseType(registered.type);
  } catch (error) {
    findings.add({ ...findingOf(error, place(REGISTRY_FILE, undefined, name)), severity });
    return;
  }
  if (isConvertible(wanted, type)) return;
  findings.add({
    severity,
    code: "TYPE_MISMATCH",
    message: `The materialized column '${name}' is ${formatType(type)} and registered as ${formatType(wanted)}.`,
    where,
    kind: `${path} materialized type`,
  });
}

/** What the root's registry says that registration here would refuse: an error where this dataset holds data of it. */
function reportRegistryProblems(registries: Registries, entries: readonly OverlayEntry[], findings: Findings): void {
  for (const { severity, code, message, hint, namespace, column } of registries.current?.registry.problems ?? []) {
    const used = entries.some((entry) => overlayName(entry.objects[0]!.path) === namespace);
    findings.add({
      severity: used ? severity : "warning",
      code,
      message,
      where: place(REGISTRY_FILE, undefined, column ?? namespace),
      hint,
      kind: `registry ${code}`,
    });
  }
}

/** What interrupted commits leave, and datasets inside this one. */
async function checkDebris(root: Root, id: string, findings: Findings, o: Signal): Promise<void> {
  const storage = scopedStorage(root.storage, id);
  for (const { path } of await listAll(storage, PENDING, o)) {
    if (path !== PENDING) continue;
    findings.add({
      severity: "warning",
      code: "INTERRUPTED_COMMIT",
      message: "A commit was interrupted, or is being made right now.",
      where: inDataset(id, PENDING),
      hint: "The next change completes or drops it; so does: usr doctor DATASET --repair",
    });
  }
  const outer = id.split("/")[0]!;
  for (const { path } of await listAll(root.storage, outer === id ? `${id}/` : `${outer}/${RECORDS}`, o)) {
    const inner = path.slice(0, -RECORDS.length - 1);
    const inside =
      outer === id
        ? path.endsWith(`/${RECORDS}`) && inner !== id && isDatasetId(inner)
        : path === `${outer}/${RECORDS}`;
    if (!inside) continue;
    findings.add({
      severity: "error",
      code: "DATASET_NESTED",
      message: outer === id ? `The dataset ${inner} lies inside ${id}.` : `${id} lies inside the dataset ${outer}.`,
      where: path,
      hint: "Move the inner one out; it is not listed where it is.",
    });
  }
}
