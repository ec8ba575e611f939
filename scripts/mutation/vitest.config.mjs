import { fileURLToPath } from "node:url";
import { base } from "../../vitest.base.ts";
import { excludedTests } from "./config.mjs";
import { LikelyFirst } from "./sequence.mjs";

const name = process.env["USR_MUTATION_PACKAGE"] ?? "";
const shared = base(name);
const load = fileURLToPath(new URL("load.mjs", import.meta.url));
const conditions = ["@usr/source", "node", "import", "default"];
/**
 * One thread runs all test files of a mutant and ends with it: a thread for each file would take longer than the tests.
 *
 * @type {import("vitest/config").ViteUserConfig}
 */
const config = {
  test: {
    ...shared,
    exclude: excludedTests(name),
    isolate: false,
    reporters: [],
    setupFiles: [...shared.setupFiles, load],
    // Stryker puts its own in front, which switches the mutant on that the modules are to be loaded with.
    sequence: { setupFiles: "list", sequencer: LikelyFirst },
  },
  ssr: { resolve: { conditions } },
  resolve: { conditions },
};
export default config;
