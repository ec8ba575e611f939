/// <reference types="node" />
import { constants } from "node:fs";
import type { DiskFile, DiskFs, DiskStats } from "../fs.ts";
import { StableEntries } from "./entries.ts";
import { type Choose, FileNode, FolderNode, statsOf } from "./inode.ts";

export interface PowerCutOptions {
  /** The call of this number (from 1, counting those that change or flush something) and all later ones do not return: the power is gone. */
  readonly cutAt?: number | undefined;
  /** Flushes that are left out, as if the program did not make them: a test of the test. */
  readonly forget?: ((flush: { readonly of: "file" | "folder"; readonly name: string }) => boolean) | undefined;
}

/** A disk in memory that keeps what was flushed apart from what was only written. */
export interface PowerCutDisk {
  /** For `diskStorage(root, { fs })`, under any absolute root. */
  readonly fs: DiskFs;
  /** What has changed or flushed something so far, in order: `sync folder /r/demo`. */
  readonly calls: readonly string[];
  /** The same disk after the power came back: a legal state by POSIX, drawn by `choose`, all of it on the platter. */
  afterCut(choose: Choose, o?: PowerCutOptions): PowerCutDisk;
}

/** Thrown by every call once the power is gone. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
  constructor() {
    super("the power is gone");
  }
}

const ROOT = 1;

interface Content {
  readonly files: ReadonlyMap<number, FileNode>;
  readonly folders: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly clock: bigint;
}

/**
 * An empty disk. File data is kept by `sync` of the file, names by `sync` of their folder; a file's own flush keeps no name. Each call on
 * names is whole (a rename across folders too, as in every journal) and calls that were not flushed may survive in any order.
 */
export const powerCutDisk = (o: PowerCutOptions = {}): PowerCutDisk =>
  diskOf({ files: new Map(), folders: new Map([[ROOT, new Map()]]), clock: 1n }, o);

