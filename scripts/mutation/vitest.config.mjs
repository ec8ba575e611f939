import { base } from "../../vitest.base.ts";
import { excludedTests } from "./config.mjs";

const name = process.env["USR_MUTATION_PACKAGE"] ?? "";
const conditions = ["@usr/source", "node", "import", "default"];
/**
 * One thread runs all test files of a mutant and ends with it: a thread for each file would take longer than the tests.
 *
 * @type {import("vitest/config").ViteUserConfig}
 */
const config = {
  test: { ...base(name), exclude: excludedTests(name), isolate: false, reporters: [] },
  ssr: { resolve: { conditions } },
  resolve: { conditions },
};
export default config;
