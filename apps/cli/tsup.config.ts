import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

/**
 * One bundle, split by command and loaded lazily. `@usr/storage` stays outside: its lock is native (koffi), and found only from where it
 * lies. The platform is neutral so that libraries give their ESM form, which a bundle of ESM can hold.
 */
const config: Options = {
  ...base,
  entry: ["src/main.ts"],
  target: "node22",
  dts: false,
  removeNodeProtocol: false,
  noExternal: [/^@usr\/(?!storage(\/|$))/, "commander"],
  external: [/^@usr\/storage(\/|$)/, /^node:/],
  esbuildOptions: (options) => {
    options.conditions = ["@usr/source"];
    options.mainFields = ["module", "main"];
  },
};
export default config;
