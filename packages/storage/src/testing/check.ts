import { StorageError, type StorageErrorCode } from "../error.ts";
import type { ReadableStorage, Storage } from "../types.ts";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Fails with both values in the message unless they spell the same JSON. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${what}: expected ${e}, got ${a}`);
}

export function ok(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

/** The promise must fail with a `StorageError` of this code, a message and no undefined text in it. */
export async function fails(code: StorageErrorCode, work: Promise<unknown>, what: string): Promise<StorageError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  ok(error instanceof StorageError, `${what} throws a StorageError (got ${String(error)})`);
  equal(error.code, code, `${what}: code`);
  ok(
    error.message !== "" && !error.message.includes("undefined"),
    `${what}: a readable message (got ${error.message})`,
  );
  return error;
}

/** The text under a path, `undefined` where there is none. */
export async function read(storage: ReadableStorage, path: string): Promise<string | undefined> {
  await using handle = await storage.open(path);
  return handle && textOf(await handle.read(0, handle.meta.size));
}

export async function list(storage: ReadableStorage, prefix: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const meta of storage.list(prefix)) paths.push(meta.path);
  return paths;
}

/** The storage must have a capability the flags promise. */
export function having<K extends "extend" | "link" | "append" | "lock">(
  storage: Storage,
  name: K,
): asserts storage is Storage & Required<Pick<Storage, K>> {
  ok(storage[name] !== undefined, `the storage has the capability ${name} its flags promise`);
}
