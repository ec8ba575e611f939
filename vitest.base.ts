import type { ViteUserConfig } from "vitest/config";

/** What every package's test run shares. The JSON report is what the closing line of `npm test` is counted from. */
export const base = (name: string): NonNullable<ViteUserConfig["test"]> => ({
  name,
  include: ["test/**/*.test.ts"],
  testTimeout: 900_000,
  hookTimeout: 300_000,
  reporters: ["default", "json"],
  outputFile: { json: ".reports/vitest.json" },
  pool: "forks",
});
