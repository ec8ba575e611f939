import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

/** One bundle of our own code, split by command and loaded lazily; what is large or native stays a dependency. */
const config: Options = {
  ...base,
  entry: ["src/main.ts"],
  platform: "node",
  target: "node22",
  dts: false,
  noExternal: [/^@usr\//, "commander"],
  external: ["koffi", "apache-arrow", "yaml", "hyparquet-compressors"],
};
export default config;
