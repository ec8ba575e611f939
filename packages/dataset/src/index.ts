export { DatasetError } from "./error.ts";
export { openSnapshot } from "./read/snapshot.ts";
