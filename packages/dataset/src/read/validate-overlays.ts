import { strip } from "@usr/id";
import { assembleOverlay, type KeyIndex, matchKeys, type OverlayEntry, type Part } from "@usr/overlay";
import { readBatches } from "@usr/parquet";
import { writtenHere } from "@usr/parquet/lookup";
import { filteredAlike, storedAlike } from "@usr/parquet/stored";
import { formatType, sameType } from "@usr/schema";
import { isValid, valueAt } from "@usr/schema/columns";
import { inDataset, overlayPlace, STATE_NAMESPACE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import { findingOf, guarded, place } from "./findings.ts";
import { byCodeUnits } from "./list.ts";
import { choose, type OverlayContext, registeredType } from "./validate-contract.ts";
import { heldByFilters } from "./validate-filters.ts";
import type { KnownRegistry } from "./validate-registry.ts";
import { checkPages } from "./validate-rows.ts";

/** An entry whose parts could be opened. */
export interface OpenedEntry {
  readonly entry: OverlayEntry;
  readonly parts: readonly Part[];
}

const FUTURE_NS = 5n * 60n * 1_000_000_000n;

/** Checks every namespace that was opened; gives the rows looked at. */
export async function checkOverlays(opened: readonly OpenedEntry[], c: OverlayContext): Promise<number> {
  const namespaces = new Map<string, OpenedEntry[]>();
  for (const source of opened) {
    const { namespace } = source.parts[0]!;
    namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), source]);
  }
  const chosen = await choose(
    [...namespaces.values()].flat().flatMap((source) => source.parts),
    c,
  );
  let rows = 0;
  for (const [namespace, sources] of [...namespaces].sort(([a], [b]) => byCodeUnits(a, b))) {
    const registry = chosen(namespace);
    for (const { entry, parts } of sources) {
      checkPlace(entry, namespace, c);
      for (const part of parts) checkPart(part, namespace, registry, c);
    }
    checkTogether(namespace, sources, registry, c);
    for (const part of sources.flatMap((source) => source.parts)) {
      rows += part.file.numRows;
      const where = inDataset(c.id, part.path);
      await guarded(where, c.findings, () => checkKeys(part, namespace, c));
      if (namespace === STATE_NAMESPACE) await guarded(where, c.findings, () => checkState(part, c));
      if (namespace === TOMBSTONE_NAMESPACE) await guarded(where, c.findings, () => checkDeleted(part, c));
      await checkPages(part.file, [part.key], where, c.findings, c);
    }
  }
  return rows;
}

/** A file or folder named unlike the namespace inside. */
function checkPlace(entry: OverlayEntry, namespace: string, c: OverlayContext): void {
  if (entry.name === namespace) return;
  c.findings.add({
    severity: "warning",
    code: "NAME_MISMATCH",
    message: `It holds the namespace ${namespace}.`,
    where: inDataset(c.id, overlayPlace(entry)),
    hint: `Have it brought to _derived/${namespace} with: usr doctor DATASET --repair`,
  });
}

