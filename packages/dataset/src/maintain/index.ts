/**
 * Rare work on a dataset: fewer parts, copies of the base, what a crash left behind. Each verb that changes something is one transaction,
 * as in `@usr/dataset/write`.
 *
 * @module
 */
export { type CompactOptions, type CompactResult, compactOverlay } from "./compact.ts";
export { type DoctorFinding, type DoctorOptions, type DoctorReport, doctor } from "./doctor.ts";
export { type GardenOptions, type GardenResult, gardenEventLog } from "./garden.ts";
export { type RemoveOverlayOptions, type RemoveOverlayResult, removeOverlay } from "./remove-overlay.ts";
export {
  type CreateSnapshotOptions,
  createSnapshot,
  listSnapshots,
  type NamedSnapshotOptions,
  pinSnapshot,
  restoreSnapshot,
  type SnapshotEntry,
} from "./snapshots.ts";
