/**
 * What the tests of all packages share: the golden roots, and Python as a judge.
 *
 * ```ts
 * import { countComparisons, goldenRoots, loadGolden, oracle, testRuns } from "@usr/testkit";
 * import { memoryStorage } from "@usr/storage";
 *
 * const storage = memoryStorage();
 * await loadGolden("parts-plain", storage);
 *
 * const python = oracle(); // undefined without USR_ORACLE_PYTHON
 * if (python) {
 *   await using worker = python.worker("def main(x):\n  return x * 2");
 *   await worker.ask(21); // 42
 *   countComparisons("doubling", 1);
 * }
 * ```
 *
 * @module
 */
export { anyRows, anyType, anyValue, type TypedRows } from "./arbitraries.ts";
export { GOLDEN_PATH, type GoldenDataset, goldenDatasets, goldenPath, goldenRoots, loadGolden } from "./golden.ts";
export { type NaiveKey, type NaivePart, naiveDuplicate, naiveKey, naiveMerge } from "./naive-merge.ts";
export { countComparisons, type Oracle, oracle, type PythonWorker, testRuns } from "./oracle.ts";
