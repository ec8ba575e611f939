/** The part of Node's crypto this package profits from; absent in browsers. */
interface NativeHash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: "hex"): string;
}
interface NativeCrypto {
  readonly createHash?: (name: string) => NativeHash;
}
interface Host {
  readonly process?: { readonly getBuiltinModule?: ((name: string) => unknown) | undefined } | undefined;
}

const nativeCrypto = (): NativeCrypto | undefined => {
  const host: Host = globalThis;
  const found = host.process?.getBuiltinModule?.("node:crypto");
  return typeof found === "object" && found !== null ? found : undefined;
};

/** Lowercase hex sha256 of a stream. Memory: one chunk where the runtime hashes streams, the whole where it does not. */
export const sha256Hex = async (bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> => {
  const native = nativeCrypto()?.createHash?.("sha256");
  if (native !== undefined) {
    for await (const chunk of bytes) native.update(chunk);
    return native.digest("hex");
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of bytes) chunks.push(chunk.slice());
  const hash = await crypto.subtle.digest("SHA-256", await new Blob(chunks).arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
};
