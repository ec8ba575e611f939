import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = { ...base, entry: ["src/index.ts", "src/extend.ts", "src/lookup.ts", "src/stored.ts"] };
export default config;
