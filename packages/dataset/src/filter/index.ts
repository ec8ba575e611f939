export { bindFilter } from "./bind.ts";
export { filterError } from "./error.ts";
export { type Predicate, TRUE } from "./logic.ts";
export { columnsOf, parseFilter } from "./parse.ts";
