import { RegistryError } from "@usr/registry";
import {
  type ListOptions,
  type ObjectMeta,
  type ReadableStorage,
  type ReadHandle,
  readAll,
  type Signal,
} from "@usr/storage";

/** No registry is larger; what is must not be taken into memory to find out that it is none. */
const LARGEST_REGISTRY = 16 * 2 ** 20;

/** A whole registry file. `undefined` = no such object. Throws RegistryError `REGISTRY_INVALID` where it is larger than 16 MiB. */
export async function readRegistryFile(
  storage: ReadableStorage,
  path: string,
  o: Signal = {},
): Promise<{ readonly bytes: Uint8Array; readonly meta: ObjectMeta } | undefined> {
  await using handle = await storage.open(path, o);
  if (handle === undefined) return undefined;
  const { size } = handle.meta;
  if (size > LARGEST_REGISTRY) {
    throw new RegistryError("REGISTRY_INVALID", `${path} is no registry: it is ${size} bytes long`, {
      hint: "Put the right file back.",
      details: { path, size, limit: LARGEST_REGISTRY },
    });
  }
  return { bytes: await readAll(handle, o), meta: handle.meta };
}

/** A whole object as text. `undefined` = no such object. */
export async function readText(storage: ReadableStorage, path: string): Promise<string | undefined> {
  await using handle = await storage.open(path);
  return handle && new TextDecoder().decode(await readAll(handle));
}

const CHUNK = 1 << 20;

/** The bytes of an object from `start` to `end`, a MiB at a time. */
export async function* bytesOf(
  handle: ReadHandle,
  { start = 0, end = handle.meta.size, signal }: Signal & { readonly start?: number; readonly end?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = start; at < end; at += CHUNK) yield await handle.read(at, Math.min(CHUNK, end - at), { signal });
}

/** A listing as an array. */
export async function listAll(storage: ReadableStorage, prefix: string, o: ListOptions = {}): Promise<ObjectMeta[]> {
  const found: ObjectMeta[] = [];
  for await (const meta of storage.list(prefix, o)) found.push(meta);
  return found;
}

/** `items` through `map`, in order, at most `width` of them at work at a time. The first failure ends it, after those at work have ended. */
export async function mapBounded<T, R>(items: readonly T[], width: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const at = next++;
      try {
        results[at] = await map(items[at]!);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
  return results;
}
