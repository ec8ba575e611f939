import { canonicalRegistry, type Registry, registryHash } from "@usr/registry";
import type { Storage } from "@usr/storage";
import { frozenRegistryHash, frozenRegistryPath, PINS_FILE, SNAPSHOTS_DIR } from "../layout.ts";
import { listAll } from "../read/objects.ts";
import { encodeMarks, readMarks } from "../read/snapshot-marks.ts";
import type { Problem } from "../types.ts";
import { type Advice, keepOriginal, type Remedy } from "./mending.ts";
import { broughtBack, onePlace } from "./one-place.ts";

/**
 * How a problem that `validate` reports is mended (`where` relative to the dataset); without a remedy it takes somebody who knows what the data
 * should be. Looks, and changes nothing.
 */
export const remedyFor = async (
  problem: Pick<Problem, "code" | "where">,
  storage: Storage,
  registry: Registry | undefined,
): Promise<Advice> => {
  const { code, where } = problem;
  switch (code) {
    case "OVERLAY_BOTH_FORMS":
    case "NAME_MISMATCH":
      return await onePlace(where, storage, registry);
    case "MISSING_PART":
      return await broughtBack(where, storage, registry);
    case "SNAPSHOT_NOT_FOUND":
      return { mend: dropPins };
    case "NO_REGISTRY":
    case "CORRUPT":
    case "REGISTRY_INVALID":
      if (where === PINS_FILE) return { mend: dropPins };
      if (registry === undefined) return {};
      return frozenRegistryHash(where) === (await registryHash(registry)) ? { mend: freezeAgain } : {};
    default:
      return {};
  }
};

/** Pins name what is there and nothing else; a file that cannot be read makes room for one that can. */
const dropPins: Remedy = async (m) => {
  const there = new Set((await listAll(m.storage, SNAPSHOTS_DIR)).map(({ path }) => path.slice(SNAPSHOTS_DIR.length)));
  const marks = await readMarks(m.storage).catch(() => ({ pinned: [], manual: [] }));
  await keepOriginal(m, PINS_FILE);
  const left = (names: readonly string[]): readonly string[] => names.filter((name) => there.has(name));
  await m.storage.put(PINS_FILE, encodeMarks({ pinned: left(marks.pinned), manual: left(marks.manual) }));
};

/** The frozen copy of today's registry, whose name says what it has to be. */
const freezeAgain: Remedy = async (m) => {
  const path = frozenRegistryPath(await registryHash(m.registry));
  await keepOriginal(m, path);
  await m.storage.put(path, new TextEncoder().encode(canonicalRegistry(m.registry)));
};
