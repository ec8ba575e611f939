import { fileClass, PLACES, uniteMarks } from "@usr/dataset/sync";
import type { Places } from "./plan-overlays.ts";
import { type Action, alike, type Planned } from "./plan-types.ts";
import { textAt } from "./storage-site.ts";
import type { ClassName, Inventory, SiteFile, SyncOptions } from "./types.ts";
import { DAMAGED_HINT } from "./unreadable.ts";

/** Both sides of a plan of small texts. */
interface Texts extends Places {
  readonly sourceInventory: Inventory;
  readonly targetInventory: Inventory;
}

const NOTHING: Planned = { actions: [], conflicts: [] };

/** `meta.md` is a diary: the lines that the target lacks go to its end. */
export const planNotes = (input: Texts, o: SyncOptions): Promise<Planned> =>
  planText("notes", "other", input, o, withMissingLines);

/** The marks of snapshots: what either side keeps is kept. */
export const planPins = (input: Texts, o: SyncOptions): Promise<Planned> =>
  planText("pins", "snapshots", input, o, uniteMarks);

/** The one small file of that kind, with what `unite` makes of the target's and the source's text. */
const planText = async (
  kind: "notes" | "pins",
  name: ClassName,
  input: Texts,
  o: SyncOptions,
  unite: (ours: string, theirs: string) => string | undefined,
): Promise<Planned> => {
  const fileOf = ({ files }: Inventory): SiteFile | undefined =>
    files.find(({ path }) => fileClass(path).kind === kind);
  const [from, to] = [fileOf(input.sourceInventory), fileOf(input.targetInventory)];
  if (from === undefined) {
    const extra: readonly Action[] =
      o.mirror === true && to !== undefined && kind === "pins"
        ? [{ kind: "delete", class: name, path: to.path, etag: to.etag }]
        : [];
    return { actions: extra, conflicts: [] };
  }
  if (to !== undefined && alike(from, to)) return NOTHING;
  const path = PLACES.dataset(input.dataset) + from.path;
  const theirs = (await textAt(input.source.storage, path, o)) ?? "";
  const ours = o.mirror === true ? undefined : await textAt(input.target.storage, path, o);
  const text = ours === undefined ? theirs : unite(ours, theirs);
  if (text === ours) return NOTHING;
  if (text !== undefined)
    return { actions: [{ kind: "write", class: name, path: from.path, text, over: to?.etag }], conflicts: [] };
  const message = `${from.path} differs, and one of its copies cannot be read`;
  return {
    actions: [],
    conflicts: [{ code: "CONFLICT", class: name, path: from.path, message, hint: DAMAGED_HINT }],
  };
};

const withMissingLines = (ours: string, theirs: string): string => {
  const left = new Map<string, number>();
  for (const line of ours.split("\n")) left.set(line, (left.get(line) ?? 0) + 1);
  const missing = theirs.split("\n").filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0 && line !== "";
  });
  if (missing.length === 0) return ours;
  return `${ours}${ours === "" || ours.endsWith("\n") ? "" : "\n"}${missing.join("\n")}\n`;
};
