import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = {
  ...base,
  entry: [
    "src/index.ts",
    "src/write/index.ts",
    "src/copy/index.ts",
    "src/records/index.ts",
    "src/search/index.ts",
    "src/session/index.ts",
    "src/sync/index.ts",
    "src/maintain/index.ts",
    "src/overlays/index.ts",
    "src/curate/index.ts",
    "src/inspect/index.ts",
  ],
};
export default config;
