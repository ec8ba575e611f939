import { type ListOptions, type ObjectMeta, type ReadableStorage, readAll, type Signal } from "@usr/storage";

/** A whole object, small by nature (registries, pins). `undefined` = no such object. */
export async function readObject(
  storage: ReadableStorage,
  path: string,
  o: Signal = {},
): Promise<{ readonly bytes: Uint8Array; readonly meta: ObjectMeta } | undefined> {
  await using handle = await storage.open(path, o);
  return handle === undefined ? undefined : { bytes: await readAll(handle, o), meta: handle.meta };
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
