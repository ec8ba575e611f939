import { emitYaml } from "./emit.ts";
import { USR_STATE } from "./reserved.ts";
import { findProblems } from "./rules.ts";
import type { NamespaceEntry, Registry, YamlValue } from "./types.ts";
import { yamlMapping } from "./values.ts";

/** A registry with these namespaces, in this order. What is wrong with them is looked for when somebody asks: most commands do not. */
export const registryOf = (entries: Iterable<NamespaceEntry>): Registry => {
  const namespaces = new Map([...entries].map((entry) => [entry.namespace, entry]));
  let problems: Registry["problems"] | undefined;
  return {
    namespaces,
    get problems(): Registry["problems"] {
      problems ??= findProblems(namespaces);
      return problems;
    },
  };
};

/** What a root starts with: `usr_state` alone. */
export const emptyRegistry = (): Registry => registryOf([USR_STATE]);

/**
 * The text that `registry.yaml` gets, and whose hash names the registry: what PyYAML's `safe_dump` writes, byte for byte. Equal registries
 * give equal text, whatever the order of their namespaces; the order of columns counts. ASCII only.
 */
export const canonicalRegistry = (registry: Registry): string =>
  emitYaml(
    yamlMapping([
      [
        "namespaces",
        yamlMapping(
          Array.from(registry.namespaces.values(), ({ namespace, owner, description, columns }) => [
            namespace,
            yamlMapping([
              ["owner", owner],
              ["description", description],
              ["columns", columnValues(columns)],
            ]),
          ]),
        ),
      ],
    ]),
  );

const columnValues = (columns: NamespaceEntry["columns"]): YamlValue =>
  columns.map(({ name, type }) =>
    yamlMapping([
      ["name", name],
      ["type", type],
    ]),
  );

/** Lowercase hex sha256 of the canonical text: the name of this version of the registry. */
export const registryHash = (registry: Registry): Promise<string> => {
  const known = hashes.get(registry);
  if (known !== undefined) return known;
  const hash = sha256(canonicalRegistry(registry));
  hashes.set(registry, hash);
  return hash;
};

/** Registries do not change. */
const hashes = new WeakMap<Registry, Promise<string>>();

/** Lowercase hex sha256 over the namespace and its columns in order; owner and description do not enter. */
export const contractHash = ({ namespace, columns }: NamespaceEntry): Promise<string> =>
  sha256(
    emitYaml(
      yamlMapping([
        ["namespace", namespace],
        ["columns", columnValues(columns)],
      ]),
    ),
  );

/** The part of Node's crypto this package profits from; absent in browsers. */
interface Host {
  readonly process?:
    | { readonly getBuiltinModule?: ((name: "node:crypto") => NativeCrypto | undefined) | undefined }
    | undefined;
}
interface NativeCrypto {
  readonly createHash?: (name: string) => { update(bytes: Uint8Array): { digest(encoding: "hex"): string } };
}

/** A text of so many bytes is hashed in less time than Node takes to load its crypto, which a short command needs for nothing else. */
const SHORT = 16 * 1024;

const sha256 = async (text: string): Promise<string> => {
  const bytes = new TextEncoder().encode(text);
  const host: Host = globalThis;
  // A browser has its crypto at hand.
  if (host.process !== undefined && bytes.length <= SHORT) return (await import("./sha256.ts")).sha256OfShort(bytes);
  // The crypto of the web would take Node some milliseconds more, and a turn of its threads.
  const native = host.process?.getBuiltinModule?.("node:crypto")?.createHash;
  if (native !== undefined) return native("sha256").update(bytes).digest("hex");
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
};
