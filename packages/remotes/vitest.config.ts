import type { ViteUserConfig } from "vitest/config";
import { base } from "../../vitest.base.ts";

const conditions = ["@usr/source", "node", "import", "default"];
const config: ViteUserConfig = { test: base("remotes"), ssr: { resolve: { conditions } }, resolve: { conditions } };
export default config;
