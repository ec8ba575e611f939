// Preloaded into a measured process where GNU time is missing.
import { writeFileSync } from "node:fs";

const to = new URL(import.meta.url).searchParams.get("to") ?? "usage";
process.on("exit", () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  writeFileSync(to, `${maxRSS} ${userCPUTime / 1e6} ${systemCPUTime / 1e6}`);
});
