/// <reference types="node" />
import type { DiskStats } from "../fs.ts";

/** A change of a file's bytes that no flush has reached yet. */
type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number };

/** Whole numbers below `n`. */
export type Choose = (n: number) => number;

/** A file as programs see it, and as the platter has it. */
export class FileNode {
  readonly ino: number;
  bytes: Uint8Array;
  mtime: bigint;
  #stable: Uint8Array;
  #stableMtime: bigint;
  #unflushed: Change[] = [];

  constructor(ino: number, bytes: Uint8Array, mtime: bigint) {
    this.ino = ino;
    this.bytes = bytes;
    this.mtime = mtime;
    this.#stable = bytes;
    this.#stableMtime = mtime;
  }

  change(change: Change, mtime: bigint): void {
    this.bytes = applied(this.bytes, change);
    this.mtime = mtime;
    this.#unflushed.push(change);
  }

  flush(): void {
    this.#stable = this.bytes;
    this.#stableMtime = this.mtime;
    this.#unflushed = [];
  }

  /**
   * What a power cut may leave: nothing of what was not flushed, all of it, the first changes with the next one torn, any changes with holes
   * of zeros, or the new length with none of the new bytes.
   */
  afterCut(choose: Choose): FileNode {
    const changes = this.#unflushed;
    const kind = changes.length === 0 ? 0 : choose(5);
    if (kind === 0) return new FileNode(this.ino, this.#stable, this.#stableMtime);
    if (kind === 1) return new FileNode(this.ino, this.bytes, this.mtime);
    let bytes = this.#stable;
    if (kind === 2) {
      const whole = choose(changes.length);
      for (const change of changes.slice(0, whole)) bytes = applied(bytes, change);
      const torn = changes[whole];
      if (torn?.kind === "write")
        bytes = applied(bytes, { ...torn, bytes: torn.bytes.subarray(0, choose(torn.bytes.length + 1)) });
    } else {
      for (const change of changes) {
        const written = kind === 3 && choose(2) === 1;
        bytes = applied(
          bytes,
          change.kind === "truncate" || written ? change : { ...change, bytes: change.bytes.map(() => 0) },
        );
      }
    }
    return new FileNode(this.ino, bytes, this.mtime + 1n);
  }
}

/** @param links how many names a file has */
export const statsOf = (node: FileNode | FolderNode, links: () => number): DiskStats => {
  const isFile = node instanceof FileNode;
  const mtimeNs = isFile ? node.mtime : 0n;
  return {
    ino: BigInt(node.ino),
    dev: 1n,
    get nlink(): bigint {
      return BigInt(links());
    },
    size: isFile ? BigInt(node.bytes.length) : 0n,
    mtimeNs,
    mtimeMs: mtimeNs / 1_000_000n,
    isFile: () => isFile,
    isDirectory: () => !isFile,
    isSymbolicLink: () => false,
  };
};

/** A folder as programs see it; which of its entries the platter has is kept by the disk, for a rename touches two folders at once. */
export class FolderNode {
  readonly ino: number;
  readonly entries: Map<string, number>;

  constructor(ino: number, entries: ReadonlyMap<string, number> = new Map()) {
    this.ino = ino;
    this.entries = new Map(entries);
  }
}

const applied = (bytes: Uint8Array, change: Change): Uint8Array => {
  const size = change.kind === "truncate" ? change.size : Math.max(bytes.length, change.at + change.bytes.length);
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  if (change.kind === "write") result.set(change.bytes, change.at);
  return result;
};
