/// <reference types="node" />
import { scopedStorage } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { powerCutDisk } from "../src/node/testing/index.ts";
import { storageConformance } from "../src/testing/index.ts";
import { EVERYTHING, register } from "./conformance.ts";
import { freshFolder } from "./folder.ts";

register(
  "disk",
  storageConformance(
    "disk",
    async () => {
      const folder = await freshFolder();
      return { storage: diskStorage(`${folder.path}/not/yet/made`), dispose: () => folder[Symbol.asyncDispose]() };
    },
    EVERYTHING,
  ),
  44,
);

register(
  "disk in memory that can lose its power",
  storageConformance(
    "power-cut disk",
    async () => ({ storage: diskStorage("/not/yet/made", { fs: powerCutDisk().fs }) }),
    { ...EVERYTHING, lock: false },
  ),
  40,
);

register(
  "subtree of a disk",
  storageConformance(
    "subtree",
    async () => {
      const folder = await freshFolder();
      const disk = diskStorage(folder.path);
      await disk.put("beside", new Uint8Array(1));
      return { storage: scopedStorage(disk, "in/side"), dispose: () => folder[Symbol.asyncDispose]() };
    },
    EVERYTHING,
  ),
  44,
);
