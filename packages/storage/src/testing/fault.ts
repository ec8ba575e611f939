import { StorageError, type StorageErrorCode } from "../error.ts";
import type { Durability, ObjectMeta, Placement, Prefix, PutMode, ReadHandle, Signal, Storage } from "../types.ts";

export interface FaultPlan {
  /** Which call fails, counted from 1 over everything `calls` names. Absent: none, the calls are only counted. */
  readonly failAt?: number | undefined;
  /**
   * `error-once`: this call rejects with a `StorageError`; `error-forever`: this one and all after it. `die`: the process is dead from here on:
   * this call and every later one rejects with a {@link DeadError}, and the locks it held are free. Default: `error-once`.
   */
  readonly kind?: "error-once" | "error-forever" | "die" | undefined;
  /** Code of the error. Default: `IO`. */
  readonly code?: StorageErrorCode | undefined;
  /** Whether the call that fails has had its effect. Default: `before`. */
  readonly on?: "before" | "after" | undefined;
  /** Of an `append`: half of the bytes have reached the object, and stay there (`on` is not asked then). */
  readonly shortWrite?: boolean | undefined;
}

export interface FaultyStorage {
  readonly storage: Storage;
  /** Every call so far, in order, as `verb path`: what `failAt` counts. A put or extend counts once for itself and once for each chunk it pulls. */
  readonly calls: readonly string[];
}

/** What a storage answers after its process died. Code under test must not handle it: a dead process handles nothing. */
export class DeadError extends Error {
  override readonly name: string = "DeadError";
  readonly call: string;

  constructor(call: string) {
    super(`The process died at or before ${call}.`);
    this.call = call;
  }
}

/**
 * The storage, failing where the plan says. To try every point of a procedure: run it once without `failAt`, then once for each of
 * `calls.length`, `on` before and after. The inner storage stays usable and shows what a survivor would find. Disposing of a dead process's
 * locks and handles does nothing.
 */
export function faultStorage(inner: Storage, plan: FaultPlan = {}): FaultyStorage {
  const calls: string[] = [];
  const held = new Set<AsyncDisposable>();
  let dead = false;
  let failed = false;

  const failure = (call: string): Error =>
    dead
      ? new DeadError(call)
      : new StorageError(plan.code ?? "IO", `Planned failure of ${call}.`, { details: { call } });

  const die = async (): Promise<void> => {
    dead = true;
    for (const resource of held) await resource[Symbol.asyncDispose]();
    held.clear();
  };

  const step = async <T>(call: string, effect: () => Promise<T>, partial?: () => Promise<unknown>): Promise<T> => {
    if (dead) throw failure(call);
    const number = calls.push(call);
    const at = plan.failAt ?? Number.POSITIVE_INFINITY;
    if (number !== at && !(failed && plan.kind === "error-forever")) {
      const result = await effect();
      // The process died elsewhere meanwhile: the effect stands, the answer reaches nobody.
      if (dead) throw failure(call);
      return result;
    }
    if (number === at && plan.shortWrite && partial) await partial();
    else if (number === at && plan.on === "after") await effect();
    failed = true;
    if (plan.kind === "die") await die();
    throw failure(call);
  };

  /** A lock or handle lives until it is released or the process dies; where the call itself fails, nobody has it. */
  const acquire = async <T extends AsyncDisposable>(
    call: string,
    effect: () => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    let resource: T | undefined;
    try {
      await step(call, async () => {
        resource = await effect();
      });
    } catch (error) {
      await resource?.[Symbol.asyncDispose]();
      throw error;
    }
    if (resource !== undefined) held.add(resource);
    return resource;
  };

  async function* pulled(path: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      await step(`chunk ${path}`, async () => undefined);
      yield chunk;
    }
  }

  async function* listed(
    call: string,
    list: () => AsyncIterable<ObjectMeta>,
  ): AsyncGenerator<ObjectMeta, void, undefined> {
    await step(call, async () => undefined);
    for await (const meta of list()) {
      if (dead) throw failure(call);
      yield meta;
    }
  }

  const { digest, extend, link, append, lock, debris, prune } = inner;
  const storage: Storage = {
    async open(path: string, o?: Signal): Promise<ReadHandle | undefined> {
      const handle = await acquire(`open ${path}`, () => inner.open(path, o));
      if (handle === undefined) return undefined;
      return {
        meta: handle.meta,
        read: (offset, length, r) => step(`read ${path}`, () => handle.read(offset, length, r)),
        async [Symbol.asyncDispose](): Promise<void> {
          if (held.delete(handle)) await handle[Symbol.asyncDispose]();
        },
      };
    },
    list: (prefix, o) => listed(`list ${prefix}`, () => inner.list(prefix, o)),
    put: (path, body, o: (Signal & { readonly mode?: PutMode | undefined }) | undefined) =>
      step(`put ${path}`, () => inner.put(path, body instanceof Uint8Array ? body : pulled(path, body), o)),
    delete: (path, o) => step(`delete ${path}`, () => inner.delete(path, o)),
    rename: (from, to) => step(`rename ${from} ${to}`, () => inner.rename(from, to)),
    ...(digest && {
      digest: (path: string, o?: Signal) => step(`digest ${path}`, () => digest.call(inner, path, o)),
    }),
    ...(extend && {
      extend: (path: string, from: Prefix, body: Uint8Array | AsyncIterable<Uint8Array>, o?: Signal & Placement) =>
        step(`extend ${path}`, () =>
          extend.call(inner, path, from, body instanceof Uint8Array ? body : pulled(path, body), o),
        ),
    }),
    ...(link && { link: (from: string, to: string) => step(`link ${from} ${to}`, () => link.call(inner, from, to)) }),
    ...(append && {
      append: (path: string, body: Uint8Array, o?: Durability) =>
        step(
          `append ${path}`,
          () => append.call(inner, path, body, o),
          () => append.call(inner, path, body.subarray(0, body.length >> 1)),
        ),
    }),
    ...(lock && {
      async lock(path: string, o?: Signal & { readonly timeoutMs?: number | undefined }): Promise<AsyncDisposable> {
        const resource = await acquire(`lock ${path}`, () => lock.call(inner, path, o));
        return {
          async [Symbol.asyncDispose](): Promise<void> {
            if (resource === undefined || !held.delete(resource)) return;
            // Free even where the call fails: a lock that cannot be closed ends with its process all the same.
            await resource[Symbol.asyncDispose]();
            await step(`unlock ${path}`, async () => undefined);
          },
        };
      },
    }),
    ...(prune && { prune: (folder: string) => step(`prune ${folder}`, () => prune.call(inner, folder)) }),
    ...(debris && {
      debris: (prefix: string, o?: Signal) => listed(`debris ${prefix}`, () => debris.call(inner, prefix, o)),
    }),
  };
  return { storage, calls };
}
