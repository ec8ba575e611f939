import {
  emptyRegistry,
  parseColumnSpecs,
  parseRegistry,
  type Registry,
  type RegistryColumn,
  registerNamespace,
} from "@usr/registry";
import { describe, expect, it } from "vitest";
import { emitYaml } from "../src/emit.ts";
import { loadYaml } from "../src/load.ts";
import { refusal, withState } from "./support.ts";

const column = (name: string, type = "int8"): RegistryColumn => ({ name, type });
const register = (registry: Registry, namespace: string, columns: readonly RegistryColumn[]): Registry =>
  registerNamespace(registry, { namespace, columns }).registry;

describe("a refusal says as data what is wrong", () => {
  const known = register(emptyRegistry(), "known", [column("known__a"), column("known__b", "string")]);
  it.each<[string, string, readonly RegistryColumn[], string, Readonly<Record<string, unknown>>]>([
    ["no column", "ns", [], "COLUMN_INVALID", { namespace: "ns" }],
    [
      "a column twice",
      "ns",
      [column("ns__a"), column("ns__a")],
      "COLUMN_INVALID",
      { namespace: "ns", column: "ns__a" },
    ],
    ["a column of another", "ns", [column("other__a")], "COLUMN_INVALID", { namespace: "ns", column: "other__a" }],
    ["no type", "ns", [column("ns__a", "integer")], "BAD_TYPE", { column: "ns__a", type: "integer" }],
    ["the program's", "usr", [column("usr__a")], "NAMESPACE_RESERVED", { namespace: "usr" }],
    ["the program's too", "usr_state", [column("usr_state__a")], "NAMESPACE_RESERVED", { namespace: "usr_state" }],
    ["no name", "9ns", [column("9ns__a")], "NAMESPACE_INVALID", { namespace: "9ns" }],
    ["half of a name", "known_", [column("known___a")], "NAMESPACE_INVALID", { namespace: "known_", other: "known" }],
    [
      "a longer name",
      "known__more",
      [column("known__more__a")],
      "NAMESPACE_INVALID",
      { namespace: "known__more", other: "known" },
    ],
    [
      "the program's and more",
      "usr__x",
      [column("usr__x__a")],
      "NAMESPACE_INVALID",
      { namespace: "usr__x", other: "usr" },
    ],
  ])("%s", async (_, namespace, columns, code, details) => {
    const error = await refusal(() => register(known, namespace, columns));
    expect([error.name, error.code, error.details]).toEqual(["RegistryError", code, details]);
  });
  it.each<[string, readonly RegistryColumn[], Readonly<Record<string, readonly string[]>>]>([
    ["other order", [column("known__b", "string"), column("known__a")], { reordered: ["known__a", "known__b"] }],
    ["one less", [column("known__b", "string")], { removed: ["known__a"] }],
    ["another type", [column("known__a", "int16"), column("known__b", "string")], { retyped: ["known__a"] }],
    [
      "others between",
      [column("known__a"), column("known__c"), column("known__d"), column("known__b")],
      { retyped: ["known__b"], inserted: ["known__c", "known__d"] },
    ],
  ])("columns that differ from those registered: %s", async (_, columns, difference) => {
    const error = await refusal(() => register(known, "known", columns));
    const none = { removed: [], retyped: [], reordered: [], inserted: [] };
    expect([error.code, error.details]).toEqual(["NAMESPACE_EXISTS", { namespace: "known", ...none, ...difference }]);
    const told = Object.entries(difference).map(([what, names]) => `${what}: ${names.join(", ")}`);
    expect(error.message).toBe(`The namespace known is registered with other columns (${told.join("; ")}).`);
  });
  it.each([
    ["half a character", "x\ud800"],
    ["more than can be read", "x".repeat(1_048_576)],
  ])("an owner of %s", async (_, owner) => {
    const error = await refusal(() => registerNamespace(known, { namespace: "ns", columns: [column("ns__a")], owner }));
    expect([error.code, error.details]).toEqual(["REGISTRY_INVALID", { namespace: "ns" }]);
  });
  it.each([
    ["a", 1, "a"],
    ["ab,c:int8", 1, "ab"],
    [":", 1, ":"],
    ["a:int8,:int8", 2, ":int8"],
    ["a:int8,b:", 2, "b:"],
    ["a:list<int8>,b:int8,", 3, ""],
    ["a:int8, :int8", 2, " :int8"],
    [" ", 1, " "],
  ])("columns typed as %j", async (text, position, item) => {
    const error = await refusal(() => parseColumnSpecs("ns", text));
    expect([error.code, error.details]).toEqual(["COLUMN_INVALID", { namespace: "ns", item, position }]);
  });
});

describe("brackets of every kind hold their commas", () => {
  it.each(["list<int8,x>", "a[b,c]", "a(b,c)", "a<b[c,d],e>"])("%s", (type) => {
    const [first, ...rest] = parseColumnSpecs("ns", `a:${type},b:int8`);
    expect([first, rest]).toEqual([{ name: "ns__a", type }, [{ name: "ns__b", type: "int8" }]]);
  });
});

const written = async (text: string): Promise<string | undefined> => {
  const loaded = await loadYaml(text);
  return "value" in loaded ? emitYaml(loaded.value) : undefined;
};

