// Appends where a copy of the base shares its blocks with it. The temporary folder (TMPDIR) has to lie on such a file system.
import { constants, copyFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { timeAppends } from "./appends.mjs";
import { importing } from "./imports.mjs";

const NAMES = new Map([
  [0x58465342, "XFS"],
  [0x9123683e, "Btrfs"],
]);

/** Returns the name of the file system. */
export const clonesSuite = async (bench, count) => {
  const { at, usr, folder } = bench;
  writeFileSync(at("shared"), "x".repeat(1 << 16));
  try {
    copyFileSync(at("shared"), at("copied"), constants.COPYFILE_FICLONE_FORCE);
  } catch (cause) {
    throw new Error(`${folder}: the file system shares no blocks; set TMPDIR to a folder of one that does`, { cause });
  }
  for (const name of ["shared", "copied"]) rmSync(at(name));
  usr(["namespace", "register", "sc", "--columns", "sc__score:float64"]);
  const long = { repeat: 3, rows: count };
  const { importCsv, ...shared } = importing(bench, count, long);
  await importCsv();
  await timeAppends({ bench, count, long, appends: 100, ...shared });
  const { type } = statfsSync(folder);
  return { fileSystem: NAMES.get(type) ?? `of type 0x${type.toString(16)}` };
};
