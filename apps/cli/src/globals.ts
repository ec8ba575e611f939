import type { OptionSpec } from "./command.ts";
import { UsageError } from "./errors.ts";
import type { GlobalOptions } from "./session.ts";

/** Options that every command takes, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: "--root <dir>", description: "the folder of registry.yaml and the datasets (else USR_ROOT)" },
  { flags: "--remotes <file>", description: "the file of remotes (else USR_REMOTES_PATH)" },
  { flags: "--json", description: "one JSON document on stdout, NDJSON for rows" },
  { flags: "--quiet", description: "nothing on stderr but errors" },
  { flags: "--no-color", description: "no colours (NO_COLOR works too)" },
  { flags: "--debug", description: "a trace with every error" },
  { flags: "-y, --yes", description: "answer every confirmation with yes" },
  { flags: "--no-input", description: "never ask" },
  { flags: "--lock-timeout <seconds>", description: "how long to wait for a lock (60)" },
  {
    flags: "--memory <size>",
    description: "how much of an input may be buffered or decoded at a time, such as 512M or 4G",
  },
  {
    flags: "--max-ratio <n>",
    description: "how many bytes one compressed byte of a parquet input may stand for (65536)",
  },
];

/** What the verbs of a group have in common. */
export const GROUPS: Readonly<Record<string, string>> = {
  namespace: "the registry of namespaces",
  maintenance: "rare work on a dataset",
  overlay: "the overlays of a dataset",
  snapshot: "copies of the base table",
  events: "the event log",
  state: "what is said about single rows",
  remotes: "the places that copies lie at",
};

/** The globals among the options that were typed. Throws `UsageError` for a value that is no number or size. */
export const globalsOf = (typed: Readonly<Record<string, unknown>>): GlobalOptions => ({
  root: typeof typed["root"] === "string" ? typed["root"] : undefined,
  remotes: typeof typed["remotes"] === "string" ? typed["remotes"] : undefined,
  json: typed["json"] === true,
  quiet: typed["quiet"] === true,
  color: typed["color"] !== false,
  debug: typed["debug"] === true,
  yes: typed["yes"] === true,
  input: typed["input"] !== false,
  lockTimeoutMs: secondsToMs(typed["lockTimeout"]),
  memoryBytes: sizeToBytes(typed["memory"]),
  maxRatio: ratioOf(typed["maxRatio"]),
});

const ratioOf = (value: unknown): number | undefined => {
  if (typeof value !== "string") return undefined;
  const ratio = Number(value);
  if (!/^\d{1,9}$/.test(value) || ratio < 1) {
    throw new UsageError(`--max-ratio takes a number from 1 on, not ${JSON.stringify(value)}`, {
      hint: "Type a whole number such as 1000.",
      details: { value },
    });
  }
  return ratio;
};

const secondsToMs = (value: unknown): number => {
  if (typeof value !== "string") return 60_000;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(value)) {
    throw new UsageError(`--lock-timeout takes seconds, not ${JSON.stringify(value)}`, {
      hint: "Type a number such as 5 or 0.5; 0 tries once.",
      details: { value },
    });
  }
  return Number(value) * 1000;
};

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

const sizeToBytes = (value: unknown): number | undefined => {
  if (typeof value !== "string") return undefined;
  const [, number = "", unit = ""] = /^(\d{1,15}(?:\.\d{1,9})?)([KMGT]?)(?:i?B)?$/i.exec(value) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (number === "" || factor === undefined) {
    throw new UsageError(`--memory takes a size, not ${JSON.stringify(value)}`, {
      hint: "Type a size such as 512M or 4G.",
      details: { value },
    });
  }
  return Math.floor(Number(number) * factor);
};
