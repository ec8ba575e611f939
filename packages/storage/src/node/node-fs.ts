/// <reference types="node" />
import * as fs from "node:fs";
import type { DiskFile, DiskFs } from "./fs.ts";

/*
 * The calls of `node:fs`, as promises. `node:fs/promises` is the same to look at, but loads what watches folders and reads lines: a sixth of the start
 * of node itself.
 */

type Done<T> = (error: Error | null, value: T) => void;

const called = <T>(call: (done: Done<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });

/**
 * Looking at files that the system knows takes it microseconds; to wake the threads that would wait for it takes each such call longer, and the first
 * one milliseconds. So a process looks without them until that took so long in all: about what their start would have cost. Where files are
 * far away that is soon, and then calls leave the main thread.
 */
const AT_ONCE_MS = 10;
/**
 * After so many calls that left it there is a tenth of that time again: a process that opens a thousand small files that the system knows goes on
 * without the threads for the most part, and one that opens files far away waits for one of so many.
 */
const ASIDE = 64;
/** A longer read is left to the threads, which read several at a time. */
const SHORT_READ = 128 * 1024;

type Look = <T>(now: () => T, later: (done: Done<T>) => void) => Promise<T>;

/** Answers what only looks at once, for as long as that takes `ms` milliseconds in all; then for a tenth of it after every 64 calls. */
export const nodeFsWithin = (ms: number): DiskFs => {
  let left = ms * 1e6;
  let aside = 0;
  const look: Look = async (now, later) => {
    if (left <= 0) {
      if (++aside % ASIDE === 0) left = ms * 1e5;
      return called(later);
    }
    const started = process.hrtime.bigint();
    try {
      return now();
    } finally {
      left -= Number(process.hrtime.bigint() - started);
    }
  };
  return {
    open: async (name, flags, mode) => {
      const descriptor = await look(
        () => fs.openSync(name, flags, mode),
        (done) => fs.open(name, flags, mode, done),
      );
      return fileOf(descriptor, look);
    },
    mkdir: (name, o) => called((done) => fs.mkdir(name, o, done)),
    rmdir: (name) => called<void>((done) => fs.rmdir(name, (error) => done(error))),
    readdir: (name, o) =>
      look(
        () => fs.readdirSync(name, o),
        (done) => fs.readdir(name, o, done),
      ),
    copyFile: (from, to, mode) => called<void>((done) => fs.copyFile(from, to, mode, (error) => done(error))),
    rename: (from, to) => called<void>((done) => fs.rename(from, to, (error) => done(error))),
    link: (from, to) => called<void>((done) => fs.link(from, to, (error) => done(error))),
    unlink: (name) => called<void>((done) => fs.unlink(name, (error) => done(error))),
    lstat: (name, o) =>
      look(
        () => fs.lstatSync(name, o),
        (done) => fs.lstat(name, o, done),
      ),
    stat: (name, o) =>
      look(
        () => fs.statSync(name, o),
        (done) => fs.stat(name, o, done),
      ),
    realpath: (name) =>
      look(
        () => fs.realpathSync.native(name),
        (done) => fs.realpath.native(name, done),
      ),
  };
};

export const nodeFs: DiskFs = nodeFsWithin(AT_ONCE_MS);

/** An open file by its number, which the system gives to another file once it is closed: nothing is asked of it after, and nothing is under way then. */
function fileOf(descriptor: number, look: Look): DiskFile {
  let busy = 0;
  let closed: Promise<void> | undefined;
  let idle = (): void => {};
  const ask = async <T>(syscall: string, call: () => Promise<T>): Promise<T> => {
    if (closed !== undefined) throw Object.assign(new Error("The file is closed."), { code: "EBADF", syscall });
    busy++;
    try {
      return await call();
    } finally {
      busy--;
      if (busy === 0) idle();
    }
  };
  const close = async (): Promise<void> => {
    if (busy > 0)
      await new Promise<void>((resolve) => {
        idle = resolve;
      });
    await look(
      () => fs.closeSync(descriptor),
      (done) => fs.close(descriptor, (error) => done(error ?? null)),
    );
  };
  return {
    read: async (bytes, offset, length, position) => {
      const later = (done: Done<number>): void => fs.read(descriptor, bytes, offset, length, position, done);
      const now = (): number => fs.readSync(descriptor, bytes, offset, length, position);
      return { bytesRead: await ask("read", () => (length <= SHORT_READ ? look(now, later) : called(later))) };
    },
    write: async (bytes, offset, length, position) => {
      const later = (done: Done<number>): void => fs.write(descriptor, bytes, offset, length, position, done);
      return { bytesWritten: await ask("write", () => called(later)) };
    },
    truncate: (length) =>
      ask("ftruncate", () => called<void>((done) => fs.ftruncate(descriptor, length, (error) => done(error)))),
    sync: () => ask("fsync", () => called<void>((done) => fs.fsync(descriptor, (error) => done(error)))),
    stat: (o) =>
      ask("fstat", () =>
        look(
          () => fs.fstatSync(descriptor, o),
          (done) => fs.fstat(descriptor, o, done),
        ),
      ),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
