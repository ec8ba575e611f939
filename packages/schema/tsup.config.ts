import { defineConfig } from "tsup";
import { base } from "../../tsup.base.ts";

export default defineConfig({ ...base, entry: ["src/index.ts", "src/columns/index.ts", "src/ipc/index.ts", "src/arrow/index.ts"] });
