import { contractHash } from "@usr/registry";
import type { Storage } from "@usr/storage";
import { describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
import type { Root, ValidateOptions, ValidationMode } from "../src/types.ts";
import { baseBytes, idsOf, partBytes, registryText, rootOf } from "./make.ts";
import { codeOf, freshRoot, GOLDEN, memoryRoot } from "./support.ts";

const MODES: readonly ValidationMode[] = [
  "current",
  "frozen",
  "either",
  "namespace-current",
  "namespace-frozen",
  "namespace-either",
];

const readable = GOLDEN.filter((golden) => golden.error === undefined);
const refused = GOLDEN.filter((golden) => golden.error !== undefined);

/** Severity and code of every problem. */
async function problemsOf(root: Root, dataset: string, o?: ValidateOptions): Promise<readonly string[]> {
  const report = await validate(root, dataset, o);
  expect(report.ok).toBe(report.problems.every(({ severity }) => severity === "warning"));
  return report.problems.map(({ severity, code }) => `${severity} ${code}`);
}

describe("golden roots", () => {
  test("what is wrong with them", async () => {
    const found: Record<string, readonly string[]> = {};
    for (const { root, dataset, info } of readable) {
      const report = await validate(await memoryRoot(root), dataset);
      expect(report.checked.rows).toBe(info?.["rows_base"]);
      if (report.problems.length > 0) {
        found[`${root} ${dataset}`] = report.problems.map(
          ({ severity, code, where }) => `${severity} ${code} ${where.replace(/[0-9a-f]{32,}/g, "…")}`,
        );
      }
    }
    expect(found).toMatchInlineSnapshot(`
      {
        "case-padding stored-padding": [
          "warning UNKNOWN_KEY stored-padding/_derived/mock.parquet column sequence",
        ],
        "events torn": [
          "warning EVENT_TORN torn/.events.log",
        ],
        "orphans dedupe": [
          "warning UNKNOWN_KEY dedupe/_derived/mock.parquet column id",
          "warning UNKNOWN_KEY dedupe/_derived/usr_state.parquet column id",
        ],
        "orphans orphan": [
          "warning UNKNOWN_KEY orphan/_derived/mock/part-20260301T000000000000Z-….parquet column id",
        ],
        "parts-keys id": [
          "warning MISSING_KEY id/_derived/mock/part-20260301T000000000000Z-….parquet column id",
          "warning MISSING_KEY id/_derived/mock/part-20260301T000001000000Z-….parquet column id",
          "warning MISSING_KEY id/_derived/mock/part-20260301T000002000000Z-….parquet column id",
          "warning UNKNOWN_KEY id/_derived/mock/part-20260301T000001000000Z-….parquet column id",
          "warning UNKNOWN_KEY id/_derived/mock/part-20260301T000003000000Z-….parquet column id",
        ],
      }
    `);
  });

  test.each(refused)("$root is not valid, for the expected reason", async ({ root, dataset, error }) => {
    expect(await problemsOf(await memoryRoot(root), dataset)).toContain(`error ${error?.code}`);
  });

  test("the modes: how many of them each accepts", async () => {
    const accepted: Record<string, number> = {};
    for (const mode of MODES) {
      accepted[mode] = 0;
      for (const { root, dataset } of readable) {
        if ((await validate(await memoryRoot(root), dataset, { mode })).ok) accepted[mode]++;
      }
    }
    expect(accepted).toMatchInlineSnapshot(`
      {
        "current": 62,
        "either": 62,
        "frozen": 61,
        "namespace-current": 63,
        "namespace-either": 63,
        "namespace-frozen": 62,
      }
    `);
  });

  test("frozen-registries: an old part fails the plain modes and passes those by namespace", async () => {
    const root = await memoryRoot("frozen-registries");
    for (const mode of MODES) {
      const { ok, problems } = await validate(root, "demo", { mode });
      expect([mode, ok]).toEqual([mode, mode.startsWith("namespace-")]);
      if (!ok) expect(problems.map(({ code }) => code)).toContain("REGISTRY_MISMATCH");
    }
  });
});

const SEQUENCES = ["ACGT", "CCGT", "GGTA", "TTAG", "ACCA"];
const CREATED = "2026-03-01T00:00:00.000000Z";

async function madeRoot(
  changes: Readonly<Record<string, Uint8Array | string>> = {},
): Promise<Root & { readonly storage: Storage }> {
  return await rootOf({
    "registry.yaml": registryText({ mock: { mock__score: "float64", mock__tag: "string" } }),
    "demo/records.parquet": await baseBytes({ sequences: SEQUENCES }),
    "demo/_derived/mock/part-1.parquet": await partBytes("mock", "id", CREATED, {
      id: ["string", idsOf(SEQUENCES)],
      mock__score: ["float64", [1, null, Number.NaN, 2, 3]],
    }),
    ...changes,
  });
}

test("a sound dataset has one remark: its part does not say under which contract it was written", async () => {
  expect(await problemsOf(await madeRoot(), "demo")).toEqual(["warning MISSING_METADATA"]);
});

describe("rows", () => {
  const wrong = async (instead: Parameters<typeof baseBytes>[0]["instead"]): Promise<readonly string[]> => {
    const root = await madeRoot({
      "demo/records.parquet": await baseBytes({ sequences: SEQUENCES, ...(instead && { instead }) }),
    });
    const { problems } = await validate(root, "demo");
    return problems
      .filter(({ severity }) => severity === "error")
      .map(({ code, where }) => `${code} ${where.replace("demo/records.parquet ", "")}`);
  };
  const ids = idsOf(SEQUENCES);

  test("every rule names code, row and column", async () => {
    expect(await wrong({ bio_type: ["string", ["dna", "rna", "DNA", null, "dna"]] })).toEqual(
      [
        "BAD_ALPHABET row 2 column alphabet",
        "ID_MISMATCH row 2 column id",
        "BAD_BIO_TYPE row 3 column bio_type",
        "BAD_BIO_TYPE row 4 column bio_type",
      ].sort((a, b) => Number(a.match(/row (\d)/)?.[1]) - Number(b.match(/row (\d)/)?.[1])),
    );
    expect(await wrong({ alphabet: ["string", ["dna_4", "dna_9", null, "protein_20", "dna_5"]] })).toEqual([
      "BAD_ALPHABET row 2 column alphabet",
      "BAD_ALPHABET row 3 column alphabet",
      "BAD_ALPHABET row 4 column alphabet",
    ]);
    expect(await wrong({ length: ["int32", [4, 5, null, 4, 4]] })).toEqual([
      "LENGTH_MISMATCH row 2 column length",
      "LENGTH_MISMATCH row 3 column length",
    ]);
    expect(await wrong({ id: ["string", [ids[0]!, ids[2]!, null, " ", ids[4]!.toUpperCase()]] })).toEqual([
      "ID_MISMATCH row 2 column id",
      "ID_MISMATCH row 5 column id",
      "MISSING_ID row 3 column id",
      "MISSING_ID row 4 column id",
    ]);
    expect(await wrong({ id: ["string", [ids[0]!, ids[1]!, ids[2]!, ids[0]!, ids[0]!]] })).toEqual([
      "ID_MISMATCH row 4 column id",
      "ID_MISMATCH row 5 column id",
      "DUPLICATE_ID row 4 column id",
      "DUPLICATE_ID row 5 column id",
    ]);
  });

  test("a symbol is named with its position in the sequence without its padding", async () => {
    const instead = { sequence: ["string", ["ACGT", "\t CCéT ", null, "  ", "ACCA"]] as const };
    const { problems } = await validate(
      await madeRoot({ "demo/records.parquet": await baseBytes({ sequences: SEQUENCES, instead }) }),
      "demo",
    );
    expect(problems.find(({ code }) => code === "BAD_SYMBOL")).toMatchObject({
      message: 'The symbol "é" at position 3 is not in dna_4.',
      where: "demo/records.parquet row 2 column sequence",
    });
    expect(problems.filter(({ code }) => code === "EMPTY_SEQUENCE").length).toBe(2);
  });

  test("padding that is stored is no part of the sequence", async () => {
    expect(await wrong({ sequence: ["string", ["ACGT", " CCGT\u00a0", "GGTA", "TTAG", "ACCA"]] })).toEqual([]);
  });

  test("of many alike, five are shown and all are counted", async () => {
    const sequences = Array.from({ length: 40 }, (_, i) => "ACGT".repeat(i + 1));
    const instead = { length: ["int32", sequences.map(() => 0)] as const };
    const { problems } = await validate(
      await rootOf({ "demo/records.parquet": await baseBytes({ sequences, instead }) }),
      "demo",
    );
    expect(problems.length).toBe(6);
    expect(problems[5]?.message).toBe("35 more like these, 40 in all.");
  });
});

describe("the base table", () => {
  const base = async (
    spec: Partial<Parameters<typeof baseBytes>[0]>,
    o?: ValidateOptions,
  ): Promise<readonly string[]> =>
    problemsOf(
      await madeRoot({ "demo/records.parquet": await baseBytes({ sequences: SEQUENCES, ...spec }) }),
      "demo",
      o,
    );
  const cells = SEQUENCES.map((_, i) => i);

  test("types, versions, registry", async () => {
    expect(await base({ instead: { length: ["int64", cells.map(BigInt)] } })).toContain("error TYPE_MISMATCH");
    expect(await base({ metadata: { "usr:schema_version": "2" } })).toContain("error UNSUPPORTED_VERSION");
    expect(await base({ metadata: { "usr:id_hash": "md5" } })).toContain("error UNSUPPORTED_VERSION");
    expect(await base({ metadata: { "usr:registry_hash": "0".repeat(64) } })).toContain("error NO_REGISTRY");
  });

  test("materialized columns: registered, else a warning, with strict an error", async () => {
    const registered = { mock__score: ["float64", cells] } as const;
    const drifted = { mock__score: ["int32", cells] } as const;
    const stranger = { other__x: ["int32", cells] } as const;
    expect(await base({ extra: registered }, { strict: true })).toEqual(["warning MISSING_METADATA"]);
    expect(await base({ extra: stranger })).toContain("warning COLUMN_NOT_REGISTERED");
    expect(await base({ extra: stranger }, { strict: true })).toContain("error COLUMN_NOT_REGISTERED");
    expect(await base({ extra: drifted })).toContain("warning TYPE_MISMATCH");
    expect(await base({ extra: drifted }, { strict: true })).toContain("error TYPE_MISMATCH");
    expect(await base({ extra: { plain: ["int32", cells] } })).toContain("error NAMESPACE_INVALID");
  });

  test("a file that is no table is a problem, not an exception", async () => {
    const report = await validate(await madeRoot({ "demo/records.parquet": "PAR1 nothing PAR1" }), "demo");
    expect(report.ok).toBe(false);
    expect(report.problems[0]).toMatchObject({ severity: "error", code: "CORRUPT", where: "demo/records.parquet" });
  });

  test("only a dataset that is not there is an exception", async () => {
    expect(await codeOf(validate(await madeRoot(), "nothing"))).toBe("DATASET_NOT_FOUND");
    expect(await codeOf(validate(await madeRoot(), "_derived"))).toBe("DATASET_ID_INVALID");
  });
});

describe("overlays", () => {
  const ids = idsOf(SEQUENCES);
  const part = (
    columns: Parameters<typeof partBytes>[3],
    metadata?: Record<string, string>,
    created = CREATED,
  ): Promise<Uint8Array> => partBytes("mock", "id", created, columns, metadata);
  const second = async (bytes: Promise<Uint8Array>, o?: ValidateOptions): Promise<readonly string[]> =>
    (await problemsOf(await madeRoot({ "demo/_derived/mock/part-2.parquet": await bytes }), "demo", o)).filter(
      (problem) => problem !== "warning MISSING_METADATA",
    );

  test("every part is looked at, and everything in it", async () => {
    expect(
      await second(
        part({ id: ["string", ids], mock__score: ["int64", [1n, 2n, 3n, 4n, 5n]], mock__z: ["string", ids] }),
      ),
    ).toEqual(["error TYPE_MISMATCH", "error COLUMN_NOT_REGISTERED"]);
    expect(
      await second(
        part({
          id: ["string", [ids[0]!, ` ${ids[0]} `, null, "  ", "stranger"]],
          mock__score: ["float64", [1, 2, 3, 4, 5]],
        }),
      ),
    ).toEqual(["error DUPLICATE_KEY", "warning UNKNOWN_KEY", "warning MISSING_KEY"]);
    expect(
      await second(
        partBytes("mock", "sequence", CREATED, { sequence: ["string", SEQUENCES], mock__tag: ["string", SEQUENCES] }),
      ),
    ).toEqual(["error KEY_MISMATCH"]);
    expect(await second(partBytes("mock", "by heart", CREATED, { id: ["string", ids] }))).toEqual([
      "error MISSING_METADATA",
    ]);
    expect(await second(partBytes("mock", "id", "yesterday", { id: ["string", ids] }))).toEqual([
      "error MISSING_METADATA",
    ]);
    expect(await second(Promise.resolve(new Uint8Array(30)))).toEqual(["error CORRUPT"]);
  });

  test("a part from the future, a name unlike the namespace, two places", async () => {
    const nowUs = 1_772_323_200_000_000n;
    expect(
      await second(
        part({ id: ["string", ids], mock__score: ["float64", [1, 2, 3, 4, 5]] }, {}, "2026-03-01T00:06:00.000000Z"),
        { nowUs },
      ),
    ).toEqual(["warning CLOCK_SKEW"]);
    const moved = await madeRoot({
      "demo/_derived/elsewhere.parquet": await part({ id: ["string", ids], mock__score: ["float64", [1, 2, 3, 4, 5]] }),
    });
    expect(await problemsOf(moved, "demo")).toEqual(
      [
        "error OVERLAY_BOTH_FORMS",
        ...["warning MISSING_METADATA", "warning MISSING_METADATA"],
        "warning NAME_MISMATCH",
      ].sort(),
    );
  });

  test("the contract hash decides, and it is the frozen registry that tells it where a part does not", async () => {
    const stamped = await part(
      { id: ["string", ids], mock__score: ["float64", [1, 2, 3, 4, 5]] },
      { "usr:namespace_contract_hash": "0".repeat(64) },
    );
    expect(await problemsOf(await madeRoot({ "demo/_derived/mock/part-1.parquet": stamped }), "demo")).toEqual([
      "error CONTRACT_MISMATCH",
    ]);
    // Written before mock__tag was appended to the namespace: what it says means the same today.
    const columns = [{ name: "mock__score", type: "float64" }];
    const earlier = await contractHash({ namespace: "mock", owner: null, description: null, columns });
    const older = await part(
      { id: ["string", ids], mock__score: ["float64", [1, 2, 3, 4, 5]] },
      { "usr:namespace_contract_hash": earlier },
    );
    expect(await problemsOf(await madeRoot({ "demo/_derived/mock/part-1.parquet": older }), "demo")).toEqual([]);
    const named = await part({ id: ["string", ids] }, { "usr:registry_hash": "0".repeat(64) });
    expect(await problemsOf(await madeRoot({ "demo/_derived/mock/part-1.parquet": named }), "demo")).toEqual([
      "error NO_REGISTRY",
      "warning MISSING_METADATA",
    ]);
  });

  test("record state holds only what it may", async () => {
    const state = await partBytes("usr_state", "id", CREATED, {
      id: ["string", ids],
      usr_state__qc_status: ["string", ["pass", "PASS", null, "unknown", "warn"]],
      usr_state__split: ["string", ["train", "val", "test", "holdout", "dev"]],
      usr_state__lineage: ["list<string>", [["a"], [], null, ["b", " "], ["c", null]]],
    });
    const { problems } = await validate(await madeRoot({ "demo/_derived/usr_state.parquet": state }), "demo");
    expect(
      problems
        .filter(({ code }) => code === "BAD_VALUE")
        .map(({ where }) => where.replace("demo/_derived/usr_state.parquet ", "")),
    ).toEqual([
      "row 2 column usr_state__qc_status",
      "row 5 column usr_state__split",
      "row 2 column usr_state__lineage",
      "row 4 column usr_state__lineage",
      "row 5 column usr_state__lineage",
    ]);
  });

  test("no registry is an error where an overlay needs one", async () => {
    const root = await madeRoot();
    await root.storage.delete("registry.yaml");
    expect(await problemsOf(root, "demo")).toEqual(["error NO_REGISTRY"]);
    await root.storage.delete("demo/_derived/mock/part-1.parquet");
    expect(await problemsOf(root, "demo")).toEqual([]);
  });
});

describe("files beside the tables", () => {
  test("an altered frozen registry", async () => {
    const root = await freshRoot("frozen-registries");
    const frozen: string[] = [];
    for await (const { path } of root.storage.list("demo/_registry/")) frozen.push(path);
    await root.storage.put(frozen[0]!, new TextEncoder().encode(registryText({ mock: { mock__z: "bool" } })));
    expect(await problemsOf(root, "demo")).toContain("error CORRUPT");
    await root.storage.put(frozen[0]!, new TextEncoder().encode("namespaces: ["));
    expect(await problemsOf(root, "demo")).toContain("error REGISTRY_INVALID");
  });

  test("events: lines of strangers, and a torn one", async () => {
    const good = '{"event_version":1}\n';
    const { problems } = await validate(await madeRoot({ "demo/.events.log": `${good}nonsense\n{"event_ver` }), "demo");
    expect(problems.filter(({ code }) => code.startsWith("EVENT")).map(({ code, where }) => [code, where])).toEqual([
      ["EVENT_INVALID", "demo/.events.log row 1"],
      ["EVENT_INVALID", "demo/.events.log row 2"],
      ["EVENT_TORN", "demo/.events.log"],
    ]);
  });

  test("an interrupted commit, and a dataset inside", async () => {
    const base = await baseBytes({ sequences: SEQUENCES });
    const root = await madeRoot({ "demo/.staging/pending.json": "{}", "demo/inner/records.parquet": base });
    expect(await problemsOf(root, "demo")).toEqual([
      "error DATASET_NESTED",
      "warning MISSING_METADATA",
      "warning INTERRUPTED_COMMIT",
    ]);
    expect(await problemsOf(root, "demo/inner")).toContain("error DATASET_NESTED");
  });
});