function checkPart(part: Part, namespace: string, judged: KnownRegistry | undefined, c: OverlayContext): void {
  const where = inDataset(c.id, part.path);
  const report = (code: string, column: string | undefined, message: string, hint?: string): void =>
    c.findings.add({ severity: "error", code, message, where: place(where, undefined, column), hint });
  if (c.nowUs !== undefined && part.createdAt > c.nowUs * 1000n + FUTURE_NS) {
    c.findings.add({
      severity: "warning",
      code: "CLOCK_SKEW",
      message: `It was created in the future, at ${part.createdAtText}.`,
      where,
      hint: "Check the clock of the machine that wrote it.",
    });
  }
  if (part.namespace !== namespace) {
    report(
      "KEY_MISMATCH",
      undefined,
      `It declares the namespace ${part.namespace} among parts of ${namespace}.`,
      `Move it to _derived/${part.namespace}/ if it is what it says, else out of _derived.`,
    );
  }
  const stored = new Map(part.file.schema.fields.map((field) => [field.name, field.type]));
  const key = stored.get(part.key);
  if (!part.file.columnNames.includes(part.key)) {
    report("KEY_MISMATCH", part.key, `It says it is keyed by ${part.key} and has no such column.`);
  } else if (part.file.numRows > 0 && key?.kind !== "string" && key?.kind !== "null") {
    report(
      "TYPE_MISMATCH",
      part.key,
      `Its keys are ${key === undefined ? "unreadable" : formatType(key)}, not string.`,
    );
  }
  // What tombstones may look like is checked where they are put together.
  if (judged === undefined || namespace === TOMBSTONE_NAMESPACE) return;
  const entry = judged.registry.namespaces.get(namespace);
  if (entry === undefined) return;
  for (const name of part.columns) {
    const registered = entry.columns.find((column) => column.name === name);
    if (registered === undefined) {
      report(
        "COLUMN_NOT_REGISTERED",
        name,
        `The column is not registered under ${namespace}.`,
        `Register it with: usr namespace register ${namespace}`,
      );
      continue;
    }
    const type = registeredType(registered.type);
    const found = stored.get(name);
    if (found === undefined) report("NOT_SUPPORTED", name, `It cannot be read: ${part.file.unsupported.get(name)}.`);
    if (type === undefined) report("BAD_TYPE", name, `It is registered as '${registered.type}', which is no type.`);
    else if (found !== undefined && found.kind !== "null" && !sameType(found, type)) {
      report("TYPE_MISMATCH", name, `It is stored as ${formatType(found)} and registered as ${formatType(type)}.`);
    }
  }
}

/** What only the parts together show: two forms, several keys, late parts. Kinds reported part by part are not repeated. */
function checkTogether(
  namespace: string,
  sources: readonly OpenedEntry[],
  judged: KnownRegistry | undefined,
  c: OverlayContext,
): void {
  if (judged === undefined && namespace !== TOMBSTONE_NAMESPACE) return;
  const entries = sources.map((source) => source.entry);
  try {
    assembleOverlay(entries, sources[0]!.parts, judged?.registry.namespaces.get(namespace));
  } catch (error) {
    const finding = findingOf(error, inDataset(c.id, overlayPlace(entries[0]!)));
    const alone = ["COLUMN_NOT_REGISTERED", "TYPE_MISMATCH", "BAD_TYPE"];
    if (namespace === TOMBSTONE_NAMESPACE || !alone.includes(finding.code)) c.findings.add(finding);
  }
}

/** Keys of one part: unique after normalisation; strangers and blanks are warnings. */
async function checkKeys(part: Part, namespace: string, c: OverlayContext): Promise<void> {
  const where = inDataset(c.id, part.path);
  if (!part.file.schema.fields.some((field) => field.name === part.key)) return;
  if (await hasFaultlessIds(part, c)) return;
  let index: KeyIndex;
  try {
    index = await c.index(part.key);
  } catch (error) {
    c.findings.add({ ...findingOf(error, where), kind: `${namespace} key` });
    return;
  }
  const matcher = matchKeys(index);
  const keys = readBatches(part.file, { columns: [part.key], signal: c.signal });
  const batches = part.key === "id" ? heldByFilters(part.file, "id", keys, where, c.findings, c) : keys;
  for await (const batch of batches) {
    const column = batch.columns[0]!;
    if (column.layout !== "utf8" && column.layout !== "null") return;
    matcher.match(column);
  }
  const { duplicates, duplicateSamples, orphans, orphanSamples, blank } = matcher.summary();
  for (const { key, rows } of duplicateSamples) {
    c.findings.add({
      severity: "error",
      code: "DUPLICATE_KEY",
      message: `The key ${key} of row ${rows[0]} comes again (${duplicates} such rows in this file).`,
      where: place(where, rows[1], part.key),
      hint: "Keep one row of each key; after a compaction by an early version the values can be attached again.",
      kind: `${where} key`,
    });
  }
  if (orphans > 0) {
    const sample = orphanSamples.join(", ");
    c.findings.add({
      severity: "warning",
      code: "UNKNOWN_KEY",
      message: `${orphans} ${orphans === 1 ? "key matches" : "keys match"} no base row (${sample}).`,
      where: place(where, undefined, part.key),
      hint: "Reads pass over it; it shows again where the row comes back, by an import or a snapshot.",
      kind: `${namespace} orphans`,
    });
  }
  if (blank > 0) {
    c.findings.add({
      severity: "warning",
      code: "MISSING_KEY",
      message: `${blank} ${blank === 1 ? "row has" : "rows have"} no key.`,
      where: place(where, undefined, part.key),
      kind: `${namespace} blanks`,
    });
  }
}

