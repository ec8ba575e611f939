/**
 * What a storage must do, as cases any test runner can run, and a storage that fails where it is told to.
 *
 * ```ts
 * import { memoryStorage } from "@usr/storage";
 * import { storageConformance } from "@usr/storage/testing";
 * import { describe, it } from "vitest";
 *
 * const cases = storageConformance("memory", async () => ({ storage: memoryStorage() }), { write: true, lock: true });
 * describe("memory", () => {
 *   for (const { name, run } of cases) it(name, run);
 * });
 * ```
 *
 * @module
 */
export {
  type ConformanceCase,
  type ConformanceFactory,
  type ConformanceSubject,
  storageConformance,
} from "./conformance.ts";
export { DeadError, type FaultPlan, type FaultyStorage, faultStorage } from "./fault.ts";
export type { ConformanceFlags } from "./laws.ts";
