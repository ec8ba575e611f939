import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = {
  ...base,
  entry: ["src/index.ts", "src/bulk/index.ts", "src/digests/index.ts", "src/strands/index.ts", "src/wasm/index.ts"],
};
export default config;