const diskOf = (content: Content, o: PowerCutOptions): PowerCutDisk => {
  const files = new Map(content.files);
  const folders = new Map([...content.folders].map(([ino, entries]) => [ino, new FolderNode(ino, entries)]));
  const stable = new StableEntries(content.folders);
  const calls: string[] = [];
  let { clock } = content;
  let lastIno = Math.max(...files.keys(), ...folders.keys());

  const happen = (call: string): void => {
    calls.push(call);
    if (o.cutAt !== undefined && calls.length >= o.cutAt) throw new PowerCut();
  };
  const tick = (): bigint => (clock += 1_000_000n);

  const nodeOf = (ino: number): FileNode | FolderNode | undefined => files.get(ino) ?? folders.get(ino);

  const find = (name: string): FileNode | FolderNode | undefined => {
    let at: FileNode | FolderNode | undefined = folders.get(ROOT);
    for (const segment of segmentsOf(name)) {
      if (at instanceof FileNode) throw errno("ENOTDIR", name);
      const ino: number | undefined = at?.entries.get(segment);
      at = ino === undefined ? undefined : nodeOf(ino);
      if (at === undefined) return undefined;
    }
    return at;
  };
  const need = (name: string): FileNode | FolderNode => {
    const node = find(name);
    if (node === undefined) throw errno("ENOENT", name);
    return node;
  };
  const folderOf = (name: string): { readonly folder: FolderNode; readonly last: string } => {
    const segments = segmentsOf(name);
    const folder = need(`/${segments.slice(0, -1).join("/")}`);
    if (folder instanceof FileNode) throw errno("ENOTDIR", name);
    return { folder, last: segments.at(-1)! };
  };

  const stats = (node: FileNode | FolderNode): DiskStats =>
    statsOf(node, () => {
      let names = 0;
      for (const { entries } of folders.values()) for (const ino of entries.values()) if (ino === node.ino) names++;
      return names;
    });

  /** Names change for programs at once, on the platter some time. */
  const set = (...sets: readonly (readonly [folder: FolderNode, name: string, ino: number | undefined])[]): void => {
    for (const [folder, name, ino] of sets) {
      if (ino === undefined) folder.entries.delete(name);
      else folder.entries.set(name, ino);
    }
    stable.add({ sets: sets.map(([folder, name, ino]) => ({ folder: folder.ino, name, ino })) });
  };

  const handleOf = (node: FileNode | FolderNode, name: string, append: boolean): DiskFile => {
    const file = (): FileNode => {
      if (node instanceof FolderNode) throw errno("EISDIR", name);
      return node;
    };
    return {
      read: async (bytes, offset, length, position) => {
        const part = file().bytes.subarray(position, position + length);
        bytes.set(part, offset);
        return { bytesRead: part.length };
      },
      write: async (bytes, offset, length, position) => {
        happen(`write ${name}`);
        const at = append || position === null ? file().bytes.length : position;
        file().change({ kind: "write", at, bytes: bytes.slice(offset, offset + length) }, tick());
        return { bytesWritten: length };
      },
      truncate: async (size) => {
        happen(`truncate ${name}`);
        file().change({ kind: "truncate", size }, tick());
      },
      sync: async () => {
        const of = node instanceof FolderNode ? "folder" : "file";
        happen(`sync ${of} ${name}`);
        if (o.forget?.({ of, name }) === true) return;
        if (node instanceof FolderNode) stable.flush(node.ino);
        else node.flush();
      },
      stat: async () => stats(node),
      close: async () => undefined,
    };
  };

  const makeFile = (name: string): FileNode => {
    happen(`create ${name}`);
    const { folder, last } = folderOf(name);
    const node = new FileNode(++lastIno, new Uint8Array(0), tick());
    files.set(node.ino, node);
    set([folder, last, node.ino]);
    return node;
  };

  const fs: DiskFs = {
    open: async (name, flags) => {
      const bits = flags === "wx" ? constants.O_CREAT | constants.O_EXCL : Number(flags);
      const node = find(name);
      if (node !== undefined && (bits & constants.O_EXCL) !== 0) throw errno("EEXIST", name);
      if (node === undefined && (bits & constants.O_CREAT) === 0) throw errno("ENOENT", name);
      if (node instanceof FileNode && (bits & constants.O_DIRECTORY) !== 0) throw errno("ENOTDIR", name);
      return handleOf(node ?? makeFile(name), name, (bits & constants.O_APPEND) !== 0);
    },
    mkdir: async (name) => {
      let first: string | undefined;
      const segments = segmentsOf(name);
      for (let n = 1; n <= segments.length; n++) {
        const at = `/${segments.slice(0, n).join("/")}`;
        const node = find(at);
        if (node instanceof FileNode) throw errno(n === segments.length ? "EEXIST" : "ENOTDIR", at);
        if (node !== undefined) continue;
        happen(`mkdir ${at}`);
        const { folder, last } = folderOf(at);
        const made = new FolderNode(++lastIno);
        folders.set(made.ino, made);
        set([folder, last, made.ino]);
        first ??= at;
      }
      return first;
    },
    rmdir: async (name) => {
      happen(`rmdir ${name}`);
      const node = need(name);
      if (node instanceof FileNode) throw errno("ENOTDIR", name);
      if (node.entries.size > 0) throw errno("ENOTEMPTY", name);
      const { folder, last } = folderOf(name);
      set([folder, last, undefined]);
    },
    readdir: async (name) => {
      const node = need(name);
      if (node instanceof FileNode) throw errno("ENOTDIR", name);
      return [...node.entries].map(([entry, ino]) => ({
        name: entry,
        isDirectory: () => folders.has(ino),
        isSymbolicLink: () => false,
      }));
    },
    copyFile: async (from, to) => {
      const source = need(from);
      if (source instanceof FolderNode) throw errno("EISDIR", from);
      if (find(to) !== undefined) throw errno("EEXIST", to);
      const node = makeFile(to);
      happen(`copy ${from} ${to}`);
      node.change({ kind: "write", at: 0, bytes: source.bytes }, tick());
    },
    rename: async (from, to) => {
      happen(`rename ${from} ${to}`);
      const node = need(from);
      const replaced = find(to);
      if (replaced === node) return;
      if (replaced instanceof FolderNode) throw errno("EISDIR", to);
      const old = folderOf(from);
      const target = folderOf(to);
      set([old.folder, old.last, undefined], [target.folder, target.last, node.ino]);
    },
    link: async (from, to) => {
      happen(`link ${from} ${to}`);
      const node = need(from);
      if (find(to) !== undefined) throw errno("EEXIST", to);
      const { folder, last } = folderOf(to);
      set([folder, last, node.ino]);
    },
    unlink: async (name) => {
      happen(`unlink ${name}`);
      if (need(name) instanceof FolderNode) throw errno("EISDIR", name);
      const { folder, last } = folderOf(name);
      set([folder, last, undefined]);
    },
    lstat: async (name) => stats(need(name)),
    stat: async (name) => stats(need(name)),
    realpath: async (name) => {
      need(name);
      return `/${segmentsOf(name).join("/")}`;
    },
  };

  return {
    fs,
    calls,
    afterCut(choose, options = {}) {
      const left = stable.afterCut(choose);
      const whole = new Map([...folders.keys()].map((ino) => [ino, left.get(ino) ?? new Map<string, number>()]));
      const bytes = new Map([...files].map(([ino, file]) => [ino, file.afterCut(choose)]));
      return diskOf({ files: bytes, folders: whole, clock: clock + 1n }, options);
    },
  };
};

const segmentsOf = (name: string): readonly string[] => name.split("/").filter((segment) => segment !== "");

const errno = (code: string, name: string): Error =>
  Object.assign(new Error(`${code}: ${name}`), { code, syscall: "power-cut", path: name });