describe("nodes of a text", () => {
  const problems = async (entries: string): Promise<unknown> => {
    const { details } = await refusal(() => parseRegistry(withState(entries)));
    return details["problems"];
  };
  const owner = async (text: string): Promise<unknown> =>
    (await parseRegistry(withState(`  a: {owner: ${text}, columns: [{name: a__x, type: bool}]}\n`))).namespaces.get("a")
      ?.owner;

  it("may be nested a hundred times and no more", async () => {
    const nested = (depth: number): string =>
      `  a: {owner: ${"[".repeat(depth)}${"]".repeat(depth)}, columns: [{name: a__x, type: bool}]}\n`;
    await parseRegistry(withState(nested(98)));
    expect(await problems(nested(99))).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/deep|nest/) }),
    ]);
  });
  it("are told with their lines", async () => {
    expect(await problems("  a:\n    columns: []\n    owner: *nobody\n    description: &x [*x]\n")).toEqual([
      { message: "The alias *nobody has no anchor before it.", line: 4 },
      { message: "The alias *x stands inside its own anchor.", line: 5 },
    ]);
    expect(await problems("  a: {owner: [?b, :c, '?d'], columns: []}\n")).toEqual([
      { message: expect.stringContaining("take the ? that ?b starts with"), line: 2 },
      { message: expect.stringContaining("take the : that :c starts with"), line: 2 },
    ]);
    expect(await problems('  a:\n    columns: []\n    owner: "x\\ud83d\\ude00"\n')).toEqual([
      { message: expect.stringContaining("half a character"), line: 4 },
    ]);
  });
  it("may speak of escapes that are none", async () => {
    expect(await owner("'\\ud83d'")).toBe("\\ud83d");
    expect(await owner("\\ud83d")).toBe("\\ud83d");
    expect(await owner('"\\\\ud83d"')).toBe("\\ud83d");
    // Each scalar is looked at by itself.
    expect(await owner(`"x", description: '\\ud83d'`)).toBe("x");
    expect(await owner('"\\ud7ff\\ue000"')).toBe("\ud7ff\ue000");
    expect(await owner("x?")).toBe("x?");
  });
  it("may be an equals sign, which means itself as a key alone", async () => {
    expect(await written("=: {x: '='}\n? =\n: 1\n")).toBe("'=': 1\n");
    for (const sign of ["=", "<<"]) {
      expect(await loadYaml(`x: ${sign}\n`)).toEqual({
        problems: [{ message: expect.stringContaining(sign), line: 1 }],
      });
    }
  });
  it("may say 200,000 values with every alias spelled out", async () => {
    const saying = (values: number): string =>
      `- &a [${"x, ".repeat(998)}]\n${"- *a\n".repeat(199)}${"- x\n".repeat(values - 199_801)}`;
    expect(await loadYaml(saying(200_000))).toHaveProperty("value");
    expect(await loadYaml(saying(200_001))).toHaveProperty("problems", [
      { message: expect.stringContaining("more than 200000 values") },
    ]);
  });
  it("of nothing are null", async () => {
    expect(await owner("")).toBe(null);
    expect(await owner("~")).toBe(null);
    expect(await owner("''")).toBe("");
  });
});

describe("texts", () => {
  const message = async (text: string): Promise<string> => (await refusal(() => parseRegistry(text))).message;

  it("are refused with the first problem, its line, and how many more there are", async () => {
    expect(await message("- x\n")).toBe("This is no namespace registry: It must be a mapping with the key namespaces.");
    expect(await message("namespaces: !x {}\n")).toBe(
      "This is no namespace registry: The tag !x is not supported; a registry needs none. (line 1)",
    );
    expect(await message("namespaces:\n  a: {owner: !x 1, description: *y}\n")).toBe(
      "This is no namespace registry: The tag !x is not supported; a registry needs none. (line 2) 1 more problem(s) were found.",
    );
  });
  it.each([
    "{type: bool}",
    "{name: '', type: bool}",
    "{name: [x], type: bool}",
    "{name: a__x}",
    "{name: a__x, type: {}}",
  ])("need name and type of a column: %s", async (column) => {
    const { details } = await refusal(() => parseRegistry(withState(`  a: {columns: [x, ${column}]}\n`)));
    expect(details["problems"]).toEqual([
      { message: "Column 1 of a must be a mapping with name and type." },
      { message: "Column 2 of a must have a name and a type." },
    ]);
  });
  it("that are no YAML say where, and more than the place", async () => {
    const { details } = await refusal(() => parseRegistry("namespaces:\n  a: {}\n  b: [}\n"));
    expect(details).toEqual({
      problems: expect.arrayContaining([{ message: expect.stringMatching(/\w.*\.$/), line: 3 }]),
    });
  });
  it("name a character that may not stand in them, and its line", async () => {
    expect(await loadYaml("\0")).toEqual({ problems: [{ message: expect.stringContaining("U+0000"), line: 1 }] });
    expect(await loadYaml("a:\n  b: \u2028\n\n")).toEqual({
      problems: [{ message: expect.stringContaining("U+2028"), line: 2 }],
    });
  });
  it("may start with a byte order mark; elsewhere it is a letter, refused where a line starts with it", async () => {
    expect(await written("\ufeffa: b\n")).toBe("a: b\n");
    expect(await written("\ufeff\ufeffa: b\ufeff\n")).toBe('"\\uFEFFa": "b\\uFEFF"\n');
    expect(await loadYaml("# x\n\ufeffa: b\n")).toEqual({
      problems: [{ message: expect.stringContaining("U+FEFF"), line: 2 }],
    });
  });
  it("have a mebibyte of UTF-8 and no more", async () => {
    for (const char of ["x", "\u00e9"]) {
      const bytes = new TextEncoder().encode(char).length;
      const text = char.repeat(1_048_576 / bytes);
      expect(await loadYaml(`#${text.slice(1)}${" ".repeat(bytes - 1)}`)).toHaveProperty("value");
      expect(await loadYaml(`# ${text}`)).toHaveProperty("problems.0.message", expect.stringContaining("larger than"));
    }
  });
  it("that were read last are known", async () => {
    const text = withState("  a: {columns: [{name: a__x, type: bool}]}\n");
    expect(await parseRegistry(text)).toBe(await parseRegistry(text));
  });
});
