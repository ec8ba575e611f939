import {
  canonicalRegistry,
  contractHash,
  emptyRegistry,
  parseColumnSpecs,
  parseRegistry,
  type RegisterRequest,
  type Registry,
  registerNamespace,
  registryHash,
} from "@usr/registry";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusal, withState } from "./support.ts";

const register = (registry: Registry, namespace: string, columns: string, o: Partial<RegisterRequest> = {}) =>
  registerNamespace(registry, { namespace, columns: parseColumnSpecs(namespace, columns), ...o });

const mock = (columns = "score:float64,tag:string", o: Partial<RegisterRequest> = {}): Registry =>
  register(emptyRegistry(), "mock", columns, o).registry;

describe("registering", () => {
  it("gives the hashes of the worked examples", async () => {
    expect(await registryHash(mock("mock__score:float64", { owner: "tests", description: "test namespace" }))).toBe(
      "c1caeb10722678028d831401d1ede00cee652184bda267b0b584217ed60307bc",
    );
    expect(await registryHash(mock("mock__score:float64"))).toBe(
      "ae2ab0a2ac5f1cbe0c56296e4675caaeec8e02e5e8df4fecf68be31bef6d559c",
    );
    expect(await registryHash(mock("score:float64,vec:list<float64>,tag:string"))).toBe(
      "f26593fa7fdda965019d23d4e515b8fe29150e30d0404d82fe6a15972852c6da",
    );
    const entries = [mock("score:float64"), mock()].map((registry) => registry.namespaces.get("mock"));
    expect(await Promise.all(entries.map((entry) => entry && contractHash(entry)))).toEqual([
      "162d40a10b4ab0b397e1b7766df926146a47afdaf5f10b55bd63f4cebcfeb352",
      "87c919573fadad4f5f10db7b9a4624a82082cc08865e0d26f061f7adacfd8413",
    ]);
  });

  it("stores types in their canonical spelling", () => {
    const { registry, created, changed } = register(
      emptyRegistry(),
      "a",
      "at: timestamp[us,UTC] , s:struct< x : int64, y:list< string > >, v:fixed_size_list<float32>[ 8 ]",
    );
    expect({ created, changed }).toEqual({ created: true, changed: [] });
    expect(registry.namespaces.get("a")?.columns).toEqual([
      { name: "a__at", type: "timestamp[us, UTC]" },
      { name: "a__s", type: "struct<x:int64,y:list<string>>" },
      { name: "a__v", type: "fixed_size_list<float32>[8]" },
    ]);
    expect(registry.problems).toEqual([]);
  });

  it.each([
    ["timestamp[s]"],
    ["timestamp[s, UTC]"],
    ["list<timestamp[s]>"],
    ["struct<a:int64,>"],
    ["struct<>"],
    ["decimal"],
    ["null"],
    ["list<float64"],
    ["Int64"],
    ["fixed_size_list<int8>[0]"],
  ])("refuses the type %s", async (type) => {
    const error = await refusal(() =>
      registerNamespace(emptyRegistry(), { namespace: "a", columns: [{ name: "a__x", type }] }),
    );
    expect(error.code).toBe("BAD_TYPE");
    expect(error.details).toEqual({ column: "a__x", type });
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each([
    ["usr", "NAMESPACE_RESERVED"],
    ["usr_state", "NAMESPACE_RESERVED"],
    ["usr__x", "NAMESPACE_INVALID"],
    ["usr_state__x", "NAMESPACE_INVALID"],
    ["", "NAMESPACE_INVALID"],
    ["Mock", "NAMESPACE_INVALID"],
    ["7a", "NAMESPACE_INVALID"],
    ["_a", "NAMESPACE_INVALID"],
    ["a-b", "NAMESPACE_INVALID"],
    ["a\n", "NAMESPACE_INVALID"],
    ["__proto__", "NAMESPACE_INVALID"],
    ["mock__x", "NAMESPACE_INVALID"],
    ["mock_", "NAMESPACE_INVALID"],
    ["n".repeat(201), "NAMESPACE_INVALID"],
  ])("refuses the namespace %j", async (namespace, code) => {
    const columns = [{ name: `${namespace}__x`, type: "bool" }];
    expect((await refusal(() => registerNamespace(mock(), { namespace, columns }))).code).toBe(code);
  });

  it("takes a name of 200 characters, and none longer", () => {
    expect(register(emptyRegistry(), "n".repeat(200), "x:bool").created).toBe(true);
  });

  it("refuses a namespace that is the beginning of another", async () => {
    const { registry } = register(emptyRegistry(), "a__b", "x:bool");
    expect((await refusal(() => register(registry, "a", "y:bool"))).code).toBe("NAMESPACE_INVALID");
    expect(register(registry, "a_c", "x:bool").created).toBe(true);
  });

  it.each([
    ["mock__"],
    ["score"],
    ["other__score"],
    ["mock__ x"],
    ["mock__x "],
    ["mock__a\nb"],
    ["mock__\u2028"],
    ["mock__\ud800"],
  ])("refuses the column %j", async (name) => {
    const error = await refusal(() =>
      registerNamespace(emptyRegistry(), { namespace: "mock", columns: [{ name, type: "bool" }] }),
    );
    expect(error.code).toBe("COLUMN_INVALID");
  });

  it("refuses what could not be read again", async () => {
    const half = await refusal(() => register(emptyRegistry(), "a", "x:bool", { owner: "half \ud83d" }));
    expect([half.code, half.message]).toEqual(["REGISTRY_INVALID", expect.stringContaining("half a character")]);
    const long = await refusal(() => register(emptyRegistry(), "a", "x:bool", { description: "x".repeat(1_048_576) }));
    expect([long.code, long.message]).toEqual(["REGISTRY_INVALID", expect.stringContaining("larger than")]);
  });

  it("refuses no columns, and a column given twice", async () => {
    expect((await refusal(() => registerNamespace(emptyRegistry(), { namespace: "a", columns: [] }))).code).toBe(
      "COLUMN_INVALID",
    );
    expect((await refusal(() => register(emptyRegistry(), "a", "x:bool,a__x:bool"))).code).toBe("COLUMN_INVALID");
  });
});

describe("registering again", () => {
  it("does nothing when all is the same", () => {
    const before = mock("score:float64,tag:string", { owner: "lab", description: "d" });
    for (const o of [{}, { owner: "lab" }, { owner: "lab", description: "d", overwrite: true }]) {
      const result = register(before, "mock", "score: float64 ,tag:string", o);
      expect(result).toEqual({ registry: before, created: false, changed: [], changedColumns: [] });
      expect(result.registry).toBe(before);
    }
  });

  it("appends columns, and keeps what is not typed", () => {
    const before = mock("score:float64", { owner: "lab" });
    const { registry, ...rest } = register(before, "mock", "score:float64,tag:string");
    expect(rest).toEqual({ created: false, changed: ["columns"], changedColumns: [] });
    expect(registry).toEqual(mock("score:float64,tag:string", { owner: "lab" }));
  });

  it("changes owner and description without being forced; empty text takes them away", () => {
    const before = mock("score:float64", { owner: "lab", description: "d" });
    const { registry, changed } = register(before, "mock", "score:float64", { owner: "", description: "e" });
    expect(changed).toEqual(["owner", "description"]);
    expect(registry).toEqual(mock("score:float64", { description: "e" }));
  });

  it.each([
    ["a column gone", "score:float64", ["mock__tag"]],
    ["another type", "score:float32,tag:string", ["mock__score"]],
    ["another order", "tag:string,score:float64", ["mock__score", "mock__tag"]],
    ["a column put between", "score:float64,new:bool,tag:string", []],
    ["everything", "other:bool", ["mock__score", "mock__tag"]],
  ])("needs --overwrite for %s, and tells which columns lose their meaning", async (_name, columns, changedColumns) => {
    const before = mock("score:float64,tag:string", { owner: "lab" });
    expect((await refusal(() => register(before, "mock", columns))).code).toBe("NAMESPACE_EXISTS");
    const { registry, ...rest } = register(before, "mock", columns, { overwrite: true });
    expect(rest).toEqual({ created: false, changed: ["columns"], changedColumns });
    expect(registry).toEqual(mock(columns, { owner: "lab" }));
  });

  it("keeps a foreign spelling unless it is overwritten", async () => {
    const before = await parseRegistry(
      withState("  mock: {columns: [{name: mock__v, type: 'list< int8 >'}, {name: mock__w, type: bool}]}\n"),
    );
    expect(register(before, "mock", "v:list<int8>,w:bool").registry).toBe(before);
    const appended = register(before, "mock", "v:list<int8>,w:bool,x:bool").registry;
    expect(appended.namespaces.get("mock")?.columns[0]?.type).toBe("list< int8 >");
    const { registry, ...rest } = register(before, "mock", "v:list<int8>,w:bool", { overwrite: true });
    expect(rest).toEqual({ created: false, changed: ["columns"], changedColumns: [] });
    expect(registry.problems).toEqual([]);
    const more = register(registry, "mock", "v:list<int8>,w:bool,x:bool", { overwrite: true });
    expect(more).toMatchObject({ changed: ["columns"], changedColumns: [] });
    expect(more.registry.namespaces.get("mock")?.columns.map(({ name }) => name)).toEqual([
      "mock__v",
      "mock__w",
      "mock__x",
    ]);
  });

  it("survives writing and reading, whatever was registered in whatever order", async () => {
    const spec = fc.uniqueArray(
      fc.tuple(
        fc.constantFrom("a", "b", "c", "x y", "é", "__proto__"),
        fc.constantFrom("bool", "list<string>", "timestamp[us, UTC]"),
      ),
      {
        minLength: 1,
        selector: ([name]) => name,
      },
    );
    const one = fc.record({
      namespace: fc.constantFrom("mock", "other", "z9"),
      spec,
      owner: fc.string(),
      description: fc.string({ unit: "grapheme" }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 4 }), async (requests) => {
        const registry = requests.reduce((current, { namespace, spec, owner, description }) => {
          const columns = spec.map(([name, type]) => ({ name: `${namespace}__${name}`, type }));
          return registerNamespace(current, { namespace, columns, owner, description, overwrite: true }).registry;
        }, emptyRegistry());
        const read = await parseRegistry(canonicalRegistry(registry));
        expect(read.problems).toEqual([]);
        expect(new Map([...read.namespaces].sort())).toEqual(new Map([...registry.namespaces].sort()));
        expect(await registryHash(read)).toBe(await registryHash(registry));
      }),
      { numRuns: testRuns(200) },
    );
  });
});

describe("columns as they are typed", () => {
  it("are split at commas outside brackets", () => {
    expect(
      parseColumnSpecs(
        "ns",
        " ns__a : int64 ,b:struct<x:int8,at:timestamp[us, UTC]>,ns__c__d:timestamp[us, Europe/Berlin]",
      ),
    ).toEqual([
      { name: "ns__a", type: "int64" },
      { name: "ns__b", type: "struct<x:int8,at:timestamp[us, UTC]>" },
      { name: "ns__c__d", type: "timestamp[us, Europe/Berlin]" },
    ]);
  });

  it.each(["", "a", "a:", ":int8", "a:int8,", ",a:int8", "a:int8,,b:int8", "other__a:int8", "ns__:int8"])(
    "refuses %j",
    async (text) => {
      expect((await refusal(() => parseColumnSpecs("ns", text))).code).toBe("COLUMN_INVALID");
    },
  );
});
