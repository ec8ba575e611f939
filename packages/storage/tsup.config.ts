import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = {
  ...base,
  entry: [
    "src/index.ts",
    "src/node/index.ts",
    "src/http/index.ts",
    "src/adapter/index.ts",
    "src/testing/index.ts",
    "src/node/testing/index.ts",
  ],
};
export default config;
