import type { OptionSpec } from "./command.ts";

/** Options that every command takes, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: "--root <dir>", description: "the folder of registry.yaml and the datasets (else USR_ROOT)" },
  { flags: "--json", description: "one JSON document on stdout, NDJSON for rows" },
  { flags: "--quiet", description: "nothing on stderr but errors" },
  { flags: "--no-color", description: "no colours (NO_COLOR works too)" },
  { flags: "--debug", description: "a trace with every error" },
  { flags: "-y, --yes", description: "answer every confirmation with yes" },
  { flags: "--no-input", description: "never ask" },
  { flags: "--lock-timeout <seconds>", description: "how long to wait for a lock (60)" },
  { flags: "--memory <size>", description: "how much of an input may be buffered, such as 512M or 4G" },
];
