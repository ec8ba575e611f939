import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

const config: Options = { ...base, entry: ["src/index.ts", "src/config/index.ts", "src/node/ssh.ts"] };
export default config;
