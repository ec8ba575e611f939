/**
 * The namespace registry: which namespaces of columns a root knows, and of which types their columns are.
 *
 * ```ts
 * import { canonicalRegistry, emptyRegistry, parseColumnSpecs, registerNamespace, registryHash } from "@usr/registry";
 *
 * const columns = parseColumnSpecs("model", "model__score:float64,at:timestamp[us, UTC]");
 * const { registry } = registerNamespace(emptyRegistry(), { namespace: "model", columns, owner: "lab" });
 * const text = canonicalRegistry(registry); // the bytes of registry.yaml
 * const hash = await registryHash(registry); // the name of this version
 * ```
 *
 * @module
 */
export { parseColumnSpecs } from "./column-specs.ts";
export { RegistryError, type RegistryErrorCode, type RegistryErrorOptions } from "./error.ts";
export { parseRegistry } from "./parse.ts";
export { registerNamespace } from "./register.ts";
export { canonicalRegistry, contractHash, emptyRegistry, registryHash } from "./registry.ts";
export type * from "./types.ts";
