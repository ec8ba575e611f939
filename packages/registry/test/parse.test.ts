import { canonicalRegistry, emptyRegistry, parseRegistry, registryHash } from "@usr/registry";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { registryOf } from "../src/registry.ts";
import { USR_STATE } from "../src/reserved.ts";
import { entries } from "./arbitraries.ts";
import { refusal, STATE_TEXT, withState } from "./support.ts";

const problemsOf = async (text: string): Promise<readonly unknown[]> => {
  const error = await refusal(() => parseRegistry(text));
  expect(error.code).toBe("REGISTRY_INVALID");
  const { problems } = error.details;
  if (!Array.isArray(problems) || problems.length === 0) throw new Error("An error without problems.");
  return problems;
};

describe("texts that are no registry", () => {
  it.each([
    ["an empty text", "", "lacks the reserved namespace"],
    ["only a comment", "# nothing\n", "lacks the reserved namespace"],
    ["null namespaces", "namespaces:\n", "lacks the reserved namespace"],
    ["a list", "- namespaces\n", "must be a mapping with the key namespaces"],
    ["a word", "namespaces\n", "must be a mapping with the key namespaces"],
    ["namespaces as a list", "namespaces: [a]\n", "mapping from names to entries"],
    ["an entry that is text", withState("  a: text\n"), "entry of a must be a mapping"],
    ["columns that are a mapping", withState("  a: {columns: {name: a__x}}\n"), "columns of a must be a list"],
    ["a column that is text", withState("  a: {columns: [a__x]}\n"), "Column 1 of a must be a mapping"],
    ["a column without type", withState("  a: {columns: [{name: a__x}]}\n"), "must have a name and a type"],
    ["a column of another namespace", withState("  a: {columns: [{name: b__x, type: bool}]}\n"), "must start with a__"],
    [
      "a column twice",
      withState("  a: {columns: [{name: a__x, type: bool}, {name: a__x, type: bool}]}\n"),
      "stands twice",
    ],
    ["a usr_state that lacks a column", "namespaces: {usr_state: {columns: []}}\n", "usr_state__masked must be bool"],
    [
      "a usr_state with a column more",
      `namespaces:${STATE_TEXT}    - {name: usr_state__x, type: bool}\n`,
      "usr_state__x must not be there",
    ],
    ["two documents", `${withState("")}---\n${withState("")}`, "more than one document"],
    ["a tag", withState("  a: {owner: !!str 1}\n"), "tag"],
    ["a tag of a language", withState("  a: {owner: !!python/object/apply:os.system [ls]}\n"), "tag"],
    ["an alias without anchor", withState("  a: {owner: *nobody}\n"), "has no anchor"],
    ["an anchor set twice", withState("  a: {owner: &x 1, description: &x 2}\n"), "set twice"],
    ["a value inside itself", withState("  a: {owner: &x [*x]}\n"), "inside its own anchor"],
    ["a list as a key", withState("  a: {owner: {[1]: 2}}\n"), "A key must be"],
    ["a list with a mapping inside as a key", withState("  a: {owner: {[{b: 1}]: 2}}\n"), "A key must be"],
    ["a number that is none as a key", withState("  a: {owner: {.nan: 2}}\n"), "A key must be"],
    ["a merge of a list with text", withState("  a: {<<: [{owner: x}, text]}\n"), "needs a mapping"],
    ["a merge of text", withState("  a: {<<: text}\n"), "needs a mapping"],
    ["a day that is none", withState("  a: {owner: 2026-02-30}\n"), "no day of the calendar"],
    ["an hour that is none", withState("  a: {owner: 2026-02-03 24:00:00}\n"), "no time of the day"],
    ["an offset of a day", withState("  a: {owner: 2026-02-03 12:00:00+24:00}\n"), "a day or more"],
    ["a number without digits", withState("  a: {owner: 0x_}\n"), "no number"],
    ["half a character", withState('  a: {owner: "\\uD83D\\uDE00"}\n'), "half a character"],
    ["a control character", withState("  a: {owner: \x07}\n"), "U+0007"],
    ["a line separator", withState("  a: {owner: a\u2028b}\n"), "U+2028"],
    ["a lone carriage return", withState("  a: {owner: x}\r  b: {}\n"), "U+000D"],
    ["a syntax error", "namespaces: {a: [}\n", ""],
    ["a megabyte", `# ${"x".repeat(1_048_576)}\n`, "larger than"],
    [
      "deep nesting in flow style",
      withState(`  a: {owner: ${"[".repeat(5000)}${"]".repeat(5000)}}\n`),
      "nested deeper",
    ],
    ["a plain scalar in brackets that starts like a key", withState("  a: {owner: {?1_000: x}}\n"), "indicator"],
    ["a plain scalar in brackets that starts like a value", withState("  a: {owner: [:y]}\n"), "indicator"],
    ["deep nesting in block style", withState(`  a:\n    owner:\n      ${"- ".repeat(5000)}x\n`), "nested deeper"],
  ])("%s", async (_name, text, message) => {
    expect(JSON.stringify(await problemsOf(text))).toContain(message);
  });

  it("tells every problem, with its line where one is known", async () => {
    expect(await problemsOf(withState("  a: {columns: [x, {name: b__x, type: bool}]}\n  b: 1\n"))).toEqual([
      { message: "Column 1 of a must be a mapping with name and type." },
      { message: "The column b__x of a must start with a__." },
      { message: "The entry of b must be a mapping." },
    ]);
    expect(await problemsOf("namespaces:\n  a: {owner: !x 1, description: *y}\n")).toEqual([
      { message: "The tag !x is not supported; a registry needs none.", line: 2 },
      { message: "The alias *y has no anchor before it.", line: 2 },
    ]);
  });

  it("answers a bomb of aliases at once", async () => {
    const levels = Array.from(
      { length: 40 },
      (_, at) => `    k${at + 1}: &k${at + 1} [${`*k${at}, `.repeat(9)}*k${at}]`,
    );
    const started = performance.now();
    const [problem] = await problemsOf(withState(`  a:\n    k0: &k0 [x]\n${levels.join("\n")}\n`));
    expect(problem).toMatchObject({ message: expect.stringContaining("every alias is spelled out") });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("registries from elsewhere", () => {
  it("may merge mappings, of which the first holds, and what an entry says itself before all", async () => {
    const merged = await parseRegistry(
      withState("  a: &a {owner: x, description: y}\n  b: {<<: [{owner: z}, *a]}\n  c: {<<: *a, owner: w}\n"),
    );
    const said = (name: string) => {
      const entry = merged.namespaces.get(name);
      return [entry?.owner, entry?.description];
    };
    expect([said("a"), said("b"), said("c")]).toEqual([
      ["x", "y"],
      ["z", "y"],
      ["w", "y"],
    ]);
  });

  it("may name namespaces and columns by what is no text, which reads as Python spells it", async () => {
    const named = await parseRegistry(
      withState("  true: {}\n  false: {}\n  ~: {}\n  .5e+3: {}\n  -.inf: {}\n  1_0: {}\n  2026-02-03: {}\n"),
    );
    expect([...named.namespaces.keys()]).toEqual(
      expect.arrayContaining(["True", "False", "None", "500.0", "-inf", "10", "2026-02-03"]),
    );
  });

  it("keep names and types that registration refuses, and tell them", async () => {
    const registry = await parseRegistry(
      withState(
        [
          "  Bad-NS: {columns: [{name: Bad-NS__x, type: bool}]}",
          "  7: {columns: [{name: 7__x, type: ' list< float64 > '}]}",
          "  a: {columns: [{name: a__, type: bool}, {name: a__t, type: decimal}, {name: a__s, type: 'timestamp[s]'}]}",
          "  a__b: {columns: [{name: a__b__c, type: 'struct<at:timestamp[us, UTC],n:int8>'}]}",
          "  usr: {columns: []}",
        ].join("\n"),
      ),
    );
    expect([...registry.namespaces.keys()]).toEqual(["Bad-NS", "7", "a", "a__b", "usr", "usr_state"]);
    expect(registry.namespaces.get("7")?.columns).toEqual([{ name: "7__x", type: " list< float64 > " }]);
    expect(
      registry.problems.map(({ severity, code, namespace, column }) => [severity, code, namespace, column]),
    ).toEqual([
      ["warning", "NAMESPACE_INVALID", "Bad-NS", undefined],
      ["warning", "NAMESPACE_INVALID", "7", undefined],
      ["warning", "BAD_TYPE", "7", "7__x"],
      ["warning", "COLUMN_INVALID", "a", "a__"],
      ["error", "BAD_TYPE", "a", "a__t"],
      ["error", "BAD_TYPE", "a", "a__s"],
      ["warning", "NAMESPACE_INVALID", "a__b", undefined],
      ["warning", "BAD_TYPE", "a__b", "a__b__c"],
      ["warning", "NAMESPACE_RESERVED", "usr", undefined],
    ]);
  });

  it("may name time zones that nobody knows, and tell them, wherever in a type they stand", async () => {
    const known = ["UTC", "Europe/Berlin", "US/Eastern", "Etc/GMT+5", "+02:00", "-0930", "GMT"];
    const unknown = ["Mars/Base", "+25:00", "+2:00", "Europe", "ABC"];
    const types = [...known, ...unknown].flatMap((zone) => [
      `timestamp[us, ${zone}]`,
      `list<timestamp[ns, ${zone}]>`,
      `fixed_size_list<timestamp[ms, ${zone}]>[2]`,
    ]);
    const columns = types.map((type, i) => `{name: a__${i}, type: '${type}'}`).join(", ");
    const { problems } = await parseRegistry(withState(`  a: {columns: [${columns}]}`));
    expect(problems.map(({ column }) => column)).toEqual(unknown.flatMap((_, i) => [0, 1, 2].map((n) => `a__${3 * (known.length + i) + n}`))); // biome-ignore format: one line
    for (const problem of problems) expect(problem).toMatchObject({ severity: "warning", code: "BAD_TYPE", message: expect.stringContaining("the time zone "), hint: expect.stringContaining("Europe/Berlin") }); // biome-ignore format: one line
    const both = await parseRegistry(withState("  a: {columns: [{name: a__s, type: 'struct<x:timestamp[us, Mars/Base],y:timestamp[ms, Mars/Base]>'}]}")); // biome-ignore format: one line
    expect(both.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining("in a struct"),
      expect.stringContaining("Mars/Base"),
    ]);
  });

  it("are no danger to the prototype", async () => {
    const registry = await parseRegistry(
      withState(
        "  __proto__: {owner: {__proto__: {polluted: 1}, constructor: 2}, columns: [{name: __proto____x, type: bool}]}\n",
      ),
    );
    expect(registry.namespaces.get("__proto__")?.columns).toEqual([{ name: "__proto____x", type: "bool" }]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const owner = JSON.stringify(registry.namespaces.get("__proto__")?.owner);
    expect(owner).toBe('{"__proto__":{"polluted":1},"constructor":2}');
  });

  it("give owners and descriptions that JSON can hold", async () => {
    const registry = await parseRegistry(
      withState(
        "  a: {owner: [1, 9007199254740993, 1.5, .nan, 2026-02-06, ~, yes], description: {1: x, 2026-02-06 01:02:03Z: y}}\n",
      ),
    );
    const { owner, description } = registry.namespaces.get("a") ?? {};
    expect(JSON.parse(JSON.stringify({ owner, description }))).toEqual({
      owner: [1, "9007199254740993", 1.5, "NaN", "2026-02-06", null, true],
      description: { "1": "x", "2026-02-06 01:02:03+00:00": "y" },
    });
  });

  it("have keys that are equal where Python says so: the first key, the last value", async () => {
    const registry = await parseRegistry(
      withState(
        "  a: {owner: {1: a, true: b, 1.0: c}, description: {2026-02-06 12:00:00Z: a, 2026-02-06 13:00:00+01:00: b}}\n",
      ),
    );
    expect(canonicalRegistry(registry)).toContain(
      "    description:\n      2026-02-06 12:00:00+00:00: b\n    owner:\n      1: c\n",
    );
  });

  it("start with a byte order mark or hold Windows line ends without a difference", async () => {
    const text = withState("  a:\n    owner: |\n      two\n      lines\n");
    const hash = await registryHash(await parseRegistry(text));
    expect(await registryHash(await parseRegistry(`\ufeff${text.replaceAll("\n", "\r\n")}`))).toBe(hash);
  });
});

it("what is written is read again, whatever names, types, owners and descriptions hold", async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (list) => {
      const text = canonicalRegistry(registryOf([USR_STATE, ...list]));
      const read = await parseRegistry(text);
      expect(canonicalRegistry(read)).toBe(text);
      expect(read.namespaces.size).toBe(list.length + 1);
    }),
    { numRuns: testRuns(500) },
  );
});

it("an empty registry has the hash that every root starts with", async () => {
  expect(await registryHash(emptyRegistry())).toBe("fd4dd36ebf2f8b7ef58f147c55014b665c95a49ffef7d27809e2d9b8446302cf");
  expect(emptyRegistry().problems).toEqual([]);
});
