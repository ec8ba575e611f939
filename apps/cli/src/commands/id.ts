import type { Alphabet } from "@usr/id";
import { IdError, normalizeSequence, sequenceId } from "@usr/id";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { linesOf } from "../input.ts";
import { align } from "../text.ts";
import { list, requiredText, text, variadic } from "../typed.ts";

/** The widest alphabet of each bio type; the alphabet is no part of an id. */
const WIDEST: Readonly<Record<"dna" | "rna" | "protein", Alphabet>> = {
  dna: "dna_5",
  rna: "rna_5",
  protein: "protein_21",
};

/** What `work` gives for the sequence at `row`, counted from 1: those typed, then those of the file. What is wrong with it says which one it is. */
const naming = <T>(row: number, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof IdError)) throw error;
    const { code, message, details, hint } = error;
    throw new IdError(code, `Sequence ${row}: ${message}`, { ...details, row }, { hint });
  }
};

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const typedBioType = requiredText(typed, "bioType");
  const bioType = typedBioType === "rna" || typedBioType === "protein" ? typedBioType : "dna";
  const sequences = [...variadic(typed, 0), ...(await linesOf(session, text(typed, "from")))];
  if (sequences.length === 0)
    throw new UsageError("no sequence is given", { hint: "Type sequences, or --from FILE (- for stdin)." });
  const wanted = list(typed, "digest");
  const digests = wanted === undefined ? undefined : await import("@usr/id/digests");
  const digestOf = (name: string, norm: string): string | undefined => {
    switch (name) {
      case "refget":
        return digests?.refget(norm);
      case "md5":
        return digests?.md5(norm);
      case "lsseguid":
        return digests?.lsseguid(norm);
      case "csseguid":
        return digests?.csseguid(norm, bioType);
      case "ldseguid":
        return digests?.ldseguid(norm, bioType);
      default:
        return digests?.cdseguid(norm, bioType);
    }
  };
  const data = sequences.map((sequence, i) => {
    const norm = naming(i + 1, () => normalizeSequence(sequence, bioType, WIDEST[bioType]));
    const row = { sequence: norm, id: sequenceId(bioType, norm), length: norm.length };
    return wanted === undefined
      ? row
      : { ...row, digests: Object.fromEntries(wanted.map((name) => [name, digestOf(name, norm)])) };
  });
  return {
    kind: "document",
    data,
    text: () =>
      align(
        ["id", "length", ...(wanted ?? []), "sequence"],
        data.map((row) => [
          row.id,
          String(row.length),
          ...("digests" in row ? Object.values(row.digests).map(String) : []),
          row.sequence,
        ]),
        [false, true],
      ),
  };
};
