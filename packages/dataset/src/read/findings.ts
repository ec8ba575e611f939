import type { Problem } from "../types.ts";

const SAMPLES = 5;

/** The problems of one validation: of each kind the first five, and how many more there are. */
export interface Findings {
  /** Reports a problem. Those of one `kind` (code, file and rule by default) are counted together. */
  add(problem: Finding): void;
  /** How many were reported so far. */
  count(): number;
  /** Errors first, else in the order met. */
  problems(): readonly Problem[];
}

export interface Finding {
  readonly severity: Problem["severity"];
  readonly code: string;
  readonly message: string;
  readonly where: string;
  readonly hint?: string | undefined;
  readonly kind?: string | undefined;
}

export function createFindings(): Findings {
  const kinds = new Map<string, { readonly samples: Problem[]; count: number }>();
  let reported = 0;
  return {
    count: () => reported,
    add: ({ severity, code, message, where, hint, kind }) => {
      reported++;
      const name = `${severity} ${code} ${kind ?? where}`;
      const known = kinds.get(name) ?? { samples: [], count: 0 };
      kinds.set(name, known);
      known.count++;
      if (known.samples.length < SAMPLES) known.samples.push({ severity, code, message, where, hint: hint ?? null });
    },
    problems: () => {
      const all = [...kinds.values()].flatMap(({ samples, count }) => {
        const first = samples[0]!;
        if (count <= SAMPLES) return samples;
        const more = count - SAMPLES;
        return [
          ...samples,
          { ...first, message: `${more} more like these, ${count} in all.`, where: fileOf(first.where) },
        ];
      });
      return [
        ...all.filter((problem) => problem.severity === "error"),
        ...all.filter((problem) => problem.severity === "warning"),
      ];
    },
  };
}

/** A place in a file: 1-based row and column name as far as they are known. */
export function place(file: string, row?: number | undefined, column?: string | undefined): string {
  return `${file}${row === undefined ? "" : ` row ${row}`}${column === undefined ? "" : ` column ${column}`}`;
}

function fileOf(where: string): string {
  return where.split(" ", 1)[0]!;
}

/** Does a check; that a file cannot be read is what it found, not how it ended. */
export async function guarded(where: string, findings: Findings, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    findings.add(findingOf(error, where));
  }
}

/** An error of any package as a problem at `where`. Errors without a code are bugs and passed on. */
export function findingOf(error: unknown, where: string): Finding {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string" || error.name === "AbortError")
    throw error;
  const hint = "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
  return { severity: "error", code: error.code, message: error.message, where, hint };
}
