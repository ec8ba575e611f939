import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

/**
 * One bundle, split by command and loaded lazily. Two packages stay outside, because what they depend on cannot be bundled and is
 * found only from where they lie: `@usr/storage` (koffi is native) and `@usr/registry` (yaml is CommonJS in Node).
 */
const config: Options = {
  ...base,
  entry: ["src/main.ts"],
  platform: "node",
  target: "node22",
  dts: false,
  noExternal: [/^@usr\/(?!(storage|registry)(\/|$))/, "commander"],
  external: [/^@usr\/(storage|registry)(\/|$)/],
};
export default config;
