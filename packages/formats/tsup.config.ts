import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = {
  ...base,
  entry: ["src/index.ts", "src/float/index.ts", "src/memory/index.ts", "src/node/index.ts"],
};
export default config;
