/// <reference types="node" />
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cdseguid, csseguid, ldseguid, lsseguid, md5, refget } from "../src/digests/index.ts";
import { sequenceId, strip, stripRange } from "../src/index.ts";

const STRIPPED = `
def main(_):
    return [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and chr(c).strip() == ""]
`;

// Written from the definitions: every rotation is formed and the least one taken.
const DIGESTS = `
import base64, hashlib
def b64(b):
    return base64.urlsafe_b64encode(b).decode().rstrip("=")
def sha1(s):
    return b64(hashlib.sha1(s.encode()).digest())
def rc(s, bio):
    t = "U" if bio == "rna" else "T"
    return s[::-1].translate(str.maketrans("ACGN" + t, t + "GCNA"))
def least(s):
    return min(s[i:] + s[:i] for i in range(len(s)))
def ds(w, bio):
    return sha1(";".join(sorted([w, rc(w, bio)])))
def main(question):
    bio, raw = question
    s = raw.upper()
    out = {
        "id": hashlib.sha1((bio + "|" + raw).encode()).hexdigest(),
        "refget": "SQ." + b64(hashlib.sha512(s.encode()).digest()[:24]),
        "md5": hashlib.md5(s.encode()).hexdigest(),
        "lsseguid": "lsseguid=" + sha1(s),
    }
    if bio != "protein":
        out["csseguid"] = "csseguid=" + sha1(least(s))
        out["ldseguid"] = "ldseguid=" + ds(s, bio)
        out["cdseguid"] = "cdseguid=" + ds(min(least(s), least(rc(s, bio))), bio)
    return out
`;

const SYMBOLS = { dna: "ACGTNacgtn", rna: "ACGUNacgun", protein: "ACDEFGHIKLMNPQRSTVWYXacdefghiklmnpqrstvwyx" };

const question = fc.constantFrom("dna" as const, "rna" as const, "protein" as const).chain((bio) => {
  const long = fc.string({ unit: fc.constantFrom(...SYMBOLS[bio]), minLength: 1, maxLength: 400 });
  // Few letters, repeated: rotations that tie for long.
  const periodic = fc
    .tuple(
      fc.string({ unit: fc.constantFrom(...SYMBOLS[bio].slice(0, 2)), minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
    )
    .map(([unit, times]) => unit.repeat(times));
  return fc.tuple(fc.constant(bio), fc.oneof(long, periodic));
});

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("against Python", () => {
  it("strip takes off the same single code points", async () => {
    const stripped: unknown = await oracle()?.python(STRIPPED, null);
    const ours: number[] = [];
    let compared = 0;
    for (let code = 0; code < 0x110000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      compared++;
      const text = String.fromCodePoint(code);
      const bytes = new TextEncoder().encode(text);
      const [start, end] = stripRange(bytes, 0, bytes.length);
      if ((start === end) !== (strip(text) === "")) throw new Error(`bytes and text differ at U+${code.toString(16)}`);
      if (start === end) ours.push(code);
    }
    expect(ours).toEqual(stripped);
    expect(ours.length).toBe(29);
    countComparisons("id: strip", compared);
  });

  it("ids and digests are the same for random sequences", async () => {
    const python = oracle();
    if (python === undefined) throw new Error("unreachable without Python");
    await using worker = python.worker(DIGESTS);
    const numRuns = testRuns(2000);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(question, async ([bio, sequence]) => {
        const nucleic = {
          csseguid: () => csseguid(sequence, bio),
          ldseguid: () => ldseguid(sequence, bio),
          cdseguid: () => cdseguid(sequence, bio),
        };
        expect({
          id: sequenceId(bio, sequence),
          refget: refget(sequence),
          md5: md5(sequence),
          lsseguid: lsseguid(sequence),
          ...(bio === "protein" ? {} : Object.fromEntries(Object.entries(nucleic).map(([name, of]) => [name, of()]))),
        }).toEqual(await worker.ask([bio, sequence]));
        compared += bio === "protein" ? 4 : 7;
      }),
      { numRuns },
    );
    expect(compared).toBeGreaterThanOrEqual(numRuns * 4);
    countComparisons("id: ids and digests", compared);
  });
});
