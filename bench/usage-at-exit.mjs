// Preloaded into a measured process where GNU time is missing.
import { writeFileSync } from "node:fs";

const to = new URL(import.meta.url).searchParams.get("to") ?? "usage";
process.on("exit", () => writeFileSync(to, String(process.resourceUsage().maxRSS)));
