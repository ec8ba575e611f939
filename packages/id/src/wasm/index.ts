/**
 * Just enough of an assembler for WebAssembly, for the packages that write their own small modules.
 *
 * ```ts
 * import { get, openModule, wasmModule } from "@usr/id/wasm";
 *
 * const ADD = 0x6a;
 * const body = [0, get(0), get(1), ADD, 0x0b];
 * const bytes = () => wasmModule({ name: "sum", parameters: 2, answers: true, body, pages: 1 });
 * openModule(bytes, "sum")?.run(2, 3); // 5
 * ```
 *
 * @module
 */
export { type Code, get, I32, int, type OpenedModule, openModule, set, simd, tee, wasmModule } from "./module.ts";
