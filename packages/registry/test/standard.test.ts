import {
  canonicalRegistry,
  contractHash,
  emptyRegistry,
  type Registry,
  registerNamespace,
  registryHash,
} from "@usr/registry";
import { STANDARD, standardRequest } from "@usr/registry/standard";
import { parseType } from "@usr/schema";
import { countComparisons, oracle } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { DUMP, encodeEntries } from "./python.ts";

const NAMES = STANDARD.map(({ namespace }) => namespace);

const withAll = (registry: Registry): Registry =>
  NAMES.reduce((all, name) => registerNamespace(all, standardRequest(all, name)).registry, registry);

describe("standard namespaces", () => {
  it("are these, with the contracts that other programs know them by", async () => {
    const contracts: Record<string, string> = {};
    for (const entry of STANDARD) {
      for (const { type } of entry.columns) parseType(type);
      contracts[entry.namespace] = await contractHash(entry);
    }
    expect(contracts).toMatchInlineSnapshot(`
      {
        "derived": "73b02998763ce67d5876a4204bf49f12973efd4c93c1e5bc1ee28b9b71a3aeea",
        "seq_annot": "6d7f11cfdc204424fbd40c5ad8d9424b2ce1e955feab1d5ec9b2310920e5aec2",
        "usr_label": "1aaf2de7e9de00ab5befe4ef8b5fb0165673efef1e7adf3b187fc0ccfbdd92f1",
      }
    `);
    expect(await registryHash(withAll(emptyRegistry()))).toMatchInlineSnapshot(
      `"863b6d9e6061f190c3d36e6ee6719a51d60a8ba0417c3ede2c9614ab2f94d208"`,
    );
  });

  it("register as they are, and again change nothing", () => {
    const once = withAll(emptyRegistry());
    for (const entry of STANDARD) expect(once.namespaces.get(entry.namespace)).toEqual(entry);
    expect(withAll(once)).toBe(once);
  });

  it("keep what stands beside them: order, further columns, owner; missing columns come last", () => {
    const [label] = STANDARD;
    const columns = [label!.columns[1]!, { name: "usr_label__mine", type: "int64" }];
    const before = registerNamespace(emptyRegistry(), { namespace: "usr_label", columns, owner: "lab" }).registry;
    expect(standardRequest(before, "usr_label")).toMatchObject({ owner: undefined, description: label!.description });
    const described = registerNamespace(before, { namespace: "usr_label", columns, owner: "", description: "mine" });
    expect(standardRequest(described.registry, "usr_label")).toMatchObject({ owner: "usr", description: undefined });
    const { registry, changed } = registerNamespace(before, standardRequest(before, "usr_label"));
    expect(changed).toEqual(["columns", "description"]);
    expect(registry.namespaces.get("usr_label")).toMatchObject({
      owner: "lab",
      description: label!.description,
      columns: [...columns, label!.columns[0]],
    });
  });

  it("refuse another type, and a name that is none", () => {
    const columns = [{ name: "usr_label__primary", type: "int64" }];
    const taken = registerNamespace(emptyRegistry(), { namespace: "usr_label", columns }).registry;
    const other = { name: "usr_label__primary", registered: "int64", standard: "string" };
    expect(() => standardRequest(taken, "usr_label")).toThrow(
      expect.objectContaining({ code: "NAMESPACE_EXISTS", details: { namespace: "usr_label", columns: [other] } }),
    );
    expect(() => standardRequest(taken, "toString")).toThrow(
      expect.objectContaining({
        code: "NAMESPACE_NOT_REGISTERED",
        details: { namespace: "toString", standard: ["usr_label", "seq_annot", "derived"] },
      }),
    );
  });

  const python = oracle();
  it.skipIf(python === undefined)("are written as PyYAML writes them", async () => {
    const registry = withAll(emptyRegistry());
    const entries = [...registry.namespaces.values()];
    const dumped: unknown = await python?.python(DUMP, encodeEntries(entries));
    const contracts = Object.fromEntries(
      await Promise.all(entries.map(async (entry) => [entry.namespace, await contractHash(entry)])),
    );
    expect(dumped).toEqual({ text: canonicalRegistry(registry), hash: await registryHash(registry), contracts });
    countComparisons("registry-standard", entries.length);
  });
});
