import { defineConfig } from "vitest/config";
import { base } from "../../vitest.base.ts";

export default defineConfig({
  test: base("parquet"),
  ssr: { resolve: { conditions: ["@usr/source", "node", "import", "default"] } },
  resolve: { conditions: ["@usr/source", "node", "import", "default"] },
});