/**
 * Whether the keys of a part are the ids of a faultless base in the same bytes, under the same filters: then what was found of those, nothing,
 * is what would be found here, and nothing need be decoded.
 */
async function hasFaultlessIds({ file, key }: Part, { faultless: base, signal }: OverlayContext): Promise<boolean> {
  return (
    key === "id" &&
    base !== undefined &&
    writtenHere(file) === writtenHere(base) &&
    (await storedAlike(file, base, key, { signal })) &&
    filteredAlike(file, base, key, { signal })
  );
}

/** A tombstone that does not say whether its row is deleted leaves it live, to every reader: most likely not what was meant. */
async function checkDeleted(part: Part, c: OverlayContext): Promise<void> {
  const where = inDataset(c.id, part.path);
  const kind = `${where} usr__deleted`;
  if (!part.columns.includes("usr__deleted")) {
    c.findings.add({
      severity: "error",
      code: "CORRUPT",
      message: "It does not say which rows are deleted.",
      where: place(where, undefined, "usr__deleted"),
      hint: "Put back the file of another copy of the dataset.",
      kind,
    });
    return;
  }
  let row = 0;
  for await (const { columns, numRows } of readBatches(part.file, { columns: ["usr__deleted"], signal: c.signal })) {
    for (let i = 0; i < numRows; i++) {
      if (isValid(columns[0]!, i)) continue;
      c.findings.add({
        severity: "warning",
        code: "BAD_VALUE",
        message: "It does not say whether the row is deleted, and the row is read as live.",
        where: place(where, row + i + 1, "usr__deleted"),
        hint: "Say it anew with: usr delete, or usr restore",
        kind,
      });
    }
    row += numRows;
  }
}

const STATE_VALUES: Readonly<Record<string, readonly string[]>> = {
  usr_state__qc_status: ["pass", "fail", "warn", "unknown"],
  usr_state__split: ["train", "val", "test", "holdout"],
};

/** The values that record state may hold. */
async function checkState(part: Part, c: OverlayContext): Promise<void> {
  const names = part.columns.filter(
    (name) => Object.hasOwn(STATE_VALUES, name) || name === "usr_state__supersedes" || name === "usr_state__lineage",
  );
  if (names.length === 0) return;
  const where = inDataset(c.id, part.path);
  let row = 0;
  for await (const batch of readBatches(part.file, { columns: names, signal: c.signal })) {
    for (const [n, name] of names.entries()) {
      const column = batch.columns[n]!;
      for (let i = 0; i < batch.numRows; i++) {
        if (!isValid(column, i)) continue;
        const rule = brokenStateRule(name, valueAt(column, i));
        if (rule === undefined) continue;
        c.findings.add({
          severity: "error",
          code: "BAD_VALUE",
          message: rule,
          where: place(where, row + i + 1, name),
          hint: "Set it anew with: usr state set",
          kind: `${where} ${name}`,
        });
      }
    }
    row += batch.numRows;
  }
}

function brokenStateRule(name: string, value: unknown): string | undefined {
  if (value === null) return undefined;
  const allowed = STATE_VALUES[name];
  if (allowed !== undefined) {
    return typeof value === "string" && !allowed.includes(value)
      ? `${JSON.stringify(value)} is none of ${allowed.join(", ")}.`
      : undefined;
  }
  if (name === "usr_state__lineage") {
    const sound =
      !Array.isArray(value) ||
      (value.length > 0 && value.every((item) => typeof item === "string" && strip(item) !== ""));
    return sound ? undefined : "A lineage is a list of names, none of them blank.";
  }
  return typeof value === "string" && strip(value) === "" ? "It is blank." : undefined;
}
