/**
 * Two logs of one dataset: which lines one has and the other lacks.
 *
 * @module
 */
export { appendLines } from "./append-lines.ts";
export { compareLogs, type LogLine, type LogRange, linesNotIn, missingLines } from "./compare.ts";
