import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = {
  ...base,
  entry: ["src/index.ts", "src/columns/index.ts", "src/check/index.ts", "src/ipc/index.ts", "src/arrow/index.ts"],
};
export default config;
