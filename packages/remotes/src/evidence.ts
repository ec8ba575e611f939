import { mapBounded } from "@usr/dataset/sync";
import type { Signal } from "@usr/storage";
import { sha256Hex } from "./sha256.ts";
import type { Inventory, Site, SiteFile, VerifyMode } from "./types.ts";

/** What files can be compared by: all their bytes, the footers of Parquet files, their sizes. */
export type ProvedMode = Exclude<VerifyMode, "auto">;

/** How equality is told in one sync. */
export interface Evidence {
  readonly requested: VerifyMode;
  readonly proved: ProvedMode;
  /** Less than was asked for can be proved. */
  readonly weaker: boolean;
  readonly notes: readonly string[];
}

/** Whether sites must be asked for digests. */
export const wantsDigests = (mode: VerifyMode): boolean => mode === "auto" || mode === "hash";

/** The strongest check that both sides can do and that was asked for. */
export const evidenceOf = (
  requested: VerifyMode,
  source: { readonly site: Site; readonly inventory: Inventory },
  target: { readonly site: Site; readonly inventory: Inventory },
): Evidence => {
  if (!wantsDigests(requested)) {
    const proved = requested === "size" ? "size" : "parquet";
    return { requested, proved, weaker: false, notes: [] };
  }
  const without = [source, target].filter(
    ({ inventory }) => inventory.digests === false || inventory.files.some(({ sha256 }) => sha256 === undefined),
  );
  const proved = without.length === 0 ? "hash" : "parquet";
  const notes = without.map(
    ({ site }) => `${site.label} cannot compute sha256: files are compared by size, Parquet files also by their footer`,
  );
  return { requested, proved, weaker: requested === "hash" && proved !== "hash", notes };
};

const WIDTH = 16;
const FOOTER = "footer ";

/** The inventory with what its files are compared by. Without digests a Parquet file is told by its footer, any other by its size. */
export const withEvidence = async (
  site: Site,
  dataset: string,
  inventory: Inventory,
  mode: ProvedMode,
  o: Signal = {},
): Promise<Inventory> => {
  if (mode === "hash") return inventory;
  const files = await mapBounded(inventory.files, WIDTH, async ({ sha256: _, ...file }): Promise<SiteFile> => {
    if (mode === "size" || !file.path.endsWith(".parquet")) return file;
    const footer = await footerOf(site, `${dataset}/${file.path}`, o);
    return footer === undefined ? file : { ...file, sha256: footer };
  });
  return { ...inventory, files };
};

/** What a file is compared by, or `undefined` where its size has to do. */
export const evidenceAt = async (
  site: Site,
  path: string,
  size: number,
  mode: ProvedMode,
  o: Signal = {},
): Promise<string | undefined> => {
  if (mode === "hash") return (await site.digestRanges(path, [{ offset: 0, length: size }], o))?.[0];
  return mode === "parquet" ? await footerOf(site, path, o) : undefined;
};

/** Whether it is a digest of all bytes. */
export const isDigest = (evidence: string | undefined): evidence is string =>
  evidence !== undefined && !evidence.startsWith(FOOTER);

/** The digest of a Parquet file's footer, which holds sizes, counts and statistics of everything in it; `undefined` for any other file. */
const footerOf = async (site: Site, path: string, o: Signal): Promise<string | undefined> => {
  await using handle = await site.storage.open(path, o);
  if (handle === undefined || handle.meta.size < 12) return undefined;
  const { size } = handle.meta;
  const tail = await handle.read(size - 8, 8, o);
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (new TextDecoder().decode(tail.subarray(4)) !== "PAR1" || length > size - 12) return undefined;
  return `${FOOTER}${await sha256Hex([await handle.read(size - 8 - length, length, o)])}`;
};
